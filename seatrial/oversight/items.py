"""One item for people, from the moment it waits until it is settled.

It has a seat for each reviewer that is wanted.  A seat has one holder at most, for as long as a
lease; nobody has two seats of one item.  What cannot be done says why, and changes nothing.
Stores do the same in SQL; this is what they are held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from seatrial.oversight.rulings import check_ruling, wrong_of
from seatrial.values.reviews import Review, Ruling, Seat

OPEN: Final = "open"
SETTLED: Final = "settled"


@dataclass(frozen=True, slots=True)
class Denied:
    """Why something cannot be done.

    Args:
        code: stable: `settled`, `held`, `took_part`, `not_holder` or `final`.
        message: what happened and what to do, for the person.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Settle:
    """The item is done.

    Args:
        ruling: the one that counts.
        agreed: whether all who ruled say the same of the draft.
    """

    ruling: Ruling
    agreed: bool = True


@dataclass(frozen=True, slots=True)
class PassOn:
    """Somebody else must rule.

    Args:
        queue: where it goes.
        notes: each with its author.
        reviewers: how many people are asked there.
    """

    queue: str
    notes: tuple[tuple[str, str], ...]
    reviewers: int = 1


def open_seats(reviewers: int) -> tuple[Seat, ...]:
    """Return the seats of a new item."""
    return tuple(Seat(number) for number in range(reviewers))


def claim(review: Review, by: str, *, now: float, lease_s: float) -> Review | Denied:
    """Give a person a free seat, or the one that they hold already, for the time of a lease.

    Args:
        review: the item.
        by: the person.
        now: wall clock, seconds.
        lease_s: how long the seat is theirs.
    """
    if review.state == SETTLED:
        return Denied("settled", "It is settled already: take the next one.")
    if any(seat.ruling is not None and seat.ruling.by == by for seat in review.seats):
        return Denied("took_part", "You have ruled on it: somebody else takes the next seat.")
    free = [seat for seat in review.seats if _is_free(seat, now)]
    seat = _seat_of(review, by, now) or next(iter(free), None)
    if seat is None:
        return Denied("held", "Somebody else works on it: take the next one.")
    return _with(review, replace(seat, holder=by, until=now + lease_s))


def extend(review: Review, by: str, *, now: float, lease_s: float) -> Review | Denied:
    """Lengthen a lease that has not ended."""
    seat = _seat_of(review, by, now)
    return _with(review, replace(seat, until=now + lease_s)) if seat else _no_holder(review)


def let_go(review: Review, by: str, *, now: float) -> Review | Denied:
    """Give a seat back without a ruling."""
    seat = _seat_of(review, by, now)
    return _with(review, Seat(seat.number)) if seat else _no_holder(review)


def rule(review: Review, ruling: Ruling, *, now: float, undo_s: float = 0.0) -> Review | Denied:
    """Take a ruling from who holds a seat; for a while it may be taken back.

    Args:
        review: the item.
        ruling: what they say.
        now: wall clock, seconds.
        undo_s: how long it may be taken back.

    Raises:
        BadRequest: the ruling does not say what its kind needs.
    """
    check_ruling(ruling)
    seat = _seat_of(review, ruling.by, now)
    if seat is None:
        return _no_holder(review)
    return _with(review, Seat(seat.number, ruling=ruling, final_at=now + undo_s))


def take_back(review: Review, by: str, *, now: float, lease_s: float) -> Review | Denied:
    """Undo a ruling that is not final; the seat is its author's again."""
    theirs = (each for each in review.seats if each.ruling is not None and each.ruling.by == by)
    seat = next(theirs, None)
    if seat is None:
        return _no_holder(review)
    if review.state == SETTLED or seat.final_at <= now:
        return Denied("final", "It is too late to take that back: the answer is on its way.")
    return _with(review, Seat(seat.number, holder=by, until=now + lease_s))


def is_ripe(review: Review, now: float) -> bool:
    """Whether every seat has a ruling that cannot be taken back any more."""
    return review.state == OPEN and all(
        seat.ruling is not None and seat.final_at <= now for seat in review.seats
    )


