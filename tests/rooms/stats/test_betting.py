"""The bet on a bounded mean: fair, sized by the past alone, in any units."""

from __future__ import annotations

import math
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats import betting
from seatrial.stats.betting import Wealth

units = st.floats(0, 1)


def bet_all(wealth: Wealth, values: list[float] | tuple[float, ...]) -> Wealth:
    """Bet on one value after the other."""
    for x in values:
        wealth = wealth.bet(x)
    return wealth


@pytest.mark.parametrize("null", [0.05, 0.5, 0.8])
def test_bet_is_fair(null: float) -> None:
    """When the mean is the null, the expected wealth is exactly 1."""
    chances = {0.0: 0.75 * (1 - null), null: 0.25, 1.0: 0.75 * null}
    total = math.fsum(
        math.prod(chances[x] for x in values) * math.exp(bet_all(Wealth(null), values).log_e)
        for values in product(chances, repeat=8)
    )

    assert 1 == pytest.approx(total, abs=1e-9)


def test_wealth_by_hand() -> None:
    """The first stake knows one made-up value of mean 1/2 and variance 1/4."""
    first = Wealth(0.4).bet(0.9)
    stake = (0.5 - 0.4) / (0.25 + 0.1**2)

    assert math.log1p(stake * 0.5) == pytest.approx(first.log_e)
    assert (2, pytest.approx(0.7)) == (first.count, first.mean)
    # Distances from the old mean and from the new one: 0.4 and 0.2.
    assert 0.25 + 0.4 * 0.2 == pytest.approx(first.spread)


def test_stake_is_held_back() -> None:
    """Never more than half of the wealth can be lost at once, however sure the past is."""
    sure = bet_all(Wealth(0.5), [1.0] * 1000)

    assert math.log(0.5) == pytest.approx(sure.bet(0.0).log_e - sure.log_e)


def test_no_stake_below_the_null() -> None:
    """Where the past speaks for the null nothing is put in, so nothing is lost or won."""
    calm = bet_all(Wealth(0.5), [0.1] * 20)

    assert calm.log_e == calm.bet(1.0).log_e


@given(st.lists(units, max_size=60), st.floats(0.01, 0.99))
def test_wealth_folds_as_the_whole(values: list[float], null: float) -> None:
    """One by one or all at once, and always a number."""
    one_by_one = bet_all(Wealth(null), values).log_e

    assert one_by_one == pytest.approx(betting.log_e(betting.forecast(values), null), abs=1e-9)
    assert not math.isnan(one_by_one)


@given(st.lists(units, max_size=40), st.floats(0.01, 0.99), st.floats(-5, 5), st.floats(0.1, 9))
def test_units_do_not_matter(values: list[float], null: float, low: float, width: float) -> None:
    """Values on another scale give the same wealth; those beyond it count as its ends."""
    there = [low + width * x for x in values]
    scaled = Wealth(low + width * null, low=low, high=low + width)

    assert bet_all(Wealth(null), values).log_e == pytest.approx(
        bet_all(scaled, there).log_e, abs=1e-6
    )
    assert scaled.bet(low + 3 * width).mean == pytest.approx(scaled.bet(low + width).mean)
    assert scaled.bet(low - 3 * width).mean == pytest.approx(scaled.bet(low).mean)


def test_null_at_the_ends() -> None:
    """A null of 0 is lost with the first value above it; a null of 1 is never bet against."""
    seen = betting.forecast([0.5] * 10)

    assert betting.log_e(seen, 0.0) > 0
    assert 0 == betting.log_e(seen, 1.0)


def test_wealth_grows_and_never_turns() -> None:
    """A mean above the null wins in the end, and each value adds to it."""
    wealths = [Wealth(0.5)]
    for _ in range(200):
        wealths.append(wealths[-1].bet(0.7))

    assert all(after.log_e >= before.log_e for before, after in pairwise(wealths))
    assert wealths[-1].log_e > math.log(20)
