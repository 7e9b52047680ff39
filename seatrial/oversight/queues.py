"""Whose queue an item goes to, and how much each person has on the desk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from seatrial.oversight.settings import Rule
from seatrial.values.reviews import Review, RulingKind


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules may ask of an item.

    Args:
        topic, language, tier, segment: as known; empty when not.
        confidence: in [0, 1]; None when unknown.
    """

    topic: str = ""
    language: str = ""
    confidence: float | None = None
    tier: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """How much one person has had on the desk.

    Args:
        held: items that they hold now.
        ruled: rulings that they gave.
        passed_on: items that they passed on.
        median_s: how long half of their rulings took at most; None without any.
    """

    held: int = 0
    ruled: int = 0
    passed_on: int = 0
    median_s: float | None = None


def queue_for(rules: Sequence[Rule], subject: Subject, default: str) -> str:
    """Return the queue that an item goes to: that of the first rule that holds.

    Args:
        rules: in order.
        subject: what is known of the item.
        default: where no rule holds.

    >>> queue_for([Rule("welsh", language=("cy",))], Subject(language="cy"), "reviews")
    'welsh'
    """
    return next((rule.queue for rule in rules if holds(rule, subject)), default)


def holds(rule: Rule, subject: Subject) -> bool:
    """Whether all that a rule asks for is so; what is not known is not so, low confidence aside."""
    asked = (
        (rule.topic, subject.topic),
        (rule.language, subject.language),
        (rule.tier, subject.tier),
        (rule.segment, subject.segment),
    )
    if any(wanted and given not in wanted for wanted, given in asked):
        return False
    return rule.below is None or subject.confidence is None or subject.confidence < rule.below


def loads(reviews: Iterable[Review], *, now: float) -> Mapping[str, Load]:
    """Return how much each person has on the desk, by who they are.

    Args:
        reviews: any, of a queue or of a day.
        now: wall clock, seconds; leases that have ended hold nothing.
    """
    held: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    times: dict[str, list[float]] = {}
    for seat in (seat for review in reviews for seat in review.seats):
        if seat.ruling is None:
            held[seat.holder] += bool(seat.holder) and seat.until > now
        elif seat.ruling.kind is RulingKind.PASS_ON:
            passed[seat.ruling.by] += 1
        else:
            times.setdefault(seat.ruling.by, []).append(seat.ruling.seconds)
    return {
        who: Load(
            held[who],
            len(times.get(who, ())),
            passed[who],
            median(times[who]) if who in times else None,
        )
        for who in sorted(+held | +passed | Counter(dict.fromkeys(times, 1)))
    }
