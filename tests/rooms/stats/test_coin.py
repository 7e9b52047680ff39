"""Bets on a coin: fair under the null, growing beside it, and the ranges made of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from seatrial.stats import coin

Bet = Callable[[int, int, float], float]

LIMIT = 0.05


def mixture(hits: int, flips: int, p0: float) -> float:
    """Bet on a tenth to eight tenths of p0."""
    rates = [factor * p0 for factor in coin.spaced(0.1, 0.8, 12)]
    return coin.log_e_mixture(hits, flips, p0, rates)


def narrow(hits: int, flips: int, p0: float) -> float:
    """Bet by another density than the usual one."""
    return coin.log_e_two_sided(hits, flips, p0, 2.0, 7.0)


ABOVE: list[Bet] = [coin.log_e_above]
BELOW: list[Bet] = [coin.log_e_below, mixture]
BETS: list[Bet] = [*ABOVE, *BELOW, coin.log_e_two_sided, narrow]


def expected_e(bet: Bet, flips: int, p0: float, p: float) -> float:
    """Sum the e-values of all counts, each by its chance when hits come with chance p."""
    chances = stats.binom.logpmf(range(flips + 1), flips, p)
    return math.fsum(math.exp(chance + bet(hits, flips, p0)) for hits, chance in enumerate(chances))


@pytest.mark.parametrize("bet", BETS)
@pytest.mark.parametrize("p0", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("flips", [0, 1, 200])
def test_bet_is_fair(bet: Bet, p0: float, flips: int) -> None:
    """Under the null the expected e-value is exactly 1."""
    assert 1 == pytest.approx(expected_e(bet, flips, p0, p0), abs=1e-9)


@pytest.mark.parametrize("bets", [ABOVE, BELOW])
@pytest.mark.parametrize("p0", [0.01, 0.05, 0.3])
def test_bet_loses_deep_in_the_null(bets: list[Bet], p0: float) -> None:
    """Below 1 where the null holds with room, above 1 where it does not."""
    inside, outside = (0.7 * p0, 1.4 * p0) if bets is ABOVE else (1.4 * p0, 0.7 * p0)

    for bet in bets:
        assert expected_e(bet, 100, p0, inside) < 1 < expected_e(bet, 100, p0, outside)


@pytest.mark.parametrize(("bet", "sign"), [(coin.log_e_above, 1), (coin.log_e_below, -1)])
@given(hits=st.integers(0, 400), p0=st.floats(0.001, 0.9), more=st.floats(1e-6, 0.09))
def test_one_sided_bet_moves_one_way(
    bet: Bet, sign: int, hits: int, p0: float, more: float
) -> None:
    """One more hit, or a null further off, moves it the way that its name says."""
    at = sign * bet(hits, 400, p0)

    assert sign * bet(hits, 400, p0 + more) <= at + 1e-9
    if hits < 400:
        assert at <= sign * bet(hits + 1, 400, p0) + 1e-9


def test_alternatives_are_factors_on_the_odds() -> None:
    """Forty of them, the last at ten times the odds, in equal ratios."""
    by_rate = [
        stats.binom.logpmf(8, 100, special.expit(special.logit(0.03) + turn / 40 * math.log(10)))
        for turn in range(1, 41)
    ]
    expected = special.logsumexp(by_rate) - math.log(40) - stats.binom.logpmf(8, 100, 0.03)

    assert expected == pytest.approx(coin.log_e_above(8, 100, 0.03))
    mirrored = [1 / factor for factor in coin.ABOVE]
    assert coin.log_e_below(8, 100, 0.03) == pytest.approx(
        coin.log_e(8, 100, p0=0.03, alternatives=mirrored)
    )


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.01, 0.99))
def test_two_sided_bet_agrees_with_scipy(hits: int, misses: int, p0: float) -> None:
    """The closed form of the mixture by a Beta density."""
    expected = (
        special.betaln(0.5 + hits, 0.5 + misses)
        - special.betaln(0.5, 0.5)
        - special.xlogy(hits, p0)
        - special.xlog1py(misses, -p0)
    )

    assert expected == pytest.approx(coin.log_e_two_sided(hits, hits + misses, p0), abs=1e-8)


@pytest.mark.parametrize("bet", BETS)
@given(
    hits=st.integers(0, 10**12),
    misses=st.integers(0, 10**12),
    p0=st.floats(0, 1) | st.sampled_from([0.0, 1.0, 1e-300, 1 - 1e-16]),
)
def test_bet_is_always_a_number(bet: Bet, hits: int, misses: int, p0: float) -> None:
    """Whatever the counts and the null."""
    assert not math.isnan(bet(hits, hits + misses, p0))


def test_what_the_null_excludes_rules_it_out() -> None:
    """A hit of a coin that never hits is proof; none is not."""
    assert math.inf == coin.log_e_two_sided(1, 10, 0.0)
    assert math.inf == coin.log_e_mixture(9, 10, 1.0, [0.5])
    assert coin.log_e_two_sided(0, 10, 0.0) < 5
    assert -math.inf == coin.log_e_mixture(1, 10, 0.5, [0.0])


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([0.001, 0.025, 0.05, 0.5]))
def test_upper_bound_is_where_the_bet_wins(hits: int, misses: int, alpha: float) -> None:
    """Just below it a chance is possible, just above it ruled out; it is never below the share."""
    flips = hits + misses
    bound = coin.upper_bound(hits, flips, alpha)

    assert hits / max(flips, 1) <= bound <= 1
    assert coin.log_e_below(hits, flips, bound * (1 - 1e-9)) < -math.log(alpha) + 1e-6
    if bound < 1:
        assert coin.log_e_below(hits, flips, bound + 1e-9) >= -math.log(alpha)


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([0.001, 0.025, 0.05, 0.5]))
def test_range_is_where_the_bet_wins(hits: int, misses: int, alpha: float) -> None:
    """It holds the share, and ends on both sides where the bet reaches 1/alpha."""
    flips = hits + misses
    low, high = coin.interval(hits, flips, alpha)

    assert 0 <= low <= high <= 1
    assert not flips or low <= hits / flips <= high
    for end in {low, high} - {0.0, 1.0}:
        assert -math.log(alpha) == pytest.approx(coin.log_e_two_sided(hits, flips, end), abs=1e-5)


@given(st.integers(0, 200), st.integers(0, 200))
def test_range_mirrors(hits: int, misses: int) -> None:
    """Hits and misses change places, so do the ends."""
    low, high = coin.interval(hits, hits + misses, 0.05)

    assert (1 - high, 1 - low) == pytest.approx(
        coin.interval(misses, hits + misses, 0.05), abs=1e-9
    )


def test_nothing_seen_is_nothing_known() -> None:
    """No flip: no bet won, every chance possible."""
    assert 0 == coin.log_e_above(0, 0, 0.3) == coin.log_e_two_sided(0, 0, 0.3)
    assert (0.0, 1.0) == coin.interval(0, 0, 0.05)
    assert 1.0 == coin.upper_bound(0, 0, 0.05)


def test_only_hits_leave_the_upper_end_open() -> None:
    """Nothing speaks against a coin that always hits."""
    assert 1.0 == coin.upper_bound(50, 50, 0.05) == coin.interval(50, 50, 0.05)[1]


def test_more_flips_narrow_the_range() -> None:
    """At the same share, down to nearly nothing."""
    widths = []
    for flips in (10, 100, 10_000, 1_000_000):
        low, high = coin.interval(flips // 10, flips, LIMIT)
        widths.append(high - low)

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.003
