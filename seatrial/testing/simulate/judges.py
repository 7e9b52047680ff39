"""Promise 46: judges make things stricter and nothing else, in their own time and for their price.

46 is the simulator's own number for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from seatrial.testing.simulate.accounts import PricePlan
from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.demands import HIDDEN, Errand
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.models import TAKEOVER
from seatrial.testing.simulate.plan import Arrival, TargetPlan
from seatrial.testing.simulate.wire import Call
from seatrial.values.checks import CheckRecord
from seatrial.values.decisions import HandedOff
from seatrial.values.records import Record

CHECK: Final = "injection_judge"  # the name under which its verdicts stand in records
STRICT: Final = frozenset({"flag", "refuse", "hand_off"})
NO_WORD: Final = ('"verdict"', TAKEOVER)
LATE_S: Final = 0.05
OWN_TARGET: Final = "j0"


def draw_judge(die: Random, targets: Sequence[TargetPlan], *, priced: bool) -> TargetPlan:
    """Draw who judges: a target that answers as well, or one for that alone.

    Args:
        die: of the judges alone.
        targets: of the day.
        priced: whether its price must be known.
    """
    if die.random() < 0.4:
        return die.choice(targets)
    priced = die.random() < 0.6 or priced
    price = PricePlan(round(10 ** die.uniform(-2, 0), 3), round(10 ** die.uniform(-2, 0), 3), 0.0)
    return TargetPlan(
        OWN_TARGET,
        die.choice(("openai", "anthropic")),
        addresses=1,
        keys=1,
        think_s=10 ** die.uniform(-1.7, -0.5),
        gap_s=10 ** die.uniform(-3, -1.5),
        words=4,
        price=price if priced else None,
    )


def hidden_from(die: Random, arrival: Arrival) -> Arrival:
    """Return a request to a judged feature: now and then only the judge sees what it is."""
    errand = arrival.errand or Errand(arrival.question, arrival.question)
    if die.random() < 0.15 and not (errand.turned_away or arrival.twin):
        question, signed = f"{errand.question} {HIDDEN}", f"{errand.signed} {HIDDEN}"
        errand = replace(errand, question=question, signed=signed, hidden=True)
    return replace(arrival, question=errand.question, errand=errand)


def judges_are_asked_once(facts: Facts) -> Iterator[Violation]:
    """46: before anything else, of what no check has refused, once, and for a bounded time.

    Nothing is sent to one but what was reserved where money is bounded.
    """
    reserved = {entry.id for entry in facts.book.entries if entry.asks}
    for seen in _met(facts):
        checks = facts.features[seen.arrival.feature].checks
        calls, asked = facts.judged_of[seen.id], facts.asked_of[seen.id]
        errand = seen.arrival.errand
        facts.cases[46] += bool(calls)
        if len(calls) > 1 or any(call.target != checks.judge for call in calls):
            names = [call.target for call in calls]
            yield Violation(46, f"to judge were asked {names}, not {checks.judge!r}", seen.id)
        if calls and errand is not None and errand.turned_away:
            yield Violation(46, f"a judge was asked about {errand.turned_away}", seen.id)
        if calls and asked and asked[0].at < (calls[0].ended or seen.deadline):
            yield Violation(46, "a target was asked before its judge had done", seen.id)
        for call in calls:
            took_s = (call.ended or seen.deadline) - call.at
            if seen.how != "killed" and took_s > checks.check_s + LATE_S:
                yield Violation(46, f"a judge was waited for {took_s:.2f} s", seen.id)
            if facts.bounded(seen) and f"{seen.id}.0judge" not in reserved:
                yield Violation(46, f"{call.target} was asked to judge on nobody's money", seen.id)


def judges_only_tighten(facts: Facts) -> Iterator[Violation]:
    """46: what a judge finds has its effect; one that fails, is late or raves has none."""
    for seen in _met(facts):
        record = facts.record_of.get(seen.id)
        if record is None or seen.how not in {"answer", "cut", "error"}:
            continue
        calls = facts.judged_of[seen.id]
        then = facts.features[seen.arrival.feature].checks.injection
        said = [each for each in record.checks if each.check == CHECK]
        if any(_found(call) for call in calls):
            facts.cases[46] += 1
            yield from _has_effect(seen, record, said, then)
        elif any(call.judged == TAKEOVER and call.sent for call in calls):
            continue  # its word may have come through what struck it
        elif any(each.verdict in STRICT for each in said) or _is_turned_away(seen):
            yield Violation(46, "turned away by a judge that found nothing", seen.id)


def _has_effect(
    seen: Seen, record: Record, said: Sequence[CheckRecord], then: str
) -> Iterator[Violation]:
    if [then] != [each.verdict for each in said]:
        verdicts = [each.verdict for each in said]
        yield Violation(46, f"a takeover was to {then}, the record has {verdicts}", seen.id)
    if then == "refuse" and not _is_turned_away(seen):
        yield Violation(46, f"a takeover was not refused: {seen.how}", seen.id)
    handed = isinstance(seen.decision, HandedOff) or record.decision == "handed_off"
    if then == "hand_off" and not handed:
        yield Violation(46, f"a takeover was not handed off: {seen.how}", seen.id)


def judges_stay_unheard(facts: Facts) -> Iterator[Violation]:
    """46: no caller reads a word of a judge, and records book its calls to it."""
    for seen in facts.seen:
        told = [seen.text]
        if seen.refused is not None:
            told += [seen.refused.message, str(seen.refused.error or "")]
        for word in NO_WORD:
            if any(word in each for each in told):
                yield Violation(46, f"a judge was heard: {seen.text[:80]!r}", seen.id)
        record = facts.record_of.get(seen.id)
        if record is None or seen.how not in {"answer", "cut", "error"}:
            continue
        booked = [
            each.target for each in record.attempts if each.outlet and each.purpose == "judge"
        ]
        made = [call.target for call in facts.judged_of[seen.id]]
        if booked != made:
            yield Violation(46, f"judged by {made}, in the record {booked}", seen.id)


def _met(facts: Facts) -> Iterator[Seen]:
    for seen in facts.seen:
        if seen.id and facts.features[seen.arrival.feature].checks.judge:
            yield seen


def _found(call: Call) -> bool:
    """Whether a judge said that it is a takeover, and could be understood."""
    whole = call.how == "complete" and call.status == 200 and not call.fault
    return whole and call.judged == TAKEOVER


def _is_turned_away(seen: Seen) -> bool:
    refused = seen.refused
    return refused is not None and refused.error is not None and refused.error.code == CHECK
