"""Pairs: fair under the null, with signs that can be turned."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats import paired


@pytest.mark.parametrize("pairs", [0, 1, 42, 200])
def test_bet_is_fair(pairs: int) -> None:
    """When each disagreement is a fair coin, the expected e-value is exactly 1."""
    chances = stats.binom.pmf(range(pairs + 1), pairs, 0.5)
    total = math.fsum(
        chance * math.exp(paired.log_e(b, pairs - b)) for b, chance in enumerate(chances)
    )

    assert 1 == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("margin", [0.0, 0.01, 0.1])
def test_margin_bet_is_fair(margin: float) -> None:
    """When the mean difference is the margin, the expected e-value is exactly 1."""
    worse = 0.1 + margin
    chances = {-1: 0.1, 0: 0.9 - worse, 1: worse}
    total = math.fsum(
        math.prod(chances[each] for each in turns) * math.exp(paired.log_e_margin(turns, margin))
        for turns in product(chances, repeat=6)
    )

    assert 1 == pytest.approx(total, abs=1e-9)


@given(st.lists(st.floats(-1, 1), max_size=50), st.floats(0, 1))
def test_counts_and_differences_are_the_same(differences: list[float], margin: float) -> None:
    """Values one by one, or how often each was seen; no values are no evidence."""
    counts = {each: differences.count(each) for each in differences}
    log_e = paired.log_e_margin(counts, margin)

    assert log_e == pytest.approx(paired.log_e_margin(differences, margin), abs=1e-9)
    assert differences or log_e == 0
    assert not math.isnan(log_e)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_sides_can_be_changed(b: int, c: int) -> None:
    """Two-sided: who is called first does not matter, and it is always a number."""
    assert paired.log_e(b, c) == pytest.approx(paired.log_e(c, b))
    assert not math.isnan(paired.log_e(b, c))


def test_turned_signs_prove_the_worse() -> None:
    """With a margin of 0 and turned signs it tells a candidate that is worse."""
    assert paired.log_e_margin({-1: 40, 1: 10}, 0.0) > math.log(20)
    assert paired.log_e_margin({1: 40, -1: 10}, 0.0) < 0


@given(st.integers(0, 100), st.integers(0, 100))
def test_wider_margin_is_easier(better: int, worse: int) -> None:
    """The more harm is allowed, the easier it is to prove that it is less."""
    seen = {-1: better, 0: 1000, 1: worse}

    assert paired.log_e_margin(seen, 0.01) <= paired.log_e_margin(seen, 0.02)
