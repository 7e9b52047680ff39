"""The figures that statisticians and their programs have printed, and ours."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import pytest

from seatrial.stats import (
    accuracy,
    attribution,
    binomial,
    certify,
    coin,
    drift,
    paired,
    sequences,
)
from seatrial.stats.attribution import Stage
from seatrial.stats.drift import Detector

ENOUGH = math.log(20)
THREE_STAGES = [Stage(0.05, 6, 40), Stage(0.2, 20, 50), Stage(0.5, 40, 30)]
LADDER = coin.spaced(0.005, 0.04, 12)  # a limit of 5 %, times 0.1 to 0.8


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (coin.log_e_above(8, 100, 0.03), 2.063380),
        (coin.log_e_below(1, 200, 0.05), 6.060565),
        (coin.upper_bound(30, 1000, 0.025), 0.050944),
        (coin.upper_bound(0, 100, 0.05), 0.041392),
        (attribution.log_e([Stage(0.05, 6, 40)], 1), 1.196158),
        (attribution.log_e([Stage(0.05, 12, 40)], 1), 8.627790),
        (attribution.log_e(THREE_STAGES, 1), 1.418613),
        (attribution.log_e_mirrored([Stage(0.05, 5, 195)], 2), 7.168875),
        (attribution.log_e([], 1), 0),
        (attribution.log_e([Stage(0.05, 0, 0)], 1), 0),
        (paired.log_e(30, 12), 2.424395),
        (paired.log_e(9, 0), 3.147282),
        (paired.log_e_margin({0: 1000}, 0.01), 6.199390),
        (paired.log_e_margin({0: 950, 1: 25, -1: 25}, 0.01), 0.319737),
        (sequences.mean_half_width(1000, 0.3, 1000, 0.05), 0.0287945),
        (certify.p_value(0, 59, 0.05), 0.048495),
        (certify.p_value(5, 208, 0.05), 0.049225),
        (coin.log_e_mixture(1, 120, 0.05, LADDER), 2.938693),
    ],
)
def test_primitives(found: float, expected: float) -> None:
    """Logs of e-values, bounds and p-values, computed elsewhere by independent code."""
    assert expected == pytest.approx(found, abs=6e-7)


@pytest.mark.parametrize(
    ("hits", "flips", "expected"),
    [
        (15, 50, (0.126755, 0.525124)),
        (700, 1000, (0.645438, 0.751017)),
        (0, 100, (0, 0.057029)),
    ],
)
def test_proportions(hits: int, flips: int, expected: tuple[float, float]) -> None:
    """The range of a chance that holds at all looks."""
    assert expected == pytest.approx(coin.interval(hits, flips, 0.05), abs=6e-7)


@pytest.mark.parametrize(
    ("p", "ranks"), [(0.5, (443, 558)), (0.95, (923, 974)), (0.99, (977, 999))]
)
def test_quantile_ranks(p: float, ranks: tuple[int, int]) -> None:
    """The ranks that bracket a quantile of a thousand values."""
    assert ranks == sequences.quantile_ranks(1000, p, 0.05)


def test_ladder_takes_eighty_right_answers() -> None:
    """Nothing but right answers: the eightieth is the first with an e-value of 20."""
    assert 80 == next(n for n in count(1) if coin.log_e_mixture(0, n, 0.05, LADDER) >= ENOUGH)


Step = Callable[[Detector, bool], Detector]


def alarm(step: Step, start: Detector, *, every: int, limit: float) -> int:
    """Tell the label at which the alarm goes off when every so-manieth is wrong."""
    state = start
    for label in count(1):
        state = step(state, label % every == 0)
        if drift.value(state) > limit:
            return label
    raise AssertionError


@pytest.mark.parametrize(
    ("every", "limit", "label"), [(1, 20_000, 8), (10, 2_000, 110), (10, 20_000, 160)]
)
def test_restarting_detector(every: int, limit: float, label: int) -> None:
    """A reference of 3 %, and more than that in the labels."""

    def step(state: Detector, wrong: bool) -> Detector:
        return drift.restarting(state, wrong, reference=0.03)

    assert label == alarm(step, drift.RESTARTING, every=every, limit=limit)


def test_cusum() -> None:
    """The null at 5 % itself, every tenth label wrong."""

    def step(state: Detector, wrong: bool) -> Detector:
        return drift.cusum(state, wrong, null=0.05)

    assert 410 == alarm(step, drift.CUSUM, every=10, limit=2_000)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(86, 150, 3.7159e-05), (25, 15, 0.1538599), (11, 1, 0.0063477)]
)
def test_mcnemar(b: int, c: int, p: float) -> None:
    """Approval of the prime minister (Agresti), and two smaller tables."""
    assert p == pytest.approx(binomial.mcnemar_exact(b, c), rel=2e-5)
    assert p == pytest.approx(binomial.mcnemar_exact(c, b), rel=2e-5)


def test_sign_test() -> None:
    """Nine of nine."""
    assert 0.00390625 == binomial.mcnemar_exact(9, 0)


@pytest.mark.parametrize(("wrong", "labels"), list(enumerate([59, 93, 124, 153, 181, 208])))
def test_acceptance_sampling(wrong: int, labels: int) -> None:
    """The classic plan for "at most 5 % wrong" at 95 %: one label fewer proves nothing."""
    assert certify.p_value(wrong, labels, 0.05) <= 0.05 < certify.p_value(wrong, labels - 1, 0.05)


@pytest.mark.parametrize(
    ("limit", "confidence", "labels"),
    [
        (0.02, 0.95, [315, 592, 1570, 7162]),
        (0.02, 0.90, [195, 471, 1184, 5422]),
        (0.05, 0.95, [124, 265, 630, 2807]),
        (0.05, 0.90, [78, 187, 471, 1999]),
        (0.10, 0.95, [62, 118, 301, 1337]),
        (0.10, 0.90, [38, 92, 223, 967]),
    ],
)
def test_labels_needed(limit: float, confidence: float, labels: list[int]) -> None:
    """With a true error of a fifth, two, three and four fifths of the limit."""
    found = [certify.labels_needed(limit, limit * fifths / 5, confidence) for fifths in range(1, 5)]

    assert labels == found


@pytest.mark.parametrize(
    ("share", "events"),
    [(0.05, [3158, 905, 283, 99]), (0.2, [961, 282, 92, 35]), (0.5, [644, 196, 68, 28])],
)
def test_events_to_rule_out(share: float, events: list[int]) -> None:
    """Equal sides; the ratios 1.25, 1.5, 2 and 3 are to be ruled out."""
    assert events == [
        attribution.events_needed(share, true_ratio=1, null_ratio=ratio)
        for ratio in (1.25, 1.5, 2, 3)
    ]


@pytest.mark.parametrize(
    ("share", "events"),
    [(0.05, [804, 232, 74, 27]), (0.2, [262, 83, 30, 14]), (0.5, [199, 71, 31, 17])],
)
def test_events_to_detect(share: float, events: list[int]) -> None:
    """A candidate that is 1.5, 2, 3 and 5 times worse; equality is to be ruled out."""
    assert events == [
        attribution.events_needed(share, true_ratio=ratio, null_ratio=1) for ratio in (1.5, 2, 3, 5)
    ]


def test_normal_mixture_of_confseq() -> None:
    """The two-sided normal mixture, as in the tests of confseq."""
    rho = sequences.normal_rho(100, 0.05)

    assert 12.60056 == pytest.approx(rho, abs=5e-6)
    assert -0.6510052 == pytest.approx(sequences.log_normal_mixture(10, 100, rho), abs=5e-8)
    assert 30.35209 == pytest.approx(sequences.normal_bound(100, rho, 0.05), abs=5e-6)


def log_beta_binomial(s: float, v: float, *, p: float, v_opt: float) -> float:
    """Compute confseq's two-sided beta-binomial mixture by our own coin.

    Its r is rho - g h with g = p and h = 1 - p; s counts hits beyond the expected ones,
    and v is the variance of the count.
    """
    g, h = p, 1 - p
    r = max(sequences.normal_rho(v_opt, 0.05) - g * h, 1e-3 * g * h)
    flips = v / (g * h)
    return coin.log_e_two_sided(flips * p + s, flips, p, r / h, r / g)


def test_beta_binomial_of_confseq() -> None:
    """G .2, h .8, as in the tests of confseq."""
    assert -0.6941012 == pytest.approx(log_beta_binomial(10, 100, p=0.2, v_opt=100), abs=5e-8)
    assert ENOUGH == pytest.approx(log_beta_binomial(31.4308, 100, p=0.2, v_opt=100), abs=5e-5)


@pytest.mark.parametrize(
    ("hits", "flips", "v_opt", "low", "high"),
    [
        (700, 1000, 100, 0.651629, 0.745949),
        (15, 50, 50, 0.129556, 0.511896),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0, 0.13489),
    ],
)
def test_bernoulli_of_confseq(hits: int, flips: int, v_opt: float, low: float, high: float) -> None:
    """The ends of its ranges are where our coin reaches 1/alpha; `v_opt` counts flips here."""

    def log_e(p: float) -> float:
        spread = flips * p * (1 - p)
        return log_beta_binomial(hits - flips * p, spread, p=p, v_opt=v_opt * p * (1 - p))

    for end, outside in ((low, -2e-6), (high, 2e-6)):
        if end:
            assert log_e(end + outside) > ENOUGH > log_e(end - outside)


# Zero where ten divides the number, the forecast turned
# around where nine does.
LABELS = [0.0 if i % 10 == 0 else 1.0 for i in range(1100)]
FORECASTS = [1 - y if i % 9 == 0 else y for i, y in enumerate(LABELS)]


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(1.0, (0.891, 0.82031, 0.96169)), (None, (0.89656, 0.84581, 0.94732))],
)
def test_prediction_powered(weight: float | None, expected: tuple[float, ...]) -> None:
    """A hundred labels and a thousand forecasts, with full weight and with the best one."""
    found = accuracy.ppi(LABELS[:100], FORECASTS[:100], FORECASTS[100:], alpha=0.05, weight=weight)

    assert expected == pytest.approx((found.mean, found.low, found.high), abs=6e-6)
