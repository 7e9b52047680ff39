"""Items for people in a database: who holds which seat, who said what, and where it goes.

What may be done when is said by `oversight.items`; tests hold this against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from seatrial.store.database import Database
from seatrial.store.deliveries import keep_deliveries
from seatrial.store.items import IS_OPEN, IS_SETTLED, label, lock, read, reseat, retell
from seatrial.store.outcomes import keep_outcomes
from seatrial.store.tables import review, review_seat
from seatrial.values.deliveries import Delivery
from seatrial.values.outcomes import Outcome
from seatrial.values.reviews import QueueLoad, Review, ReviewQuery, Ruling

MAX_LIMIT: Final = 1_000
TRIES: Final = 10  # items that somebody takes before us, in one claim
SEAT: Final = review_seat.c

# Callers who wait come before all others, then what is due first.
URGENCY: Final = (review.c.patient, review.c.due_at, review.c.id)


class SqlReviews:
    """`Reviews` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading ---------------------------------------------------------------------------

    def find(self, query: ReviewQuery) -> list[Review]:
        """Return matching items, those due first."""
        order = (review.c.due_at, review.c.id)
        limit = max(0, min(query.limit, MAX_LIMIT))
        wanted = select(review.c.id).where(*_matching(query)).order_by(*order).limit(limit)
        with self._database.reading() as connection:
            return read(connection, wanted, *order)

    def get(self, id: str, *, tenant: str) -> Review | None:
        """Return one item."""
        wanted = select(review.c.id).where(review.c.id == id, review.c.tenant == label(tenant))
        with self._database.reading() as connection:
            return next(iter(read(connection, wanted)), None)

    def loads(self, *, tenant: str, now: float) -> list[QueueLoad]:
        """Return how much waits in each queue, by its name."""
        totals = (
            select(
                review.c.queue,
                func.count(),
                _count(review.c.held_until > now),
                _count(review.c.patient.is_(False)),
                _count(review.c.due_at <= now),
                func.min(review.c.created_at),
            )
            .where(review.c.tenant == label(tenant), IS_OPEN)
            .group_by(review.c.queue)
            .order_by(review.c.queue)
        )
        with self._database.reading() as connection:
            return [QueueLoad(*row) for row in connection.execute(totals)]

    def ripe(self, *, now: float, limit: int = 100) -> list[Review]:
        """Return open items whose every seat has a final ruling, the oldest first."""
        order = (review.c.ripe_at, review.c.id)
        return self._first(review.c.ripe_at <= now, IS_OPEN, order=order, limit=limit)

    def overdue(self, *, now: float, limit: int = 100) -> list[Review]:
        """Return open items whose time ran out, the longest first."""
        order = (review.c.due_at, review.c.id)
        return self._first(review.c.due_at <= now, IS_OPEN, order=order, limit=limit)

    def settled_since(self, at: float, *, limit: int = 500) -> list[Review]:
        """Return items settled at `at` or later, oldest first."""
        order = (review.c.settled_at, review.c.id)
        return self._first(review.c.settled_at >= at, IS_SETTLED, order=order, limit=limit)

    def _first(
        self, *conditions: ColumnElement[bool], order: Sequence[ColumnElement[Any]], limit: int
    ) -> list[Review]:
        wanted = select(review.c.id).where(*conditions).order_by(*order).limit(limit)
        with self._database.reading() as connection:
            return read(connection, wanted, *order)

    # --- seats -----------------------------------------------------------------------------

    def claim(
        self,
        *,
        tenant: str,
        by: str,
        now: float,
        lease_s: float,
        queues: Sequence[str] = (),
        id: str = "",
    ) -> Review | None:
        """Give a free seat to `by`: of the item `id`, or of what is most urgent.

        Args:
            tenant: whose items.
            by: the person.
            now: wall clock, seconds.
            lease_s: how long the seat is theirs.
            queues: only items of these; empty for all.
            id: this item and no other.
        """
        who = label(by)
        mine = [review.c.tenant == label(tenant)]
        if queues:
            mine.append(review.c.queue.in_([label(queue) for queue in queues]))
        with self._database.writing(sync=True) as connection:
            if id:
                if not lock(connection, id, *mine):
                    return None
                return _take(connection, id, who, now=now, lease_s=lease_s)
            passed: list[str] = []
            while len(passed) < TRIES:
                others = [review.c.id.not_in(passed)] if passed else []
                found = _most_urgent(connection, who, [*mine, *others], now)
                if found is None:
                    return None
                taken = _take(connection, found, who, now=now, lease_s=lease_s)
                if taken is not None:
                    return taken
                passed.append(found)
            return None

    def extend(self, id: str, *, by: str, now: float, lease_s: float) -> bool:
        """Lengthen a lease; return whether `by` still holds a seat."""
        return self._change(id, *_holds(label(by), now), until=now + lease_s)

    def let_go(self, id: str, *, by: str) -> bool:
        """Give a seat back; return whether `by` held one, be it for a lease that ended."""
        return self._change(id, SEAT.holder == label(by), SEAT.holder != "", holder="", until=0.0)

    def rule(self, id: str, ruling: Ruling, *, now: float, final_at: float) -> Review | None:
        """Take a ruling from who holds a seat; None when they hold none any more."""
        who = label(ruling.by)
        said = {
            "holder": "",
            "until": 0.0,
            "author": who,
            "ruling": msgspec.msgpack.encode(ruling),
            "final_at": final_at,
        }
        with self._database.writing(sync=True) as connection:
            if not _set(connection, id, *_holds(who, now), **said):
                return None
            return _one(connection, id)

    def take_back(self, id: str, *, by: str, now: float, lease_s: float) -> bool:
        """Undo a ruling before it is final; return whether that was in time."""
        who = label(by)
        return self._change(
            id,
            SEAT.author == who,
            SEAT.final_at > now,
            holder=who,
            until=now + lease_s,
            author="",
            ruling=None,
            final_at=0.0,
        )

    def _change(self, id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
        with self._database.writing(sync=True) as connection:
            return _set(connection, id, *conditions, **values)

    # --- items -----------------------------------------------------------------------------

    def settle(
        self,
        id: str,
        ruling: Ruling,
        *,
        at: float,
        outcomes: Sequence[Outcome] = (),
        deliveries: Sequence[Delivery] = (),
    ) -> bool:
        """Let a ruling count, with all that follows from it; False when it is settled already."""
        done = (
            update(review)
            .where(review.c.id == id, IS_OPEN)
            .values(
                state="settled",
                settled=msgspec.msgpack.encode(ruling),
                settled_at=at,
                free_at=None,
                ripe_at=None,
            )
        )
        with self._database.writing(sync=True) as connection:
            if connection.execute(done).rowcount != 1:
                return False
            keep_deliveries(connection, deliveries)
            keep_outcomes(connection, outcomes)
            return True

    def pass_on(
        self,
        id: str,
        *,
        queue: str,
        due_at: float,
        note: tuple[str, str],
        escalates: bool,
        reviewers: int | None = None,
        deliveries: Sequence[Delivery] = (),
        due_was: float | None = None,
    ) -> bool:
        """Send an open item to another queue, all its seats free; False when it is settled.

        Args:
            id: the item.
            queue: where it goes.
            due_at: wall clock, seconds: when its time runs out there.
            note: author and words; without words none is kept.
            escalates: whether its time ran out.
            reviewers: how many people are asked there; None for as many as before.
            deliveries: news of it.
            due_was: False also when it is not due then any more.
        """
        same = [] if due_was is None else [review.c.due_at == due_was]
        with self._database.writing(sync=True) as connection:
            if not lock(connection, id, *same):
                return False
            item = _one(connection, id)
            ask = msgspec.structs.replace(
                item.ask,
                queue=queue,
                due_at=due_at,
                reviewers=len(item.seats) if reviewers is None else reviewers,
            )
            notes = (*item.notes, note) if note[1] else item.notes
            connection.execute(
                update(review)
                .where(review.c.id == id)
                .values(
                    queue=label(queue),
                    due_at=due_at,
                    ask=msgspec.msgpack.encode(ask),
                    notes=msgspec.msgpack.encode(notes),
                    escalations=review.c.escalations + int(escalates),
                )
            )
            reseat(connection, id, ask)
            keep_deliveries(connection, deliveries)
            return True


def _matching(query: ReviewQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [review.c.tenant == label(query.tenant)]
    if query.queues:
        conditions.append(review.c.queue.in_([label(queue) for queue in query.queues]))
    conditions += [
        review.c[name] == label(wanted)
        for name in ("feature", "state", "why")
        if (wanted := getattr(query, name))
    ]
    if query.holder:
        held = exists().where(SEAT.review == review.c.id, SEAT.holder == label(query.holder))
        conditions.append(held)
    if query.after is not None:
        conditions.append(tuple_(review.c.due_at, review.c.id) > tuple_(*query.after))
    return conditions


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _one(connection: Connection, id: str) -> Review:
    return read(connection, select(review.c.id).where(review.c.id == id))[0]


def _set(connection: Connection, id: str, *which: ColumnElement[bool], **values: Any) -> bool:
    """Change the seats of an open item for which all that is so; return whether there was one."""
    if not lock(connection, id):
        return False
    seats = update(review_seat).where(SEAT.review == id, *which).values(**values)
    if connection.execute(seats).rowcount == 0:
        return False
    retell(connection, id)
    return True


def _holds(who: str, now: float) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SEAT.holder == who, SEAT.until > now


def _most_urgent(
    connection: Connection, who: str, mine: Sequence[ColumnElement[bool]], now: float
) -> str | None:
    """Return the item that comes next for somebody, locked; what they hold comes first."""
    first = select(review.c.id).where(*mine, IS_OPEN).order_by(*URGENCY).limit(1)
    held = (
        first.join(review_seat, SEAT.review == review.c.id)
        .where(*_holds(who, now), SEAT.holder != literal_column("''"))
        .with_for_update(of=review)
    )
    took_part = exists().where(SEAT.review == review.c.id, SEAT.author == who)
    # Every claim writes `free_at`: whoever locks the item after it sees that.
    free = first.where(review.c.free_at <= now, ~took_part).with_for_update(
        of=review, skip_locked=True
    )
    for wanted in (held, free):
        found: str | None = connection.execute(wanted).scalar_one_or_none()
        if found is not None:
            return found
    return None


def _take(
    connection: Connection, id: str, who: str, *, now: float, lease_s: float
) -> Review | None:
    """Give somebody a seat of a locked item; return None when there is none for them."""
    number = connection.execute(_seat_for(id, who, now)).scalar_one_or_none()
    if number is None:
        return None
    connection.execute(
        update(review_seat)
        .where(SEAT.review == id, SEAT.number == number)
        .values(holder=who, until=now + lease_s)
    )
    retell(connection, id)
    return _one(connection, id)


def _seat_for(id: str, who: str, now: float) -> Select[tuple[int]]:
    held = and_(*_holds(who, now))
    free = and_(SEAT.ruling.is_(None), or_(SEAT.holder == "", SEAT.until <= now))
    other = review_seat.alias()
    took_part = exists().where(other.c.review == id, other.c.author == who)
    return (
        select(SEAT.number)
        .where(SEAT.review == id, or_(held, free), ~took_part)
        .order_by(case((held, 0), else_=1), SEAT.number)
        .limit(1)
    )
