"""What happens on a day, drawn from its seed: the same seed gives the same day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from seatrial.testing.simulate.accounts import (
    FREE,
    KeyPlan,
    PricePlan,
    PurseHolder,
    draw_caller,
    draw_keys,
    draw_prices,
    draw_purse,
)
from seatrial.testing.simulate.demands import (
    UNCHECKED,
    CheckPlan,
    Errand,
    draw_checks,
    draw_errand,
)
from seatrial.testing.upstream import FAULTS, Expect, Fault

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
STORE_FAULTS: Final = ("away", "busy", "hung", "full", "unsure")
COUNTER_FAULTS: Final = ("away", "hung", "unsure")
DRILLS: Final = ("http-500", "overloaded", "connect-refused", "reset-early", "hang")

# What would only heat the room: the same code runs on less.
_MILDER: Final[Mapping[str, Mapping[str, Param]]] = {
    "huge-body": {"mb": 11},
    "huge-event": {"mb": 2},
    "gzip-bomb": {"mb": 12},
    "many-1xx": {"count": 40},
    "endless": {"gap_s": 0.5},
    "pings-only": {"gap_s": 1.0},
    "empty-deltas": {"gap_s": 1.0},
    "tool-many": {"count": 200},
    "drip-headers": {"gap_s": 0.4},
    "drip-body": {"gap_s": 0.2},
    "refuse": {"for_s": 5.0},
}
# These tell how long to stay away, in many forms: a promise of its own hangs on them.
_HINTING: Final = ("overloaded", "http-429", "rate-limit-requests", "rate-limit-tokens", "http-503")
_HINTS: Final = ("1", "2", "30", "3600", "date:30", "ms:1500", "garbage", "negative", "")
_DEAR: Final = frozenset({"huge-body", "huge-event", "gzip-bomb", "huge-headers", "deep-json"})


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


def plan_day(seed: int) -> DayPlan:
    """Draw a day from its seed."""
    die = Random(f"seatrial day {seed}")
    targets = _targets(die)
    features = _features(die, targets)
    servers = [(target, server) for target in targets for server in target.servers]
    faults = [_fault(die, *die.choice(servers)) for _ in range(die.randint(3, 12))]
    arrivals = tuple(sorted(_arrivals(die, features, seed), key=lambda each: each.at_s))
    plain = _plain_day(die, seed, targets, features, faults, arrivals)
    return _with_twins(_with_accounts(_with_demands(plain)))


def _plain_day(
    die: Random,
    seed: int,
    targets: tuple[TargetPlan, ...],
    features: tuple[FeaturePlan, ...],
    faults: list[FaultPlan],
    arrivals: tuple[Arrival, ...],
) -> DayPlan:
    return DayPlan(
        seed,
        targets,
        features,
        arrivals,
        tuple(faults),
        _disk_faults(die, STORE_FAULTS, 0.4),
        _disk_faults(die, ("full",), 0.12),
        _deaths(die, len(arrivals)),
        tuple(
            Reload(die.uniform(10, SPAN_S), die.random() < 0.4)
            for _ in range(die.choice((0, 0, 0, 1, 2)))
        ),
        tuple(
            (die.uniform(20, SPAN_S), 10 ** die.uniform(1.5, 4.5))
            for _ in range(die.choice((0, 1, 2)))
        ),
        die.choice(DRILLS) if die.random() < 0.25 else "",
    )


def _with_demands(plan: DayPlan) -> DayPlan:
    """Return the day with checks, by dice of their own: the rest of the day stays as it is."""
    die = Random(f"seatrial demands {plan.seed}")
    features = tuple(replace(each, checks=draw_checks(die)) for each in plan.features)
    checks = {each.name: each.checks for each in features}
    arrivals = []
    for number, arrival in enumerate(plan.arrivals):
        if (wanted := checks[arrival.feature]) is not UNCHECKED:
            errand = draw_errand(die, wanted, arrival.question, number)
            arrival = replace(arrival, question=errand.question, errand=errand)  # noqa: PLW2901
        arrivals.append(arrival)
    faults = list(plan.faults)
    servers = [server for target in plan.targets for server in target.servers]
    for _ in range(die.choice((0, 0, 1, 2))):
        from_s = die.uniform(0, SPAN_S)
        to_s = min(SPAN_S, from_s + 10 ** die.uniform(1, 2.2))
        name, share = die.choice(CONTENT_FAULTS), 10 ** die.uniform(-1, 0)
        faults.append(FaultPlan(die.choice(servers), name, {}, share, from_s, to_s))
    return replace(plan, features=features, arrivals=tuple(arrivals), faults=tuple(faults))


def _with_accounts(plan: DayPlan) -> DayPlan:
    """Return the day with keys, users, prices, budgets and limits, by dice of their own."""
    die = Random(f"seatrial accounts {plan.seed}")
    keys = draw_keys(die, SPAN_S)
    prices = draw_prices(die, len(plan.targets))
    targets = tuple(
        replace(target, price=price) for target, price in zip(plan.targets, prices, strict=True)
    )
    features = tuple(replace(each, purse=draw_purse(die, prices)) for each in plan.features)
    bounded = any(each.purse.budgets for each in features)
    arrivals = []
    for arrival in plan.arrivals:
        key, user, criticality = draw_caller(die, keys)
        arrivals.append(
            replace(arrival, key=key, user=user, criticality=criticality, bounded=bounded)
        )
    forgotten = die.random() < 0.2
    shared = die.random() < 0.35
    faults = _disk_faults(die, COUNTER_FAULTS, 0.6) if shared else ()
    surge = ""
    if die.random() < 0.15 and features[0].purse == FREE:
        surge = die.choice(("overload", "greed")) if len(keys) > 1 else "overload"
    return replace(
        plan,
        targets=targets,
        features=features,
        arrivals=tuple(arrivals),
        keys=keys,
        forgotten=forgotten,
        shared=shared,
        counter_faults=faults,
        surge=surge,
    )


def _with_twins(plan: DayPlan) -> DayPlan:
    """Return the day with requests that are sent more than once under one idempotency key."""
    die = Random(f"seatrial twins {plan.seed}")
    if die.random() < 0.5:
        return plan
    arrivals = list(plan.arrivals)
    for number in range(die.randint(1, 4)):
        place = die.randrange(len(plan.arrivals))
        first = replace(plan.arrivals[place], twin=f"twin {number}")
        if arrivals[place].twin or math.isinf(first.reads_s):
            continue
        arrivals[place] = first
        stays = replace(first, leaves_s=math.inf, leaves_after=0, reads_s=0.0)
        for _ in range(die.randint(1, 6)):
            later_s = 10 ** die.uniform(-2, 0.5) if die.random() < 0.7 else die.uniform(5, 90)
            other = replace(stays, at_s=first.at_s + later_s, stream=die.random() < 0.5)
            arrivals.append(_changed(other) if die.random() < 0.15 else other)
    return replace(plan, arrivals=tuple(sorted(arrivals, key=lambda each: each.at_s)))


def _changed(arrival: Arrival) -> Arrival:
    """Return a request with another body, where that does not change what its checks say."""
    errand = arrival.errand
    if errand is None:
        return replace(arrival, question=f"another {arrival.question}")
    if errand.turned_away:
        return arrival
    asked, signed = f"another {errand.question}", f"another {errand.signed}"
    errand = replace(errand, question=asked, signed=signed)
    return replace(arrival, question=asked, errand=errand)


def _targets(die: Random) -> tuple[TargetPlan, ...]:
    return tuple(
        TargetPlan(
            f"t{place}",
            die.choice(("openai", "openai", "anthropic")),
            addresses=2 if die.random() < 0.2 else 1,
            keys=2 if die.random() < 0.2 else 1,
            think_s=10 ** die.uniform(-1.5, -0.5),
            gap_s=10 ** die.uniform(-3, -1.5),
            words=die.randint(4, 16),
        )
        for place in range(die.choice((1, 2, 2, 3)))
    )


def _features(die: Random, targets: tuple[TargetPlan, ...]) -> tuple[FeaturePlan, ...]:
    made = []
    for place in range(die.choice((1, 2, 3))):
        names = [target.name for target in targets]
        die.shuffle(names)
        route = names if place == 0 else names[: die.randint(1, len(names))]
        if die.random() < 0.35:
            route = [*route, "cache"]
        last = die.random()
        if last < 0.25:
            route = [*route, "say"]
        elif last < 0.45:
            route = [*route, "human"]
        refusal = die.choice(("next", "hand_off")) if die.random() < 0.1 else "return"
        deadline_s = round(10 ** die.uniform(0.7, 1.5), 2)
        made.append(FeaturePlan(f"f{place}", tuple(route), deadline_s, refusal))
    return tuple(made)


def _arrivals(die: Random, features: tuple[FeaturePlan, ...], seed: int) -> list[Arrival]:
    leaving = 0.3 * die.random() ** 2
    slow = 0.1 * die.random() ** 2
    times: list[float] = []
    wanted = die.randint(60, 100)
    while len(times) < wanted:
        at_s = die.uniform(FIRST_ARRIVAL_S, SPAN_S)
        if die.random() < 0.12:
            # A burst: nearly at once, yet never twice at the very same moment.
            times += [at_s + die.uniform(0, 2.0) for _ in range(die.randint(8, 25))]
        else:
            times.append(at_s)
    made = []
    for place, at_s in enumerate(times):
        feature = die.choice(features)
        often = "cache" in feature.route and die.random() < 0.7
        question = f"common {die.randint(1, 6)}" if often else f"question {place}"
        stream = die.random() < 0.5
        leaves = die.random() < leaving
        midway = stream and die.random() < 0.5
        made.append(
            Arrival(
                at_s,
                feature.name,
                f"{question} of {seed}",
                stream,
                tools=die.random() < 0.05,
                leaves_s=10 ** die.uniform(-2, 1) if leaves and not midway else math.inf,
                leaves_after=die.randint(1, 8) if leaves and midway else 0,
                reads_s=die.choice((0.05, 1.0, math.inf))
                if stream and die.random() < slow
                else 0.0,
            )
        )
    return made


def _fault(die: Random, target: TargetPlan, server: str) -> FaultPlan:
    always = die.random() < 0.1
    from_s = 0.0 if always else min(die.expovariate(1 / 80), SPAN_S - 1)
    to_s = SPAN_S if always else min(SPAN_S, from_s + 10 ** die.uniform(0.3, 2.2))
    share = 1.0 if die.random() < 0.35 else 10 ** die.uniform(-1.5, 0)
    params: dict[str, Param] = {}
    luck = die.random()
    if luck < 0.12:
        name = die.choice(_HINTING)
        params = FAULTS[name].drawn(die)
        if "retry_after" in params:
            params["retry_after"] = die.choice(_HINTS)
    elif luck < 0.3:
        name = die.choice(sorted(WIRE_FAULTS))
        if name == "brown-out":
            params = {"knee": 2 ** die.randint(1, 4)}
    else:
        fits = [fault for fault in FAULTS.values() if _fits(die, fault, target)]
        fault = die.choice(fits)
        name = fault.name
        params = {**fault.drawn(die), **_MILDER.get(name, {})}
        if name in _DEAR:
            share = min(share, 0.1)
    return FaultPlan(server, name, params, share, from_s, to_s)


def _fits(die: Random, fault: Fault, target: TargetPlan) -> bool:
    return target.dialect in fault.dialects and (fault.name not in _DEAR or die.random() < 0.3)


def _disk_faults(die: Random, kinds: tuple[str, ...], chance: float) -> tuple[DiskFault, ...]:
    made: list[DiskFault] = []
    while die.random() < chance and len(made) < 3:
        from_s = 0.0 if die.random() < 0.25 else die.uniform(0, SPAN_S)
        made.append(DiskFault(die.choice(kinds), from_s, from_s + 10 ** die.uniform(-0.5, 2)))
    return tuple(made)


def _deaths(die: Random, arrivals: int) -> tuple[Death, ...]:
    made = []
    for _ in range(die.choice((0, 0, 1, 1, 2))):
        down_s = 10 ** die.uniform(-1, 1)
        if die.random() < 0.6:
            made.append(Death(math.inf, die.randint(1, max(1, arrivals // 2)), down_s))
        else:
            made.append(Death(die.uniform(FIRST_ARRIVAL_S, SPAN_S), 0, down_s))
    return tuple(made)


def is_odd_but_legal(name: str) -> bool:
    """Whether a fault leaves a target healthy: its answers are odd, and allowed."""
    return name in FAULTS and FAULTS[name].expect is Expect.LEGAL
