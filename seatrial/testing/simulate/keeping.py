"""Promises 15, 16, 17 and 20: records and stores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from seatrial.testing.simulate.accounts import NOBODY
from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import DayPlan
from seatrial.values.decisions import HandedOff

FORECAST_S: Final = 75.0  # between two looks into the ledger, one of which may hang


def without_questions_for_the_store(plan: DayPlan) -> DayPlan:
    """Return a day without the requests whose fate is a question for the store.

    Whether a key is in force, or was used before, only the store can say; where it cannot be
    asked, those wait.  And whoever waits takes no part of budgets, limits and targets that others
    draw on: with a sound store all after it would be another day.
    """
    if plan.forgotten:
        return replace(plan, arrivals=())
    unsure = {key.id for key in plan.keys if key.revoked_s is not None}
    unsure |= {NOBODY, ""} if plan.keys else set()
    arrivals = [each for each in plan.arrivals if each.key not in unsure and not each.twin]
    return replace(plan, arrivals=tuple(arrivals))


def store_outage_changes_nothing(facts: Facts, sound: Facts) -> Iterator[Violation]:
    """15: callers get the same with a broken store as with a sound one.

    Compared request by request with the same day without store faults, both without the requests
    of `without_questions_for_the_store`; up to the first death: a process that starts without its
    store has no cached answers yet.  A promise that a person will look is withdrawn when neither
    store nor journal takes it.

    And up to where one of the two begins to save, and the other does not yet.  Who must make do
    with less follows from a forecast of the month, read from the ledger once a minute; while
    that cannot be read, everybody goes on as before.  Nobody is worse off for it, and the ceilings
    hold meanwhile: counters keep them, not the ledger.  For no other reason may the two differ.
    """
    until = min([*facts.deaths, *sound.deaths], default=math.inf)
    parted = _parted_at(facts, sound)
    if parted < until and not _was_troubled(facts, parted):
        yield Violation(15, f"from {parted:.1f} s on others save, though the store was well")
    until = min(until, parted)
    theirs = {_place(seen): seen for seen in sound.seen}
    for seen in facts.seen:
        other = theirs.get(_place(seen))
        if other is None or (seen.ended or math.inf) >= until or other.ended is None:
            continue
        if seen.refused is not None and seen.refused.code == "not_durable":
            continue
        facts.cases[15] += 1
        mine, wanted = _told(seen), _told(other)
        if mine != wanted:
            yield Violation(15, f"{mine} where a sound store gives {wanted}", seen.id)


def _parted_at(facts: Facts, sound: Facts) -> float:
    """Return when one of two days first began or ended to save, and the other did not."""
    mine, theirs = set(facts.savings), set(sound.savings)
    return min((each.at for each in mine ^ theirs), default=math.inf)


def _was_troubled(facts: Facts, at_s: float) -> bool:
    """Whether the store was in trouble when the forecast was made, or the one before."""
    return any(
        fault.from_s <= at_s and fault.to_s > at_s - FORECAST_S for fault in facts.plan.store_faults
    )


def _place(seen: Seen) -> tuple[float, str]:
    return seen.arrival.at_s, seen.arrival.question


def _told(seen: Seen) -> tuple[str, str]:
    kind = seen.decision.kind.value if seen.decision else seen.how
    return kind, getattr(seen.decision, "target", "")


def nothing_is_lost(facts: Facts) -> Iterator[Violation]:
    """16: after the healing every record is in the store, once; what was dropped is counted.

    A record that only memory held, since journal and store both failed, dies with the
    process; its answer was not called durable.
    """
    ids = [record.id for record in facts.records]
    facts.cases[16] += len(ids) if facts.disk.struck else 0
    if len(ids) != len(set(ids)):
        yield Violation(16, f"{len(ids) - len(set(ids))} records are there twice")
    missing = [
        seen
        for seen in facts.seen
        if seen.id
        and seen.how != "killed"
        and seen.id not in facts.record_of
        and _was_kept(facts, seen)
    ]
    if len(missing) > facts.dropped:
        yield Violation(
            16, f"{len(missing)} records are missing, {facts.dropped} counted", missing[0].id
        )
    elif facts.dropped > len(missing):
        yield Violation(
            16, f"{facts.dropped} records are counted as lost, {len(missing)} are missing"
        )
    if facts.waiting:
        yield Violation(16, f"{facts.waiting} records still wait long after the healing")
    unknown = set(ids) - {seen.asked_id for seen in facts.seen}
    if unknown:
        yield Violation(16, f"{len(unknown)} records of requests that nobody made")


def _was_kept(facts: Facts, seen: Seen) -> bool:
    """Whether the record must have outlived its process."""
    died = any(death >= (seen.ended or 0.0) for death in facts.deaths[seen.life : seen.life + 1])
    return seen.durable or not died


def cold_start_serves(facts: Facts) -> Iterator[Violation]:
    """17: a process that starts without its store serves, and connects later by itself.

    With the keys that this machine knew last: where no process ever had the time to read any,
    there are none to serve with, and callers are asked to wait.
    """
    faults = facts.plan.store_faults
    for began in (0.0, *facts.deaths):
        facts.cases[17] += any(each.from_s <= began + 5.0 < each.to_s for each in faults)
    for seen in facts.seen:
        away = seen.refused is not None and seen.refused.code == "keys_unavailable"
        if away and seen.arrival.key != NOBODY and facts.could_know_keys(seen):
            yield Violation(17, "turned away: the keys could not be read", seen.id)
    for part in facts.degraded:
        if part.startswith("store"):
            yield Violation(17, f"long after the healing the service says: {part}")


def records_survive(facts: Facts) -> Iterator[Violation]:
    """20: an answer whose last byte had left has its record, whatever killed the process then."""
    for seen in facts.seen:
        if seen.how not in {"answer", "error", "cut"} or not seen.id or not seen.durable:
            continue
        ended_life = facts.deaths[seen.life : seen.life + 1]
        facts.cases[20] += bool(ended_life)
        if ended_life and seen.id not in facts.record_of:
            early_s = ended_life[0] - (seen.ended or 0.0)
            yield Violation(20, f"no record: killed {early_s:.3f} s after its last byte", seen.id)


def only_double_faults_are_not_durable(facts: Facts) -> Iterator[Violation]:
    """20 as well: a record is only let go of when journal and store both failed."""
    if facts.plan.journal_faults:
        return
    for seen in facts.seen:
        if not seen.durable and not isinstance(seen.decision, HandedOff):
            yield Violation(20, "not durable although the journal was well", seen.id)