def is_overdue(review: Review, now: float) -> bool:
    """Whether its time ran out."""
    return review.state == OPEN and review.ask.due_at <= now


def next_event_at(review: Review) -> float | None:
    """Return when time alone changes an item next: it is due, ripe, or a lease ends.

    None when it never does.  A lease that has ended is given until somebody takes the seat.
    """
    if review.state == SETTLED:
        return None
    times = [review.ask.due_at, *(seat.until for seat in review.seats if seat.holder)]
    if all(seat.ruling is not None for seat in review.seats):
        times.append(max((seat.final_at for seat in review.seats), default=review.created_at))
    return min(times)


def weigh(review: Review, *, escalate_to: str = "") -> Settle | PassOn:
    """Return what follows from the rulings of a ripe item.

    Most of those who ruled decide, and of them who ruled first.  Where they are split, one
    person more decides; where all pass it on, it goes on.

    Args:
        review: with a ruling on every seat.
        escalate_to: the queue that decides between people; empty for the item's own.
    """
    rulings = [seat.ruling for seat in review.seats if seat.ruling is not None]
    said = [each for each in rulings if wrong_of(each) is not None]
    notes = tuple((each.by, each.note) for each in rulings if each.note)
    if not said:
        named = next((each.to for each in rulings if each.to), "")
        return PassOn(named or escalate_to or review.ask.queue, notes, len(review.seats) or 1)
    wrong = [each for each in said if wrong_of(each)]
    right = [each for each in said if not wrong_of(each)]
    if len(wrong) == len(right):
        return PassOn(escalate_to or review.ask.queue, _views(said))
    most = wrong if len(wrong) > len(right) else right
    return Settle(min(most, key=lambda each: each.at), agreed=not (wrong and right))


def passed_on(review: Review, on: PassOn, *, due_at: float) -> Review:
    """Return an item in its next queue, all its seats free."""
    return replace(
        review,
        ask=replace(review.ask, queue=on.queue, due_at=due_at, reviewers=on.reviewers),
        seats=open_seats(on.reviewers),
        notes=(*review.notes, *on.notes),
    )


def escalated(review: Review, *, to: str, now: float, deadline_s: float) -> Review:
    """Return an item whose time ran out, in the queue that takes such ones.

    Args:
        review: the item.
        to: the queue; empty to remind the item's own.
        now: wall clock, seconds.
        deadline_s: how long it may wait there.
    """
    on = PassOn(to or review.ask.queue, (), len(review.seats) or 1)
    moved = passed_on(review, on, due_at=now + deadline_s)
    return replace(moved, escalations=review.escalations + 1)


def settled(review: Review, ruling: Ruling, *, at: float) -> Review | Denied:
    """Return an item that is done; it is done once."""
    if review.state == SETTLED:
        return Denied("settled", "It is settled already.")
    return replace(review, state=SETTLED, settled=ruling, settled_at=at)


def _views(said: Sequence[Ruling]) -> tuple[tuple[str, str], ...]:
    """Return what each person held, for who decides between them."""
    return tuple((each.by, f"{each.kind.value}: {each.note}".rstrip(": ")) for each in said)


def _is_free(seat: Seat, now: float) -> bool:
    return seat.ruling is None and (not seat.holder or seat.until <= now)


def _seat_of(review: Review, by: str, now: float) -> Seat | None:
    """Return the seat that a person holds now."""
    if review.state == SETTLED:
        return None
    return next((each for each in review.seats if each.holder == by and each.until > now), None)


def _with(review: Review, seat: Seat) -> Review:
    seats = tuple(seat if each.number == seat.number else each for each in review.seats)
    return replace(review, seats=seats)


def _no_holder(review: Review) -> Denied:
    if review.state == SETTLED:
        return Denied("settled", "It is settled already: nothing you say changes it any more.")
    return Denied("not_holder", "You hold no seat of it (any more): claim it again.")
