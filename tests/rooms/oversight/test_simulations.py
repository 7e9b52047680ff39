"""Promises kept over a thousand histories, and each one broken once its correction is taken out.

Each test prints what it counted.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import pytest

from seatrial.oversight import drift, ladder
from seatrial.oversight.accuracy import TIGHTEST_AT, Seen, live_accuracy
from seatrial.oversight.certificate import (
    LOOKS,
    Label,
    Progress,
    Terms,
    certify,
    look_at,
    thresholds,
)
from seatrial.oversight.confidence import Signals, calibrate, confidence
from seatrial.oversight.decide import doubt, label_share
from seatrial.oversight.drift import Watch
from seatrial.oversight.ladder import Ladder, Rules
from seatrial.oversight.settings import SignalKind
from seatrial.stats.binomial import tail_at_most
from seatrial.stats.coin import spaced
from seatrial.stats.sequences import mean_half_width
from tests.rooms.oversight.worlds import (
    Answers,
    Numbers,
    World,
    alike,
    error_of,
    flat,
    ranked,
    sigmoid,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LIMIT = 0.05
TERMS = Terms(LIMIT, 0.95)
Tell = Callable[[str], None]
Found = Callable[[list[Label]], Iterator[float]]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print a count where it is seen."""

    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}")

    return say


def at_most(count: int, of: int, rate: float) -> bool:
    """Whether a count is no more than a rate allows, with three standard errors."""
    return count <= rate * of + 3 * math.sqrt(rate * (1 - rate) * of)


def streamed(labels: list[Label]) -> Iterator[float]:
    """Yield each threshold that is ever in force, while labels come."""
    progress = Progress()
    for have in range(125, len(labels) + 1, 125):
        progress = certify(labels[:have], progress, terms=TERMS, at=0.0)
        if progress.best is not None:
            yield progress.best.threshold


def without_split(labels: list[Label]) -> Iterator[float]:
    """Yield what is found where every look has the whole chance to be mistaken."""
    for number, _ in LOOKS:
        found = look_at(labels[:number], 1.0, terms=TERMS, at=0.0)
        if found is not None:
            yield found.threshold


def without_walk(labels: list[Label]) -> Iterator[float]:
    """Yield what is found in one look where every threshold has the whole chance."""
    for threshold in thresholds([each.score for each in labels], len(labels)):
        accepted = [each for each in labels if each.score >= threshold]
        wrong = sum(each.wrong for each in accepted)
        if tail_at_most(wrong, len(accepted), LIMIT) <= 0.05:
            yield threshold


def picked(labels: list[Label]) -> Iterator[float]:
    """Yield the loosest threshold that looks right on the labels."""
    for threshold in thresholds([each.score for each in labels], len(labels)):
        accepted = [each for each in labels if each.score >= threshold]
        if sum(each.wrong for each in accepted) <= LIMIT * len(accepted):
            yield threshold


def broken(
    found: Found,
    world: World,
    *,
    histories: int,
    labels: int = 4_000,
) -> tuple[int, int]:
    """Count the histories in which a promise was made, and in which one did not hold."""
    truth = error_of(world)
    made = failed = 0
    for seed in range(histories):
        thresholds_found = list(found(world(np.random.default_rng(1_000 + seed), labels).labels()))
        made += bool(thresholds_found)
        failed += any(truth(each) > LIMIT for each in thresholds_found)
    return made, failed


@pytest.mark.parametrize("world", [ranked, flat, alike])
def test_certificates_keep_their_promise(world: World, tell: Tell) -> None:
    """In at most 5 % of 1,000 histories, each with 4,000 labels that stream in."""
    made, failed = broken(streamed, world, histories=1_000)

    tell(f"{world.__name__}: certified in {made} of 1,000 histories, promise broken in {failed}")
    assert failed <= 50
    assert world is not ranked or made > 950


@pytest.mark.parametrize(
    ("found", "world", "labels"),
    [(without_split, alike, 4_000), (without_walk, flat, 1_000), (picked, flat, 1_000)],
)
def test_promises_break_without_the_correction(
    found: Found,
    world: World,
    labels: int,
    tell: Tell,
) -> None:
    """Where each look, each threshold, or no proof at all has the whole chance to be mistaken."""
    _, failed = broken(found, world, histories=300, labels=labels)

    tell(f"{found.__name__}: promise broken in {failed} of 300 histories")
    assert not at_most(failed, 300, 0.05)


