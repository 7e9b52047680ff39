"""Promises 25 and 26: ceilings hold, and the books balance to the last decimal."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.pace import WALL_AT_START
from seatrial.testing.simulate.wire import Call
from seatrial.values.records import AttemptRecord, Record

BLIND_S: Final = 15.0  # around a process's begin
PICO: Decimal = Decimal(10) ** 12


def reservations_fit(facts: Facts) -> Iterator[Violation]:
    """25: at every instant what is reserved and spent together stays below the ceiling.

    Replayed from what the counters were asked.  Shared counters outlive a process; those in
    memory die with it, and what was not settled then, or not recorded, is forgotten; and all,
    until the ledger can be read, where the store was away when the next process began.
    """
    held: dict[str, dict[str, int]] = defaultdict(dict)
    level: Counter[str] = Counter()
    accounts: dict[str, tuple[str, ...]] = {}
    settled: set[str] = set()
    life = 0
    for entry in facts.book.entries:
        if entry.life != life and not facts.plan.shared:
            life = entry.life
            blind = _is_blind(facts, life)
            for account, amounts in held.items():
                lost = [
                    id_
                    for id_ in amounts
                    if id_ not in settled or blind or not _recorded(facts, id_)
                ]
                for id_ in lost:
                    level[account] -= amounts.pop(id_)
        if entry.asks:
            accounts[entry.id] = tuple(ask.account for ask in entry.asks)
            for ask in entry.asks:
                if ask.refill_s is not None:
                    continue
                facts.cases[25] += 1
                held[ask.account][entry.id] = ask.amount
                level[ask.account] += ask.amount
                if level[ask.account] > ask.ceiling:
                    over = (level[ask.account] - ask.ceiling) / 1e12
                    what = f"{ask.account} holds {over:.6f} dollars more than its ceiling"
                    yield Violation(25, what, entry.id.partition(".")[0])
        elif entry.id in accounts and entry.id not in settled:
            settled.add(entry.id)
            for account, amount in zip(accounts[entry.id], entry.amounts, strict=True):
                if entry.id in held[account]:
                    level[account] += amount - held[account][entry.id]
                    held[account][entry.id] = amount


def _is_blind(facts: Facts, life: int) -> bool:
    """Whether a process began while the store, and with it the ledger, was in trouble."""
    began = facts.started(life)
    return any(
        fault.from_s < began + BLIND_S and fault.to_s > began - BLIND_S
        for fault in facts.plan.store_faults
    )


def _recorded(facts: Facts, id_: str) -> bool:
    return id_.partition(".")[0] in facts.record_of


def bills_fit(facts: Facts) -> Iterator[Violation]:
    """25: what the providers may have billed passes no ceiling by more than one request's worth.

    And by what a process had under way, or could not record, when it was killed.
    """
    lives = range(1, len(facts.deaths) + 1)
    if not facts.plan.shared and any(_is_blind(facts, life) for life in lives):
        return  # what was spent before was forgotten for a while
    spent: Counter[tuple[str, ...]] = Counter()
    excess: dict[tuple[str, ...], int] = defaultdict(int)
    lost: Counter[tuple[str, ...]] = Counter()
    for seen in facts.seen:
        calls = facts.calls_of[seen.id] if seen.id else []
        billed = sum(call.billed_pico for call in calls)
        if not billed:
            continue
        for account in _accounts(facts, seen):
            spent[account] += billed
            excess[account] = max(excess[account], billed)
            if not _is_known(facts, seen, calls):
                lost[account] += billed
    ceilings = {
        f"{feature.name} {name}": round(Decimal(repr(dollars)) * PICO)
        for feature in facts.plan.features
        for name, dollars in feature.purse.budgets
    }
    for account, billed in spent.items():
        ceiling = ceilings[" ".join(account[:2])]
        facts.cases[25] += 1
        if billed > ceiling + excess[account] + lost[account]:
            over = (billed - ceiling) / 1e12
            yield Violation(25, f"{account} was billed {over:.6f} dollars too much")


def _accounts(facts: Facts, seen: Seen) -> Iterator[tuple[str, ...]]:
    """Yield the budgets that a request draws on: feature, setting, whose, and when."""
    day = _day(WALL_AT_START + seen.started)
    for name, _ in facts.features[seen.arrival.feature].purse.budgets:
        period = day if name.endswith("_day") else day[:7]
        who = seen.arrival.key if name.startswith("key") else ""
        who = seen.arrival.user if name.startswith("user") else who
        if who or name.startswith("usd"):
            yield seen.arrival.feature, name, who, period


def _is_known(facts: Facts, seen: Seen, calls: list[Call]) -> bool:
    """Whether the ledger knows what a request cost, should its process die."""
    record = facts.record_of.get(seen.id)
    died = seen.life < len(facts.deaths)
    return record is not None and not (died and record.unpriced)


def books_balance(facts: Facts) -> Iterator[Violation]:
    """26: records and ledger agree by key, feature, user, target and day, to the last decimal."""
    wanted: dict[tuple[str, ...], int] = defaultdict(int)
    unpriced: Counter[tuple[str, ...]] = Counter()
    for record in facts.records:
        total: Decimal | None = None
        for attempt in record.attempts:
            if not attempt.sent:
                continue
            row = _row(record, attempt)
            if attempt.cost_usd is None:
                unpriced[row] += 1
                continue
            total = attempt.cost_usd + (total or 0)
            wanted[row] += _pico(attempt.cost_usd)
        if record.cost_usd != total:
            yield Violation(26, f"its attempts cost {total}, it says {record.cost_usd}", record.id)
    booked = {row.names: row.cost_pico for row in facts.ledger}
    unknown = {row.names: row.unpriced for row in facts.ledger}
    for names in {*wanted, *booked, *unpriced}:
        facts.cases[26] += 1
        if booked.get(names, 0) != wanted.get(names, 0):
            theirs, ours = booked.get(names, 0), wanted.get(names, 0)
            yield Violation(26, f"{names}: the ledger has {theirs}, the records {ours}")
        if unknown.get(names, 0) != unpriced[names]:
            yield Violation(26, f"{names}: unpriced {unknown.get(names, 0)} and {unpriced[names]}")


def _row(record: Record, attempt: AttemptRecord) -> tuple[str, ...]:
    who = (record.feature, record.key_id, record.user)
    return (_day(record.started_at), *who, attempt.target, attempt.purpose)


def bills_are_booked(facts: Facts) -> Iterator[Violation]:
    """26: what an answered attempt costs by the record is what the provider bills for it.

    Where nothing struck; and no price that nobody knows is taken for nothing.
    """
    for seen in facts.seen:
        record = facts.record_of.get(seen.id)
        if record is None:
            continue
        made = [each for each in facts.attempts_of(record) if each.outlet]
        calls = facts.calls_of[seen.id]
        if len(made) != len(calls):
            continue  # promise 14 tells
        for attempt, call in zip(made, calls, strict=True):
            yield from _booked(facts, attempt, call)


def _booked(facts: Facts, attempt: AttemptRecord, call: Call) -> Iterator[Violation]:
    if not attempt.sent or call.target != attempt.target:
        return
    facts.cases[26] += 1
    price = facts.targets[call.target].price
    cost = attempt.cost_usd
    if price is None:
        if cost is not None and attempt.usage is not None:
            yield Violation(26, f"{call.target} has no price, and cost {cost}", call.request_id)
        return
    if call.fault or call.how != "complete" or attempt.cause not in {"", "check_failed"}:
        return
    if cost is None or _pico(cost) != call.billed_pico:
        billed = call.billed_pico / 1e12
        yield Violation(26, f"{call.target} bills {billed}, booked is {cost}", call.request_id)


def _pico(cost: Decimal) -> int:
    return int(cost * PICO)


def _day(at: float) -> str:
    return datetime.fromtimestamp(math.floor(at), UTC).strftime("%Y-%m-%d")
