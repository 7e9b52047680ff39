"""The promises of the procedures, in thousands of seeded histories, counts printed.

Beside each stands what happens without its correction, so that the histories are seen
to be hard enough.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import numpy as np
import pytest

from seatrial.stats import (
    accuracy,
    betting,
    binomial,
    certify,
    coin,
    drift,
    logistic,
    paired,
    sequences,
)
from seatrial.stats.drift import Detector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Tell = Callable[[str], None]
Step = Callable[[Detector, bool], Detector]

LADDER = coin.spaced(0.005, 0.04, 12)
REVIEWS = 5_000


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Iterator[Tell]:
    """Print a line that is seen whether the test passes or not."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}")

    return say


def most(share: float, histories: int) -> float:
    """Return how many histories may break a promise of that share: three standard errors more."""
    return histories * share + 3 * math.sqrt(histories * share * (1 - share))


# ---------------------------------------------------------------- the ladder's coin


def boundary(passes: Callable[[int, int], bool], step: int = 1) -> np.ndarray:
    """List the most wrong ones, by number of reviews, with which `passes` holds; -1: not even 0."""
    limits, wrong = np.full(REVIEWS, -1), 0
    for reviews in range(1, REVIEWS + 1):
        if reviews % step == 0 and passes(0, reviews):
            while passes(wrong + 1, reviews):
                wrong += 1
            limits[reviews - 1] = wrong
    return limits


def promotions(error: float, limits: np.ndarray, histories: int) -> tuple[int, float]:
    """Count the histories in which the wrong ones ever stay within the limits, and when."""
    dice = np.random.default_rng(round(error * 1000))
    firsts = []
    for _ in range(histories):
        ahead = np.flatnonzero((dice.random(REVIEWS) < error).cumsum() <= limits)
        if ahead.size:
            firsts.append(int(ahead[0]) + 1)
    return len(firsts), median(firsts) if firsts else math.inf


def is_promoted(wrong: int, reviews: int) -> bool:
    """Promote when the bet against "5 % or more" has won twentyfold."""
    return coin.log_e_mixture(wrong, reviews, 0.05, LADDER) >= math.log(20)


def is_promoted_without_correction(wrong: int, reviews: int) -> bool:
    """Promote when the exact test for a single look says so."""
    return certify.p_value(wrong, reviews, 0.05) <= 0.05


def test_coin_promotes_the_limit_in_five_percent(tell: Tell) -> None:
    """Looked at after every review: at most 5 % of releases at the limit are promoted, ever."""
    histories, limits = 4_000, boundary(is_promoted)
    at_limit, _ = promotions(0.05, limits, histories)
    beyond, _ = promotions(0.06, limits, histories)
    good, reviews = promotions(0.01, limits, 1_000)
    fair, more_reviews = promotions(0.03, limits, 1_000)
    tell(f"promoted of {histories}: {at_limit} at 5 %, {beyond} at 6 % (expected 5.0 %, 1.0 %)")
    tell(f"promoted of 1000: {good} at 1 % after {reviews}, {fair} at 3 % after {more_reviews}")

    assert at_limit <= most(0.05, histories)
    assert beyond <= most(0.01, histories)
    assert 1_000 == good
    assert 122 == pytest.approx(reviews, rel=0.1)
    assert fair >= 990
    assert 580 == pytest.approx(more_reviews, rel=0.15)


def test_coin_without_correction(tell: Tell) -> None:
    """An exact test, looked at every 50 reviews, promotes a quarter of those at the limit."""
    histories = 2_000
    broken, _ = promotions(0.05, boundary(is_promoted_without_correction, 50), histories)
    tell(f"promoted of {histories} without correction: {broken} at 5 % (expected 25.9 %)")

    assert broken > most(0.2, histories)


# ---------------------------------------------------------------- ranges, looked at often


