"""What happens on a day, drawn from its seed: the same seed gives the same day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seatrial.testing.simulate.accounts import (
    FREE,
    KeyPlan,
    PricePlan,
    PurseHolder,
)
from seatrial.testing.simulate.demands import (
    UNCHECKED,
    CheckPlan,
    Errand,
)
from seatrial.testing.upstream import FAULTS, Expect

Param = str | int | float | bool

SPAN_S: Final = 240.0  # how long traffic and faults go on
FIRST_ARRIVAL_S: Final = 8.0  # a store that hangs at the start costs some seconds
STEADY_GAP_S: Final = 0.25  # between the requests after everything has healed
DRILL_S: Final = 60.0  # an outage under steady traffic
RECOVERY_S: Final = 38.0  # steady traffic after all faults are gone

# Faults that no server can make of itself: they strike before or beside its bytes.
WIRE_FAULTS: Final[Mapping[str, int]] = {
    "connect-refused": 10,
    "connect-blackhole": 11,
    "dns-failure": 12,
    "dns-slow": 12,
    "tls-failure": 13,
    "brown-out": 20,
}
# What a model may do to its answers that only checks can tell, and the catalogue has not.
CONTENT_FAULTS: Final = ("blot", "unstructured", "declines")
OURS: Final = frozenset({*WIRE_FAULTS, *CONTENT_FAULTS})


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One model behind one or two addresses, with one or two keys."""

    name: str
    dialect: str
    addresses: int
    keys: int
    think_s: float  # median time to the first byte
    gap_s: float  # between tokens
    words: int
    price: PricePlan | None = None  # None: nobody knows it

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of its addresses."""
        return tuple(f"{self.name}{'ab'[place]}.example" for place in range(self.addresses))


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One feature."""

    name: str
    route: tuple[str, ...]
    deadline_s: float
    on_refusal: str = "return"
    checks: CheckPlan = UNCHECKED
    purse: PurseHolder = FREE
    hedge: float = 0.0  # share of its requests that may have a second call


@dataclass(frozen=True, slots=True)
class Arrival:
    """One caller.

    Args:
        at_s: when the request comes.
        feature, question: what is asked.
        stream, tools: how.
        leaves_s: patience from the start; infinite for those who stay.
        leaves_after: pieces of a stream after which the caller leaves; 0 for those who stay.
        reads_s: pause at each piece; infinite for one who stops reading.
        errand: what the caller brings for the feature's checks; None for nothing.
        key: the name of the caller's API key; `NOBODY` for one that was never made.
        user: for whom it is asked.
        criticality: how much it matters.
        bounded: whether the caller says how much may be written.
        twin: an idempotency key that others send as well; empty for none.
    """

    at_s: float
    feature: str
    question: str
    stream: bool
    tools: bool = False
    leaves_s: float = math.inf
    leaves_after: int = 0
    reads_s: float = 0.0
    errand: Errand | None = None
    key: str = ""
    user: str = ""
    criticality: str = "default"
    bounded: bool = False
    twin: str = ""

    @property
    def signed(self) -> str:
        """The question as a target sees it."""
        return self.errand.signed if self.errand else self.question


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """One fault of one address, for a while and for a share of what comes."""

    server: str
    name: str
    params: Mapping[str, Param]
    share: float
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class DiskFault:
    """Trouble of the store or of the journal's disk, for a while."""

    kind: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Death:
    """The process is killed: at a time, or right when its n-th answer has left."""

    at_s: float
    after_reply: int = 0
    down_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Reload:
    """The configuration is written anew, well or badly."""

    at_s: float
    broken: bool


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A whole day."""

    seed: int
    targets: tuple[TargetPlan, ...]
    features: tuple[FeaturePlan, ...]
    arrivals: tuple[Arrival, ...]
    faults: tuple[FaultPlan, ...]
    store_faults: tuple[DiskFault, ...]
    journal_faults: tuple[DiskFault, ...]
    deaths: tuple[Death, ...]
    reloads: tuple[Reload, ...]
    leaps: tuple[tuple[float, float], ...]
    drill: str
    keys: tuple[KeyPlan, ...] = ()
    surge: str = ""  # more than can be done: `overload` by everybody, or `greed` of one key
    shared: bool = False  # whether counters are shared with other processes
    counter_faults: tuple[DiskFault, ...] = ()
    forgotten: bool = False  # nothing on this machine knows the keys when the day begins

    def describe(self) -> str:
        """Return the plan in words, a line for each thing that happens."""
        lines = [f"seed {self.seed}: {len(self.arrivals)} requests"]
        lines += [f"  target {each}" for each in self.targets]
        lines += [f"  feature {each}" for each in self.features]
        lines += [
            f"  {each.from_s:7.2f} to {each.to_s:7.2f} s  {each.server}: {each.name}"
            f" {dict(each.params) or ''} strikes {each.share:.1%}"
            for each in self.faults
        ]
        lines += [f"  store {each}" for each in self.store_faults]
        lines += [f"  journal {each}" for each in self.journal_faults]
        lines += [f"  {each}" for each in (*self.deaths, *self.reloads)]
        lines += [f"  {each}" for each in self.keys]
        if self.forgotten:
            lines.append("  the keys are not known when the day begins")
        lines += [f"  at {at:.2f} s nothing happens for {long:.0f} s" for at, long in self.leaps]
        leaving = sum(math.isfinite(a.leaves_s) or a.leaves_after > 0 for a in self.arrivals)
        slow = sum(a.reads_s > 0 for a in self.arrivals)
        lines.append(f"  {leaving} callers leave early, {slow} read slowly")
        lines += [f"  shared counters {each}" for each in self.counter_faults]
        if self.surge:
            lines.append(f"  after that a surge: {self.surge}")
        lines.append(f"  an outage at the end: {self.drill or 'none'}")
        return "\n".join(lines)


def is_odd_but_legal(name: str) -> bool:
    """Whether a fault leaves a target healthy: its answers are odd, and allowed."""
    return name in FAULTS and FAULTS[name].expect is Expect.LEGAL
