"""Promise 22: of requests with one idempotency key one is carried out, and all get its result."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.wire import Call
from seatrial.values.decisions import Answered, HandedOff

# These are said to one twin on its own account, and stand for nobody else.
PASSING: Final = frozenset(
    {
        "idempotency_key_reused", "idempotency_not_kept", "idempotency_running",
        "idempotency_unavailable", "budget_spent", "input_refused", "insufficient_quota",
        "not_durable", "overloaded", "rate_limited", "throttled", "invalid_key", "missing_key",
        "keys_unavailable",
    }
)  # fmt: skip
STORED_WITHIN_S: Final = 65.0  # a result that the store does not take is tried for so long


def one_is_carried_out(facts: Facts) -> Iterator[Violation]:
    """22: no two twins are carried out at once, and none after one has come to its result.

    Where a result could not be stored, since the store was away, and its process died, nobody
    can know of it: that is left out.
    """
    for group in _groups(facts):
        ran = [
            (seen, calls) for seen in group if (calls := facts.calls_of[seen.id] if seen.id else [])
        ]
        facts.cases[22] += len(group) > 1
        for (one, mine), (other, theirs) in itertools.combinations(ran, 2):
            if one.life == other.life and _overlap(mine, theirs):
                yield Violation(22, f"{one.arrival.twin} was carried out twice at once", other.id)
        for seen in group:
            if not _is_final(seen) or not seen.id or _is_unsure(facts, seen):
                continue
            later = [other for other, calls in ran if calls[0].at > (seen.ended or 0.0)]
            for other in later:
                if other is not seen:
                    what = f"{seen.arrival.twin} was carried out again after its result"
                    yield Violation(22, what, other.id)


def all_get_the_same(facts: Facts) -> Iterator[Violation]:
    """22: who gets a result gets that of the one twin that was carried out."""
    for group in _groups(facts):
        firsts = {seen.id: seen for seen in group if seen.id}
        for seen in group:
            if not seen.first_id:
                continue
            facts.cases[22] += 1
            first = firsts.get(seen.first_id)
            if first is None:
                yield Violation(22, f"{seen.arrival.twin}: the result of another key's request")
            elif first.arrival.question != seen.arrival.question:
                yield Violation(22, f"{seen.arrival.twin}: the result of another body", first.id)
            elif first.how == "answer" and (first.text, first.how) != (seen.text, seen.how):
                got = f"{seen.how} {seen.text[:40]!r}"
                what = f"{seen.arrival.twin}: a twin got {got}, the first {first.text[:40]!r}"
                yield Violation(22, what, first.id)


def _groups(facts: Facts) -> Iterator[Sequence[Seen]]:
    found: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for seen in facts.seen:
        if seen.arrival.twin:
            found[seen.arrival.twin, seen.arrival.feature].append(seen)
    yield from found.values()


def _is_final(seen: Seen) -> bool:
    if seen.how in {"killed", "left", "raised"}:
        return False
    if seen.refused is not None:
        return seen.refused.code not in PASSING
    return isinstance(seen.decision, Answered | HandedOff)


def _is_unsure(facts: Facts, seen: Seen) -> bool:
    """Whether the result may not have reached the store in its process's life."""
    ended = seen.ended or 0.0
    return any(
        fault.from_s < ended + STORED_WITHIN_S and fault.to_s > seen.started
        for fault in facts.plan.store_faults
    )


def _overlap(mine: Sequence[Call], theirs: Sequence[Call]) -> bool:
    def span(calls: Sequence[Call]) -> tuple[float, float]:
        return calls[0].at, max(call.ended or call.at for call in calls)

    (from_s, to_s), (other_from_s, other_to_s) = span(mine), span(theirs)
    return from_s < other_to_s and other_from_s < to_s
