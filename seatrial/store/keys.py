"""API keys in a database: their digests, never the keys."""

from __future__ import annotations

import msgspec
from sqlalchemy import insert, select, update

from seatrial.ports import Key
from seatrial.store.database import Database
from seatrial.store.tables import api_key


class SqlKeys:
    """`Keys` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: Key) -> None:
        """Add a key; synced to disk."""
        row = msgspec.structs.asdict(key) | {"features": msgspec.json.encode(key.features).decode()}
        with self._database.writing(sync=True) as connection:
            connection.execute(insert(api_key).values(row))

    def all(self) -> list[Key]:
        """Return every key, revoked ones too, in the order they were made."""
        rows = select(api_key).order_by(api_key.c.created_at, api_key.c.id)
        with self._database.reading() as connection:
            return [
                Key(
                    row.id,
                    row.digest,
                    row.name,
                    row.tenant,
                    msgspec.json.decode(row.features, type=tuple[str, ...]),
                    row.created_at,
                    row.revoked_at,
                )
                for row in connection.execute(rows)
            ]

    def revoke(self, id: str, *, at: float) -> bool:
        """Revoke; return whether there was such a key in force."""
        revoked = (
            update(api_key)
            .where(api_key.c.id == id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        with self._database.writing(sync=True) as connection:
            return connection.execute(revoked).rowcount == 1
