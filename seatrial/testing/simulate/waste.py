"""Promises 7, 8, 9 and 13: what targets and the event loop have to bear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Steady, Violation
from seatrial.testing.simulate.plan import STEADY_GAP_S
from seatrial.testing.simulate.wire import Call
from seatrial.values.records import AttemptRecord

MOST_ATTEMPTS: Final = 4
EARNED: Final = 0.1
EARNED_CAP: Final = 50.0
SLACK: Final = 3.0  # the floor of one, and retries that wait while time goes on
SHORTEST_REST_S: Final = 2.5  # half of the first opening, by its jitter
FORCED_EVERY_S: Final = 5.0
TRIPS_AFTER: Final = 5  # failures in a row
AVERAGE: Final = 1.2
RECOVERED_WITHIN_S: Final = 30.0
RECOVERED_SHARE: Final = 0.9
RATE_FACTOR: Final = 1.5
SPARED: Final = "was spared"  # for its price, says the reason
LIMITED: Final = frozenset({"rate_limited", "insufficient_quota", "overloaded"})
CALLBACK_S: Final = 0.05


def bounded_waste(facts: Facts) -> Iterator[Violation]:
    """7: at most 4 attempts each, retries within their budget, few probes, 1.2 on average.

    The budget is replayed from the outside: a tenth of the first attempts, at most 50, and one
    a second; three tokens of slack, since a retry is paid before it waits.  The average is
    taken over steady traffic in the drill, from the fifth failure on, and not where the outage
    is a hang: what hung already when the breaker opened cannot be taken back.  Nor are probes
    counted where second calls overtake one that hangs: it has not failed by then.
    """
    for request_id, calls in facts.asked_of.items():
        # Second calls beside slow ones are bounded by a share of their own.
        record = facts.record_of.get(request_id)
        hedged = sum(each.purpose == "hedge" for each in record.attempts) if record else 0
        if sum(call.sent for call in calls) > MOST_ATTEMPTS + hedged:
            yield Violation(7, f"{len(calls)} attempts for one request", request_id)
    yield from _retries_within_budget(facts)
    for steady in facts.steady:
        hidden = steady.outage == "hang" and steady.feature.hedge
        if steady.outage and not hidden:
            yield from _few_probes(facts, steady)


def _retries_within_budget(facts: Facts) -> Iterator[Violation]:
    events: dict[tuple[int, str], list[tuple[float, bool, str]]] = defaultdict(list)
    for seen in facts.seen:
        record = facts.record_of.get(seen.id)
        if record is None:
            continue
        free: set[str] = set()
        for attempt in record.attempts:
            if not attempt.outlet:
                continue
            # A repair is no second try: it is bounded by its own number.
            again = attempt.turn > 0 and attempt.purpose != "repair"
            retry = again and attempt.target not in free
            events[seen.life, attempt.target].append(
                (seen.started + attempt.started_s, retry, seen.id)
            )
            if _was_free(attempt):
                free.add(attempt.target)
            else:
                free.discard(attempt.target)
    for (_, target), happened in events.items():
        earned, floor, at = 0.0, SLACK, 0.0
        for now, retry, request_id in sorted(happened):
            floor, at = min(SLACK, floor + now - at), now
            facts.cases[7] += retry
            if not retry:
                earned = min(EARNED_CAP, earned + EARNED)
            elif earned >= 1:
                earned -= 1
            elif floor >= 1:
                floor -= 1
            else:
                yield Violation(7, f"a second try at {target} beyond its budget", request_id)
                break


def _was_free(attempt: AttemptRecord) -> bool:
    """Whether what follows may be the free second try of a request that never left."""
    return not attempt.sent and attempt.cause == "unreachable"


def _few_probes(facts: Facts, steady: Steady) -> Iterator[Violation]:
    calls = [
        call
        for call in facts.calls
        if call.target == steady.target and steady.began <= call.at < steady.ended
    ]
    by_outlet: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        by_outlet[call.server, call.key].append(call)
    opened = steady.began
    for (server, _), mine in by_outlet.items():
        failed = sorted(call.ended or steady.ended for call in mine)
        if len(failed) < TRIPS_AFTER:
            continue
        tripped = failed[TRIPS_AFTER - 1]
        opened = max(opened, tripped)
        probes = sum(call.at > tripped for call in mine)
        span_s = steady.ended - tripped
        most = 2 + span_s / SHORTEST_REST_S + span_s / FORCED_EVERY_S
        if probes > most:
            yield Violation(7, f"{probes} probes of {server} in {span_s:.0f} s of its outage")
    if steady.outage == "hang":
        return
    asked = {
        seen.id
        for seen in facts.seen
        if seen.steady and steady.began <= seen.started < steady.ended
    }
    made = sum(len(facts.asked_of[request_id]) for request_id in asked)
    healthy = [name for name in steady.feature.route[1:] if name in facts.targets]
    if healthy and made > AVERAGE * len(asked) + 2 * TRIPS_AFTER * len(by_outlet):
        yield Violation(
            7, f"{made} attempts for {len(asked)} requests in an outage of {steady.target}"
        )


def recovery(facts: Facts) -> Iterator[Violation]:
    """8: a target that came back has its share within 30 s, and is not overrun.

    A window that the target itself asked for, and a key it refused a minute ago, are kept.
    """
    for steady in facts.steady:
        if steady.outage:
            continue
        yield from _serves_again(facts, steady)
        gap_s = STEADY_GAP_S
        starts = sorted(
            call.at
            for call in facts.calls
            if call.target == steady.target
            and not call.judged
            and steady.began <= call.at < steady.ended
        )
        most = RATE_FACTOR / gap_s
        for place, at in enumerate(starts):
            within = sum(1 for other in starts[place:] if other < at + 1.0)
            if within > most:
                yield Violation(8, f"{within} calls of {steady.target} in one second")
                break


def _serves_again(facts: Facts, steady: Steady) -> Iterator[Violation]:
    since = steady.began + RECOVERED_WITHIN_S
    if _keeps_away(facts, steady.target, since):
        return
    asked = [
        seen
        for seen in facts.seen
        if seen.steady and since <= seen.started < steady.ended and not _is_poor(facts, seen)
    ]
    served = sum(_is_served(facts, seen, steady.target) for seen in asked)
    facts.cases[8] += bool(asked)
    if asked and served < RECOVERED_SHARE * len(asked):
        share = served / len(asked)
        yield Violation(8, f"{steady.target} serves {share:.0%} of its share 30 s after its return")


def _is_served(facts: Facts, seen: Seen, target: str) -> bool:
    """Whether a target answered, or was about to when another one beside it was faster."""
    if seen.head is not None and seen.head.target == target:
        return True
    record = facts.record_of.get(seen.id)
    tried = record.attempts if record is not None else ()
    return any(each.target == target and each.cause == "overtaken" for each in tried)


def _is_poor(facts: Facts, seen: Seen) -> bool:
    """Whether a budget or a limit, not the target, kept a request away."""
    record = facts.record_of.get(seen.id)
    causes = {each.cause for each in record.attempts} if record else set()
    limited = seen.refused is not None and seen.refused.code in LIMITED
    spared = record is not None and SPARED in record.reason
    return limited or spared or bool(causes & {"over_budget", "spared"})


def _keeps_away(facts: Facts, target: str, now: float) -> bool:
    windows = any(
        call.target == target and call.hint_s is not None and call.hint_at + call.hint_s > now - 5.0
        for call in facts.calls
    )
    refused = any(
        call.target == target and call.status in {401, 403, 402} and call.at > now - 75.0
        for call in facts.calls
    )
    return windows or refused


def retry_after(facts: Facts) -> Iterator[Violation]:
    """9: no attempt within a window that a reply stated, from when it was read.

    By address and key, within one process's life: the windows are not durable.
    """
    until: dict[tuple[int, str, str], float] = {}
    happened: list[tuple[float, int, Call]] = []
    for call in facts.calls:
        happened.append((call.at, 1, call))
        if call.hint_s is not None and call.hint_s > 0 and call.how == "complete":
            happened.append((call.ended or call.hint_at, 0, call))
    for now, starts, call in sorted(happened, key=lambda each: each[:2]):
        place = (call.life, call.server, call.key)
        facts.cases[9] += starts and now < until.get(place, 0.0) + 5.0
        if not starts:
            until[place] = max(
                until.get(place, 0.0), call.hint_at + min(call.hint_s or 0.0, 3600.0)
            )
        elif now < until.get(place, 0.0) - 0.01:
            early_s = until[place] - now
            yield Violation(
                9, f"{call.server} was called {early_s:.1f} s too early", call.request_id
            )


def loop_never_blocks(facts: Facts) -> Iterator[Violation]:
    """13: no callback keeps the event loop for more than 50 ms of CPU.

    Outside garbage collection, and without what a thread, a disk or the network does in the
    real service: the simulator does that work in their place and takes it off.
    """
    facts.cases[13] += 1
    if facts.worst_s > CALLBACK_S:
        yield Violation(13, f"{facts.worst_name} took {facts.worst_s * 1000:.0f} ms")
