"""Binomial tails, held against scipy's and against sums of whole fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats.binomial import (
    log_choose,
    mcnemar_exact,
    mcnemar_mid_p,
    tail_at_least,
    tail_at_most,
)


def exact_tail(k: int, n: int, p: Fraction) -> Fraction:
    """Sum the chances of 0 to k hits without any rounding."""
    return sum(
        (math.comb(n, hits) * p**hits * (1 - p) ** (n - hits) for hits in range(k + 1)), Fraction(0)
    )


@given(st.integers(0, 300), st.data())
def test_choices(n: int, data: st.DataObject) -> None:
    """The logarithm of a whole number."""
    k = data.draw(st.integers(0, n))

    assert math.log(math.comb(n, k)) == pytest.approx(log_choose(n, k), abs=1e-10)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 99))
def test_tail_is_exact(k: int, n: int, percent: int) -> None:
    """Also where it is tiny, and seen from the misses."""
    expected = float(exact_tail(min(k, n), n, Fraction(percent, 100)))

    assert expected == pytest.approx(tail_at_most(k, n, percent / 100), rel=1e-10, abs=1e-300)
    assert expected == pytest.approx(tail_at_least(n - k, n, 1 - percent / 100), rel=1e-10)


@pytest.mark.parametrize("n", [1, 59, 1_000, 100_000, 10_000_000])
@pytest.mark.parametrize("p", [1e-6, 0.01, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("spreads", [-30, -8, -3, -1, 0, 1, 3, 8])
def test_tail_agrees_with_scipy(n: int, p: float, spreads: int) -> None:
    """From far below the mean to far above it, for few flips and for very many."""
    k = round(n * p + spreads * math.sqrt(n * p * (1 - p)))

    below, above = tail_at_most(k, n, p), tail_at_least(k + 1, n, p)

    # The logarithms of huge factorials have lost some digits.
    assert stats.binom.cdf(k, n, p) == pytest.approx(below, rel=1e-13 * n + 1e-9, abs=1e-290)
    assert stats.binom.sf(k, n, p) == pytest.approx(above, rel=1e-13 * n + 1e-9, abs=1e-290)


@given(st.integers(-2, 500), st.integers(0, 500), st.floats(0, 1))
def test_tails_are_chances_that_add_up(k: int, n: int, p: float) -> None:
    """In [0, 1], growing with k, and what is not in the one is in the other."""
    below = tail_at_most(k, n, p)

    assert 0 <= below <= 1
    assert below <= tail_at_most(k + 1, n, p) + 1e-12
    assert 1 == pytest.approx(below + tail_at_least(k + 1, n, p))


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0, 0.9), st.floats(0, 0.1))
def test_tail_shrinks_as_hits_get_likelier(k: int, n: int, p: float, more: float) -> None:
    """Few hits are the less likely, the likelier a hit is."""
    assert tail_at_most(k, n, p + more) <= tail_at_most(k, n, p) + 1e-12


@pytest.mark.parametrize(
    ("k", "n", "p", "tail"),
    [
        (-1, 10, 0.5, 0.0),
        (10, 10, 0.5, 1.0),
        (0, 0, 0.5, 1.0),
        (0, 10, 0.0, 1.0),
        (0, 10, 1.0, 0.0),
        (9, 10, 1.0, 0.0),
    ],
)
def test_edges(k: int, n: int, p: float, tail: float) -> None:
    """Nothing flipped, and coins that always fall the same way."""
    assert tail == tail_at_most(k, n, p)
    assert tail == tail_at_least(n - k, n, 1 - p)


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_agrees_with_scipy(b: int, c: int) -> None:
    """The two-sided binomial test; its mid-p form counts what was seen only half."""
    if b + c:
        assert stats.binomtest(b, b + c).pvalue == pytest.approx(mcnemar_exact(b, c))
    both = mcnemar_exact(b, c) if b != c else 1 + stats.binom.pmf(b, b + c, 0.5)
    assert both - stats.binom.pmf(b, b + c, 0.5) == pytest.approx(mcnemar_mid_p(b, c), rel=1e-9)
    assert 0 <= mcnemar_mid_p(b, c) <= mcnemar_exact(b, c) == mcnemar_exact(c, b) <= 1


def test_no_disagreement_says_nothing() -> None:
    """No pair that differs: a p-value of 1."""
    assert (1.0, 1.0) == (mcnemar_exact(0, 0), mcnemar_mid_p(0, 0))
