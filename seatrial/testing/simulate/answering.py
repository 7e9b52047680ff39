"""Promises 1 to 6, 10 and 14: what callers get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from seatrial.testing.simulate.callers import GRACE_S, Seen
from seatrial.testing.simulate.demands import AS_DATA, DOUBTFUL, MARK
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.models import DECLINES, unsaid
from seatrial.testing.upstream import FAULTS, Verdict, verify
from seatrial.values.decisions import Answered, HandedOff, Kind, Refused

TICK_S: Final = 0.005  # loops round their alarms
GONE_WITHIN_S: Final = 0.1
WELL_SINCE_S: Final = 30.0  # a target counts as healthy so long after its last fault
KEY_WELL_SINCE_S: Final = 60.0  # a refused key is left alone for a minute, on purpose
ENOUGH_TIME_S: Final = 4.0  # with less than this a fallback may honestly come too late
HANGS: Final = frozenset(
    {"hang", "hang-after-headers", "connect-blackhole", "pings-only", "empty-deltas"}
)
BUILT_IN: Final = frozenset({"cache", "say", "human"})
# The source itself says wrong words in a right form, or words of its own: no layer can tell.
UNTELLABLE: Final = frozenset(
    {name for name, fault in FAULTS.items() if not fault.detectable} | {"duplicate-keys"}
)
REFUSALS: Final = frozenset({"policy", "refusal", "content-filter", "declines"})
WORDLESS: Final = frozenset({"refusal", "declines"})  # no signature in what they say
SPARED: Final = "was spared"  # says the reason, where the month's money must last
UNAFFORDABLE: Final = frozenset({"over_budget", "spared"})
NO_ANSWER: Final = frozenset({"no_target_left", "throttled", "deadline_exceeded"})


def one_final_word(facts: Facts) -> Iterator[Violation]:
    """1: every accepted request ends in one decision by its deadline + 0.25 s, and is recorded so.

    A caller who left, or whose process died, has heard no last word: only the record of the
    one who left is checked (promise 20 has the others).  A hand-off that could not be stored
    safely is withdrawn before the caller hears of it: its record may say `handed_off` where
    the caller was told to ask again.
    """
    for seen in facts.seen:
        if seen.how == "killed":
            continue
        if not seen.how or seen.how == "raised":
            yield Violation(1, f"no final word: {seen.raised or 'it hangs'}", seen.id)
            continue
        if not seen.id:
            continue  # turned away at the door
        facts.cases[1] += 1
        ended = seen.ended or 0.0
        if seen.how != "left" and ended > seen.deadline + GRACE_S:
            late_s = ended - seen.deadline
            yield Violation(1, f"the last word came {late_s:.2f} s after the deadline", seen.id)
        record = facts.record_of.get(seen.id)
        if record is None:
            continue  # promise 16 counts those
        if seen.how == "left":
            decided = "abandoned"
        elif seen.refused is not None and seen.refused.code == "not_durable":
            decided = "handed_off"
        else:
            decided = seen.decision.kind.value if seen.decision else ""
        if record.decision != decided:
            yield Violation(1, f"decided {decided}, recorded {record.decision}", seen.id)


def no_silent_truncation(facts: Facts) -> Iterator[Violation]:
    """2: an incomplete answer says so.

    An answer that ends for `length` or `content_filter` says so.  Of a source whose own words
    are wrong (it repeats or swaps tokens) nothing can be told.
    """
    for seen, verdict in _judged(facts):
        facts.cases[2] += 1
        if seen.how == "answer" and verdict in {Verdict.CUT, Verdict.MALFORMED, Verdict.UNSIGNED}:
            yield Violation(2, f"{verdict} passed for a whole answer: {seen.text[:80]!r}", seen.id)


def no_crosstalk(facts: Facts) -> Iterator[Violation]:
    """3: nobody receives a byte of another's answer."""
    for seen, verdict in _judged(facts):
        facts.cases[3] += 1
        if verdict is Verdict.FOREIGN:
            yield Violation(3, f"another's answer: {seen.text[:80]!r}", seen.id)


def no_stitching(facts: Facts) -> Iterator[Violation]:
    """4: the words of two answers never stand in one."""
    for seen, verdict in _judged(facts):
        facts.cases[4] += 1
        ids = {server for server in facts.network.servers if f"[id:{server[:3]}" in seen.text}
        if verdict is Verdict.STITCHED or len(ids) > 1:
            yield Violation(4, f"words of two answers: {seen.text[:120]!r}", seen.id)


