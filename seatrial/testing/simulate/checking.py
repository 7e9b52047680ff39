"""Promises 41 and 44, and what 10 and 14 say of checks: inputs and answers are what was demanded.

44 is the simulator's own number: no answer that a check refuses reaches a caller, but for streams
that are checked afterwards, whose record says so; and no target is asked again more often than
was configured.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.demands import FORBIDDEN, PERSONAL
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.judging import mood_of
from seatrial.testing.simulate.models import DECLINES, UNSEEN
from seatrial.testing.simulate.plan import FeaturePlan
from seatrial.values.decisions import Answered, HandedOff
from seatrial.values.records import Record

LATE_S: Final = 0.05  # of a check that is stopped for its time
_SHOWN: Final = 100
BUILT_IN: Final = frozenset({"say", "human"})
_CAUSES: Final = frozenset({"declines", "refusal", "content-filter"})


def personal_data_stays_out(facts: Facts) -> Iterator[Violation]:
    """41: where a feature takes personal data out, no target and no disk ever holds it.

    The addresses are planted; requests to targets, what journal and store are handed, and every
    file that a process leaves behind are searched.
    """
    for call in facts.calls:
        if call.leaked:
            yield Violation(41, f"{call.target} was sent a planted address", call.request_id)
    for request_id in sorted(facts.disk.leaked):
        yield Violation(41, "a planted address was to be stored", request_id)
    for name in facts.leaked_files:
        yield Violation(41, f"a planted address stands in {name}")
    for seen in facts.seen:
        errand = seen.arrival.errand
        if errand is None or not errand.personal or not seen.id:
            continue
        facts.cases[41] += 1
        checks = facts.features[seen.arrival.feature].checks
        if PERSONAL in seen.text and not checks.restore:
            yield Violation(
                41, f"turned back, though nobody asked: {seen.text[:_SHOWN]!r}", seen.id
            )


def inputs_are_checked(facts: Facts) -> Iterator[Violation]:
    """44: an input that a check refuses is refused for that, reaches no target, and is in time."""
    for seen in facts.seen:
        errand = seen.arrival.errand
        if errand is None or not errand.turned_away or not seen.id or seen.how == "killed":
            continue
        facts.cases[44] += 1
        calls, refused = facts.asked_of[seen.id], seen.refused
        if calls:
            yield Violation(44, f"{calls[0].target} was asked {errand.turned_away}", seen.id)
        if seen.how == "left" or (refused and refused.code.startswith("idempotency")):
            continue
        code = refused.error.code if refused is not None and refused.error else ""
        if refused is None or code != errand.turned_away:
            got = code or (refused.code if refused else seen.how)
            yield Violation(44, f"an input that is {errand.turned_away} was told {got}", seen.id)
        elif (seen.ended or 0.0) > seen.started + _most_s(facts, seen):
            late_s = (seen.ended or 0.0) - seen.started
            yield Violation(44, f"turned away after {late_s:.2f} s only", seen.id)


def _most_s(facts: Facts, seen: Seen) -> float:
    """Return how long the checks of an input may take, and its record to be kept."""
    return facts.features[seen.arrival.feature].checks.check_s + LATE_S + 1.0


def answers_are_checked(facts: Facts) -> Iterator[Violation]:
    """44: no answer that a check refuses reaches a caller; where streams go first, it is told."""
    for seen in facts.seen:
        feature = facts.features[seen.arrival.feature]
        if not feature.checks.refuses_answers or not seen.text:
            continue
        if not isinstance(seen.decision, Answered) and seen.how not in {"left", "cut", "killed"}:
            continue
        if seen.head is not None and seen.head.target in BUILT_IN:
            continue
        if seen.first_id:
            continue  # a twin's result is the first one's, streamed or not
        after = feature.checks.check_after and seen.arrival.stream
        whole = seen.how == "answer"
        if not after and not whole:
            continue  # held back: it was whole before it left, and only its reading ended
        facts.cases[44] += 1
        wrong = _fault(feature, seen, whole=whole)
        if not wrong:
            continue
        if not after:
            yield Violation(44, f"{wrong} reached the caller: {seen.text[:_SHOWN]!r}", seen.id)
        elif whole and (record := facts.record_of.get(seen.id)) and not _tells_failure(record):
            yield Violation(44, f"{wrong} left first, and the record is silent", seen.id)


def _fault(feature: FeaturePlan, seen: Seen, *, whole: bool) -> str:
    """Return what the feature's checks find wrong with an answer."""
    checks, text = feature.checks, seen.text
    if checks.forbidden and FORBIDDEN in text:
        return "a forbidden word"
    if not whole or seen.finish == "content_filter" or _is_refusal(text):
        return ""
    if checks.schema and seen.finish != "tool_calls" and not _fits(text):
        return "an answer that does not fit"
    errand = seen.arrival.errand
    # Own functions are told what an answer says, with marks in it, and nothing of tool calls.
    told = errand is None or not errand.personal
    if checks.own_output and told and seen.finish != "tool_calls":
        return mood_of(text, seen.arrival.signed) and "an answer that its own function refuses"
    return ""


