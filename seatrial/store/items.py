"""The rows of items for people: made out of records, read back, and forgotten with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)

from seatrial.store.tables import review, review_seat
from seatrial.values.records import Record
from seatrial.values.reviews import Review, ReviewAsk, Ruling, Seat

LABEL_CHARS: Final = 256  # of an indexed column, as in records

# Literal, so that partial indexes are seen to apply.
IS_OPEN: Final[ColumnElement[bool]] = review.c.state == literal_column("'open'")
IS_SETTLED: Final[ColumnElement[bool]] = review.c.state == literal_column("'settled'")

_ASKS: Final = msgspec.msgpack.Decoder(ReviewAsk)
_RULINGS: Final = msgspec.msgpack.Decoder(Ruling)
_NOTES: Final = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...])

_INSERT: Final = text(
    "INSERT INTO review (id, tenant, feature, release, queue, why, patient, due_at, created_at,"
    " state, settled_at, confidence, escalations, ask, notes, free_at) VALUES (:id, :tenant,"
    " :feature, :release, :queue, :why, :patient, :due_at, :created_at, 'open', 0.0, :confidence,"
    " 0, :ask, :notes, 0.0) ON CONFLICT DO NOTHING"
)
_INSERT_SEAT: Final = text(
    "INSERT INTO review_seat (review, number, holder, until, author, final_at)"
    " VALUES (:review, :number, '', 0.0, '', 0.0) ON CONFLICT DO NOTHING"
)


def ask_people(connection: Connection, records: Iterable[Record]) -> None:
    """Make the items that new records ask for, in the transaction that adds the records."""
    asked = [(record, record.review) for record in records if record.review is not None]
    if not asked:
        return
    connection.execute(_INSERT, [_row(record, ask) for record, ask in asked])
    connection.execute(
        _INSERT_SEAT, [row for record, ask in asked for row in _free_seats(record.id, ask)]
    )


def read(
    connection: Connection, wanted: Select[tuple[str]], *order: ColumnElement[Any]
) -> list[Review]:
    """Return the items with these ids, in that order; one statement, so that each is of one time.

    Args:
        connection: to read by.
        wanted: selects ids.
        order: of the result, by columns of `review`.
    """
    ids = wanted.subquery()
    rows = (
        select(review, review_seat)
        .join(ids, ids.c.id == review.c.id)
        .join(review_seat, review_seat.c.review == review.c.id)
        .order_by(*order, review.c.id, review_seat.c.number)
    )
    found = groupby(connection.execute(rows), lambda row: row.id)
    return [_review(list(group)) for _, group in found]


def lock(connection: Connection, id: str, *conditions: ColumnElement[bool]) -> bool:
    """Have an open item for ourselves until the transaction ends; return whether it is open.

    Whoever changes an item or a seat of it does this first: what is read afterwards stays so.
    """
    open_one = select(review.c.id).where(review.c.id == id, IS_OPEN, *conditions)
    # Only PostgreSQL renders this; SQLite has one writer and no need of it.
    return connection.execute(open_one.with_for_update()).first() is not None


def retell(connection: Connection, id: str) -> None:
    """Write anew what follows from an item's seats."""
    seats = review_seat.c
    of_item = seats.review == id
    free_at = select(func.min(seats.until)).where(of_item, seats.ruling.is_(None))
    held_until = select(func.max(seats.until)).where(of_item, seats.holder != "")
    all_ruled = func.count() == func.count(seats.ruling)
    ripe_at = select(case((all_ruled, func.max(seats.final_at)))).where(of_item)
    connection.execute(
        update(review)
        .where(review.c.id == id)
        .values(
            free_at=free_at.scalar_subquery(),
            held_until=held_until.scalar_subquery(),
            ripe_at=ripe_at.scalar_subquery(),
        )
    )


def reseat(connection: Connection, id: str, ask: ReviewAsk) -> None:
    """Put as many free seats as are asked for in the place of an item's seats."""
    connection.execute(delete(review_seat).where(review_seat.c.review == id))
    connection.execute(_INSERT_SEAT, _free_seats(id, ask))
    retell(connection, id)


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Delete the items of records that are deleted, with all that people wrote."""
    connection.execute(delete(review_seat).where(review_seat.c.review.in_(ids)))
    connection.execute(delete(review).where(review.c.id.in_(ids)))


def label(words: str) -> str:
    """Return a text as the columns that lists filter by hold it.

    Cut, for PostgreSQL refuses index rows beyond 2.7 kB, and without zero bytes, which it cannot
    hold.
    """
    return words[:LABEL_CHARS].replace("\0", "")


def _row(record: Record, ask: ReviewAsk) -> dict[str, Any]:
    return {
        "id": record.id,
        "tenant": label(record.tenant),
        "feature": label(record.feature),
        "release": label(record.release),
        "queue": label(ask.queue),
        "why": label(ask.why),
        "patient": not ask.waits,
        "due_at": ask.due_at,
        "created_at": record.started_at + record.took_s,
        "confidence": record.confidence,
        "ask": msgspec.msgpack.encode(ask),
        "notes": msgspec.msgpack.encode(()),
    }


def _free_seats(id: str, ask: ReviewAsk) -> list[dict[str, Any]]:
    return [{"review": id, "number": number} for number in range(max(1, ask.reviewers))]


def _review(rows: Sequence[Any]) -> Review:
    """Read an item from its rows, one for each seat."""
    row = rows[0]
    return Review(
        row.id,
        row.tenant,
        row.feature,
        row.release,
        _ASKS.decode(row.ask),
        row.created_at,
        row.state,
        tuple([_seat(each) for each in rows]),
        None if row.settled is None else _RULINGS.decode(row.settled),
        row.settled_at,
        row.confidence,
        _NOTES.decode(row.notes),
        row.escalations,
    )


def _seat(row: Any) -> Seat:
    ruling = None if row.ruling is None else _RULINGS.decode(row.ruling)
    return Seat(row.number, row.holder, row.until, ruling, row.final_at)
