"""Ranges for all looks: their widths, their ranks, their limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from seatrial.stats import coin, sequences


def test_half_width_is_the_textbook_formula() -> None:
    """Written out as printed, with its r squared."""
    n, s, n_opt, alpha = 731, 0.4, 500, 0.01
    r2 = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / n_opt
    inside = 2 * (n * r2 + 1) / (n**2 * r2) * math.log(math.sqrt(n * r2 + 1) / alpha)

    assert s * math.sqrt(inside) == pytest.approx(sequences.mean_half_width(n, s, n_opt, alpha))


@given(st.integers(1, 10**9), st.floats(0, 100), st.integers(1, 10**9), st.floats(1e-6, 0.2))
def test_half_width_is_wider_than_for_one_look(n: int, s: float, n_opt: int, alpha: float) -> None:
    """The price of looking at any time; more certainty costs more; it is always a number."""
    half = sequences.mean_half_width(n, s, n_opt, alpha)

    assert half >= stats.norm.isf(alpha / 2) * s / math.sqrt(n)
    assert half <= sequences.mean_half_width(n, s, n_opt, alpha / 2)


def test_half_width_is_tightest_where_asked() -> None:
    """No other choice of the width gives a tighter range at that number."""
    best = optimize.minimize_scalar(
        lambda log_rho: sequences.normal_bound(1000, math.exp(log_rho), 0.05),
        bounds=(0, 12),
        method="bounded",
    )

    # The formula is the usual closed form of an equation that has none.
    found = sequences.normal_bound(1000, sequences.normal_rho(1000, 0.05), 0.05)
    assert best.fun == pytest.approx(found, rel=1e-3)


def test_no_values_no_range() -> None:
    """Nothing seen: infinitely wide, and no rank bounds anything."""
    assert math.inf == sequences.mean_half_width(0, 1.0, 100, 0.05)
    assert (0, 1) == sequences.quantile_ranks(0, 0.5, 0.05)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_bound_is_where_the_mixture_reaches_it(s: float, v: float, rho: float) -> None:
    """The mixture is below 1/alpha before the bound and above it beyond."""
    bound = sequences.normal_bound(v, rho, 0.05)

    assert math.log(20) == pytest.approx(sequences.log_normal_mixture(bound, v, rho))
    assert (sequences.log_normal_mixture(s, v, rho) <= math.log(20)) == (abs(s) <= bound)


def test_mixture_is_fair() -> None:
    """For a normal sum of mean 0 the expected e-value is 1."""
    rho = sequences.normal_rho(100, 0.05)
    mean = stats.norm(scale=5).expect(
        lambda s: math.exp(sequences.log_normal_mixture(s, 25, rho)), lb=-200, ub=200
    )

    assert 1 == pytest.approx(mean, abs=1e-6)


@given(st.integers(0, 400), st.floats(0.001, 0.999), st.sampled_from([0.01, 0.05, 0.3]))
def test_ranks_are_the_counts_not_ruled_out(n: int, p: float, alpha: float) -> None:
    """Exactly the counts below the quantile against which no bet has won."""
    low, high = sequences.quantile_ranks(n, p, alpha)
    possible = [k for k in range(n + 1) if coin.log_e_two_sided(k, n, p) < -math.log(alpha)]

    assert (possible[0], possible[-1] + 1) == (low, high)
    assert 0 <= low <= high <= n + 1


def test_ranks_of_many_values_close_in() -> None:
    """A million values give the 95th percentile to a third of a percent in rank."""
    low, high = sequences.quantile_ranks(1_000_000, 0.95, 0.05)

    assert 949_000 < low < 950_000 < high < 951_000
