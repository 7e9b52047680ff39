"""Claims on idempotency keys, and what came of them, in a database."""

from __future__ import annotations

import zlib
from typing import Final

from sqlalchemy import Connection, delete, select, text, update

from seatrial.ports import Claim
from seatrial.store.database import Database
from seatrial.store.tables import idempotency as table

PACK_BYTES: Final = 16 << 10  # results from here on are deflated
_PLAIN: Final = b"\0"
_DEFLATED: Final = b"\1"

_INSERT: Final = text(
    "INSERT INTO idempotency (id, fingerprint, holder, at, held_until) "
    "VALUES (:id, :fingerprint, :holder, :at, :held_until) ON CONFLICT (id) DO NOTHING"
)


class SqlIdempotency:
    """`Idempotency` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, place: str, *, fingerprint: str, holder: str, now: float, lease_s: float
    ) -> Claim | None:
        """Take a key for `holder`; return None when that was done, else what stands there."""
        row = {
            "id": place,
            "fingerprint": fingerprint,
            "holder": holder,
            "at": now,
            "held_until": now + lease_s,
        }
        with self._database.writing(sync=False) as connection:
            if connection.execute(_INSERT, row).rowcount == 1:
                return None
            standing = _read(connection, place)
            if standing is None or standing.holder == holder:
                return None  # on PostgreSQL it may be deleted in between: it was long over
            if standing.result is not None or standing.held_until > now:
                return standing
            # The holder died, or was too late.  Only one of those who see that takes over.
            taken = (
                update(table)
                .where(table.c.id == place, table.c.holder == standing.holder)
                .where(table.c.result.is_(None))
                .values({name: row[name] for name in row if name != "id"})
            )
            if connection.execute(taken).rowcount == 1:
                return None
            return _read(connection, place)

    def finish(self, place: str, *, holder: str, result: bytes, now: float) -> bool:
        """Keep what came of it; return whether `holder` still had the key."""
        kept = _DEFLATED + zlib.compress(result, 1) if len(result) > PACK_BYTES else _PLAIN + result
        finished = (
            update(table)
            .where(table.c.id == place, table.c.holder == holder)
            .values(result=kept, at=now)
        )
        with self._database.writing(sync=False) as connection:
            return connection.execute(finished).rowcount == 1

    def release(self, place: str, *, holder: str) -> None:
        """Give a key back, as if nobody had asked."""
        mine = delete(table).where(
            table.c.id == place, table.c.holder == holder, table.c.result.is_(None)
        )
        with self._database.writing(sync=False) as connection:
            connection.execute(mine)

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        """Forget up to `limit` of the oldest keys, asked or answered before `cutoff`."""
        oldest = select(table.c.id).where(table.c.at < cutoff).order_by(table.c.at).limit(limit)
        with self._database.writing(sync=False) as connection:
            return connection.execute(
                delete(table).where(table.c.id.in_(oldest.scalar_subquery()))
            ).rowcount


def _read(connection: Connection, place: str) -> Claim | None:
    found = connection.execute(select(table).where(table.c.id == place)).one_or_none()
    if found is None:
        return None
    result: bytes | None = found.result
    if result is not None:
        result = zlib.decompress(result[1:]) if result[:1] == _DEFLATED else result[1:]
    return Claim(found.fingerprint, found.holder, found.held_until, result)