def crossings(rate: float, *, histories: int, reviews: int, seed: int) -> tuple[Numbers, Numbers]:
    """Return labels, and after how many each history's bet has won enough; 0 for never."""
    wrong = np.random.default_rng(seed).random((histories, reviews)) < rate
    hits = np.cumsum(wrong, axis=1)
    flips = np.arange(1, reviews + 1)
    wealth = np.zeros(hits.shape)
    for each in spaced(0.1 * LIMIT, 0.8 * LIMIT, 12):
        log_ratio = hits * math.log(each / LIMIT)
        log_ratio += (flips - hits) * math.log((1 - each) / (1 - LIMIT))
        wealth += np.exp(log_ratio) / 12
    over = wealth >= 20.0
    return wrong, np.where(over.any(axis=1), over.argmax(axis=1) + 1, 0)


@pytest.mark.parametrize(("rate", "most"), [(0.05, 0.05), (0.06, 0.02)])
def test_release_at_the_limit_stays_under_review(rate: float, most: float, tell: Tell) -> None:
    """In at least 95 of 100 of 2,000 histories with 5,000 reviews each, looked at after each."""
    _, moved = crossings(rate, histories=2_000, reviews=5_000, seed=5)
    promoted = int((moved > 0).sum())

    tell(f"true error {rate:.0%}: promoted in {promoted} of 2,000 histories")
    assert at_most(promoted, 2_000, most)


def first_move(wrong: list[bool]) -> int:
    """Return after how many reviews the ladder itself moves; 0 for never."""
    stands = Ladder()
    for count, each in enumerate(wrong, start=1):
        stands, move = ladder.review(stands, wrong=each, blind=False, at=1.0, rules=Rules(LIMIT))
        if move is not None:
            return count
    return 0


def test_good_release_is_promoted_soon(tell: Tell) -> None:
    """At 1 % after a median of about 120 reviews; the ladder itself moves at the same review."""
    for rate, reviews in ((0.01, 125), (0.02, 210), (0.03, 680)):
        wrong, moved = crossings(rate, histories=200, reviews=5_000, seed=6)
        typical = median(moved.tolist())
        tell(f"true error {rate:.0%}: promoted in {(moved > 0).sum()} of 200, median {typical}")
        assert typical <= reviews
        for history in range(10):
            assert moved[history] == first_move(wrong[history].tolist())


def test_bound_for_one_look_promotes_too_often(tell: Tell) -> None:
    """Clopper and Pearson's, looked at every 50 reviews: the correction taken out."""
    hits = np.cumsum(np.random.default_rng(5).random((400, 5_000)) < LIMIT, axis=1)
    promoted = sum(
        any(tail_at_most(int(row[n - 1]), n, LIMIT) <= 0.05 for n in range(50, 5_001, 50))
        for row in hits
    )

    tell(f"exact bound looked at every 50 reviews: promoted in {promoted} of 400 histories")
    assert not at_most(promoted, 400, 0.05)


QUIET, AFTER = 15_000, 5_000


def noticed(shift: float, seed: int, *, spot_only: bool = False) -> tuple[int, float]:
    """Return warnings in a quiet time, and after how many requests a shift was noticed."""
    dice = np.random.default_rng(seed)
    fitted, proved = ranked(dice, 2_000), ranked(dice, 2_000)
    examples = [(Signals(score=each.score), each.wrong) for each in fitted.labels()]
    calibration = calibrate(examples, [SignalKind.SCORE], made_at=0.0)
    assert calibration is not None

    def sure(answers: Answers) -> list[tuple[float, bool]]:
        return [
            (confidence(calibration, Signals(score=each.score)), each.wrong)
            for each in answers.labels()
        ]

    labels = [Label(score, wrong) for score, wrong in sure(proved)]
    best = certify(labels, terms=TERMS, at=0.0).best
    threshold = best.threshold if best else 2.0
    watch, warnings = Watch(), 0
    requests = sure(ranked(dice, QUIET)) + sure(ranked(dice, AFTER, worse=shift))
    picks = dice.random(len(requests)) < 0.05
    for number, (score, wrong) in enumerate(requests):
        news = None
        if spot_only and score >= threshold and picks[number]:
            watch, news = drift.spot_label(watch, wrong=wrong, share=0.05, rate=0.05, limit=LIMIT)
        elif not spot_only and score < threshold:
            watch, news = drift.free_label(watch, wrong=wrong, confidence=score)
        if news is not None and number < QUIET:
            warnings += 1
        elif news is not None:
            return warnings, number - QUIET + 1
    return warnings, math.inf


def test_drift_of_one_logit_is_noticed_by_free_labels(tell: Tell) -> None:
    """At a median of at most 350 requests, with hardly a warning while nothing drifts."""
    found = [noticed(1.0, seed) for seed in range(100)]
    typical, false = median(delay for _, delay in found), sum(count for count, _ in found)

    tell(f"one logit: median {typical} requests; {false} false warnings in 100 runs of {QUIET:,}")
    assert typical <= 350
    assert false <= 4