def test_peeking_five_times(tell: Tell) -> None:
    """At 1.96 standard errors 14.2 % of five peeks are wrong, by the sequence at most 5 %."""
    histories, each = 20_000, 400
    dice = np.random.default_rng(1)
    sums = dice.normal(scale=math.sqrt(each), size=(histories, 5)).cumsum(axis=1)
    looks = np.arange(1, 6) * each
    fixed = (abs(sums) > 1.96 * np.sqrt(looks)).any(axis=1).sum()
    halves = np.array([sequences.mean_half_width(int(n), 1.0, 1_000, 0.05) for n in looks])
    wrong = (abs(sums / looks) > halves).any(axis=1).sum()
    tell(f"wrong of {histories} with five peeks: {wrong}; at 1.96 {fixed} (expected 14.2 %)")

    assert wrong <= most(0.05, histories)
    assert 0.142 == pytest.approx(fixed / histories, abs=0.01)


@pytest.mark.parametrize("p", [0.5, 0.95, 0.99])
def test_quantile_at_twenty_five_looks(p: float, tell: Tell) -> None:
    """Looked at 25 times up to 5,000 values the ranks miss the quantile in 5 % at most."""
    histories, looks = 2_000, np.arange(1, 26) * 200
    dice = np.random.default_rng(2)
    steps = dice.binomial(200, p, size=(histories, 25))
    below = steps.cumsum(axis=1)
    ranks = [sequences.quantile_ranks(int(n), p, 0.05) for n in looks]
    lows, highs = np.array(ranks).T
    # So many values lie below the quantile: it is between this one and the next.
    wrong = ((below < lows) | (below >= highs)).any(axis=1).sum()
    z = abs(below - looks * p) / np.sqrt(looks * p * (1 - p))
    fixed = (z > 1.96).any(axis=1).sum()
    tell(f"quantile {p} wrong of {histories}: {wrong}; for one look {fixed} (expected 28-32 %)")

    assert wrong <= most(0.05, histories)
    assert fixed > most(0.2, histories)


def test_pairs_stopped_early(tell: Tell) -> None:
    """500 cases, 12 % of which differ, no gain: looked at after each, or once, or every 50."""
    histories, bets, once, peeked = 2_000, 0, 0, 0
    dice = np.random.default_rng(3)
    for _ in range(histories):
        turns = dice.choice([0, 1, 2], size=500, p=[0.88, 0.06, 0.06])
        b, c = (turns == 1).cumsum().tolist(), (turns == 2).cumsum().tolist()
        bets += any(
            paired.log_e(b[at], c[at]) >= math.log(20) for at in np.flatnonzero(turns).tolist()
        )
        once += binomial.mcnemar_mid_p(b[-1], c[-1]) <= 0.05
        peeked += any(
            binomial.mcnemar_exact(b[n - 1], c[n - 1]) <= 0.05 for n in range(50, 501, 50)
        )
    tell(
        f"declared different of {histories}: {bets} by bets, {once} by one mid-p,"
        f" {peeked} by ten exact peeks (expected 2.4, 5.4, 12.6 %)"
    )

    assert bets <= most(0.05, histories)
    assert once <= most(0.055, histories)
    assert peeked > most(0.06, histories)


# ---------------------------------------------------------------- detectors


def alarm(
    step: Step, limit: float, start: Detector, labels: np.ndarray
) -> tuple[int | None, Detector]:
    """Tell after how many labels the alarm goes off, None when it does not."""
    state = start
    for count, wrong in enumerate(labels.tolist(), start=1):
        state = step(state, wrong)
        if drift.value(state) > limit:
            return count, state
    return None, state


RESTARTING: tuple[Step, Detector] = (partial(drift.restarting, reference=0.03), drift.RESTARTING)
CUSUM: tuple[Step, Detector] = (partial(drift.cusum, null=0.033), drift.CUSUM)


