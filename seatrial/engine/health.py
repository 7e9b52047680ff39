"""What is known of every target now: breakers, windows, pools, and learnt times.

Lives as long as the process and survives reloads: it is keyed by target and outlet names.
The rules are in `reliability/`; here is only their state and the choice among outlets.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from seatrial.engine.timer import Alarms
from seatrial.ports import Clock, Coin
from seatrial.reliability.adaptive import AdaptiveThrottle
from seatrial.reliability.breaker import Breaker, Permit, State
from seatrial.reliability.concurrency import ConcurrencyLimit
from seatrial.reliability.retries import RetryBudget
from seatrial.reliability.routing import COUNTS, TIMEOUTS
from seatrial.reliability.settings import BreakerSettings, TargetRules
from seatrial.reliability.throttle import Throttle
from seatrial.stats.buckets import FadingQuantiles
from seatrial.values.attempts import Cause, Failure

EWMA_TAU_S = 10.0
ENOUGH_FOR_TYPICAL = 20
ENOUGH_FOR_TAIL = 200
# Values taken in before the quantiles are worked out again: so many, and a part of those known.
REFRESH_EVERY = 25
REFRESH_SHARE = 0.05
SLOW_FACTOR = 2.0
_REJECTS = frozenset({Cause.RATE_LIMITED, Cause.OVERLOADED})
STRAIN_SHARE = 0.3  # of attempts that show it; less is no sign of load
STRAIN = frozenset({Cause.RATE_LIMITED, Cause.OVERLOADED, Cause.FIRST_TOKEN_TIMEOUT})
FAIR_LIMIT_S = 2.0  # a timeout below this and below the usual time is the caller's haste


@dataclass(slots=True)
class Outlet:
    """One address and key of a target."""

    breaker: Breaker
    throttle: Throttle
    in_flight: int = 0
    peak_s: float = 0.0
    peak_at: float = 0.0
    strain: ConcurrencyLimit | None = None  # while it showed signs of strain of late

    def load(self, now: float) -> float:
        """Return its expected wait: peak-sensitive first-token time times its queue."""
        fade = math.exp((self.peak_at - now) / EWMA_TAU_S)
        return self.peak_s * fade * (self.in_flight + 1)

    def has_room(self, now: float) -> bool:
        """Whether it may take one more, as far as signs of strain tell."""
        return self.strain is None or self.in_flight < self.strain.limit_at(now)

    def observe(self, now: float, took_s: float) -> None:
        """Take in a first-token time: peaks count at once, they fade slowly."""
        fade = math.exp((self.peak_at - now) / EWMA_TAU_S)
        self.peak_s = max(took_s, self.peak_s * fade + took_s * (1 - fade))
        self.peak_at = now


@dataclass(slots=True)
class Learnt:
    """Times of one target, to the first token or to the whole answer."""

    seen: FadingQuantiles = field(default_factory=FadingQuantiles)
    typical_s: float | None = None
    tail_s: float | None = None
    _until_refresh: float = ENOUGH_FOR_TYPICAL

    def add(self, took_s: float) -> None:
        """Take in one time."""
        self.seen.add(took_s)
        self._until_refresh -= 1
        if self._until_refresh <= 0:
            weight = self.seen.weight
            self._until_refresh = max(REFRESH_EVERY, REFRESH_SHARE * weight)
            self.typical_s = self.seen.quantile(0.95)
            if weight >= ENOUGH_FOR_TAIL:
                self.tail_s = self.seen.quantile(0.999)


@dataclass(slots=True)
class Target:
    """Everything known of one target."""

    budget: RetryBudget
    adaptive: AdaptiveThrottle
    streamed: Learnt = field(default_factory=Learnt)
    whole: Learnt = field(default_factory=Learnt)
    outlets: dict[str, Outlet] = field(default_factory=dict)
    in_flight: int = 0
    names: Sequence[str] = ()
    settings: BreakerSettings | None = None
    known: tuple[Outlet, ...] = ()
    """The outlets by `names`, with the breaker's `settings` in force."""

    def learn(self, names: Sequence[str], settings: BreakerSettings) -> tuple[Outlet, ...]:
        """Return the outlets by other names, or with other settings."""
        self.names, self.settings = names, settings
        self.known = tuple(self._outlet(name, settings) for name in names)
        return self.known

    def _outlet(self, name: str, settings: BreakerSettings) -> Outlet:
        outlet = self.outlets.get(name)
        if outlet is None:
            outlet = self.outlets[name] = Outlet(Breaker(settings), Throttle())
        outlet.breaker.settings = settings
        return outlet


class Ticket(msgspec.Struct):
    """Leave to call one outlet; give it back with `Health.settle`."""

    rules: TargetRules
    target: Target
    outlet: Outlet
    name: str
    index: int
    permit: Permit
    limit_s: float
    stream: bool
    alone: bool  # it is the target's only outlet
    began: bool = False  # a probe whose first useful token has been told to the breaker


