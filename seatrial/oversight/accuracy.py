"""Live accuracy: between which bounds the share of right answers lies, at every look.

Only what people or a business system found true counts, and only of answers that were picked
for it with a known probability.  What a judge says never does; how far it agrees with people is
told beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.oversight.agreement import Agreement, cohen
from seatrial.stats.accuracy import (
    ENOUGH_LABELS,
    Estimate,
    mean_and_bets,
    mean_and_interval,
    term,
    term_range,
)
from seatrial.values.outcomes import Labelled, Source

TRUTH: Final = (Source.SYSTEM, Source.PERSON)  # whose word counts, before whose
TIGHTEST_AT: Final = 5_000  # requests at which the range is tightest
# Two ranges follow each other; each has its part of the chance to be mistaken.
_FEW_PART: Final = 0.2
UNKNOWN: Final = 0.5  # forecast for an answer without a confidence


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer that left.

    Args:
        expected: its confidence.
        share: the probability with which it was picked for people, in (0, 1].
        picked: whether it was.
        wrong: what people say; None when they have not said.
    """

    expected: float
    share: float
    picked: bool = False
    wrong: bool | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What is known of the share of right answers.

    Args:
        answers: that left.
        labelled: of them picked, and ruled on.
        unanswered: picked, and not ruled on: counted as right for `high` and wrong for `low`.
        low, high: between these it lies, in [0, 1].
        mean: best guess; None without any label.
        level: how sure the range is, at all looks at once.
        sentence: the same for people.
    """

    answers: int
    labelled: int
    unanswered: int
    low: float
    high: float
    mean: float | None
    level: float
    sentence: str


def live_accuracy(
    seen: Sequence[Seen], *, level: float = 0.95, tightest_at: float = TIGHTEST_AT
) -> Accuracy:
    """Return between which bounds the share of right answers lies.

    Args:
        seen: every answer that left, in order.
        level: how sure the range is, at all looks at once.
        tightest_at: number of answers at which the range is tightest; chosen beforehand.
    """
    labelled = sum(each.picked and each.wrong is not None for each in seen)
    unanswered = sum(each.picked and each.wrong is None for each in seen)
    if not labelled:
        sentence = "Nothing is known of live accuracy: people have ruled on none of its samples."
        return Accuracy(len(seen), 0, unanswered, 0.0, 1.0, None, level, sentence)
    worst = _estimate(seen, labelled, missing_is=0.0, level=level, tightest_at=tightest_at)
    best = worst
    if unanswered:
        best = _estimate(seen, labelled, missing_is=1.0, level=level, tightest_at=tightest_at)
    low, high = max(0.0, worst.low), min(1.0, best.high)
    mean = min(1.0, max(0.0, (worst.mean + best.mean) / 2))
    return Accuracy(
        len(seen),
        labelled,
        unanswered,
        low,
        high,
        mean,
        level,
        _sentence(low, high, level, labelled, unanswered),
    )


def seen_of(labelled: Iterable[Labelled], unlabelled: Iterable[Labelled]) -> list[Seen]:
    """Return answers that left with a spot check, from outcomes and from records without one.

    A business system's word counts before a person's, and theirs alone; of two words of one
    source the later counts.

    Args:
        labelled: outcomes, of any source, as they came.
        unlabelled: records without an outcome; their `wrong` says nothing.
    """
    found: dict[str, tuple[int, Seen]] = {}
    for each in labelled:
        picked = each.why == "spot_check"
        if each.source not in TRUTH or not (picked or not each.why):
            continue
        rank = TRUTH.index(each.source)
        if rank <= found.get(each.record_id, (len(TRUTH), None))[0]:
            found[each.record_id] = rank, _seen(each, picked, each.wrong)
    for each in unlabelled:
        found.setdefault(each.record_id, (0, _seen(each, each.why == "spot_check", None)))
    return [seen for _, seen in found.values()]


def judge_agreement(labelled: Iterable[Labelled]) -> Agreement:
    """Return how far judges agree with people on the answers that both have seen."""
    said: dict[str, dict[bool, bool]] = {}
    for each in labelled:
        if each.source is Source.JUDGE or each.source in TRUTH:
            said.setdefault(each.record_id, {})[each.source is Source.JUDGE] = each.wrong
    return cohen([(each[False], each[True]) for each in said.values() if len(each) == 2])


def _seen(each: Labelled, picked: bool, wrong: bool | None) -> Seen:
    expected = UNKNOWN if each.confidence is None else each.confidence
    return Seen(expected, each.share, picked, wrong)


def _estimate(
    seen: Sequence[Seen], labelled: int, *, missing_is: float, level: float, tightest_at: float
) -> Estimate:
    terms = [
        term(
            each.expected,
            missing_is if each.wrong is None else 1.0 - each.wrong,
            each.share,
            each.picked,
        )
        for each in seen
    ]
    alpha = 1.0 - level
    if labelled >= ENOUGH_LABELS:
        return mean_and_interval(terms, alpha * (1.0 - _FEW_PART), tightest_at)
    low, high = term_range(min(each.share for each in seen))
    return mean_and_bets(terms, alpha * _FEW_PART, low=low, high=high)


def _sentence(low: float, high: float, level: float, labelled: int, unanswered: int) -> str:
    both_ways = (
        f"; {unanswered:,} more without a ruling are counted both ways" if unanswered else ""
    )
    return (
        f"Accuracy is between {100 * low:.1f} and {100 * high:.1f} %; this range is right at all "
        f"times at once with {100 * level:.3g} % probability, by {labelled:,} answers that people "
        f"have checked{both_ways}."
    )
