"""Which kinds of trouble met: pairs that were active during one request, over all requests."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from seatrial.testing.simulate.accounts import NOBODY
from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts
from seatrial.testing.simulate.plan import CONTENT_FAULTS, WIRE_FAULTS
from seatrial.testing.upstream import FAULTS

UPSTREAM: Final = "upstream"
FAMILIES: Final[Mapping[str, str]] = {
    "refusing": UPSTREAM, "connecting": UPSTREAM, "waiting": UPSTREAM, "bodies": UPSTREAM,
    "streams": UPSTREAM, "contents": UPSTREAM,
    "store": "store", "journal": "store", "counters": "store",
    "death": "process", "young": "process",
    "reload": "change",
    "leaving": "caller", "slow reader": "caller", "burst": "caller", "bad key": "caller",
    "twin": "caller", "surge": "caller",
    "check": "own part", "judge": "own part", "money": "own part", "limit": "own part",
    "hedge": "own part",
}  # fmt: skip
"""The kinds of trouble, and to which family each belongs."""

_ROWS: Final[Mapping[str, range]] = {
    "refusing": range(1, 10),
    "connecting": range(10, 16),
    "waiting": range(16, 22),
    "bodies": range(22, 33),
    "streams": range(33, 43),
}
BURST: Final = 8  # requests
BURST_S: Final = 2.0
YOUNG_S: Final = 10.0  # since the process began, after another was killed
DYING_S: Final = 2.0
RELOAD_S: Final = 5.0

Pair = tuple[str, str]


@dataclass(slots=True)
class Met:
    """How many requests each pair of kinds of trouble struck together.

    Args:
        kinds: pairs of kinds, in alphabetical order.
        families: pairs of families.
        alone: how many requests each kind struck at all.
    """

    kinds: Counter[Pair] = field(default_factory=Counter)
    families: Counter[Pair] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)

    def add(self, other: Met) -> None:
        """Take in another day's."""
        self.kinds += other.kinds
        self.families += other.families
        self.alone += other.alone

    def never(self) -> list[Pair]:
        """Return the pairs that no request was struck by."""
        every = itertools.combinations(sorted(FAMILIES), 2)
        return [pair for pair in every if not self.kinds[pair]]

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "kinds": {" + ".join(pair): count for pair, count in sorted(self.kinds.items())},
            "families": {" + ".join(pair): count for pair, count in sorted(self.families.items())},
            "alone": dict(sorted(self.alone.items())),
            "never": [" + ".join(pair) for pair in self.never()],
        }

    def lines(self) -> list[str]:
        """Return a table for each, and the pairs that never met."""
        told = ["requests during which two kinds of trouble were active:"]
        told += _table(list(FAMILIES), self.kinds, self.alone)
        told.append("the same by family:")
        told += _table(sorted(set(FAMILIES.values())), self.families, Counter())
        never = ", ".join(" + ".join(pair) for pair in self.never())
        return [*told, f"never together: {never or 'none'}"]


def met_on(facts: Facts) -> Met:
    """Return which kinds of trouble met on a day."""
    met = Met()
    windows = list(_windows(facts))
    crowded = _crowded(facts)
    for seen in facts.seen:
        found = {name for name, strikes in windows if strikes(seen)}
        found |= set(_of_request(facts, seen))
        if id(seen) in crowded:
            found.add("burst")
        met.alone.update(found)
        met.kinds.update(itertools.combinations(sorted(found), 2))
        families = sorted({FAMILIES[name] for name in found})
        met.families.update(itertools.combinations(families, 2))
    return met


def _windows(facts: Facts) -> Iterator[tuple[str, Callable[[Seen], bool]]]:
    """Yield each trouble that has its time, with whether a request met it."""
    for server in facts.network.servers.values():
        for fault in server.past + server.faults:
            kind = _kind(fault.name)
            if kind:
                yield kind, _meets(facts, fault.from_s, fault.to_s, server.target.name)
    for kind, faults in (
        ("store", facts.plan.store_faults),
        ("journal", facts.plan.journal_faults),
        ("counters", facts.plan.counter_faults),
    ):
        for each in faults:
            yield kind, _meets(facts, each.from_s, each.to_s)
    for death in facts.deaths:
        yield "death", _meets(facts, death - DYING_S, death + DYING_S)
        yield "young", _meets(facts, death, death + YOUNG_S)
    for reload in facts.plan.reloads:
        yield "reload", _meets(facts, reload.at_s, reload.at_s + RELOAD_S)
    for load in facts.loads:
        yield "surge", _meets(facts, load.surged, load.calmed)


def _meets(facts: Facts, from_s: float, to_s: float, target: str = "") -> Callable[[Seen], bool]:
    def strikes(seen: Seen) -> bool:
        ended = seen.ended if seen.ended is not None else seen.started
        overlaps = from_s < ended and to_s > seen.started
        return overlaps and (not target or target in facts.models(seen))

    return strikes


def _kind(name: str) -> str:
    """Return to which kind a fault of the network belongs; empty where it is none of these."""
    if name in CONTENT_FAULTS:
        return "contents"
    row = WIRE_FAULTS.get(name) or (FAULTS[name].row if name in FAULTS else 0)
    return next((kind for kind, rows in _ROWS.items() if row in rows), "")


def _of_request(facts: Facts, seen: Seen) -> Iterator[str]:
    """Yield the trouble that one request itself brings or meets."""
    record = facts.record_of.get(seen.id)
    if seen.left_at is not None:
        yield "leaving"
    if seen.arrival.reads_s:
        yield "slow reader"
    if seen.arrival.key == NOBODY or _turned_away(seen):
        yield "bad key"
    if seen.arrival.twin:
        yield "twin"
    if not seen.let_in:
        yield "limit"
    if record is None:
        return
    if any(each.verdict != "pass" for each in record.checks):
        yield "check"
    if any(each.code.startswith(("judge_", "injection_judge")) for each in record.checks):
        yield "judge"
    if any(each.purpose == "hedge" for each in record.attempts):
        yield "hedge"
    if record.code == "budget_spent" or any(
        each.cause == "over_budget" for each in record.attempts
    ):
        yield "money"


def _turned_away(seen: Seen) -> bool:
    at_door = not seen.id and not seen.first_id and seen.let_in
    return seen.refused is not None and at_door


def _crowded(facts: Facts) -> set[int]:
    """Return the requests that came in a burst."""
    seen = sorted(facts.seen, key=lambda each: each.arrival.at_s)
    found: set[int] = set()
    first = 0
    for last, each in enumerate(seen):
        while seen[first].arrival.at_s < each.arrival.at_s - BURST_S:
            first += 1
        if last - first + 1 >= BURST and not each.steady:
            found.update(id(one) for one in seen[first : last + 1])
    return found


def _table(names: list[str], pairs: Counter[Pair], alone: Counter[str]) -> list[str]:
    heads = " ".join(f"{name[:5]:>5}" for name in names[1:])
    rows = [f"{'':<12}{heads}"]
    for place, one in enumerate(names):
        blank = "      " * place
        cells = (_short(pairs[min(one, two), max(one, two)]) for two in names[place + 1 :])
        total = f" = {_short(alone[one]).strip()}" if one in alone else ""
        rows.append(f"{one:<12}{blank}{' '.join(cells)}{total}")
    return rows


def _short(count: int) -> str:
    if not count:
        return f"{'-':>5}"
    if count < 10_000:
        return f"{count:>5}"
    return f"{count / 1000:>4.0f}k"