def test_delays_of_detectors(tell: Tell) -> None:
    """After a thousand quiet labels at 3 %, a jump to 5, 6 and 10 %."""
    expected = {RESTARTING: (674, 396, 117), CUSUM: (2146, 915, 184)}
    for (step, start), delays in expected.items():
        found = []
        for error in (0.05, 0.06, 0.1):
            dice = np.random.default_rng(4)
            runs = []
            while len(runs) < 200:
                early, state = alarm(step, 20_000, start, dice.random(1_000) < 0.03)
                if early is None:
                    late, _ = alarm(step, 20_000, state, dice.random(50_000) < error)
                    runs.append(late or 50_000)
            found.append(median(runs))
        tell(f"median delays to 5, 6, 10 %: {found} (expected {delays})")

        assert list(delays) == pytest.approx(found, rel=0.3)


@pytest.mark.parametrize(("step", "start"), [RESTARTING, CUSUM])
def test_false_alarms_are_rare(step: Step, start: Detector, tell: Tell) -> None:
    """At the null itself an alarm at A comes after A labels or more on average."""
    limit, histories = 500, 100
    dice = np.random.default_rng(5)
    runs = [
        alarm(step, limit, start, dice.random(20_000) < 0.033)[0] or 20_000
        for _ in range(histories)
    ]
    spread = np.std(runs) / math.sqrt(histories)
    tell(f"mean labels to a false alarm at A {limit}: {np.mean(runs):.0f} ± {spread:.0f}")

    assert np.mean(runs) >= limit - 3 * spread


def test_false_alarms_in_fifty_thousand(tell: Tell) -> None:
    """At 3 % and A 20,000: a quiet year."""
    for (step, start), low, high in ((RESTARTING, 0.25, 0.63), (CUSUM, 0.0, 0.06)):
        histories = 60
        dice = np.random.default_rng(6)
        alarms = sum(
            alarm(step, 20_000, start, dice.random(50_000) < 0.03)[0] is not None
            for _ in range(histories)
        )
        tell(f"false alarms of {histories}: {alarms} (expected 44 %, then 1 %)")

        assert low * histories <= alarms <= high * histories


def test_detector_that_never_restarts(tell: Tell) -> None:
    """Without the restart, quiet labels must first be won back: far slower."""

    def plain(state: Detector, wrong: bool) -> Detector:
        ratios = drift.cusum(drift.CUSUM, wrong, null=0.033).log_m
        return Detector(tuple(m + r for m, r in zip(state.log_m, ratios, strict=True)))

    delays = []
    for step, start in (CUSUM, (plain, drift.CUSUM)):
        dice = np.random.default_rng(7)
        runs = []
        for _ in range(100):
            _, state = alarm(step, math.inf, start, dice.random(3_000) < 0.02)
            late, _ = alarm(step, 2_000, state, dice.random(20_000) < 0.08)
            runs.append(late or 20_000)
        delays.append(median(runs))
    tell(f"median delay to 8 % after 3,000 labels at 2 %: {delays[0]}, without restart {delays[1]}")

    assert delays[1] > 2 * delays[0]


# ---------------------------------------------------------------- live accuracy


