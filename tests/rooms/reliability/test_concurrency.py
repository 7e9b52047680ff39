"""How many may be in flight: down on signs of strain, up while there are none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.concurrency import DECREASE, ConcurrencyLimit


def test_what_nobody_objected_to_is_allowed() -> None:
    """Without a start the limit is the most; with one it is that, within its ends."""
    assert 256 == ConcurrencyLimit(256).limit
    assert 16 == ConcurrencyLimit(256, start=16).limit
    assert 4 == ConcurrencyLimit(4, start=16).limit


def test_strain_takes_three_tenths_once_a_second() -> None:
    """Signs of one burst count once; the next second's count again."""
    limit = ConcurrencyLimit(256, start=100)

    for _ in range(20):
        limit.strained(5.0, in_flight=100)
    assert 70 == limit.limit
    limit.strained(5.9, in_flight=70)
    assert 70 == limit.limit
    limit.strained(6.0, in_flight=70)
    assert 49 == limit.limit


def test_a_server_that_fails_now_and_then_is_not_starved() -> None:
    """Below the share of signs the limit stands; a run of them brings it down."""
    limit = ConcurrencyLimit(100, least_share=0.3)
    for step in range(2000):
        if step % 10:
            limit.succeeded(100)
        else:
            limit.strained(step * 0.1, in_flight=100)
    assert 100 == limit.limit
    assert not limit.is_open
    for step in range(7):
        limit.strained(300.0 + step, in_flight=100)
    assert 70 > limit.limit


def test_it_is_open_again_when_all_strain_is_over() -> None:
    """At its upper end, and with nothing but good ends of late."""
    limit = ConcurrencyLimit(10)
    assert limit.is_open
    limit.strained(0.0, in_flight=10)
    assert not limit.is_open
    for _ in range(100):
        limit.succeeded(10)
    assert limit.is_open


def test_an_old_sign_says_nothing_of_now() -> None:
    """Whom nobody asks cannot show that it is well again: with time more are let in anyway."""
    limit = ConcurrencyLimit(256)
    limit.strained(5.0, in_flight=2)

    at = [limit.limit_at(5.0 + quiet_s) for quiet_s in (-1.0, 0.0, 4.9, 5.0, 10.0, 30.0, 1e9)]
    assert [1, 1, 1, 2, 4, 64, 256] == at
    limit.strained(35.0, in_flight=40)
    assert 28 == limit.limit
    assert 10 == ConcurrencyLimit(256, start=10).limit_at(1e9), "nobody objected to that start"


def test_a_limit_far_above_the_load_falls_to_the_load() -> None:
    """What was in flight when the other side complained was too much, not the limit."""
    limit = ConcurrencyLimit(256)
    limit.strained(5.0, in_flight=20)

    assert 14 == limit.limit


def test_it_rises_by_one_per_limit_successes_when_it_is_used() -> None:
    """Ten good ends at a limit of ten make eleven; those of an idle target make nothing."""
    limit = ConcurrencyLimit(256, start=10)
    for _ in range(100):
        limit.succeeded(in_flight=5)
    assert 10 == limit.limit
    for _ in range(9):
        limit.succeeded(in_flight=6)
    assert 10 == limit.limit
    limit.succeeded(in_flight=6)
    assert 11 == limit.limit


def test_it_never_leaves_its_ends() -> None:
    """Neither below the least nor above the most, whatever happens."""
    limit = ConcurrencyLimit(2, start=2)
    for second in range(9):
        limit.strained(float(second), in_flight=2)
    assert 1 == limit.limit
    for _ in range(9):
        limit.succeeded(in_flight=2)
    assert 2 == limit.limit


def test_it_does_not_rise_to_a_least_that_is_above_it() -> None:
    """A strain never raises a limit."""
    limit = ConcurrencyLimit(8, least=64)
    limit.strained(0.0, in_flight=8)

    assert 8 == limit.limit


def test_another_most_is_taken_up() -> None:
    """A reload that raises the end lifts a limit which stood at it, and no other."""
    limit = ConcurrencyLimit(100)
    limit.adjust(200)
    assert 200 == limit.limit
    limit.strained(0.0, in_flight=200)
    limit.adjust(300)
    assert 140 == limit.limit
    limit.adjust(300)
    limit.adjust(50)
    assert 50 == limit.limit


@given(
    st.integers(1, 300),
    st.one_of(st.none(), st.integers(1, 300)),
    st.lists(st.tuples(st.booleans(), st.integers(0, 300), st.floats(0, 2)), max_size=300),
)
def test_one_step_moves_it_little(
    most: int, start: int | None, steps: list[tuple[bool, int, float]]
) -> None:
    """It stays within its ends, rises by one at a time or with quiet, falls only on strain."""
    limit = ConcurrencyLimit(most, start=start)
    now = 0.0
    for good, in_flight, pause_s in steps:
        before = limit.limit
        now += pause_s
        relaxed = limit.limit_at(now)
        if good:
            limit.succeeded(in_flight)
            assert before <= limit.limit <= before + 1
        else:
            limit.strained(now, in_flight)
            assert limit.limit in {before, max(1, int(min(relaxed, in_flight) * DECREASE))}
        assert 1 <= limit.limit <= most


def test_it_finds_what_the_other_side_bears() -> None:
    """Against a server that takes 40 at once the limit comes to swing between 28 and 40."""
    limit = ConcurrencyLimit(256)
    seen = []
    for step in range(20_000):
        in_flight = min(200, limit.limit)
        if in_flight > 40:
            limit.strained(step * 0.01, in_flight)
        else:
            limit.succeeded(in_flight)
        if step > 10_000:
            seen.append(limit.limit)

    assert 24 <= min(seen)
    assert max(seen) <= 41
