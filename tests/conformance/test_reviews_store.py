"""What every store promises of items for people, on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from seatrial.store import DurableStore
from seatrial.values.deliveries import Delivery
from seatrial.values.outcomes import OutcomeQuery
from seatrial.values.reviews import QueueLoad, Review, ReviewQuery, Seat
from tests.conformance.reviewing import (
    DUE_AT,
    LEASE_S,
    asking,
    claim,
    get,
    judged,
    keep,
    name_of,
    number_of,
    rule,
    said,
)

NEWS = Delivery("d1", "shop", "review.settled", b"{}", 100.0, 100.0)


def listed(store: DurableStore, **filters: Any) -> list[int | None]:
    """List the numbers of matching items, as they come."""
    return [number_of(each) for each in store.reviews.find(ReviewQuery(**filters))]


# --- how items come -----------------------------------------------------------------------


def test_a_record_makes_its_item(store: DurableStore) -> None:
    """With all that the record says of it, once, however often the record comes."""
    record = asking(
        1,
        record={"confidence": 0.25, "took_s": 0.5, "tenant": "acme"},
        waits=True,
        blind=True,
        reviewers=2,
        segment="cy",
        topic="bills\0",
        language="cy",
        reason="Not sure enough 📦",
        due_at=math.inf,
    )
    assert record.review is not None
    assert 1 == keep(store, record)
    assert 0 == keep(store, record)
    assert 1 == keep(store, record, asking(2, record={"review": None}))

    expected = Review(
        record.id,
        "acme",
        "support",
        "r1",
        record.review,
        1.5,
        seats=(Seat(0), Seat(1)),
        confidence=0.25,
    )
    assert expected == store.reviews.get(record.id, tenant="acme")
    assert [expected] == store.reviews.find(ReviewQuery(tenant="acme"))
    assert store.reviews.get(record.id, tenant="default") is None
    assert [] == listed(store)


def test_items_come_in_batches(store: DurableStore) -> None:
    """Those of a batch that ask for people, and no others."""
    records = [asking(n) for n in range(150)]
    plain = [msgspec.structs.replace(each, review=None) for each in records]
    mixed = [(records if n % 3 == 0 else plain)[n] for n in range(150)]

    assert 150 == keep(store, *mixed)

    assert [*range(0, 150, 3)] == listed(store, limit=1_000)


def test_what_is_not_added_asks_nothing(store: DurableStore) -> None:
    """A record that can never be keeps the items of its whole batch out."""
    with pytest.raises(ValueError, match="cannot hold"):
        keep(store, asking(1), asking(2, record={"tier": 2**63}))

    assert [] == listed(store)


# --- lists --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [4, 1, 2, 3]),
        ({"queues": ("billing",)}, [1, 2, 3]),
        ({"queues": ("billing", "welsh")}, [4, 1, 2, 3]),
        ({"queues": ("none",)}, []),
        ({"feature": "triage"}, [2]),
        ({"why": "spot_check"}, [3]),
        ({"state": "settled"}, [5]),
        ({"state": ""}, [4, 1, 2, 3, 5]),
        ({"holder": "ann"}, [1]),
        ({"holder": "bob"}, []),
        ({"limit": 2}, [4, 1]),
        ({"limit": 0}, []),
        ({"after": (DUE_AT, name_of(1))}, [2, 3]),
        ({"after": (DUE_AT, name_of(3))}, []),
        ({"tenant": "acme"}, [6]),
    ],
    ids=str,
)
def test_lists_filter(store: DurableStore, filters: dict[str, Any], expected: list[int]) -> None:
    """Each filter alone; those due first."""
    keep(
        store,
        asking(1),
        asking(2, record={"feature": "triage"}),
        asking(3, why="spot_check"),
        asking(4, queue="welsh", due_at=DUE_AT - 1.0),
        asking(5),
        asking(6, record={"tenant": "acme"}),
    )
    claim(store, "ann", id=name_of(1))
    assert store.reviews.settle(name_of(5), said("bob"), at=102.0)

    assert expected == listed(store, **filters)


def test_loads_tell_what_waits_where(store: DurableStore) -> None:
    """By queue; what is settled waits nowhere, and a lapsed lease is nobody's work."""
    keep(
        store,
        asking(1, waits=True),
        asking(2),
        asking(3, due_at=110.0),
        asking(4, queue="welsh"),
        asking(5, queue="old"),
        asking(6, record={"tenant": "acme"}),
    )
    claim(store, "ann", id=name_of(1))
    claim(store, "bob", now=103.0, id=name_of(2))
    store.reviews.settle(name_of(5), said("bob"), at=102.0)

    assert [
        QueueLoad("billing", open=3, claimed=1, waiting=1, overdue=1, oldest_at=1.0),
        QueueLoad("welsh", open=1, oldest_at=4.0),
    ] == store.reviews.loads(tenant="default", now=110.0)
    assert [] == store.reviews.loads(tenant="nobody", now=110.0)