def _fits(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, Mapping) and set(value) == {"answer"}


def _is_refusal(text: str) -> bool:
    return text == "".join(DECLINES) or "cannot help" in text


def _tells_failure(record: Record) -> bool:
    return any(each.side == "output" and each.verdict == "refuse" for each in record.checks)


def repairs_are_bounded(facts: Facts) -> Iterator[Violation]:
    """44: no target is asked to repair more often than was configured; the record tells each.

    A repair that never left us, for want of money, of a place or of a connection, repairs nothing:
    it stands in the record as not sent, and does not count.
    """
    for seen in facts.seen:
        record = facts.record_of.get(seen.id)
        calls = facts.calls_of[seen.id]
        repairs = Counter(call.target for call in calls if call.repair)
        if any(call.repair == UNSEEN for call in calls) and not seen.arrival.tools:
            yield Violation(44, "a target was to repair an answer that it was not shown", seen.id)
        most = facts.features[seen.arrival.feature].checks.repairs
        facts.cases[44] += bool(repairs)
        for target, count in repairs.items():
            if count > most:
                yield Violation(44, f"{target} was asked {count} times to repair", seen.id)
        if record is None:
            continue
        told = Counter(
            each.target for each in record.attempts if each.purpose == "repair" and each.sent
        )
        if told != repairs:
            yield Violation(44, f"repairs {dict(repairs)}, in the record {dict(told)}", seen.id)


def refusals_are_minded(facts: Facts) -> Iterator[Violation]:
    """10: where a refusal is to go to the next target or to a person, no caller reads it.

    Streams of text are handed over before anybody can tell.  The record flags a refusal in words.
    """
    for seen in facts.seen:
        feature = facts.features[seen.arrival.feature]
        if seen.how != "answer" or not seen.text:
            continue
        declined = seen.text == "".join(DECLINES)
        if not declined:
            continue
        facts.cases[10] += 1
        record = facts.record_of.get(seen.id)
        if feature.on_refusal != "return" and not seen.arrival.stream:
            yield Violation(
                10, f"a refusal reached the caller despite {feature.on_refusal}", seen.id
            )
        flagged = record is None or any(each.code == "refusal" for each in record.checks)
        if not flagged and seen.head is not None and seen.head.target != "cache":
            yield Violation(10, "a refusal in words is not told in the record", seen.id)


def hands_over_with_reason(facts: Facts) -> Iterator[Violation]:
    """14: whoever is handed to a person after a check finds the reason in the record."""
    for seen in facts.seen:
        record = facts.record_of.get(seen.id)
        if record is None or not isinstance(seen.decision, HandedOff):
            continue
        failed = any(each.cause == "check_failed" for each in record.attempts)
        if failed and not record.reason:
            yield Violation(14, "handed off after a check, without a reason", seen.id)