def _judged(facts: Facts) -> Iterator[tuple[Seen, Verdict]]:
    for seen in facts.seen:
        # What a twin reads was asked for by the first of them.
        calls = facts.asked_of[seen.id or seen.first_id]
        struck = {name for call in calls for name in call.fault_names}
        refused = seen.finish in {"content_filter", "length"} or bool(WORDLESS & struck)
        built_in = seen.head is not None and seen.head.target in BUILT_IN - {"cache"}
        if not seen.text or refused or built_in or struck & UNTELLABLE:
            continue
        if seen.finish == "tool_calls" and "content-filter" in struck:
            continue  # the source put what its filter left into a call, and called that whole
        if seen.text == "".join(DECLINES):
            continue  # a cached one
        if isinstance(seen.decision, Answered) and seen.decision.target in UNTELLABLE:
            continue
        if seen.how not in {"answer", "cut", "left"} or _cached_untellable(facts, seen):
            continue
        verdict = _verdict(facts, seen)
        short = seen.how != "answer" and verdict in {Verdict.UNSIGNED, Verdict.MALFORMED}
        yield (
            seen,
            Verdict.CUT if short and seen.text.startswith("[id"[: len(seen.text)]) else verdict,
        )


def _verdict(facts: Facts, seen: Seen) -> Verdict:
    """Return what a text is, the echo of an address and a blot taken off its end."""
    errand, echo = seen.arrival.errand, ""
    if errand is not None and errand.personal and not seen.arrival.tools:
        restores = facts.features[seen.arrival.feature].checks.restore
        echo = errand.personal if restores else MARK
    text = unsaid(seen.text, echo)
    if text is None:
        verdict = verify(seen.text, seen.arrival.signed)
        return Verdict.CUT if verdict is Verdict.WHOLE else verdict
    return verify(text, seen.arrival.signed)


def _cached_untellable(facts: Facts, seen: Seen) -> bool:
    """Whether a cached answer may be one that a source spoilt when it was fresh."""
    if seen.head is None or seen.head.target != "cache":
        return False
    return any(fault.name in UNTELLABLE for fault in facts.plan.faults)


def healthy_targets(facts: Facts, seen: Seen) -> list[str]:
    """Return the models of a request's route that nothing was wrong with while it ran."""
    since = seen.started - WELL_SINCE_S
    until = seen.ended if seen.ended is not None else seen.started
    return [
        name
        for name in facts.models(seen)
        if name in seen.ready
        and facts.network.was_healthy(name, since, until)
        and facts.network.keys_were_good(name, seen.started - KEY_WELL_SINCE_S, until)
    ]


def faults_are_invisible(facts: Facts) -> Iterator[Violation]:
    """5: while a target of the route is healthy and time remains, a model answers.

    Healthy: no fault could strike it for 30 s (60 s for a refused key, which is quarantined
    for a minute), and it was not resting or ramping up by the service's own account, whose
    end promise 8 checks.  Time remains: the deadline was at least 4 s.  And whoever answers,
    nothing leaves, not even the status, before there is something to say.
    """
    for seen in facts.seen:
        # Who reads too slowly to get a word is cut for that.
        if seen.how == "cut" and not seen.useful and not seen.arrival.reads_s:
            yield Violation(5, "the stream began before its first useful token", seen.id)
        if seen.how not in {"answer", "error"} or not seen.id:
            continue
        if facts.features[seen.arrival.feature].on_refusal != "return":
            continue  # a refusal may lead to a person on purpose
        if _stood_between(facts, seen):
            continue  # the input was refused, or a healthy target's answer, or the money is gone
        refused = seen.refused
        fell_through = isinstance(seen.decision, HandedOff) or (
            isinstance(seen.decision, Answered) and seen.decision.target in BUILT_IN
        )
        failed = refused is not None and refused.code in NO_ANSWER
        if any(call.fault for call in facts.calls_of[seen.id]):
            facts.cases[5] += 1
        if not (fell_through or failed):
            continue
        if seen.deadline - seen.started < ENOUGH_TIME_S:
            continue
        healthy = healthy_targets(facts, seen)
        if healthy:
            got = refused.message if refused else f"{getattr(seen.decision, 'target', '')}"
            yield Violation(5, f"{healthy[0]} was healthy, the caller got: {got}", seen.id)


def _stood_between(facts: Facts, seen: Seen) -> bool:
    """Whether a check or a budget, not a fault, stood between the targets and the caller."""
    record = facts.record_of.get(seen.id)
    if record is None:
        return False
    errand, asked = seen.arrival.errand, seen.arrival.question
    # Nobody told the models that JSON is wanted; or the feature's own function has its moods.
    own = DOUBTFUL in asked or (errand is not None and AS_DATA in asked and not errand.structured)
    spared = any(each.cause in UNAFFORDABLE for each in record.attempts)
    if spared or SPARED in record.reason:
        return True
    return any(
        each.verdict in {"refuse", "hand_off"} and (own or each.side == "input")
        for each in record.checks
    )


