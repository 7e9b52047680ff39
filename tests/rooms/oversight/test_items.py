"""Items are never lost and no seat ever has two holders."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seatrial.errors import BadRequest
from seatrial.oversight import items
from seatrial.oversight.items import Denied, PassOn, Settle
from seatrial.values.reviews import Review, ReviewAsk, Ruling, RulingKind


def item(reviewers: int = 1) -> Review:
    """Make an item that is due at 100."""
    ask = ReviewAsk("billing", "unsure", 100.0, reviewers=reviewers)
    seats = items.open_seats(reviewers)
    return Review("r1", "default", "support", "rel", ask, 0.0, seats=seats)


def said(by: str, kind: str = "approve", at: float = 0.0, **more: str) -> Ruling:
    """Make a ruling."""
    return Ruling(RulingKind(kind), by, at, **more)  # type: ignore[arg-type]


def done(what: Review | Denied) -> Review:
    """Return the item of something that was not denied."""
    assert isinstance(what, Review), what
    return what


def code(what: Review | Denied) -> str:
    """Return why something was denied."""
    assert isinstance(what, Denied), what
    return what.code


def ripe(*rulings: Ruling) -> Review:
    """Make an item with all its rulings."""
    review = item(len(rulings))
    for each in rulings:
        review = done(items.claim(review, each.by, now=1.0, lease_s=10))
        review = done(items.rule(review, each, now=2.0))
    assert items.is_ripe(review, 2.0)
    return review


def test_one_seat_has_one_holder() -> None:
    """Somebody else gets it when it is given back, or when the lease ends."""
    held = done(items.claim(item(), "ann", now=0.0, lease_s=10))

    assert "held" == code(items.claim(held, "bob", now=9.9, lease_s=10))
    assert "bob" == done(items.claim(held, "bob", now=10.0, lease_s=10)).seats[0].holder
    free = done(items.let_go(held, "ann", now=5.0))
    assert "bob" == done(items.claim(free, "bob", now=5.0, lease_s=10)).seats[0].holder
    assert "not_holder" == code(items.let_go(held, "bob", now=5.0))


def test_holder_may_go_on_while_the_lease_lasts() -> None:
    """By claiming again or extending; afterwards it must be claimed anew."""
    held = done(items.claim(item(), "ann", now=0.0, lease_s=10))

    assert 15.0 == done(items.claim(held, "ann", now=5.0, lease_s=10)).seats[0].until
    assert 15.0 == done(items.extend(held, "ann", now=5.0, lease_s=10)).seats[0].until
    assert "not_holder" == code(items.extend(held, "ann", now=10.0, lease_s=10))
    assert "not_holder" == code(items.rule(held, said("ann"), now=10.0))


def test_nobody_rules_twice_on_one_item() -> None:
    """The second seat is for somebody else."""
    review = done(items.claim(item(2), "ann", now=0.0, lease_s=10))
    review = done(items.rule(review, said("ann"), now=1.0))

    assert "took_part" == code(items.claim(review, "ann", now=2.0, lease_s=10))
    assert 1 == done(items.claim(review, "bob", now=2.0, lease_s=10)).seats[1].number
    assert not items.is_ripe(review, 9.0)


def test_ruling_may_be_taken_back_for_a_while() -> None:
    """Until it is final; then it is on its way."""
    held = done(items.claim(item(), "ann", now=0.0, lease_s=10))
    ruled = done(items.rule(held, said("ann"), now=1.0, undo_s=5.0))

    assert not items.is_ripe(ruled, 5.9)
    assert items.is_ripe(ruled, 6.0)
    again = done(items.take_back(ruled, "ann", now=5.9, lease_s=10))
    assert ("ann", None) == (again.seats[0].holder, again.seats[0].ruling)
    assert "final" == code(items.take_back(ruled, "ann", now=6.0, lease_s=10))
    assert "not_holder" == code(items.take_back(ruled, "bob", now=2.0, lease_s=10))


def test_settled_is_settled_once() -> None:
    """Whatever comes later is told so."""
    review = ripe(said("ann"))
    over = done(items.settled(review, said("ann"), at=3.0))

    for late in (
        items.settled(over, said("bob"), at=4.0),
        items.claim(over, "bob", now=4.0, lease_s=10),
        items.extend(over, "ann", now=4.0, lease_s=10),
        items.rule(over, said("bob"), now=4.0),
    ):
        assert "settled" == code(late)
    assert "final" == code(items.take_back(over, "ann", now=1.0, lease_s=10))
    assert (None, False, False) == (
        items.next_event_at(over),
        items.is_overdue(over, 1e9),
        items.is_ripe(over, 1e9),
    )


def test_times_that_change_an_item() -> None:
    """It is due, a lease ends, or its rulings become final: whichever is first."""
    held = done(items.claim(item(), "ann", now=0.0, lease_s=10))

    assert 100.0 == items.next_event_at(item())
    assert 10.0 == items.next_event_at(held)
    ruled = done(items.rule(held, said("ann"), now=1.0, undo_s=5.0))
    assert 6.0 == items.next_event_at(ruled)


def test_late_item_goes_to_the_next_queue() -> None:
    """With all its seats and a new time; without another queue its own is reminded."""
    held = done(items.claim(item(2), "ann", now=0.0, lease_s=1000))

    assert not items.is_overdue(held, 99.9)
    assert items.is_overdue(held, 100.0)
    moved = items.escalated(held, to="leads", now=100.0, deadline_s=60)
    assert ("leads", 160.0, 1) == (moved.ask.queue, moved.ask.due_at, moved.escalations)
    assert items.open_seats(2) == moved.seats
    assert "billing" == items.escalated(held, to="", now=100.0, deadline_s=60).ask.queue


def test_most_people_decide_and_the_first_of_them() -> None:
    """Two of three; and whether all agreed."""
    one = said("ann", "replace", at=3.0, text="A")
    two = said("bob", "edit", at=2.0, text="B")
    other = said("cleo", at=1.0)

    assert Settle(two, agreed=False) == items.weigh(ripe(one, two, other))
    assert Settle(other) == items.weigh(ripe(other))
    assert Settle(other) == items.weigh(ripe(other, said("dan", "pass_on", note="unsure")))


def test_split_people_have_another_decide() -> None:
    """One person more, who reads what each held."""
    one, two = said("ann", "reject", note="spam"), said("bob")
    review = ripe(one, two)

    on = items.weigh(review, escalate_to="leads")
    assert PassOn("leads", (("ann", "reject: spam"), ("bob", "approve"))) == on
    moved = items.passed_on(review, on, due_at=500.0)
    assert ("leads", 500.0, 1) == (moved.ask.queue, moved.ask.due_at, len(moved.seats))
    assert on.notes == moved.notes
    assert "billing" == getattr(items.weigh(review), "queue", "")


def test_passed_on_item_goes_where_the_person_said() -> None:
    """To the named queue, else upwards, else back; the note goes with it."""
    named = ripe(said("ann", "pass_on", note="legal?", to="legal"))
    plain = ripe(said("ann", "pass_on", note="no idea"))

    assert PassOn("legal", (("ann", "legal?"),)) == items.weigh(named, escalate_to="leads")
    assert "leads" == getattr(items.weigh(plain, escalate_to="leads"), "queue", "")
    assert "billing" == getattr(items.weigh(plain), "queue", "")


def test_bad_ruling_changes_nothing() -> None:
    """It is refused before anything else is looked at."""
    with pytest.raises(BadRequest):
        items.rule(item(), said("ann", "edit"), now=0.0)


class Desk(RuleBasedStateMachine):
    """Five people and two items, in any order, with time going on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.items = {1: item(1), 2: item(2)}
        self.leases: dict[tuple[int, str], float] = {}

    people = st.sampled_from(["ann", "bob", "cleo", "dan", "eve"])
    numbers = st.sampled_from([1, 2])
    kinds = st.sampled_from([("approve", {}), ("reject", {}), ("pass_on", {"note": "?"})])

    def keep(self, number: int, what: Review | Denied) -> bool:
        if isinstance(what, Review):
            self.items[number] = what
            return True
        return False

    @rule(number=numbers, who=people)
    def claim(self, number: int, who: str) -> None:
        if self.keep(number, items.claim(self.items[number], who, now=self.now, lease_s=20)):
            self.leases[number, who] = self.now + 20

    @rule(number=numbers, who=people, kind=kinds)
    def rule_on(self, number: int, who: str, kind: tuple[str, dict[str, str]]) -> None:
        ruling = said(who, kind[0], at=self.now, **kind[1])
        took = self.keep(number, items.rule(self.items[number], ruling, now=self.now, undo_s=5))
        held = self.leases.pop((number, who), -1.0) > self.now if took else True
        assert held, "only a holder rules"

    @rule(number=numbers, who=people)
    def undo(self, number: int, who: str) -> None:
        changed = items.take_back(self.items[number], who, now=self.now, lease_s=20)
        if self.keep(number, changed):
            self.leases[number, who] = self.now + 20

    @rule(number=numbers, who=people)
    def let_go(self, number: int, who: str) -> None:
        if self.keep(number, items.let_go(self.items[number], who, now=self.now)):
            del self.leases[number, who]

    @rule(seconds=st.sampled_from([1.0, 7.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for number, review in self.items.items():
            if items.is_ripe(review, self.now):
                match items.weigh(review, escalate_to="leads"):
                    case Settle(ruling):
                        changed = done(items.settled(review, ruling, at=self.now))
                    case on:
                        changed = items.passed_on(review, on, due_at=self.now + 60)
                self.items[number] = changed
            elif items.is_overdue(review, self.now):
                gone = items.escalated(review, to="leads", now=self.now, deadline_s=60)
                self.items[number] = gone
                self.leases = {k: v for k, v in self.leases.items() if k[0] != number}

    @invariant()
    def every_item_has_a_way_on(self) -> None:
        for review in self.items.values():
            assert (review.state == "settled") == (review.settled is not None)
            assert (items.next_event_at(review) is None) == (review.state == "settled")

    @invariant()
    def nobody_has_two_seats_and_no_seat_two_people(self) -> None:
        for number, review in self.items.items():
            ours = [seat.holder for seat in review.seats if seat.until > self.now and seat.holder]
            assert len(ours) == len(set(ours))
            theirs = {who for (n, who), until in self.leases.items() if n == number}
            assert set(ours) <= theirs
            assert len(ours) <= review.ask.reviewers


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
