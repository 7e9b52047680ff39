"""Many people at one store's items at once, and its death between: on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial.errors import StoreUnavailable
from seatrial.store import DurableStore, open_store
from seatrial.values.deliveries import Delivery
from seatrial.values.outcomes import OutcomeQuery
from tests.conformance.reviewing import asking, claim, get, judged, keep, name_of, rule, said

NEWS = Delivery("d1", "shop", "review.settled", b"{}", 100.0, 100.0)


def test_many_who_claim_at_once_never_get_the_same(address: str) -> None:
    """Eight people take 500 items, on PostgreSQL by two servers: each is handed out once."""
    # One SQLite file is served by one process.
    servers = 1 if address.startswith("sqlite:") else 2
    stores = [open_store(address) for _ in range(servers)]
    stores[0].migrate()
    keep(stores[0], *(asking(n) for n in range(500)))
    taken: Counter[str] = Counter()
    guard = threading.Lock()

    def work(person: int) -> None:
        store = stores[person % servers]
        while (item := claim(store, f"p{person}")) is not None:
            assert item.seats[0].holder == f"p{person}"
            with guard:
                taken[item.id] += 1
            ruled = store.reviews.rule(item.id, said(f"p{person}"), now=101.0, final_at=106.0)
            assert ruled is not None

    with ThreadPoolExecutor(8) as people:
        list(people.map(work, range(8)))

    assert Counter({name_of(n): 1 for n in range(500)}) == taken
    assert 500 == len(stores[0].reviews.ripe(now=106.0, limit=1_000))
    for each in stores:
        each.close()


def test_one_person_at_two_screens_has_one_seat(store: DurableStore) -> None:
    """Who claims an item twice at the same moment does not fill both its seats."""
    keep(store, asking(1, reviewers=2))
    with ThreadPoolExecutor(8) as screens:
        list(screens.map(lambda _: claim(store, "ann"), range(16)))

    assert ["", "ann"] == sorted(seat.holder for seat in get(store).seats)


def test_of_many_who_settle_one_does(store: DurableStore) -> None:
    """Its ruling counts, and its outcome alone is known."""
    keep(store, asking(1))

    def settle(number: int) -> bool:
        outcome = judged(number, record_id=name_of(1))
        return store.reviews.settle(
            name_of(1), said(f"p{number}"), at=110.0, outcomes=[outcome], deliveries=[NEWS]
        )

    with ThreadPoolExecutor(8) as people:
        done = [n for n, won in enumerate(people.map(settle, range(8))) if won]

    assert 1 == len(done)
    settled = get(store).settled
    assert settled is not None
    assert f"p{done[0]}" == settled.by
    assert [f"out_{done[0]:08d}"] == [each.id for each in store.outcomes.find(OutcomeQuery())]


def test_all_of_it_survives_a_restart(address: str) -> None:
    """Another opening of the same store knows who holds what and who said what."""
    before = open_store(address)
    before.migrate()
    keep(before, asking(1), asking(2), asking(3))
    claim(before, "ann", id=name_of(1))
    rule(before, 2, said("bob"))
    before.reviews.settle(name_of(3), said("cyd"), at=110.0, outcomes=[judged(3)])
    known = [get(before, number) for number in (1, 2, 3)]
    before.close()

    after = open_store(address)
    try:
        assert known == [get(after, number) for number in (1, 2, 3)]
        assert 1 == len(after.outcomes.labelled(feature="support"))
    finally:
        after.close()


def test_without_tables_the_store_says_migrate(address: str) -> None:
    """Nothing can be claimed; the message names the command."""
    store = open_store(address)
    try:
        with pytest.raises(StoreUnavailable, match="seatrial migrate"):
            claim(store, "ann")
    finally:
        store.close()
