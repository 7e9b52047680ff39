"""Promise 18: valid keys stay valid, unknown ones wait, and no revocation is forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.testing.simulate.accounts import NOBODY
from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import NOTICED_S, Facts, Violation


def keys_stay_valid(facts: Facts) -> Iterator[Violation]:
    """18: a key in force is never called invalid; only where none was ever known it must wait."""
    revoked = {key.id for key in facts.plan.keys if key.revoked_s is not None}
    for seen in facts.seen:
        name = seen.arrival.key
        if name in {"", NOBODY} or name in revoked:
            continue
        facts.cases[18] += 1
        code = _door(seen)
        if code == "keys_unavailable" and not facts.could_know_keys(seen):
            continue
        if code:
            yield Violation(18, f"{name} is in force, and was told {code}")


def strangers_wait(facts: Facts) -> Iterator[Violation]:
    """18: while the store is away an unknown key is not called invalid: it may be new."""
    for seen in facts.seen:
        if seen.arrival.key != NOBODY or not facts.plan.keys or seen.decision is None:
            continue
        facts.cases[18] += 1
        code = _door(seen)
        if code not in {"invalid_key", "keys_unavailable"}:
            yield Violation(18, f"an unknown key was told {code or 'welcome'}")
        elif code == "invalid_key" and _away(facts, seen):
            yield Violation(18, "an unknown key was called invalid while the store was away")


def revocations_stay(facts: Facts) -> Iterator[Violation]:
    """18: a key that was refused once for being revoked is never accepted again; and soon it is.

    Soon: `NOTICED_S` after the revocation, where the store was well all that time.
    """
    for key in facts.plan.keys:
        if key.revoked_s is None:
            continue
        refused_at = math.inf
        for seen in sorted(facts.seen, key=lambda each: each.started):
            if seen.arrival.key != key.id:
                continue
            facts.cases[18] += 1
            code = _door(seen)
            if code == "invalid_key":
                refused_at = min(refused_at, seen.started)
                if seen.started < key.revoked_s:
                    yield Violation(18, f"{key.id} was refused before it was revoked")
            elif not code and seen.started > refused_at:
                late_s = seen.started - refused_at
                yield Violation(18, f"{key.id} was accepted {late_s:.1f} s after its end", seen.id)
            elif not code and _overdue(facts, key.revoked_s, seen.started):
                yield Violation(18, f"the end of {key.id} was not noticed", seen.id)


def _door(seen: Seen) -> str:
    """Return with which code the door turned somebody away; empty where it did not."""
    at_door = not seen.id and not seen.first_id and seen.let_in
    return seen.refused.code if seen.refused is not None and at_door else ""


def _away(facts: Facts, seen: Seen) -> bool:
    """Whether the store was away all the while before a request, in its own process's time."""
    since = seen.started - NOTICED_S
    if since < facts.started(seen.life):
        since = facts.started(seen.life)
        if facts.plan.forgotten and seen.life == 0:
            return False
    return any(
        fault.kind in {"away", "hung", "busy", "unsure"}
        and fault.from_s <= since
        and fault.to_s > seen.started
        for fault in facts.plan.store_faults
    )


def _overdue(facts: Facts, revoked_s: float, now: float) -> bool:
    if now < revoked_s + NOTICED_S:
        return False
    since = max(now - NOTICED_S, revoked_s)
    troubled = any(
        fault.from_s < now and fault.to_s > revoked_s - 1.0 for fault in facts.plan.store_faults
    )
    died = any(revoked_s - 1.0 <= death <= now for death in facts.deaths)
    leapt = any(revoked_s - 1.0 <= at + long and at <= now for at, long in facts.plan.leaps)
    return not (troubled or died or leapt) and since > revoked_s
