"""Quantiles from logarithmic buckets, held against exact ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats.buckets import GROWTH, FadingQuantiles

ERROR = math.sqrt(GROWTH) - 1 + 1e-9  # 1.98 %


def exact(values: list[float], share: float) -> float:
    """Return the smallest value with at least `share` of all values at or below it."""
    rank = max(1, math.ceil(share * len(values)))
    return sorted(values)[rank - 1]


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300),
    st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0]) | st.floats(0, 1),
)
def test_quantiles_are_within_two_percent(values: list[float], share: float) -> None:
    """One relative error over twelve orders of magnitude, whatever the values."""
    seen = FadingQuantiles()
    for value in values:
        seen.add(value)

    assert exact(values, share) == pytest.approx(seen.quantile(share), rel=ERROR)
    assert len(values) == seen.weight


def test_nothing_seen() -> None:
    """Empty is zero, with no weight behind it."""
    assert (0.0, 0.0) == (FadingQuantiles().quantile(0.5), FadingQuantiles().weight)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-9])
def test_tiny_values_count_as_a_millionth(value: float) -> None:
    """A clock that stood still breaks nothing."""
    seen = FadingQuantiles()
    seen.add(value)

    assert 1e-6 == pytest.approx(seen.quantile(0.5), rel=ERROR)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_old_values_fade(before: float, after: float) -> None:
    """What was true once is outweighed by as many new values, and forgotten in the end."""
    seen = FadingQuantiles(keep=200)
    for _ in range(400):
        seen.add(before)
    for _ in range(400):
        seen.add(after)

    assert after == pytest.approx(seen.quantile(0.5), rel=ERROR)
    for _ in range(4000):
        seen.add(after)
    assert after == pytest.approx(seen.quantile(0.0), rel=ERROR)


def test_weight_is_bounded() -> None:
    """It never reaches `keep`, and never falls below its half once it was there."""
    seen = FadingQuantiles(keep=100)
    weights = []
    for turn in range(1000):
        seen.add(turn + 1)
        weights.append(seen.weight)

    assert max(weights) < 100
    assert min(weights[100:]) >= 49
