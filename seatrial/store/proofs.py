"""Certificates in a database, where each segment stands on the ladder, and how it came there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import select

from seatrial.store.database import Database, insert_into
from seatrial.store.tables import moved as _moved
from seatrial.store.tables import proof as _proof
from seatrial.store.tables import standing as _standing
from seatrial.values.oversight import Moved, Proof, Standing

MAX_LIMIT: Final = 1_000


class SqlProofs:
    """`Proofs` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, proof: Proof) -> None:
        """Keep a proof; one that is there already stays as it is."""
        row = msgspec.structs.asdict(proof)
        with self._database.writing(sync=True) as connection:
            connection.execute(insert_into(connection, _proof).on_conflict_do_nothing(), row)

    def all(self, *, feature: str, release: str = "", limit: int = 100) -> list[Proof]:
        """Return proofs, newest first."""
        rows = (
            select(_proof)
            .where(_proof.c.feature == feature)
            .order_by(_proof.c.made_at.desc(), _proof.c.id.desc())
            .limit(max(0, min(limit, MAX_LIMIT)))
        )
        if release:
            rows = rows.where(_proof.c.release == release)
        with self._database.reading() as connection:
            return [Proof(*row) for row in connection.execute(rows)]

    def stand(self, standing: Standing, moves: Sequence[Moved] = ()) -> bool:
        """Keep where a segment stands, and its moves; False when newer evidence is in there."""
        row = msgspec.structs.asdict(standing)
        with self._database.writing(sync=True) as connection:
            statement = insert_into(connection, _standing)
            place = ("feature", "release", "segment")
            kept = statement.on_conflict_do_update(
                index_elements=place,
                set_={name: statement.excluded[name] for name in row if name not in place},
                where=_standing.c.sequence <= statement.excluded.sequence,
            )
            if connection.execute(kept, row).rowcount == 0:
                return False
            if moves:
                rows = [msgspec.structs.asdict(each) for each in moves]
                connection.execute(insert_into(connection, _moved).on_conflict_do_nothing(), rows)
            return True

    def standings(self, *, feature: str = "") -> list[Standing]:
        """Return where every segment stands."""
        rows = select(_standing).order_by(*_standing.primary_key)
        if feature:
            rows = rows.where(_standing.c.feature == feature)
        with self._database.reading() as connection:
            return [Standing(*row) for row in connection.execute(rows)]

    def moves(self, *, feature: str, limit: int = 100) -> list[Moved]:
        """Return moves, newest first."""
        rows = (
            select(_moved)
            .where(_moved.c.feature == feature)
            .order_by(_moved.c.at.desc(), _moved.c.id.desc())
            .limit(max(0, min(limit, MAX_LIMIT)))
        )
        with self._database.reading() as connection:
            return [Moved(*row) for row in connection.execute(rows)]
