"""Accuracy from few labels: unbiased, narrower with a good forecast, honest with a bad one."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats import accuracy, betting, sequences


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.005, 1))
def test_term_is_unbiased(f: float, y: float, pi: float) -> None:
    """Labelled with its chance, or not: on average the label, whatever the forecast."""
    labelled, unlabelled = accuracy.term(f, y, pi, True), accuracy.term(f, y, pi, False)

    assert y == pytest.approx(pi * labelled + (1 - pi) * unlabelled, abs=1e-9)
    low, high = accuracy.term_range(pi)
    assert low - 1e-9 <= labelled <= high + 1e-9


def test_unlabelled_label_is_not_looked_at() -> None:
    """What nobody looked at cannot count."""
    assert 0.7 == accuracy.term(0.7, math.nan, 0.1, False)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=100))
def test_large_sample_range(terms: list[float]) -> None:
    """Around the mean, by the half width for all looks."""
    found = accuracy.mean_and_interval(terms, 0.05, 100)
    half = sequences.mean_half_width(len(terms), statistics.stdev(terms), 100, 0.05)

    assert math.fsum(terms) / len(terms) == pytest.approx(found.mean)
    assert (found.mean - half, found.mean + half) == pytest.approx(
        (found.low, found.high), abs=1e-6
    )


@pytest.mark.parametrize("terms", [[], [0.4]])
def test_one_term_is_no_range(terms: list[float]) -> None:
    """Nothing is known of the spread yet."""
    found = accuracy.mean_and_interval(terms, 0.05, 100)

    assert (sum(terms), -math.inf, math.inf) == (found.mean, found.low, found.high)


def is_lost(terms: list[float], mean: float, low: float, high: float) -> bool:
    """Tell whether one of the two bets against a mean has reached 2/alpha."""
    below = betting.Wealth(mean, low, high)
    above = betting.Wealth(low + high - mean, low, high)
    for x in terms:
        below, above = below.bet(x), above.bet(low + high - x)
    return max(below.log_e, above.log_e) >= math.log(40)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-4.0, 5.0)])
def test_betting_range_is_where_the_bets_win(seed: int, low: float, high: float) -> None:
    """All means outside are lost, those just inside are not."""
    dice = random.Random(seed)
    terms = [
        accuracy.term(0.8, dice.random() < 0.9, 1 / high, dice.random() < 1 / high)
        for _ in range(800)
    ]
    found = accuracy.mean_and_bets(terms, 0.05, low=low, high=high)

    assert 0 < found.low < found.mean < found.high <= 1
    outside = [at / 20 for at in range(21) if not found.low - 1e-4 < at / 20 < found.high + 1e-4]
    assert all(is_lost(terms, mean, low, high) for mean in outside)
    for outside_by, end in ((-1e-4, found.low), (1e-4, found.high)):
        assert is_lost(terms, end + outside_by, low, high) or end in {0.0, 1.0}
    assert not is_lost(terms, found.low + 1e-4, low, high)
    assert not is_lost(terms, found.high - 1e-4, low, high)


def test_no_labels_no_betting_range() -> None:
    """Nothing seen: anything is possible."""
    assert accuracy.Estimate(0.0, 0.0, 1.0) == accuracy.mean_and_bets([], 0.05, low=0, high=1)


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 0.98, 1.0), (0.0, 0.0, 0.02)])
def test_betting_range_at_the_ends(value: float, low: float, high: float) -> None:
    """All right, or all wrong: the range closes in on the end."""
    found = accuracy.mean_and_bets([value] * 1_000, 0.05, low=0.0, high=1.0)

    assert low <= found.low <= found.high <= high


def test_impossible_terms_end_at_the_nearest_mean() -> None:
    """Terms that say more than 1 leave only the 1."""
    found = accuracy.mean_and_bets([3.0] * 1_000, 0.05, low=-3.0, high=4.0)

    assert (1.0, 1.0) == (pytest.approx(found.low, abs=1e-3), found.high)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=60))
def test_weight_is_a_share(pairs: list[tuple[bool, float]]) -> None:
    """In [0, 1], whatever the forecasts."""
    labels, forecasts = [float(y) for y, _ in pairs], [f for _, f in pairs]

    assert 0 <= accuracy.ppi_weight(labels, forecasts, 1000) <= 1


def test_weight_follows_the_worth_of_the_forecast() -> None:
    """A perfect forecast counts nearly whole, a turned or constant one not at all."""
    labels = [1.0, 0.0, 1.0, 1.0] * 25

    assert 1 / 1.1 == pytest.approx(accuracy.ppi_weight(labels, labels, 1000))
    assert 0 == accuracy.ppi_weight(labels, [1 - y for y in labels], 1000)
    assert 0 == accuracy.ppi_weight(labels, [0.3] * 100, 1000)


def test_without_weight_it_is_the_classical_range() -> None:
    """The mean of the labels with its normal range."""
    labels = [1.0, 0.0, 1.0, 1.0] * 25
    found = accuracy.ppi(labels, labels, labels, alpha=0.1, weight=0.0)
    error = stats.sem(labels) * stats.norm.isf(0.05)

    assert (0.75, 0.75 - error, 0.75 + error) == pytest.approx((found.mean, found.low, found.high))


def test_good_forecast_narrows_the_range() -> None:
    """With ten times as many forecasts as labels, by more than half."""
    labels = [1.0, 0.0, 1.0, 1.0] * 25
    alone = accuracy.ppi(labels, labels, labels * 10, alpha=0.05, weight=0.0)
    helped = accuracy.ppi(labels, labels, labels * 10, alpha=0.05)

    assert (helped.high - helped.low) < 0.5 * (alone.high - alone.low)