class World:
    """Requests of which nine in ten are answered right, with a confidence and a judge.

    The forecast is fitted on 500 older labels; a request is labelled with a chance that
    grows with the doubt about it, a tenth of all on average.
    """

    def __init__(self, seed: int) -> None:
        self.dice = np.random.default_rng(seed)
        rows, right = self._draw(500)
        self._fit = logistic.fit(rows.tolist(), right.tolist(), ridge=1.0)

    def _draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        t = self.dice.normal(3.4, 2, count)
        right = self.dice.random(count) < 1 / (1 + np.exp(-t))
        judged = np.where(self.dice.random(count) < 0.8, right, ~right)
        sure = 1.3 * t + self.dice.normal(0, 0.8, count)
        return np.c_[sure, judged], right.astype(float)

    def requests(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Draw forecasts, truths, chances of a label, and who was labelled."""
        rows, right = self._draw(count)
        odds = rows @ np.array(self._fit.weights) + self._fit.bias
        f = 1 / (1 + np.exp(-odds))
        doubt = np.sqrt(f * (1 - f))
        pi = np.clip(0.1 * (0.2 + 0.8 * doubt / doubt.mean()), 0.005, 1)
        return f, right, pi, self.dice.random(count) < pi


def truth_of_the_world() -> float:
    """Average the chance of a right answer over the world."""
    t = 3.4 + 2 * np.linspace(-8, 8, 200_001)
    weight = np.exp(-0.5 * ((t - 3.4) / 2) ** 2)
    return float((weight / (1 + np.exp(-t))).sum() / weight.sum())


def test_accuracy_range_holds_at_all_looks(tell: Tell) -> None:
    """Looked at every 200 requests up to 2,000 labels: wrong in at most 5 % of histories."""
    histories, count, truth = 1_000, 20_000, truth_of_the_world()
    wrong = fixed = judge = unweighted = 0
    for seed in range(histories // 20):
        world = World(seed)
        for _ in range(20):
            f, right, pi, labelled = world.requests(count)
            terms = np.array(list(map(accuracy.term, f, right, pi, labelled)))
            looks = np.flatnonzero(labelled.cumsum() >= accuracy.ENOUGH_LABELS)[0] // 200 + 1
            at = np.arange(looks, count // 200 + 1) * 200
            sums, squares = terms.cumsum()[at - 1], (terms**2).cumsum()[at - 1]
            means = sums / at
            spreads = np.sqrt((squares - sums * means) / (at - 1))
            halves = [
                sequences.mean_half_width(n, s, 10_000, 0.05)
                for n, s in zip(at.tolist(), spreads.tolist(), strict=True)
            ]
            off = abs(means - truth)
            wrong += bool((off > halves).any())
            fixed += bool((off > 1.96 * spreads / np.sqrt(at)).any())
            judge += bool(abs(f.mean() - truth) > halves[-1])
            unweighted += bool(abs(right[labelled].mean() - truth) > halves[-1])
    whole = accuracy.mean_and_interval(terms.tolist(), 0.05, 10_000)
    tell(
        f"wrong at any look of {histories}: {wrong}; for one look {fixed} (expected 4.0 %, 42 %);"
        f" forecast alone {judge}, chances of a label left out {unweighted}"
    )
    tell(f"accuracy {truth:.4f}, last range {whole.low:.4f} to {whole.high:.4f}")

    assert means[-1] - halves[-1] == pytest.approx(whole.low)
    assert wrong <= most(0.05, histories)
    assert fixed > most(0.2, histories)
    assert unweighted > most(0.2, histories)


def test_few_labels_by_betting(tell: Tell) -> None:
    """Below 200 labels, looked at after every request: wrong in at most 5 % of histories."""
    histories, count, pi, truth = 400, 1_500, 0.1, truth_of_the_world()
    low, high = accuracy.term_range(pi)
    wrong, widths = 0, []
    for seed in range(histories // 20):
        world = World(1_000 + seed)
        for _ in range(20):
            f, right, _, _ = world.requests(count)
            labelled = world.dice.random(count) < pi
            terms = [
                accuracy.term(*each) for each in zip(f, right, [pi] * count, labelled, strict=True)
            ]
            over = betting.Wealth(truth, low, high)
            under = betting.Wealth(low + high - truth, low, high)
            best = 0.0
            for each in terms:
                over, under = over.bet(each), under.bet(low + high - each)
                best = max(best, over.log_e, under.log_e)
            wrong += best >= math.log(40)
        found = accuracy.mean_and_bets(terms, 0.05, low=low, high=high)
        widths.append(found.high - found.low)
    tell(f"wrong at any look of {histories} by betting: {wrong} (expected 1.6 %)")
    tell(f"median width at 150 labels: {median(widths):.3f}")

    assert wrong <= most(0.05, histories)
    assert median(widths) < 0.5