# --- claims -------------------------------------------------------------------------------


def test_the_most_urgent_is_claimed_first(store: DurableStore) -> None:
    """Callers who wait come before all others, then what is due first."""
    keep(
        store,
        asking(1, due_at=300.0),
        asking(2, due_at=200.0),
        asking(3, due_at=900.0, waits=True),
        asking(4, due_at=800.0, waits=True),
        asking(5, due_at=100.0, queue="welsh"),
    )

    order = [claim(store, f"p{n}", queues=["billing", "other"]) for n in range(5)]

    assert [4, 3, 2, 1, None] == [number_of(each) for each in order]
    assert 5 == number_of(claim(store, "ann"))


def test_what_is_held_already_comes_first(store: DurableStore) -> None:
    """Asked again, one gets one's own item for another lease, until a lease has ended."""
    keep(store, asking(1, due_at=300.0), asking(2, due_at=200.0))
    assert 1 == number_of(claim(store, "ann", now=100.0, id=name_of(1)))

    again = claim(store, "ann", now=105.0)
    assert again is not None
    assert (Seat(0, "ann", 105.0 + LEASE_S),) == again.seats
    assert 1 == number_of(again)
    assert 2 == number_of(claim(store, "ann", now=115.0))


def test_one_named_item_is_claimed_or_nothing(store: DurableStore) -> None:
    """Not when it is held, settled, another tenant's, of another queue, or none."""
    keep(store, asking(1), asking(2), asking(3, record={"tenant": "acme"}), asking(4))
    claim(store, "bob", id=name_of(1))
    store.reviews.settle(name_of(2), said("bob"), at=100.0)

    for number in (1, 2, 3, 9):
        assert claim(store, "ann", id=name_of(number)) is None
    assert claim(store, "ann", id=name_of(4), queues=["welsh"]) is None
    assert 4 == number_of(claim(store, "ann", id=name_of(4), queues=["billing"]))
    assert 3 == number_of(claim(store, "ann", id=name_of(3), tenant="acme"))


def test_a_lapsed_lease_is_a_free_seat(store: DurableStore) -> None:
    """To the moment; who held it has lost it once somebody else took it."""
    keep(store, asking(1))
    claim(store, "ann", now=100.0)
    assert claim(store, "bob", now=109.9) is None
    assert store.reviews.extend(name_of(1), by="ann", now=109.9, lease_s=LEASE_S)
    assert claim(store, "bob", now=119.8) is None

    assert 1 == number_of(claim(store, "bob", now=119.9))

    assert not store.reviews.extend(name_of(1), by="ann", now=120.0, lease_s=LEASE_S)
    assert not store.reviews.let_go(name_of(1), by="ann")
    assert store.reviews.rule(name_of(1), said("ann"), now=120.0, final_at=125.0) is None
    assert store.reviews.let_go(name_of(1), by="bob")
    assert (Seat(0),) == get(store).seats
    assert 1 == number_of(claim(store, "ann", now=121.0))


def test_nobody_has_two_seats_of_one_item(store: DurableStore) -> None:
    """Neither while they hold one nor after they have ruled."""
    keep(store, asking(1, reviewers=2), asking(2, due_at=DUE_AT + 1.0))
    assert 1 == number_of(claim(store, "ann"))
    assert 1 == number_of(claim(store, "ann"))
    assert ["ann", ""] == [seat.holder for seat in get(store).seats]

    store.reviews.rule(name_of(1), said("ann"), now=101.0, final_at=106.0)

    assert claim(store, "ann", now=102.0, id=name_of(1)) is None
    assert 2 == number_of(claim(store, "ann", now=102.0))
    assert 1 == number_of(claim(store, "bob", now=102.0))
    assert claim(store, "cyd", now=102.0) is None


