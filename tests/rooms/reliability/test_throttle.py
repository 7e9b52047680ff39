"""Windows in which a provider asked us to stay away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.throttle import BACKOFF_CAP_S, HINT_CAP_S, QUARANTINE_S, Throttle


def test_hint_is_kept() -> None:
    """The window lasts as long as the provider said."""
    throttle = Throttle()
    throttle.limited(100.0, 7.5, coin=0.9)

    assert 107.5 == throttle.until


@pytest.mark.parametrize(("hint_s", "window_s"), [(-3.0, 0.0), (0.0, 0.0), (1e9, HINT_CAP_S)])
def test_odd_hints_are_bounded(hint_s: float, window_s: float) -> None:
    """A negative hint is none at all, an absurd one an hour."""
    throttle = Throttle()
    throttle.limited(100.0, hint_s, coin=0.5)

    assert 100.0 + window_s == throttle.until


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.none() | st.floats(-10, 1e6), st.floats(0, 0.999)),
        min_size=1,
    )
)
def test_later_window_always_wins(limits: list[tuple[float, float | None, float]]) -> None:
    """No limit ever shortens a window, and none lasts longer than an hour from the last one."""
    throttle = Throttle()
    now, until = 0.0, 0.0
    for step_s, hint_s, coin in limits:
        now += step_s
        throttle.limited(now, hint_s, coin=coin)
        assert until <= throttle.until <= max(until, now + HINT_CAP_S)
        until = throttle.until


def test_limits_without_a_time_back_off() -> None:
    """Each doubles the window up to a cap, half of it kept by jitter; an answer starts over."""
    throttle = Throttle()
    windows = []
    for turn in range(7):
        now = 1000.0 * turn
        throttle.limited(now, None, coin=0.5)
        windows.append(throttle.until - now)
    assert [each * 0.75 for each in (1, 2, 4, 8, 16, BACKOFF_CAP_S, BACKOFF_CAP_S)] == windows

    throttle.answered()
    throttle.limited(9000.0, None, coin=0.0)
    assert 9000.5 == throttle.until


def test_limits_for_a_week_are_survived() -> None:
    """A quota that stays used up never overflows the back-off."""
    throttle = Throttle()
    for turn in range(20_000):
        throttle.limited(30.0 * turn, None, coin=0.0)

    assert 30.0 * 19_999 + BACKOFF_CAP_S / 2 == throttle.until


def test_refused_key_rests_for_a_minute() -> None:
    """It is a window of its own: the rate's window stays as it was."""
    throttle = Throttle()
    throttle.key_refused(10.0)
    throttle.key_refused(5.0)

    assert (10.0 + QUARANTINE_S, 0.0) == (throttle.keys_until, throttle.until)
