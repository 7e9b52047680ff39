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


def is_over(shares: Shares, key: str, *, room: int, start: float = 0.0) -> bool:
    """Ask again and again for ten seconds while nothing changes, and return the last word."""
    answers = [shares.is_over(key, room=room, now=start + step / 10) for step in range(100)]
    return answers[-1]


def test_the_only_key_may_have_everything() -> None:
    """Where nobody else is, there is nobody to be unfair to."""
    assert not is_over(shares_of(greedy=100), "greedy", room=100)
    assert not is_over(Shares(), "first", room=100)


def test_a_greedy_key_is_held_to_what_others_leave() -> None:
    """Ten places for others leave ninety, and a few may wait beyond them."""
    others = {f"k{i}": 1 for i in range(10)}

    assert not is_over(shares_of(greedy=90, **others), "greedy", room=100)
    assert not is_over(shares_of(greedy=99, **others), "greedy", room=100)
    assert is_over(shares_of(greedy=100, **others), "greedy", room=100)
    assert not is_over(shares_of(greedy=91, **others), "k3", room=100)
    assert not is_over(shares_of(greedy=91, **others), "new", room=100)


def test_waiting_counts_like_being_served() -> None:
    """A key cannot fill the queue beyond its share."""
    shares = shares_of(greedy=50, other=50)
    for _ in range(8):
        take(shares.queued, "greedy")

    assert is_over(shares, "greedy", room=100)


def test_everybody_may_have_one() -> None:
    """With more keys than places nobody is refused the first."""
    shares = shares_of(**{f"k{i}": 1 for i in range(20)})

    assert not is_over(shares, "k1", room=5)
    assert not is_over(shares, "new", room=5)
    take(shares.queued, "k1")
    assert is_over(shares, "k1", room=5)


def test_a_burst_is_forgiven_to_who_usually_holds_little() -> None:
    """Only a key that has held its share for a while is held to it, and forgiven as slowly."""
    shares = shares_of(greedy=80, bursting=4)
    assert not is_over(shares, "bursting", room=100)
    shares.in_flight["bursting"] = 60
    assert not shares.is_over("bursting", room=100, now=10.3)
    assert shares.is_over("greedy", room=100, now=10.3)
    assert is_over(shares, "bursting", room=100, start=11.0)
    del shares.in_flight["bursting"]
    assert not shares.is_over("greedy", room=100, now=21.1)
    shares.in_flight["bursting"] = 60
    assert shares.is_over("bursting", room=100, now=21.2)
    assert not shares.is_over("new", room=100, now=21.2)


def test_the_level_is_worked_out_anew_after_a_moment() -> None:
    """Between two looks the old level serves: it costs as much as there are keys."""
    shares = shares_of(greedy=60, other=40)
    assert not is_over(shares, "greedy", room=100)
    shares.in_flight["other"] = 90

    assert not shares.is_over("greedy", room=100, now=9.9 + FRESH_S / 2)
    assert shares.is_over("greedy", room=100, now=9.9 + FRESH_S)
    assert not shares.is_over("greedy", room=200, now=9.9 + FRESH_S)


def test_keys_that_left_are_forgotten() -> None:
    """What somebody usually held fades, and then nothing is kept of them."""
    shares = shares_of(**{f"k{i}": 50 for i in range(100)})
    assert is_over(shares, "k1", room=100)
    shares.in_flight = {"a": 1, "b": 1}
    is_over(shares, "a", room=100, start=20.0)

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


def test_whoever_holds_little_is_under_its_share() -> None:
    """In a full house one more may be had by those below the level, at the cost of those above."""
    shares = shares_of(greedy=80, modest=15, little=5)

    assert not shares.is_under("greedy", room=100, now=0.0)
    assert shares.is_under("modest", room=100, now=0.0)
    assert shares.is_under("new", room=100, now=0.0)
    assert not shares_of(only=100).is_under("only", room=100, now=0.0)
    assert shares_of(only=100).is_under("new", room=100, now=0.0)
    even = shares_of(a=50, b=50)
    assert not even.is_under("a", room=100, now=0.0)
    assert not shares_of(a=41, b=40, c=19).is_under("b", room=100, now=0.0)