def test_who_claims_again_keeps_their_seat(store: DurableStore) -> None:
    """Also when one before it has come free meanwhile."""
    keep(store, asking(1, reviewers=2))
    claim(store, "ann")
    claim(store, "bob")
    assert store.reviews.let_go(name_of(1), by="ann")

    again = claim(store, "bob", now=105.0)

    assert again is not None
    assert (Seat(0), Seat(1, "bob", 105.0 + LEASE_S)) == again.seats


# --- rulings ------------------------------------------------------------------------------


def test_a_ruling_comes_back_whole(store: DurableStore) -> None:
    """Every field of it, at its seat, final at the time given."""
    keep(store, asking(1))
    ruling = said(
        "ann",
        "edit",
        101.0,
        text="Dear Bo 📦\0",
        tags=("fact", "tone"),
        note="saw the bill",
        seconds=12.5,
        blind=True,
        changed={"fact": ["12 → 13"]},
    )

    ruled = rule(store, 1, ruling)

    assert (Seat(0, ruling=ruling, final_at=106.0),) == ruled.seats
    assert ruled == get(store)
    assert "open" == ruled.state


def test_a_ruling_may_be_taken_back_until_it_is_final(store: DurableStore) -> None:
    """By its author alone, who holds the seat again."""
    keep(store, asking(1))
    rule(store, 1, said("ann"), now=101.0)

    def back(by: str, now: float) -> bool:
        return store.reviews.take_back(name_of(1), by=by, now=now, lease_s=LEASE_S)

    assert not back("bob", 102.0)
    assert not back("ann", 106.0)
    assert back("ann", 105.9)
    assert (Seat(0, "ann", 105.9 + LEASE_S),) == get(store).seats
    assert [] == store.reviews.ripe(now=200.0)
    assert not back("ann", 105.9)
    rule(store, 1, said("ann", "reject"), now=107.0)
    store.reviews.settle(name_of(1), said("ann", "reject"), at=108.0)
    assert not back("ann", 108.0)


def test_an_item_is_ripe_when_all_its_rulings_are_final(store: DurableStore) -> None:
    """Those that have been so for longest first; what is settled is not."""
    keep(store, asking(1, reviewers=2), asking(2), asking(3), asking(4))
    rule(store, 1, said("ann"), now=100.0)
    rule(store, 2, said("ann"), now=103.0)
    rule(store, 3, said("ann"), now=101.0)

    def ripe(now: float, **more: int) -> list[int | None]:
        return [number_of(each) for each in store.reviews.ripe(now=now, **more)]

    assert [] == ripe(105.9)
    assert [3] == ripe(106.0)
    rule(store, 1, said("bob"), now=105.0)
    assert [3, 2, 1] == ripe(110.0)
    assert [3, 2] == ripe(110.0, limit=2)
    assert store.reviews.settle(name_of(3), said("ann"), at=110.0)
    assert [2, 1] == ripe(110.0)


# --- items --------------------------------------------------------------------------------


def test_an_item_is_settled_once_with_all_that_follows(store: DurableStore) -> None:
    """Ruling, outcome and news together, or none of them."""
    keep(store, asking(1), asking(2))
    rule(store, 1, said("ann"))
    first, second = said("ann", "reject", 1.0), said("bob", "approve", 2.0)

    def settle(ruling: Any, number: int) -> bool:
        return store.reviews.settle(
            name_of(1),
            ruling,
            at=110.0,
            outcomes=[judged(number, record_id=name_of(1), wrong=True)],
            deliveries=[msgspec.structs.replace(NEWS, id=f"d{number}")],
        )

    assert settle(first, 1)
    assert not settle(second, 2)
    assert not store.reviews.settle("rec_none", first, at=1.0)

    item = get(store)
    assert ("settled", first, 110.0) == (item.state, item.settled, item.settled_at)
    assert [judged(1, record_id=name_of(1), wrong=True)] == store.outcomes.find(OutcomeQuery())
    assert [True] == [each.wrong for each in store.outcomes.labelled(feature="support")]
    assert ["d1"] == [each.id for each in store.deliveries.all()]
    assert [] == store.reviews.ripe(now=1e9)
    assert [2] == [number_of(each) for each in store.reviews.overdue(now=1e9)]
    assert claim(store, "bob", now=111.0, id=name_of(1)) is None


