"""A store's items do what the room `oversight` says of one item, whatever people do when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from seatrial.oversight import items
from seatrial.oversight.items import Denied, PassOn, Settle
from seatrial.store import open_store
from seatrial.values.reviews import QueueLoad, Review, ReviewQuery, Ruling, RulingKind, Seat
from tests.conformance.reviewing import asking, keep

TABLES = ("review_seat", "review", "record", "label", "outcome", "delivery")
QUEUES = ("billing", "welsh", "experts")
PEOPLE = st.sampled_from(["ann", "bob", "cyd"])
KINDS = st.sampled_from(list(RulingKind))
# Few lengths of time and few items, so that things happen at the same moment and to the same item.
SECONDS = st.sampled_from([5.0, 10.0, 15.0])
DEADLINE_S = 60.0
MOST_ITEMS = 3
PLACE = st.integers(0, MOST_ITEMS)


class Desk(RuleBasedStateMachine):
    """Three people at one store, and beside it what the items should be like."""

    address = ""

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store(self.address)
        database: Any = self.store
        with database._database.writing(sync=False) as connection:
            for table in TABLES:
                connection.exec_driver_sql(f"DELETE FROM {table}")
        self.known: dict[str, Review] = {}
        self.now = 100.0

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    def waiting(self) -> int:
        """Count the items that are not settled."""
        return sum(each.state == items.OPEN for each in self.known.values())

    def some(self, place: int) -> Review:
        """Return one of the items, the newest for 0."""
        return list(self.known.values())[-1 - place % len(self.known)]

    def learn(self, told: Review | Denied) -> bool:
        """Keep what an item is now; return whether it changed."""
        if isinstance(told, Denied):
            return False
        self.known[told.id] = told
        return True

    # --- what happens ----------------------------------------------------------------------

    @precondition(lambda self: self.waiting() < MOST_ITEMS)
    @rule(
        queue=st.sampled_from(QUEUES),
        reviewers=st.integers(1, 3),
        waits=st.booleans(),
        due=st.sampled_from([10.0, 60.0, 90.0]),
    )
    def comes(self, queue: str, reviewers: int, waits: bool, due: float) -> None:
        """A record asks people."""
        record = asking(
            len(self.known),
            record={"started_at": self.now},
            queue=queue,
            reviewers=reviewers,
            waits=waits,
            due_at=self.now + due,
        )
        keep(self.store, record)
        assert record.review is not None
        self.known[record.id] = Review(
            record.id,
            "default",
            "support",
            "r1",
            record.review,
            self.now,
            seats=items.open_seats(reviewers),
        )

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        """Leases end, rulings become final, items are late."""
        self.now += seconds

    @rule(by=PEOPLE, lease=SECONDS, queues=st.sets(st.sampled_from(QUEUES)))
    def claims(self, by: str, lease: float, queues: set[str]) -> None:
        """Somebody takes what is most urgent for them."""
        told = self.store.reviews.claim(
            tenant="default", by=by, now=self.now, lease_s=lease, queues=sorted(queues)
        )

        turn = sorted(
            (each for each in self.known.values() if not queues or each.ask.queue in queues),
            key=lambda each: (
                not self._holds(each, by),
                not each.ask.waits,
                each.ask.due_at,
                each.id,
            ),
        )
        given = (items.claim(each, by, now=self.now, lease_s=lease) for each in turn)
        expected = next((each for each in given if isinstance(each, Review)), None)
        assert expected == told
        if expected is not None:
            self.learn(expected)

    @precondition(lambda self: self.known)
    @rule(by=PEOPLE, lease=SECONDS, place=PLACE)
    def claims_one(self, by: str, lease: float, place: int) -> None:
        """Somebody opens an item."""
        item = self.some(place)
        told = self.store.reviews.claim(
            tenant="default", by=by, now=self.now, lease_s=lease, id=item.id
        )

        expected = items.claim(item, by, now=self.now, lease_s=lease)
        assert (told if self.learn(expected) else None) == told
        assert isinstance(expected, Denied) == (told is None)

    @precondition(lambda self: self.known)
    @rule(by=PEOPLE, lease=SECONDS, place=PLACE)
    def extends(self, by: str, lease: float, place: int) -> None:
        """Somebody needs longer."""
        item = self.some(place)
        told = self.store.reviews.extend(item.id, by=by, now=self.now, lease_s=lease)
        assert told == self.learn(items.extend(item, by, now=self.now, lease_s=lease))

    @precondition(lambda self: self.known)
    @rule(by=PEOPLE, place=PLACE)
    def lets_go(self, by: str, place: int) -> None:
        """Somebody gives a seat back; the store does not ask whether the lease has ended."""
        item = self.some(place)
        told = self.store.reviews.let_go(item.id, by=by)

        theirs = any(each.holder == by for each in item.seats)
        assert told == (theirs and item.state == items.OPEN)
        if told:
            free = [Seat(each.number) if each.holder == by else each for each in item.seats]
            self.learn(replace(item, seats=tuple(free)))

    @precondition(lambda self: self.known)
    @rule(by=PEOPLE, kind=KINDS, undo=st.sampled_from([0.0, 5.0, 10.0]), place=PLACE)
    def says(self, by: str, kind: RulingKind, undo: float, place: int) -> None:
        """Somebody says what they think."""
        item = self.some(place)
        writes = kind in {RulingKind.EDIT, RulingKind.REPLACE}
        ruling = Ruling(kind, by, self.now, "Dear Bo" if writes else None, note="so it is")
        told = self.store.reviews.rule(item.id, ruling, now=self.now, final_at=self.now + undo)

        expected = items.rule(item, ruling, now=self.now, undo_s=undo)
        assert (expected if self.learn(expected) else None) == told

    @precondition(lambda self: self.known)
    @rule(by=PEOPLE, lease=SECONDS, place=PLACE)
    def takes_back(self, by: str, lease: float, place: int) -> None:
        """Somebody changes their mind."""
        item = self.some(place)
        told = self.store.reviews.take_back(item.id, by=by, now=self.now, lease_s=lease)
        assert told == self.learn(items.take_back(item, by, now=self.now, lease_s=lease))

    @rule()
    def what_is_ripe_is_done(self) -> None:
        """What all have ruled on is settled, or goes on."""
        for item in self.store.reviews.ripe(now=self.now):
            match items.weigh(item, escalate_to="experts"):
                case Settle(ruling):
                    assert self.store.reviews.settle(item.id, ruling, at=self.now)
                    assert not self.store.reviews.settle(item.id, ruling, at=self.now)
                    self.learn(items.settled(item, ruling, at=self.now))
                case PassOn() as on:
                    one = PassOn(on.queue, on.notes[:1], on.reviewers)
                    due_at = self.now + DEADLINE_S
                    assert self.store.reviews.pass_on(
                        item.id,
                        queue=on.queue,
                        due_at=due_at,
                        note=next(iter(on.notes), ("", "")),
                        escalates=False,
                        reviewers=on.reviewers,
                    )
                    self.learn(items.passed_on(item, one, due_at=due_at))

    @rule(to=st.sampled_from(["", *QUEUES]))
    def what_is_late_goes_on(self, to: str) -> None:
        """To the next queue, once."""
        for item in self.store.reviews.overdue(now=self.now):
            more: dict[str, Any] = {
                "queue": to or item.ask.queue,
                "due_at": self.now + DEADLINE_S,
                "note": ("", ""),
                "escalates": True,
                "due_was": item.ask.due_at,
            }
            assert self.store.reviews.pass_on(item.id, **more)
            assert not self.store.reviews.pass_on(item.id, **more)
            self.learn(items.escalated(item, to=to, now=self.now, deadline_s=DEADLINE_S))

    @rule()
    def store_is_opened_anew(self) -> None:
        """The process ends, and another one begins."""
        self.store.close()
        self.store = open_store(self.address)

    # --- what holds ------------------------------------------------------------------------

    @invariant()
    def all_is_known(self) -> None:
        """Every item is as it should be, and in every list in which it should be."""
        reviews = self.store.reviews
        known = sorted(self.known.values(), key=lambda each: (each.ask.due_at, each.id))
        assert known == reviews.find(ReviewQuery(state="", limit=1_000))

        late = [each for each in known if items.is_overdue(each, self.now)]
        assert late == reviews.overdue(now=self.now)
        ripe = [each for each in known if items.is_ripe(each, self.now)]
        ripe.sort(key=lambda each: (max(seat.final_at for seat in each.seats), each.id))
        assert ripe == reviews.ripe(now=self.now)
        settled = [each for each in known if each.state == items.SETTLED]
        settled.sort(key=lambda each: (each.settled_at, each.id))
        assert settled == reviews.settled_since(0.0)
        assert self._loads(known) == reviews.loads(tenant="default", now=self.now)

    def _loads(self, known: list[Review]) -> list[QueueLoad]:
        loads = []
        for queue in sorted(QUEUES):
            there = [e for e in known if e.ask.queue == queue and e.state == items.OPEN]
            if there:
                loads.append(
                    QueueLoad(
                        queue,
                        len(there),
                        sum(any(s.holder and s.until > self.now for s in e.seats) for e in there),
                        sum(e.ask.waits for e in there),
                        sum(items.is_overdue(e, self.now) for e in there),
                        min(e.created_at for e in there),
                    )
                )
        return loads

    def _holds(self, item: Review, by: str) -> bool:
        return item.state == items.OPEN and any(
            each.holder == by and each.until > self.now for each in item.seats
        )


def run(address: str, examples: int, steps: int) -> None:
    """Let people work at the store of that address."""
    store = open_store(address)
    store.migrate()
    store.close()
    machine = type("DeskHere", (Desk,), {"address": address})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.generate],  # each step costs a disk's: making it shorter takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_items_do_what_is_said_of_one(address: str) -> None:
    """Whoever claims, rules, takes back, leaves, or comes back, and however time passes."""
    run(address, 15, 40)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_items_do_what_is_said_of_one_for_long(address: str) -> None:
    """The same for ten thousand steps."""
    run(address, 100, 100)