@dataclass(frozen=True, slots=True)
class OutletView:
    """The state of one outlet, for people."""

    target: str
    outlet: str
    state: str
    rests_s: float
    in_flight: int


class Health:
    """Grants and settles attempts; the plan's `Outlook`."""

    def __init__(self, clock: Clock, coin: Coin) -> None:
        self.clock = clock
        self._coin = coin
        self._targets: dict[str, Target] = {}
        self._alarms: Alarms | None = None

    def alarms(self, task: asyncio.Task[Any] | None) -> Alarms:
        """Return what wakes timers in a task's loop, or in the running one."""
        loop = asyncio.get_running_loop() if task is None else task.get_loop()
        if self._alarms is None or self._alarms.loop is not loop:
            self._alarms = Alarms(loop)
        return self._alarms

    # -- the plan's outlook ---------------------------------------------------------------

    def typical_s(self, target: str, *, stream: bool) -> float | None:
        """Return the 95th percentile of a target's time, in seconds; None until learnt."""
        return self._learnt(target, stream).typical_s

    def tail_s(self, target: str, *, stream: bool) -> float | None:
        """Return the 99.9th percentile of a target's time, in seconds; None until learnt."""
        return self._learnt(target, stream).tail_s

    def afford_retry(self, target: str, *, now: float, timed_out: bool) -> bool:
        """Take a second try from the target's budget; return whether there was one."""
        return self._target(target).budget.spend(now, timed_out=timed_out)

    def least_recently_failed(self, targets: Sequence[str]) -> str:
        """Return the target whose last failure is longest ago."""
        return min(targets, key=self._last_failure)

    # -- attempts -------------------------------------------------------------------------

    def admit(
        self,
        rules: TargetRules,
        outlets: Sequence[str],
        *,
        limit_s: float,
        first: bool,
        stream: bool,
        force: bool = False,
        lone: bool = False,
    ) -> Ticket | Failure:
        """Grant one attempt, or say why not.

        Args:
            rules: of the target.
            outlets: names of its addresses and keys.
            limit_s: how long the attempt may take; a probe not settled by then is lost.
            first: whether it is the request's first try of this target.
            stream: whether pieces are wanted.
            force: call it although it rests, at probe rate.
            lone: the callers it does not get now would get no answer: no slow start.
        """
        now = self.clock.now()
        target = self._targets.get(rules.name) or self._new_target(rules.name)
        if target.in_flight >= rules.concurrency:
            return Failure(Cause.POOL_FULL, f"{target.in_flight} attempts in flight", sent=False)
        if rules.self_hosted and self._coin() < target.adaptive.reject_share(now):
            return Failure(Cause.SHED, sent=False)
        known = target.known
        if outlets is not target.names or rules.breaker is not target.settings:
            known = target.learn(outlets, rules.breaker)
        chosen = self._choose(known, now, lease_s=limit_s, force=force, lone=lone)
        if isinstance(chosen, Failure):
            return chosen
        index, permit = chosen
        if first:
            target.budget.earn()
        if rules.self_hosted:
            target.adaptive.sent(now)
        outlet = known[index]
        target.in_flight += 1
        outlet.in_flight += 1
        alone = len(known) == 1
        return Ticket(rules, target, outlet, outlets[index], index, permit, limit_s, stream, alone)

    def began(self, ticket: Ticket) -> None:
        """Note the first useful token of a stream.

        For a probe that is good news enough: a target whose answers are long must not wait
        for their ends before it serves again.  A failure later on is told all the same.
        """
        if ticket.permit.probe:
            ticket.began = True
            now = self.clock.now()
            ticket.outlet.breaker.settle(ticket.permit, now, failed=False, coin=self._coin())

    def settle(self, ticket: Ticket, *, failure: Failure | None, took_s: float | None) -> None:
        """Give a ticket back with what came of it.

        Args:
            ticket: from `admit`.
            failure: None for an answer.
            took_s: to the first token or whole answer; None when neither came.
        """
        now = self.clock.now()
        outlet, target = ticket.outlet, ticket.target
        if outlet.strain is not None or failure is not None:
            _mind_strain(ticket, failure, now)
        target.in_flight -= 1
        outlet.in_flight -= 1
        learnt = target.streamed if ticket.stream else target.whole
        slow = False
        if took_s is not None:
            slow = learnt.typical_s is not None and took_s > SLOW_FACTOR * learnt.typical_s
            learnt.add(took_s)
            if not ticket.alone:  # nothing is chosen by its load
                outlet.observe(now, took_s)
        failed: bool | None = False
        if failure is None:
            outlet.throttle.answered()
        else:
            self._mind_windows(outlet, failure, now)
            failed = _verdict(ticket, failure.cause, learnt)
        if ticket.rules.self_hosted and (failure is None or failure.cause not in _REJECTS):
            target.adaptive.accepted(now)
        if failed or not ticket.began:
            outlet.breaker.settle(ticket.permit, now, failed=failed, slow=slow, coin=self._coin())

    def _mind_windows(self, outlet: Outlet, failure: Failure, now: float) -> None:
        if failure.cause is Cause.RATE_LIMITED or failure.retry_after_s is not None:
            outlet.throttle.limited(now, failure.retry_after_s, coin=self._coin())
        elif failure.cause is Cause.KEY_REFUSED:
            outlet.throttle.key_refused(now)

    def views(self) -> list[OutletView]:
        """Return the state of every outlet that was ever asked."""
        now = self.clock.now()
        return [
            OutletView(
                name,
                outlet_name,
                outlet.breaker.state.name.lower(),
                max(outlet.breaker.wait_s(now), outlet.throttle.until - now, 0.0),
                outlet.in_flight,
            )
            for name, target in self._targets.items()
            for outlet_name, outlet in target.outlets.items()
        ]

    # -- choosing -------------------------------------------------------------------------

    def _choose(
        self, outlets: Sequence[Outlet], now: float, *, lease_s: float, force: bool, lone: bool
    ) -> tuple[int, Permit] | Failure:
        """Pick the better of two random outlets that may be asked; say why none may."""
        open_now = [
            i
            for i, outlet in enumerate(outlets)
            if now >= outlet.throttle.until and now >= outlet.throttle.keys_until
        ]
        if not lone:
            roomy = [i for i in open_now if outlets[i].has_room(now)]
            if open_now and not roomy:
                return Failure(Cause.POOL_FULL, "it shows signs of strain", sent=False)
            open_now = roomy
        ranked = open_now if len(open_now) < 2 else self._ranked(outlets, open_now, now)
        for index in ranked:
            breaker = outlets[index].breaker
            coin = 0.0 if lone else self._coin()
            permit = breaker.permit(now, coin=coin, lease_s=lease_s)
            if permit is None and force:
                permit = breaker.force(now, lease_s=lease_s)
            if permit is not None:
                return index, permit
        return _why_none(outlets, open_now, now)

    def _ranked(self, outlets: Sequence[Outlet], open_now: list[int], now: float) -> list[int]:
        closed = [i for i in open_now if outlets[i].breaker.state is State.CLOSED]
        # Outlets on probation come first, so that they are probed at all; `permit` bounds it.
        probing = [i for i in open_now if i not in closed]
        if len(closed) < 2:
            return probing + closed
        first = int(self._coin() * len(closed))
        second = int(self._coin() * (len(closed) - 1))
        second += second >= first
        one, two = closed[first], closed[second]
        if outlets[one].load(now) > outlets[two].load(now):
            one, two = two, one
        return [*probing, one, two, *(i for i in closed if i not in (one, two))]

    def _target(self, name: str) -> Target:
        return self._targets.get(name) or self._new_target(name)

    def _new_target(self, name: str) -> Target:
        target = Target(RetryBudget(self.clock.now()), AdaptiveThrottle())
        self._targets[name] = target
        return target

    def _learnt(self, name: str, stream: bool) -> Learnt:
        target = self._target(name)
        return target.streamed if stream else target.whole

    def _last_failure(self, name: str) -> float:
        outlets = self._target(name).outlets.values()
        return min((outlet.breaker.last_failure_at for outlet in outlets), default=-math.inf)


