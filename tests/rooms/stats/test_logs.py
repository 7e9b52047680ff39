"""Sums of numbers kept as logarithms, and where a statement begins to hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from seatrial.stats import _logs, _search

logs = st.floats(-1e5, 1e5) | st.just(-math.inf)


@given(st.lists(logs, min_size=1, max_size=50))
def test_mean_agrees_with_scipy(values: list[float]) -> None:
    """Far beyond what a float could hold."""
    expected = float(special.logsumexp(values)) - math.log(len(values))

    assert expected == pytest.approx(_logs.log_mean_exp(values), abs=1e-9)


def test_one_infinite_wealth_is_infinite() -> None:
    """A mean with infinity in it is infinite, of nothing it is nothing."""
    assert math.inf == _logs.log_mean_exp([math.inf, -math.inf])
    assert -math.inf == _logs.log_mean_exp([-math.inf])


@given(st.floats(-1e4, 1e4))
def test_softplus_agrees_with_numpy(value: float) -> None:
    """For large values the value itself, for small ones the exponential."""
    assert float(special.logsumexp([0, value])) == pytest.approx(_logs.softplus(value))


def test_nothing_times_the_log_of_nothing() -> None:
    """Is nothing."""
    assert (0.0, -math.inf, 0.0) == (
        _logs.times_log(0, 0.0),
        _logs.times_log(2, 0.0),
        _logs.times_log(2, 1.0),
    )


@given(st.floats(1e-6, 1e3), st.floats(1.1, 1e3), st.integers(2, 50))
def test_spaced_in_equal_ratios(low: float, times: float, count: int) -> None:
    """Both ends included."""
    found = _logs.spaced(low, low * times, count)

    assert (count, pytest.approx(low), pytest.approx(low * times)) == (
        len(found),
        found[0],
        found[-1],
    )
    assert found[1] / found[0] == pytest.approx(times ** (1 / (count - 1)))


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 2000))
def test_first_whole_number(low: int, more: int, turn: int) -> None:
    """The first from which on it holds; the end when it never does."""
    high = low + more

    assert min(max(turn, low), high) == _search.first_whole(lambda n: n >= turn, low, high)


@given(st.floats(-10, 10))
def test_crossing_in_both_directions(at: float) -> None:
    """Upwards and downwards; the end when it never holds."""
    assert at == pytest.approx(_search.first_true(lambda x: x >= at, -10, 10), abs=1e-9)
    assert at == pytest.approx(_search.first_true(lambda x: x <= at, 10, -10), abs=1e-9)
    assert 10 == pytest.approx(_search.first_true(lambda _: False, -10, 10))
