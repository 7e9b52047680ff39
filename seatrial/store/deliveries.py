"""News for other systems in a database, until it has arrived or nobody tries any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, literal_column, select, update

from seatrial.store.database import Database, insert_into
from seatrial.store.tables import delivery as table
from seatrial.values.deliveries import Delivery

MAX_LIMIT: Final = 1_000

# Literal, so that the partial index is seen to apply.
_IS_DUE: Final = table.c.state == literal_column("'due'")


class SqlDeliveries:
    """`Deliveries` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Sequence[Delivery]) -> None:
        """Keep news, synced to disk; what is there already stays as it is."""
        with self._database.writing(sync=True) as connection:
            keep_deliveries(connection, batch)

    def due(self, *, now: float, limit: int = 100) -> list[Delivery]:
        """Return what is to be tried, longest due first, and per receiver in its order."""
        rows = (
            select(table)
            .where(_IS_DUE, table.c.next_at <= now)
            .order_by(table.c.next_at, table.c.created_at, table.c.id)
            .limit(max(0, min(limit, MAX_LIMIT)))
        )
        with self._database.reading() as connection:
            found = [_delivery(row) for row in connection.execute(rows)]
        return _in_order(found)

    def tried(self, delivery: Delivery) -> None:
        """Keep what came of a try; one that has arrived or is dead stays so."""
        tried = (
            update(table)
            .where(table.c.id == delivery.id, _IS_DUE)
            .values(
                next_at=delivery.next_at,
                tries=delivery.tries,
                state=delivery.state,
                last=_plain(delivery.last),
            )
        )
        with self._database.writing(sync=False) as connection:
            connection.execute(tried)

    def all(self, *, state: str = "", limit: int = 100) -> list[Delivery]:
        """Return news, newest first."""
        rows = (
            select(table)
            .order_by(table.c.created_at.desc(), table.c.id.desc())
            .limit(max(0, min(limit, MAX_LIMIT)))
        )
        if state:
            rows = rows.where(table.c.state == state)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(rows)]


def keep_deliveries(connection: Connection, batch: Sequence[Delivery]) -> None:
    """Keep news in somebody's transaction; what is there already stays as it is."""
    # In one order: two that keep the same news must not wait for each other.
    rows = [
        msgspec.structs.asdict(each) | {"last": _plain(each.last)}
        for each in sorted(batch, key=lambda each: each.id)
    ]
    if rows:
        connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)


def _in_order(found: Sequence[Delivery]) -> list[Delivery]:
    """Give each receiver its news in the order of making, at the places that it has."""
    ordered: dict[str, Iterator[Delivery]] = {
        to: iter(
            sorted(
                (each for each in found if each.to == to),
                key=lambda each: (each.created_at, each.id),
            )
        )
        for to in {each.to for each in found}
    }
    return [next(ordered[each.to]) for each in found]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.id,
        row.to,
        row.event,
        row.body,
        row.created_at,
        row.next_at,
        row.tries,
        row.state,
        row.last,
    )


def _plain(words: str) -> str:
    """Drop zero bytes, which PostgreSQL's text cannot hold."""
    return words.replace("\0", "")
