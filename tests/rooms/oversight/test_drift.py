"""Alarms when answers get worse than they say."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.oversight import drift
from seatrial.oversight.drift import ALERT_REQUESTS, News, Watch
from seatrial.stats import drift as detectors
from seatrial.stats.drift import CUSUM


def spot(watch: Watch, wrong: bool, share: float = 0.05) -> tuple[Watch, News | None]:
    """Learn from a spot check."""
    return drift.spot_label(watch, wrong=wrong, share=share, rate=0.05, limit=0.05)


@given(st.lists(st.booleans(), max_size=80))
def test_even_samples_are_the_detector_of_the_reference(wrong: list[bool]) -> None:
    """With a weight of 1 it is the plain one."""
    plain = weighted = CUSUM
    for each in wrong:
        plain = detectors.cusum(plain, each, null=0.05)
        weighted = drift.weighted_cusum(weighted, wrong=each, null=0.05, weight=1.0)

    assert plain.log_m == pytest.approx(weighted.log_m)


def test_known_answer() -> None:
    """Every tenth wrong where one of twenty is allowed: an alarm at label 410."""
    watch = Watch()
    for label in range(1, 1_000):
        watch, news = spot(watch, label % 10 == 0)
        if news:
            break

    assert 410 == label
    assert news is not None
    assert ("alarm", 410) == (news.kind, news.labels)
    assert "More than 5 %" in news.sentence
    assert (CUSUM, 0) == (watch.spot, watch.spot_labels)


@pytest.mark.parametrize("null", [0.01, 0.05, 0.5])
def test_leaning_samples_are_put_right(null: float) -> None:
    """Whatever the weight, at the limit the next winnings are 1 on average, and never negative."""
    for weight in (0.05, 1.0, 5.0, 50.0):
        states = [
            drift.weighted_cusum(CUSUM, wrong=wrong, null=null, weight=weight)
            for wrong in (False, True)
        ]
        for right, wrong in zip(*(each.log_m for each in states), strict=True):
            assert (1 - null) * math.exp(right) + null * math.exp(wrong) == pytest.approx(1.0)


def test_more_doubtful_samples_are_no_alarm() -> None:
    """Answers at 4 % on the whole, of which the worse half is picked four times as often."""
    dice = random.Random(11)
    alarms, naive = 0, 0
    watch, plain = Watch(), CUSUM
    for _ in range(200_000):
        bad = dice.random() < 0.5
        share = 0.08 if bad else 0.02
        if dice.random() >= share:
            continue
        wrong = dice.random() < (0.085 if bad else 0.0)
        watch, news = spot(watch, wrong, share)
        alarms += news is not None
        plain = detectors.cusum(plain, wrong, null=0.05)
        if detectors.value(plain) > drift.ALARM:
            naive, plain = naive + 1, CUSUM

    assert alarms <= 2 < naive


def test_free_labels_warn() -> None:
    """Drafts said to be right that are wrong; samples grow for a while, and then no more."""
    watch = Watch()
    for label in range(1, 1_000):
        watch, news = drift.free_label(watch, wrong=label % 3 == 0, confidence=0.9)
        if news:
            break

    assert label < 150
    assert news is not None
    assert ("warning", label) == (news.kind, news.labels)
    assert (0.5, 0) == (drift.spot_rate(watch, 0.05), watch.free_labels)
    assert 0.7 == drift.spot_rate(watch, 0.7)
    assert ALERT_REQUESTS - 1 == drift.passed(watch).alert
    assert 0.05 == drift.spot_rate(drift.passed(watch, 9_999), 0.05)
    assert Watch() == drift.passed(Watch(), 5)


def test_right_drafts_give_no_warning() -> None:
    """As wrong as they say they are, for thousands of labels."""
    dice, watch, warnings = random.Random(2), Watch(), 0
    for _ in range(5_000):
        sure = dice.uniform(0.5, 1.0)
        watch, news = drift.free_label(watch, wrong=dice.random() > sure, confidence=sure)
        warnings += news is not None

    assert 0 == warnings


def test_wrong_answers_tighten_and_right_ones_loosen() -> None:
    """By more for samples that are rare; never below what is certified."""
    assert 0.9 == drift.threshold_now(Watch(), 0.9)
    tight, _ = spot(Watch(), True)
    assert tight.tightened == pytest.approx(0.03 / 0.05 * 0.95)
    rare, _ = spot(Watch(), True, 0.01)
    assert rare.tightened == pytest.approx(5 * tight.tightened)
    assert drift.threshold_now(rare, 0.9) > drift.threshold_now(tight, 0.9) > 0.9
    looser, _ = spot(tight, False)
    assert looser.tightened == pytest.approx(tight.tightened - 0.03)
    assert 0.0 == spot(Watch(), False)[0].tightened


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_too_many_wrong_ones_move_the_threshold(wrong: list[bool]) -> None:
    """Their mean beyond the limit is at most how far it moved over the steps: for certain."""
    watch, moved = Watch(), 0.0
    for each in wrong:
        watch, _ = spot(watch, each)
        moved = watch.tightened

    beyond = sum(each - 0.05 for each in wrong)
    assert beyond <= moved / (0.03 / 0.05) + 1e-9