def _mind_strain(ticket: Ticket, failure: Failure | None, now: float) -> None:
    """Let fewer be in flight while the other side says that they are too many."""
    outlet = ticket.outlet
    if failure is None:
        if outlet.strain is not None:
            outlet.strain.succeeded(outlet.in_flight)
            if outlet.strain.is_open:
                outlet.strain = None
    elif failure.cause in STRAIN:
        if outlet.strain is None:
            most = ticket.rules.concurrency
            outlet.strain = ConcurrencyLimit(most, least_share=STRAIN_SHARE)
        outlet.strain.strained(now, outlet.in_flight)


def _verdict(ticket: Ticket, cause: Cause, learnt: Learnt) -> bool | None:
    """Return whether a failure speaks against the outlet, or None when it says nothing."""
    if cause not in COUNTS:
        return None
    if cause in TIMEOUTS and cause is not Cause.CONNECT_TIMEOUT:
        fair_s = SLOW_FACTOR * learnt.typical_s if learnt.typical_s is not None else FAIR_LIMIT_S
        if ticket.limit_s < min(fair_s, FAIR_LIMIT_S):
            return None
    return True


def _why_none(outlets: Sequence[Outlet], open_now: list[int], now: float) -> Failure:
    if open_now:
        wait_s = min(outlets[i].breaker.wait_s(now) for i in open_now)
        return Failure(Cause.RESTING, retry_after_s=wait_s or None, sent=False)
    if any(outlet.throttle.until > now for outlet in outlets):
        wait_s = min(max(o.throttle.until, o.throttle.keys_until) - now for o in outlets)
        return Failure(Cause.THROTTLED, retry_after_s=wait_s, sent=False)
    return Failure(Cause.QUARANTINED, sent=False)
