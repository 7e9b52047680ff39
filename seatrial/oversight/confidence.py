"""From hints about correctness to one calibrated probability that an answer is right.

A judge can lower it and never raise it alone: where one is asked, an answer ranks no higher than
the other signals rank it without the judge.  One that can be talked into anything only stops to
be of use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from seatrial.oversight.settings import SignalKind
from seatrial.stats.logistic import Bin, Fit, fit, predict, reliability_bins

FEWEST_EXAMPLES: Final = 30  # with fewer nothing is fitted
RIDGE: Final = 1.0
MOST_LOGIT: Final = 7.0  # one part in a thousand; no single hint is surer than that
MOST_FLAGS: Final = 4
LEAST_SLOPE: Final = 0.01  # where signals say nothing; order must stay
SEEN_MISSING: Final = 5  # so often a signal was missing when a missing one has a meaning
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Signals:
    """The hints about one answer; None is one that was not to be had.

    Args:
        logprob_mean, logprob_min: natural logarithm of how likely the model found its tokens,
            on average and at the worst, at most 0.
        agreement: share of the other answers that say the same, in [0, 1].
        agreement_of: how many others there were.
        judge: whether the judge finds it right.
        canary: whether the judge was right about the questions whose answer is known; a judge
            that was not has said nothing.
        flags: how many checks flagged it.
        score: what the function that answered says itself, in [0, 1].
    """

    logprob_mean: float | None = None
    logprob_min: float | None = None
    agreement: float | None = None
    agreement_of: float | None = None
    judge: bool | None = None
    canary: bool | None = None
    flags: float | None = None
    score: float | None = None

    def named(self) -> dict[str, float]:
        """Return those that were to be had by name, as records keep them."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: float(value) for name, value in values if value is not None}


