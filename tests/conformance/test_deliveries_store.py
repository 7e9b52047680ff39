"""What every store promises of news for other systems, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.store import DurableStore, open_store
from seatrial.values.deliveries import Delivery


def news(number: int, **changes: Any) -> Delivery:
    """Make the news of that number, due at once; larger numbers are newer."""
    at = float(number)
    plain = Delivery(f"d{number}", "shop", "review.settled", b"\x00\xff" * number, at, at)
    return msgspec.structs.replace(plain, **changes)


def due(store: DurableStore, now: float = 1e9, **more: Any) -> list[str]:
    """List what is to be tried, as it comes."""
    return [each.id for each in store.deliveries.due(now=now, **more)]


def test_news_come_back_whole(store: DurableStore) -> None:
    """To the byte; newest first, by state."""
    one, two = news(1), news(2, state="dead", tries=10, last="410 gone", next_at=7.5)
    store.deliveries.add([two, one])
    store.deliveries.add([])

    assert [two, one] == store.deliveries.all()
    assert [two] == store.deliveries.all(state="dead")
    assert [two] == store.deliveries.all(limit=1)
    assert [] == store.deliveries.all(limit=0)


def test_news_are_kept_once(store: DurableStore) -> None:
    """The same id again changes nothing: it may have been sent meanwhile."""
    store.deliveries.add([news(1)])
    delivered = news(1, state="delivered", tries=1)
    store.deliveries.tried(delivered)

    store.deliveries.add([news(1), news(2), news(2)])

    assert [news(2), delivered] == store.deliveries.all()


def test_what_is_longest_due_is_tried_first(store: DurableStore) -> None:
    """To the moment; what has arrived or is dead is not tried."""
    store.deliveries.add([news(3), news(1), news(2, state="delivered"), news(4, state="dead")])

    assert [] == due(store, now=0.9)
    assert ["d1"] == due(store, now=1.0)
    assert ["d1", "d3"] == due(store)
    assert ["d1"] == due(store, limit=1)


def test_each_receiver_gets_its_news_in_their_order(store: DurableStore) -> None:
    """Also when an older one of them was tried in vain."""
    store.deliveries.add(
        [news(1, next_at=9.0), news(2), news(3, to="crm"), news(4), news(5, to="crm", next_at=1.0)]
    )

    found = [(each.to, each.id) for each in store.deliveries.due(now=10.0)]

    assert [("crm", "d3"), ("shop", "d1"), ("crm", "d5"), ("shop", "d2"), ("shop", "d4")] == found


def test_what_came_of_a_try_is_kept(store: DurableStore) -> None:
    """Until it has arrived: a second process that failed does not send it again."""
    store.deliveries.add([news(1)])

    again = news(1, tries=1, next_at=60.0, last="503\0")
    store.deliveries.tried(again)
    assert [] == due(store, now=59.9)
    assert ["d1"] == due(store, now=60.0)
    assert [msgspec.structs.replace(again, last="503")] == store.deliveries.all()

    arrived = news(1, tries=2, next_at=60.0, state="delivered", last="200")
    store.deliveries.tried(arrived)
    store.deliveries.tried(news(1, tries=2, next_at=90.0))
    store.deliveries.tried(news(2))
    assert [arrived] == store.deliveries.all()
    assert [] == due(store)


def test_news_survive_a_restart(address: str) -> None:
    """Another opening of the same store sends them."""
    before = open_store(address)
    before.migrate()
    before.deliveries.add([news(1)])
    before.close()

    after = open_store(address)
    try:
        assert [news(1)] == after.deliveries.due(now=1.0)
    finally:
        after.close()
