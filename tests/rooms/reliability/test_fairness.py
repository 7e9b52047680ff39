"""Shares that are max-min fair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.fairness import FRESH_S, Shares, fair_level, give, take


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 400))
def test_the_level_fills_the_room(wanted: list[int], room: int) -> None:
    """Cut at the level, all together fit; where somebody is cut, no place is left over."""
    level = fair_level(wanted, room)

    taken = sum(min(each, level) for each in wanted)
    assert taken <= room + 1e-6
    if any(each > level for each in wanted):
        assert taken == pytest.approx(room)
    else:
        assert level == float("inf")


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(0, 400))
def test_whoever_wants_little_gets_it(wanted: list[int], room: int) -> None:
    """Nobody who wants at most an even share is cut, however greedy the others are."""
    assert fair_level(wanted, room) >= room / len(wanted)


def shares_of(**in_flight: int) -> Shares:
    """Return shares with so many places in flight."""
    shares = Shares()
    shares.in_flight.update(in_flight)
    return shares


def looked(shares: Shares, *, room: int, start: float = 0.0, seconds: float = 20.0) -> Shares:
    """Look again and again while nothing changes."""
    for step in range(int(seconds * 10)):
        shares.is_within("nobody", room=room, now=start + step / 10)
    return shares


def test_whoever_is_alone_may_have_everything() -> None:
    """Where nobody else is, there is nobody to be unfair to; a lag lets nobody wait."""
    for shares in (shares_of(greedy=100), shares_of()):
        looked(shares, room=100)
        assert shares.is_alone("greedy")
        assert 50 == shares.may_queue("greedy", 50, lagging=False)
        assert 0 == shares.may_queue("greedy", 50, lagging=True)
    waiting = shares_of(greedy=100)
    take(waiting.queued, "greedy")
    assert waiting.is_alone("greedy")
    take(waiting.queued, "other")
    assert not waiting.is_alone("greedy")
    assert not shares_of(greedy=99, other=1).is_alone("greedy")


def test_whoever_holds_little_is_within_its_share() -> None:
    """In a full house one more may be had by those below the level, at the cost of those above."""
    shares = shares_of(greedy=80, modest=15, little=5)

    assert not shares.is_within("greedy", room=100, now=0.0)
    assert shares.is_within("modest", room=100, now=0.0)
    assert shares.is_within("new", room=100, now=0.0)
    assert not shares_of(only=100).is_within("only", room=100, now=0.0)
    assert shares_of(only=100).is_within("new", room=100, now=0.0)
    even = shares_of(a=50, b=50)
    assert not even.is_within("a", room=100, now=0.0)
    assert not shares_of(a=41, b=40, c=19).is_within("b", room=100, now=0.0)


def test_waiting_counts_like_being_served() -> None:
    """A key that has its share in the house cannot have it in the queue as well."""
    shares = shares_of(modest=8, others=92)
    assert shares.is_within("modest", room=100, now=0.0)
    for _ in range(42):
        take(shares.queued, "modest")

    assert not shares.is_within("modest", room=100, now=1.0)


def test_everybody_may_have_one() -> None:
    """With more keys than places nobody is refused the first."""
    shares = shares_of(**{f"k{i}": 1 for i in range(20)})

    assert shares.is_within("new", room=5, now=0.0)
    assert not shares.is_within("k1", room=5, now=0.0)
    assert 2 == shares.may_queue("k1", 8, lagging=False)


def test_whoever_has_its_share_may_have_an_even_part_of_the_queue() -> None:
    """Ten keys that hold much alike, and two hundred places to wait."""
    shares = looked(shares_of(**{f"k{i}": 9 + i % 3 for i in range(10)}), room=100)

    for lagging in (False, True):
        assert 20 == shares.may_queue("k1", 200, lagging=lagging)
    assert not any(shares.is_far_over(f"k{i}") for i in range(10))
    assert not shares.is_uneven


def test_whoever_usually_holds_far_more_may_only_have_a_few() -> None:
    """As many as keep its share busy; none while the event loop is late."""
    shares = looked(shares_of(greedy=64, **{f"k{i}": 4 for i in range(9)}), room=100)

    assert shares.is_far_over("greedy")
    assert 15 < shares.may_queue("greedy", 200, lagging=False) < 16
    assert 0 == shares.may_queue("greedy", 200, lagging=True)
    assert not shares.is_far_over("k1")
    assert shares.is_uneven
    assert 20 == shares.may_queue("k1", 200, lagging=True)


def test_some_places_are_kept_free_of_whoever_holds_far_more() -> None:
    """As many as others are likely to want next; none where nobody is far over."""
    for room, reserve in ((100, 7), (2, 1), (1, 0)):
        greedy = shares_of(greedy=64, **{f"k{i}": 4 for i in range(9)})
        assert reserve == looked(greedy, room=room).reserve
    for even in (shares_of(a=50, b=50), shares_of(only=100), shares_of()):
        assert 0 == looked(even, room=100).reserve


def test_a_dip_makes_nobody_greedy() -> None:
    """Where places fall free more slowly all hold more; who held far more is still known."""
    shares = looked(shares_of(greedy=46, **{f"k{i}": 6 for i in range(9)}), room=100)
    for key in shares.in_flight:
        shares.in_flight[key] = 10
        for _ in range(9):
            take(shares.queued, key)
    looked(shares, room=100, start=20.0, seconds=1.0)

    assert shares.is_far_over("greedy")
    assert not shares.is_within("k1", room=100, now=21.0)
    assert 75 == shares.may_queue("k1", 750, lagging=True)


def test_a_burst_is_forgiven_to_who_usually_holds_little() -> None:
    """Only a key that has held far more for a while is held to it, and forgiven as slowly."""
    shares = looked(shares_of(greedy=80, bursting=4), room=100)
    shares.in_flight["bursting"] = 60
    looked(shares, room=100, start=20.0, seconds=0.3)
    assert not shares.is_far_over("bursting")
    assert shares.is_far_over("greedy")
    shares.in_flight["greedy"] = 20
    looked(shares, room=100, start=20.3)
    assert shares.is_far_over("bursting")
    assert not shares.is_far_over("greedy")
    del shares.in_flight["bursting"]
    looked(shares, room=100, start=40.3, seconds=0.3)
    assert shares.is_far_over("bursting")
    assert not shares.is_far_over("new")


def test_the_level_is_worked_out_anew_after_a_moment() -> None:
    """Between two looks the old level serves: it costs as much as there are keys."""
    shares = shares_of(greedy=50, other=50)
    assert not shares.is_within("greedy", room=100, now=10.0)
    shares.in_flight["greedy"] = 9

    assert shares.is_within("greedy", room=100, now=10.0)
    assert not shares.is_within("other", room=100, now=10.0 + FRESH_S / 2)
    assert shares.is_within("other", room=100, now=10.0 + FRESH_S)
    assert not shares.is_within("other", room=20, now=10.0 + FRESH_S)


def test_keys_that_left_are_forgotten() -> None:
    """What somebody usually held fades, and then nothing is kept of them."""
    shares = looked(shares_of(**{f"k{i}": 50 for i in range(100)}), room=100)
    assert 100 == len(shares._usual)
    shares.in_flight = {"a": 1, "b": 1}
    looked(shares, room=100, start=20.0)

    assert {"a", "b"} == shares._usual.keys()


def test_who_holds_nothing_is_forgotten() -> None:
    """The tables are as large as the number of keys at work."""
    places: dict[str, int] = {}
    take(places, "a")
    take(places, "a")
    give(places, "a")
    assert {"a": 1} == places
    give(places, "a")
    assert {} == places
