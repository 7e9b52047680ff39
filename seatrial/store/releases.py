"""Releases in a database: what decided which answers, for ever."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import select

from seatrial.ports import ReleaseRow
from seatrial.store.database import Database, insert_into
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
            connection.execute(insert_into(connection, release).on_conflict_do_nothing(), values)

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