def signals_of(named: Mapping[str, float]) -> Signals:
    """Return the hints from their names in a record; unknown names count for nothing.

    >>> signals_of({"judge": 1.0, "score": 0.7, "odd": 3.0}).judge
    True
    """
    judge, canary = named.get("judge"), named.get("canary")
    return Signals(
        named.get("logprob_mean"),
        named.get("logprob_min"),
        named.get("agreement"),
        named.get("agreement_of"),
        None if judge is None else bool(judge),
        None if canary is None else bool(canary),
        named.get("flags"),
        named.get("score"),
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns the hints of one release into a probability.

    Args:
        kinds: which hints, in the order of the weights.
        weights, bias: of all of them, on the scale of log-odds.
        base_weights, base_bias: of all but the judge; the same where there is none.
        slope, offset: from the lower of both, as log-odds, to what is true of such answers; the
            slope is above 0, so that the order of answers stays.
        always: of each kind, whether it was there nearly always when this was fitted: an answer
            without it then has no confidence at all.
        fitted_on: labels.
        made_at: wall clock, seconds.
        release: whose.
    """

    kinds: tuple[SignalKind, ...]
    weights: tuple[float, ...]
    bias: float
    base_weights: tuple[float, ...]
    base_bias: float
    slope: float
    offset: float
    always: tuple[bool, ...]
    fitted_on: int
    made_at: float
    release: str = ""

    def age_days(self, now: float) -> float:
        """Return how many days ago it was made; `now` is wall clock, seconds."""
        return max(0.0, now - self.made_at) / DAY_S


@dataclass(frozen=True, slots=True)
class Diagram:
    """How well a calibration holds: what it says against what is true.

    Args:
        rows: of answers with about the same confidence, how many, what was said, what was true.
        error: mean distance between both, weighted by how many.
        answers: labelled answers behind it.
        fitted_on, age_days: of the calibration.
        sentence: the same for people.
    """

    rows: tuple[Bin, ...]
    error: float
    answers: int
    fitted_on: int
    age_days: float
    sentence: str


def row(kinds: Sequence[SignalKind], signals: Signals) -> tuple[float, ...]:
    """Return the hints as log-odds, each kind followed by 1 where it is missing.

    >>> row([SignalKind.SCORE], Signals(score=0.5)), row([SignalKind.SCORE], Signals())
    ((0.0, 0.0), (0.0, 1.0))
    """
    found: list[float] = []
    for kind in kinds:
        values = _values(kind, signals)
        width = 2 if kind is SignalKind.LOGPROB else 1
        found += [*(values or (0.0,) * width), float(values is None)]
    return tuple(found)


def confidence(calibration: Calibration, signals: Signals) -> float:
    """Return the probability that an answer is right, strictly between 0 and 1.

    It is 0 exactly where a hint is missing that never was when the calibration was made: nothing
    is known of such answers.
    """
    for kind, always in zip(calibration.kinds, calibration.always, strict=True):
        if always and _values(kind, signals) is None:
            return 0.0
    whole = Fit(calibration.weights, calibration.bias)
    base = Fit(calibration.base_weights, calibration.base_bias)
    lower = _lower(calibration.kinds, whole, base, signals)
    return predict(Fit((calibration.slope,), calibration.offset), (lower,))


def calibrate(
    examples: Sequence[tuple[Signals, bool]],
    kinds: Sequence[SignalKind],
    *,
    made_at: float,
    release: str = "",
) -> Calibration | None:
    """Return a calibration from labelled answers; None when there are too few.

    Args:
        examples: the hints of each, and whether it was wrong.
        kinds: which hints the feature asks for.
        made_at: wall clock, seconds.
        release: whose answers they are.
    """
    if len(examples) < FEWEST_EXAMPLES:
        return None
    right = [float(not wrong) for _, wrong in examples]
    base_kinds = _without_judge(kinds)
    whole = fit([row(kinds, signals) for signals, _ in examples], right, ridge=RIDGE)
    base = fit([row(base_kinds, signals) for signals, _ in examples], right, ridge=RIDGE)
    # The lower of two is too low on average: this puts it right again.
    lower = [(_lower(kinds, whole, base, signals),) for signals, _ in examples]
    level = fit(lower, right, ridge=RIDGE)
    return Calibration(
        tuple(kinds),
        whole.weights,
        whole.bias,
        base.weights,
        base.bias,
        max(level.weights[0], LEAST_SLOPE),
        level.bias,
        tuple(_is_always_there(kind, examples) for kind in kinds),
        len(examples),
        made_at,
        release,
    )


def diagram(
    calibration: Calibration, examples: Sequence[tuple[Signals, bool]], *, now: float
) -> Diagram:
    """Return how well a calibration holds on labelled answers, best on others than its own.

    Args:
        calibration: see there.
        examples: the hints of each, and whether it was wrong.
        now: wall clock, seconds.
    """
    said = [confidence(calibration, signals) for signals, _ in examples]
    rows = reliability_bins(said, [float(not wrong) for _, wrong in examples])
    off = sum(each.count * abs(each.predicted - each.observed) for each in rows)
    error = off / max(1, len(examples))
    age = calibration.age_days(now)
    sentence = (
        f"Confidence is off by {error:.1%} on average over {len(examples):,} labelled answers; "
        f"it was fitted on {calibration.fitted_on:,} others, {age:.0f} days ago."
        if examples
        else "No labelled answer tells yet how far confidence can be trusted."
    )
    return Diagram(rows, error, len(examples), calibration.fitted_on, age, sentence)


def logit(probability: float) -> float:
    """Return the log-odds of a probability, bounded; of no number, none.

    >>> logit(0.5), logit(1.0)
    (0.0, 7.0)
    """
    if math.isnan(probability):
        return probability
    if not 0.0 < probability < 1.0:
        return math.copysign(MOST_LOGIT, probability - 0.5)
    return max(-MOST_LOGIT, min(MOST_LOGIT, math.log(probability / (1.0 - probability))))


def _values(kind: SignalKind, signals: Signals) -> tuple[float, ...] | None:
    """Return one kind of hint as log-odds; None when it is missing or no number."""
    found: tuple[float | None, ...]
    match kind:
        case SignalKind.LOGPROB:
            found = (_of_log(signals.logprob_mean), _of_log(signals.logprob_min))
        case SignalKind.AGREEMENT:
            found = (_of_share(signals.agreement, signals.agreement_of),)
        case SignalKind.JUDGE:
            found = (_of_judge(signals),)
        case SignalKind.CHECKS:
            found = (None if signals.flags is None else -min(signals.flags, MOST_FLAGS),)
        case _:
            found = (None if signals.score is None else logit(signals.score),)
    values = tuple(each for each in found if each is not None and math.isfinite(each))
    return values if len(values) == len(found) else None


def _lower(kinds: Sequence[SignalKind], whole: Fit, base: Fit, signals: Signals) -> float:
    """Return the log-odds that all hints give, or those without the judge if they are lower."""
    all_of_them = predict(whole, row(kinds, signals))
    return logit(min(all_of_them, predict(base, row(_without_judge(kinds), signals))))


def _of_log(log_probability: float | None) -> float | None:
    return None if log_probability is None else logit(math.exp(min(log_probability, 0.0)))


def _of_share(share: float | None, others: float | None) -> float | None:
    """Return the log-odds of agreeing; among few, all of them is no certainty."""
    if share is None or not others:
        return None
    return logit((share * others + 0.5) / (others + 1.0))


def _of_judge(signals: Signals) -> float | None:
    if signals.judge is None or signals.canary is False:
        return None
    return 1.0 if signals.judge else -1.0


def _without_judge(kinds: Sequence[SignalKind]) -> tuple[SignalKind, ...]:
    return tuple(kind for kind in kinds if kind is not SignalKind.JUDGE)


def _is_always_there(kind: SignalKind, examples: Sequence[tuple[Signals, bool]]) -> bool:
    return sum(_values(kind, signals) is None for signals, _ in examples) < SEEN_MISSING