def test_who_waits_sees_what_was_settled_since(store: DurableStore) -> None:
    """From that moment on, the oldest first."""
    keep(store, *(asking(n) for n in range(1, 5)))
    for number, at in ((1, 20.0), (2, 10.0), (3, 30.0)):
        store.reviews.settle(name_of(number), said("ann"), at=at)

    def since(at: float, **more: int) -> list[int | None]:
        return [number_of(each) for each in store.reviews.settled_since(at, **more)]

    assert [2, 1, 3] == since(0.0)
    assert [1, 3] == since(20.0)
    assert [1] == since(20.0, limit=1)
    assert [] == since(30.1)


def test_an_item_goes_on_to_another_queue(store: DurableStore) -> None:
    """All its seats free, with what was noted, and known to be late where it was."""
    keep(store, asking(1, reviewers=2, due_at=50.0))
    rule(store, 1, said("ann", "pass_on", note="not mine"))
    claim(store, "bob")
    passed: dict[str, Any] = {"queue": "experts", "due_at": 400.0}

    assert store.reviews.pass_on(
        name_of(1), **passed, note=("ann", "not mine"), escalates=False, deliveries=[NEWS]
    )

    item = get(store)
    assert ("experts", 400.0, 2) == (item.ask.queue, item.ask.due_at, item.ask.reviewers)
    assert ((Seat(0), Seat(1)), (("ann", "not mine"),), 0) == (
        item.seats,
        item.notes,
        item.escalations,
    )
    assert [] == listed(store, queues=("billing",))
    assert [1] == listed(store, queues=("experts",))
    assert [NEWS] == store.deliveries.all()
    assert [] == store.reviews.overdue(now=399.9)

    assert store.reviews.pass_on(name_of(1), **passed, note=("", ""), escalates=True, reviewers=1)
    item = get(store)
    assert (1, (Seat(0),), (("ann", "not mine"),)) == (item.escalations, item.seats, item.notes)
    assert 1 == number_of(claim(store, "ann", queues=["experts"]))

    store.reviews.settle(name_of(1), said("ann"), at=110.0)
    assert not store.reviews.pass_on(name_of(1), **passed, note=("", ""), escalates=True)
    assert not store.reviews.pass_on("rec_none", **passed, note=("", ""), escalates=True)


def test_of_two_who_saw_an_item_late_one_passes_it_on(store: DurableStore) -> None:
    """The second would take it from those who have it by now."""
    keep(store, asking(1, due_at=50.0))
    late = store.reviews.overdue(now=60.0)[0]

    def escalate(due_at: float) -> bool:
        return store.reviews.pass_on(
            late.id,
            queue="experts",
            due_at=due_at,
            note=("", ""),
            escalates=True,
            due_was=late.ask.due_at,
        )

    assert escalate(160.0)
    claim(store, "ann")
    assert not escalate(160.1)
    assert ("ann", 1) == (get(store).seats[0].holder, get(store).escalations)


def test_overdue_is_what_ran_out_of_time(store: DurableStore) -> None:
    """To the moment; the longest first; whether somebody works on it or not."""
    keep(store, asking(1, due_at=30.0), asking(2, due_at=20.0), asking(3, due_at=40.0))
    claim(store, "ann", now=15.0, id=name_of(2))

    def overdue(now: float, **more: int) -> list[int | None]:
        return [number_of(each) for each in store.reviews.overdue(now=now, **more)]

    assert [] == overdue(19.9)
    assert [2] == overdue(20.0)
    assert [2, 1, 3] == overdue(40.0)
    assert [2] == overdue(40.0, limit=1)


# --- retention ------------------------------------------------------------------------------


def test_a_record_that_people_have_yet_to_see_stays(store: DurableStore) -> None:
    """However old it is; once its item is settled it goes, with all that people wrote of it."""
    keep(store, asking(1), asking(2), asking(3, record={"review": None}), asking(4))
    ruling = said("ann", "replace", text="Your PIN is 1234", note="called her")
    rule(store, 2, ruling)
    store.reviews.settle(name_of(2), ruling, at=110.0, outcomes=[judged(2, text="secret")])

    assert [1, 1, 0] == [store.records.delete_before(4.0, limit=1) for _ in range(3)]

    assert store.reviews.get(name_of(2), tenant="default") is None
    assert [] == store.reviews.settled_since(0.0)
    assert [1, 4] == listed(store)
    assert [False] == [each.wrong for each in store.outcomes.labelled(feature="support")]
    assert [judged(2)] == store.outcomes.find(OutcomeQuery())
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        seats = connection.exec_driver_sql("SELECT review FROM review_seat ORDER BY review")
        assert [name_of(1), name_of(4)] == [*seats.scalars()]
