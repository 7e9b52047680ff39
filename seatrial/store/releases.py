"""Releases in a database: what decided which answers, for ever."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Insert, select

from seatrial.ports import ReleaseRow
from seatrial.store.database import Database
from seatrial.store.tables import release


class SqlReleases:
    """`Releases` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, rows: Iterable[ReleaseRow]) -> None:
        """Add those not there yet, by id; synced to disk."""
        values = [msgspec.structs.asdict(row) for row in rows]
        if not values:
            return
        with self._database.writing(sync=True) as connection:
            connection.execute(_insert_new(connection.dialect.name), values)

    def all(self, *, feature: str = "") -> list[ReleaseRow]:
        """Return releases, newest first."""
        rows = select(release).order_by(release.c.first_seen.desc(), release.c.id)
        if feature:
            rows = rows.where(release.c.feature == feature)
        with self._database.reading() as connection:
            return [
                ReleaseRow(row.id, row.feature, row.content, row.commit, row.dirty, row.first_seen)
                for row in connection.execute(rows)
            ]


def _insert_new(dialect: str) -> Insert:
    """Return an insert that leaves alone what is there.

    One clause, which SQLAlchemy knows under each dialect's own insert; the other dialect is not
    loaded, for it costs a server's start a tenth of its time.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(release).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(release).on_conflict_do_nothing()