def deadline_is_shared(facts: Facts) -> Iterator[Violation]:
    """6: no attempt outlives the deadline; who left is not worked for; a hung primary leaves time.

    The last is checked where the first model hung on its one attempt, the next was healthy,
    and its own answer took at most a tenth of the deadline.
    """
    for seen in facts.seen:
        calls = facts.calls_of[seen.id]
        for call in calls:
            ended = call.ended
            if seen.how == "killed":
                continue
            facts.cases[6] += seen.left_at is not None
            if ended is None or ended > seen.deadline + TICK_S + 0.02:
                yield Violation(6, f"an attempt at {call.target} outlived the deadline", seen.id)
            left = seen.left_at
            if left is not None and (ended is None or ended > left + GONE_WITHIN_S):
                yield Violation(6, f"{call.target} still worked after the caller left", seen.id)
        yield from _hung_primary(facts, seen)


def _hung_primary(facts: Facts, seen: Seen) -> Iterator[Violation]:
    models, calls = facts.models(seen), facts.asked_of[seen.id]
    judged_s = sum((call.ended or 0.0) - call.at for call in facts.judged_of[seen.id])
    allowed_s = seen.deadline - seen.started - judged_s
    if len(models) < 2 or seen.how not in {"answer", "error"} or allowed_s < ENOUGH_TIME_S:
        return
    first = [call for call in calls if call.target == models[0]]
    if len(first) != 1 or not HANGS & set(first[0].fault_names):
        return
    if models[1] not in healthy_targets(facts, seen):
        return
    if _stood_between(facts, seen):
        return  # its money, not its time, was up
    facts.cases[6] += 1
    own_s = sum((call.ended or 0.0) - call.at for call in calls if call.target == models[1])
    took_s = (seen.ended or 0.0) - seen.started - judged_s
    if own_s <= 0.1 * allowed_s and took_s > 0.6 * allowed_s + TICK_S:
        share = took_s / allowed_s
        yield Violation(6, f"{models[0]} hung: answered at {share:.2f} of the deadline", seen.id)


def refusals_stay(facts: Facts) -> Iterator[Violation]:
    """10: a refusal is one attempt, none follows it, and its reason reaches the caller.

    Where the feature says `next` or `hand_off`, going on is what was asked for.
    """
    for seen in facts.seen:
        if facts.features[seen.arrival.feature].on_refusal != "return":
            continue
        calls = facts.asked_of[seen.id]
        for place, call in enumerate(calls):
            refused = REFUSALS & set(call.fault_names)
            if not refused or call.how != "complete" or len(call.fault_names) > 1:
                continue
            facts.cases[10] += 1
            if place + 1 < len(calls):
                yield Violation(10, f"another attempt followed a {call.fault}", seen.id)
            elif seen.how in {"answer", "error"} and not _tells_refusal(seen):
                yield Violation(10, f"a {call.fault} reached the caller as {seen.how}", seen.id)


def _tells_refusal(seen: Seen) -> bool:
    if isinstance(seen.decision, Refused):
        error = seen.decision.error
        return error is not None and "usage policy" in error.message
    said = seen.text
    return seen.finish == "content_filter" or "cannot help" in said or "can't help" in said


def labels(facts: Facts) -> Iterator[Violation]:
    """14: what a lower tier answered is labelled, in head and record, with every attempt."""
    for seen in facts.seen:
        if seen.how != "answer" or not seen.id:
            continue
        record, head, decision = facts.record_of.get(seen.id), seen.head, seen.decision
        tier = getattr(decision, "tier", 0)
        wanted = Kind.HANDED_OFF if isinstance(decision, HandedOff) else Kind.DEGRADED
        if isinstance(decision, HandedOff) or tier > 0:
            facts.cases[14] += 1
            if head is None or head.kind is not wanted or head.tier != tier:
                yield Violation(14, f"tier {tier} is not labelled in the head: {head}", seen.id)
            if record is not None and not record.reason and facts.models(seen):
                yield Violation(14, "the record does not say why a lower tier answered", seen.id)
        if record is None:
            continue
        called = [
            each.target
            for each in facts.attempts_of(record)
            if each.outlet
            or each.cause == "caller_left"
            or (each.cause == "overtaken" and each.sent)
        ]
        went = [call.target for call in facts.calls_of[seen.id]]
        if called != went:
            yield Violation(14, f"attempts {went}, in the record {called}", seen.id)
