"""Draws a day from its seed; each part by dice of its own, so that none moves the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Final

from seatrial.testing.simulate.accounts import FREE, draw_caller, draw_keys, draw_prices, draw_purse
from seatrial.testing.simulate.demands import UNCHECKED, draw_checks, draw_errand
from seatrial.testing.simulate.hedges import draw_hedges
from seatrial.testing.simulate.judges import draw_judge, hidden_from
from seatrial.testing.simulate.plan import (
    CONTENT_FAULTS,
    FIRST_ARRIVAL_S,
    SPAN_S,
    WIRE_FAULTS,
    Arrival,
    DayPlan,
    Death,
    DiskFault,
    FaultPlan,
    FeaturePlan,
    Param,
    Reload,
    TargetPlan,
)
from seatrial.testing.upstream import FAULTS, Fault

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
DRILLS: Final = ("http-500", "overloaded", "connect-refused", "reset-early", "hang")
COUNTER_FAULTS: Final = ("away", "hung", "unsure")
STORE_FAULTS: Final = ("away", "busy", "hung", "full", "unsure")


def plan_day(seed: int) -> DayPlan:
    """Draw a day from its seed."""
    die = Random(f"seatrial day {seed}")
    targets = _targets(die)
    features = draw_hedges(_features(die, targets), seed)
    servers = [(target, server) for target in targets for server in target.servers]
    faults = [_fault(die, *die.choice(servers)) for _ in range(die.randint(3, 12))]
    arrivals = tuple(sorted(_arrivals(die, features, seed), key=lambda each: each.at_s))
    plain = _plain_day(die, seed, targets, features, faults, arrivals)
    return _with_judges(_with_twins(_with_accounts(_with_demands(plain))))


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
    features = tuple(
        replace(
            each,
            checks=draw_checks(die),
            on_refusal=die.choice(("next", "hand_off")) if die.random() < 0.15 else each.on_refusal,
        )
        for each in plan.features
    )
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
        features = tuple(replace(each, hedge=0.0) for each in features)
    plan = _with_forgetful_start(die, replace(plan, keys=keys))
    return replace(
        plan,
        targets=targets,
        features=features,
        arrivals=tuple(arrivals),
        forgotten=forgotten,
        shared=shared,
        counter_faults=faults,
        surge=surge,
    )


def _with_forgetful_start(die: Random, plan: DayPlan) -> DayPlan:
    """Return the day, sometimes with a start without the store soon after a key was revoked."""
    ends = [key.revoked_s for key in plan.keys if key.revoked_s is not None]
    if not ends or die.random() < 0.5:
        return plan
    death_s = ends[0] + die.uniform(5.0, 30.0)
    away = DiskFault("away", death_s - 0.5, death_s + die.uniform(10.0, 40.0))
    return replace(
        plan,
        deaths=(*plan.deaths, Death(death_s)),
        store_faults=(*plan.store_faults, away),
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


def _with_judges(plan: DayPlan) -> DayPlan:
    """Return the day, sometimes with a judge for the inputs of one feature."""
    die = Random(f"seatrial judges {plan.seed}")
    if die.random() < 0.7 or plan.surge:
        return plan
    judged = die.choice(plan.features)
    judge = draw_judge(die, plan.targets, priced=bool(judged.purse.budgets))
    targets, faults = plan.targets, list(plan.faults)
    if judge not in targets:
        targets = (*targets, judge)
        faults += [_fault(die, judge, judge.servers[0]) for _ in range(die.randint(0, 3))]
    checks = replace(judged.checks, judge=judge.name)
    if checks.injection != "refuse":
        checks = replace(checks, injection=die.choice(("flag", "refuse", "hand_off")))
    features = tuple(
        replace(each, checks=checks) if each is judged else each for each in plan.features
    )
    arrivals = tuple(
        hidden_from(die, each) if each.feature == judged.name else each for each in plan.arrivals
    )
    return replace(
        plan, targets=targets, faults=tuple(faults), features=features, arrivals=arrivals
    )


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