def test_larger_drift_is_noticed_sooner(tell: Tell) -> None:
    """Two logits."""
    typical = median(noticed(2.0, seed)[1] for seed in range(30))

    tell(f"two logits: median {typical} requests")
    assert typical <= 130


def test_spot_checks_alone_notice_too_late(tell: Tell) -> None:
    """Without the free labels one logit is not noticed in time."""
    found = [noticed(1.0, seed, spot_only=True)[1] for seed in range(15)]

    tell(f"spot checks alone: {sum(each < math.inf for each in found)} of 15 within {AFTER:,}")
    assert median(found) > 350


RATE, REQUESTS, EVERY = 0.1, 10_000, 200


def lived(seed: int, histories: int) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
    """Yield histories of the published world: forecast, share, whether picked, whether right."""
    dice = np.random.default_rng(seed)
    for _ in range(histories):
        depth = dice.normal(3.4, 2.0, REQUESTS)
        sure = sigmoid(1.3 * depth + dice.normal(0.0, 0.8, REQUESTS))
        usual = float(np.mean(np.sqrt(sure * (1 - sure))))
        share = np.clip(
            RATE * (0.2 + 0.8 * np.sqrt(sure * (1 - sure)) / usual).round(12), 0.005, 1.0
        )
        right = dice.random(REQUESTS) < sigmoid(depth)
        yield sure, share, dice.random(REQUESTS) < share, right.astype(float)


def true_accuracy() -> float:
    """Return the share of right answers in the published world."""
    return float(np.mean(sigmoid(np.random.default_rng(1).normal(3.4, 2.0, 4_000_000))))


def misses(half_width: Callable[[int, float], float], histories: int) -> int:
    """Count histories whose range from 200 labels on ever leaves the truth, at any look."""
    truth, missed = true_accuracy(), 0
    looks = np.arange(EVERY, REQUESTS + 1, EVERY)
    for sure, share, chosen, right in lived(2, histories):
        terms = sure + chosen * (right - sure) / share
        totals, squares = np.cumsum(terms)[looks - 1], np.cumsum(terms**2)[looks - 1]
        means = totals / looks
        spreads = np.sqrt((squares - looks * means**2) / (looks - 1))
        enough = np.cumsum(chosen)[looks - 1] >= 200
        halves = [half_width(int(n), float(s)) for n, s in zip(looks, spreads, strict=True)]
        missed += bool((enough & (np.abs(means - truth) > halves)).any())
    return missed


def at_all_looks(count: int, spread: float) -> float:
    """Return the half width that holds at all looks, as live accuracy has it."""
    return mean_half_width(count, spread, TIGHTEST_AT, 0.04)


def test_live_accuracy_covers_the_truth_at_all_times(tell: Tell) -> None:
    """In at least 95 % of 1,000 histories, each looked at fifty times."""
    missed = misses(at_all_looks, 1_000)

    tell(f"live accuracy: ever wrong in {missed} of 1,000 histories")
    assert missed <= 50


def test_range_for_one_look_is_often_wrong(tell: Tell) -> None:
    """The usual interval, looked at as often: the correction taken out."""
    missed = misses(lambda count, spread: 1.96 * spread / math.sqrt(count), 300)

    tell(f"interval for one look: ever wrong in {missed} of 300 histories")
    assert not at_most(missed, 300, 0.05)


def test_live_accuracy_itself_covers_the_truth(tell: Tell) -> None:
    """From the first label on, in forty histories; its wide part is what was simulated above."""
    truth, missed, looks = true_accuracy(), 0, (100, 400, 1_000, 2_500, 5_000, REQUESTS)
    for sure, share, chosen, right in lived(3, 40):
        seen = [
            Seen(f, p, bool(c), not y if c else None)
            for f, p, c, y in zip(
                *(each.tolist() for each in (sure, share, chosen, right)), strict=True
            )
        ]
        assert share[0] == pytest.approx(
            label_share(
                float(sure[0]), rate=RATE, usual_doubt=float(np.mean([doubt(f) for f in sure]))
            ),
            abs=1e-5,
        )
        found = [live_accuracy(seen[:look]) for look in looks]
        missed += any(not each.low <= truth <= each.high for each in found)
        last = found[-1]
        terms = sure + chosen * (right - sure) / share
        half = at_all_looks(REQUESTS, float(np.std(terms, ddof=1)))
        assert (last.low, last.high) == pytest.approx((terms.mean() - half, terms.mean() + half))

    tell(f"live accuracy, exact while labels are few: ever wrong in {missed} of 40 histories")
    assert at_most(missed, 40, 0.05)
