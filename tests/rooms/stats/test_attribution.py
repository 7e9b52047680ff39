"""Events by side: fair under the null whatever the stages, and the ratio that follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats import attribution, coin
from seatrial.stats.attribution import Stage

Bet = Callable[[list[Stage], float], float]

BETS: list[Bet] = [attribution.log_e, attribution.log_e_mirrored]


def chance(share: float, ratio: float) -> float:
    """Tell how likely an event is the candidate's."""
    return ratio * share / (ratio * share + 1 - share)


stages_of_any_kind = st.lists(
    st.builds(
        Stage,
        st.sampled_from([0.0, 0.02, 0.05, 0.2, 0.5, 0.98, 1.0]),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    ),
    max_size=4,
)


@pytest.mark.parametrize("bet", BETS)
@pytest.mark.parametrize("rho", [0.5, 1.0, 2.0])
def test_bet_is_fair(bet: Bet, rho: float) -> None:
    """With 120 events at a share of 5 % the expected e-value is exactly 1 when the ratio is rho."""
    chances = stats.binom.pmf(range(121), 120, chance(0.05, rho))
    total = math.fsum(
        weight * math.exp(bet([Stage(0.05, hits, 120 - hits)], rho))
        for hits, weight in enumerate(chances)
    )

    assert 1 == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("bet", BETS)
@pytest.mark.parametrize("rho", [1.0, 2.0])
def test_bet_is_fair_over_stages(bet: Bet, rho: float) -> None:
    """Three shares, nine events in each: one bet through all of them, still exactly 1."""
    shares = (0.05, 0.2, 0.5)
    chances = [stats.binom.pmf(range(10), 9, chance(share, rho)) for share in shares]
    total = math.fsum(
        math.prod(weights[hits] for weights, hits in zip(chances, counts, strict=True))
        * math.exp(
            bet([Stage(s, hits, 9 - hits) for s, hits in zip(shares, counts, strict=True)], rho)
        )
        for counts in product(range(10), repeat=3)
    )

    assert 1 == pytest.approx(total, abs=1e-9)


def test_one_stage_is_a_coin() -> None:
    """At one share it is the coin of that share with its odds up to twenty times as high."""
    factors = [20 ** (turn / 40) for turn in range(1, 41)]

    assert coin.log_e(6, 46, p0=0.05, alternatives=factors) == pytest.approx(
        attribution.log_e([Stage(0.05, 6, 40)], 1)
    )


def test_pooled_shares_would_cry_wolf() -> None:
    """More events in a stage with a greater share are no sign of a worse candidate."""
    stages = [Stage(0.05, 10, 190), Stage(0.5, 300, 300)]

    assert attribution.log_e(stages, 1) < 0
    assert attribution.log_e([Stage(0.275, 310, 490)], 1) > math.log(20)


@given(stages_of_any_kind, st.floats(0.01, 100), st.sampled_from([0.001, 0.025, 0.05]))
def test_always_a_number(stages: list[Stage], rho: float, alpha: float) -> None:
    """Whatever the shares and counts."""
    for bet in BETS:
        assert not math.isnan(bet(stages, rho))
    assert attribution.ratio_upper(stages, alpha) > 0


@given(stages_of_any_kind, st.floats(0.05, 20), st.floats(1, 5))
def test_bets_move_one_way_with_the_ratio(stages: list[Stage], rho: float, times: float) -> None:
    """A greater ratio is easier to rule out from above and harder from below."""
    slack = 1e-9 * (1 + sum(stage.candidate + stage.stable for stage in stages))

    assert attribution.log_e(stages, rho * times) <= attribution.log_e(stages, rho) + slack
    assert (
        attribution.log_e_mirrored(stages, rho)
        <= attribution.log_e_mirrored(stages, rho * times) + slack
    )


@given(st.integers(0, 60), st.integers(20, 600), st.sampled_from([0.001, 0.025, 0.05]))
def test_ratio_is_where_a_scan_from_above_stops(candidate: int, stable: int, alpha: float) -> None:
    """Every greater ratio is ruled out, the next smaller one is not."""
    stages = [Stage(0.05, candidate, stable), Stage(0.2, candidate // 2, stable // 2)]
    found = attribution.ratio_upper(stages, alpha)
    enough = -math.log(alpha)

    assert all(
        attribution.log_e_mirrored(stages, found * 1.5**step) >= enough for step in range(1, 12)
    )
    assert attribution.log_e_mirrored(stages, found * (1 - 1e-6)) < enough


def test_no_stable_events_rule_out_nothing() -> None:
    """Nobody to compare with: any ratio is possible."""
    assert math.inf == attribution.ratio_upper([Stage(0.05, 20, 0)], 0.05)
    assert math.inf == attribution.ratio_upper([], 0.05)


def test_forecast_knows_when_it_is_hopeless() -> None:
    """The truth itself is never ruled out; a stricter level takes longer."""
    assert attribution.events_needed(0.05, true_ratio=2, null_ratio=2) is None

    usual = attribution.events_needed(0.05, true_ratio=2, null_ratio=1)
    strict = attribution.events_needed(0.05, true_ratio=2, null_ratio=1, alpha=0.01)
    assert usual is not None
    assert strict is not None
    assert usual < strict
