"""Hints become a probability, and a judge alone opens nothing."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.oversight.confidence import (
    MOST_LOGIT,
    Calibration,
    Signals,
    calibrate,
    confidence,
    diagram,
    logit,
    row,
    signals_of,
)
from seatrial.oversight.settings import SignalKind

ALL = tuple(SignalKind)
SHARES = st.none() | st.floats(0, 1)
SIGNALS = st.builds(
    Signals,
    logprob_mean=st.none() | st.floats(-20, 0),
    logprob_min=st.none() | st.floats(-20, 0),
    agreement=SHARES,
    agreement_of=st.none() | st.sampled_from([0.0, 2.0, 4.0]),
    judge=st.none() | st.booleans(),
    canary=st.none() | st.booleans(),
    flags=st.none() | st.floats(0, 9),
    score=SHARES,
)


def world(size: int, *, seed: int = 3, lost: float = 0.1) -> list[tuple[Signals, bool]]:
    """Make labelled answers whose hints are each a little right; a tenth of each is lost."""
    dice = random.Random(seed)

    def maybe(value: float) -> float | None:
        return None if dice.random() < lost else value

    made = []
    for _ in range(size):
        depth = dice.gauss(1.5, 1.5)
        wrong = dice.random() > 1 / (1 + math.exp(-depth))
        noisy = 1 / (1 + math.exp(-depth + dice.gauss(0, 1)))
        signals = Signals(
            logprob_mean=maybe(math.log(noisy)),
            logprob_min=math.log(noisy) - 1,
            agreement=maybe(sum(dice.random() < noisy for _ in range(2)) / 2),
            agreement_of=2.0,
            judge=None if maybe(1) is None else (dice.random() < 0.8) != wrong,
            canary=True,
            flags=maybe(float(dice.random() > noisy)),
            score=maybe(noisy),
        )
        made.append((signals, wrong))
    return made


def made_of(examples: list[tuple[Signals, bool]], kinds: tuple[SignalKind, ...]) -> Calibration:
    """Return the calibration of a world."""
    found = calibrate(examples, kinds, made_at=0.0, release="rel")
    assert found is not None
    return found


def test_useless_hints_keep_the_order() -> None:
    """Where a score says the contrary of what is true, more of it still ranks no lower."""
    odd = [(Signals(score=0.9 if wrong else 0.1), wrong) for wrong in [True, False] * 30]

    assert made_of(odd, (SignalKind.SCORE,)).slope > 0


FULL = made_of(world(600), ALL)


@given(SIGNALS)
def test_names_lead_there_and_back(signals: Signals) -> None:
    """A record keeps what was to be had, and nothing else."""
    assert signals == signals_of(signals.named())


# What the other signals alone say, on the same scale.
CEILING = replace(
    FULL,
    kinds=tuple(kind for kind in ALL if kind is not SignalKind.JUDGE),
    weights=FULL.base_weights,
    bias=FULL.base_bias,
    always=FULL.always[1:],
)


@given(SIGNALS)
def test_judge_never_raises_trust(signals: Signals) -> None:
    """Its yes, its silence and its failed canary are worth no more than it was never asked."""
    named = signals.named()
    without = confidence(CEILING, signals)

    yes = confidence(FULL, signals_of(named | {"judge": 1.0, "canary": 1.0}))
    no = confidence(FULL, signals_of(named | {"judge": 0.0, "canary": 1.0}))

    assert no <= yes <= without + 1e-12
    assert confidence(FULL, signals) <= without + 1e-12


def test_judge_lowers_trust() -> None:
    """Where other signals say yes, its no counts."""
    sure = {"logprob_mean": -0.01, "logprob_min": -0.2, "score": 0.98, "flags": 0.0}
    sure |= {"agreement": 1.0, "agreement_of": 2.0, "canary": 1.0}

    yes = confidence(FULL, signals_of(sure | {"judge": 1.0}))
    no = confidence(FULL, signals_of(sure | {"judge": 0.0}))

    assert yes > 0.9
    assert no < yes - 0.05


def test_judge_that_missed_its_canary_says_nothing() -> None:
    """Its verdict is missing then, whatever it was."""
    kinds = (SignalKind.JUDGE,)

    assert (1.0, 0.0) == row(kinds, Signals(judge=True))
    assert (-1.0, 0.0) == row(kinds, Signals(judge=False, canary=True))
    assert (0.0, 1.0) == row(kinds, Signals(judge=True, canary=False))


def test_missing_hints_have_a_column() -> None:
    """One that is no number is missing; and all kinds have their columns in order."""
    assert (0.0, 0.0, 1.0) == row([SignalKind.LOGPROB], Signals(logprob_mean=-0.1))
    assert (0.0, 1.0) == row([SignalKind.SCORE], Signals(score=math.nan))
    assert (0.0, 0.0, 1.0) == row([SignalKind.LOGPROB], Signals(math.nan, -1.0))
    assert (0.0, 1.0) == row([SignalKind.AGREEMENT], Signals(agreement=1.0, agreement_of=0.0))
    assert (0.0, 1.0) == row([SignalKind.AGREEMENT], Signals(agreement_of=2.0))
    full = Signals(math.log(0.5), -30.0, 1.0, 2.0, True, True, 9.0, 0.5)
    wanted = (0.0, -MOST_LOGIT, 0.0, math.log(5), 0.0, 1.0, 0.0, -4.0, 0.0, 0.0, 0.0)
    assert wanted == pytest.approx(row(ALL, full))


def test_hint_that_never_was_missing_is_needed() -> None:
    """Nothing is known of answers without it: their confidence is 0."""
    calibration = made_of(world(300, lost=0.0), (SignalKind.SCORE, SignalKind.CHECKS))

    assert 0.0 == confidence(calibration, Signals(flags=0.0))
    assert 0.0 < confidence(calibration, Signals(flags=0.0, score=0.1)) < 1.0
    assert 0.0 < confidence(FULL, Signals(flags=0.0, logprob_mean=-0.1, logprob_min=-1.0)) < 1.0


def test_too_few_labels_give_no_calibration() -> None:
    """Twenty-nine are too few."""
    assert calibrate(world(29), ALL, made_at=0.0) is None
    assert calibrate(world(30), ALL, made_at=0.0) is not None


def test_confidence_is_what_it_says() -> None:
    """On other answers of the same world it is off by a few points at most."""
    shown = diagram(FULL, world(2_000, seed=9), now=3 * 86_400.0)

    assert shown.error < 0.05
    assert 2_000 == sum(each.count for each in shown.rows) == shown.answers
    assert (600, 3.0) == (shown.fitted_on, shown.age_days)
    assert shown.sentence.endswith("fitted on 600 others, 3 days ago.")


def test_diagram_without_labels_says_so() -> None:
    """No figure is made of nothing; clocks that went back make no negative age."""
    shown = diagram(FULL, [], now=-5.0)

    assert ((), 0.0, 0, 0.0) == (shown.rows, shown.error, shown.answers, shown.age_days)
    assert shown.sentence.startswith("No labelled answer")


def test_logit_is_bounded() -> None:
    """No hint is surer than a thousand to one."""
    assert (MOST_LOGIT, -MOST_LOGIT) == (logit(1.0), logit(0.0))
    assert (MOST_LOGIT, -MOST_LOGIT) == (logit(1 - 1e-9), logit(1e-9))
