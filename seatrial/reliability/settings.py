"""What an operator may set about targets, routes and limits of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from seatrial.reliability.limits import TargetLimits

if TYPE_CHECKING:
    from seatrial.reliability.checks.incoming import InputPlan
    from seatrial.reliability.checks.outgoing import OutputPlan
    from seatrial.reliability.hedging import HedgeSettings
    from seatrial.reliability.judging import Judge
    from seatrial.reliability.similarity import CachePlan

# Targets that need no entry of their own under [targets].
BUILT_IN: Final = ("cache", "say", "human")


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """Limits of one attempt, in seconds.

    Args:
        connect_s: until the connection stands.
        first_byte_s: until the reply's headers.
        first_token_s: until the first useful token; left out, it is learnt: the 99.9th
            percentile times 1.5, between 3 and 60, and 15 until enough was seen.
        gap_s: between useful tokens; reasoning models need about 90.
        total_s: the whole attempt; left out, only the deadline ends it.
        floor_tokens_s: slower than this before anything was sent is a failure; 0 switches off.
    """

    connect_s: float = 2.0
    first_byte_s: float = 10.0
    first_token_s: float | None = None
    gap_s: float = 15.0
    total_s: float | None = None
    floor_tokens_s: float = 5.0


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Second tries of the same target.

    Args:
        tries: attempts per target and request, the first included, 1 to 5.
        base_s: the wait before the second try is random, up to this; it doubles per try.
        cap_s: the longest such wait.
    """

    tries: int = 2
    base_s: float = 0.15
    cap_s: float = 2.0


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a target is left alone, per outlet.

    Args:
        consecutive: failures in a row that open it.
        window_s: how far back attempts are counted.
        min_attempts: with fewer in the window, only `consecutive` opens it.
        failure_share: failures among the attempts of the window that open it.
        slow_share: the same for slow first tokens (over twice the learnt p95).
        open_s: the first rest; it doubles with each failed probe, and half of it is random.
        open_cap_s: the longest rest.  With three probes and the ramp it lets a target that
            came back serve again within 30 s.
        good_to_close: good probes in a row that close it.
        ramp_s: from 10 to 100 % of the traffic after closing.
    """

    consecutive: int = 5
    window_s: float = 30.0
    min_attempts: int = 20
    failure_share: float = 0.5
    slow_share: float = 0.8
    open_s: float = 5.0
    open_cap_s: float = 12.0
    good_to_close: int = 3
    ramp_s: float = 10.0


@dataclass(frozen=True, slots=True)
class TargetRules:
    """How one target is treated, whatever it is.

    Args:
        name: as routes name it.
        kind: `model` and `python` are called; the others are built in.
        timers, retry, breaker: see there.
        concurrency: attempts in flight at most; more go to the next target at once.
        limits: what the provider grants each key; what goes beyond is not sent.
        self_hosted: a server of your own without a queue of its own: the adaptive throttle
            spares it when it rejects.
    """

    name: str
    kind: Literal["model", "python", "cache", "say", "human"] = "model"
    timers: TimerSettings = TimerSettings()
    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    concurrency: int = 256
    self_hosted: bool = False
    limits: TargetLimits = field(default_factory=TargetLimits)


@dataclass(frozen=True, slots=True)
class Policy:
    """How one feature's requests are answered.

    Args:
        deadline_s: for the whole request.
        on_refusal: what a target's refusal does: it is the answer (`return`), the `next`
            target is asked, or a person (`hand_off`).
        buffer_tokens: useful tokens held back before the stream is handed over, at least 1.
        max_attempts: upstream attempts per request in all.
        repairs: how often a model is asked again, with the reason, after a check refused its
            answer.
    """

    deadline_s: float = 60.0
    on_refusal: Literal["return", "next", "hand_off"] = "return"
    buffer_tokens: int = 1
    max_attempts: int = 4
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a route, with what follows from its neighbours.

    Args:
        tier: 0 is the first.
        target: who stands there.
        called: whether it is a model or a function, which can fail, rather than built in.
        waiting: how many of those stand behind it.
        next_called: the name of the first of them; empty when there is none.
        last: whether nothing at all stands behind it.
        lone: whether no other place of the route is called.
    """

    tier: int
    target: TargetRules
    called: bool
    waiting: int
    next_called: str
    last: bool
    lone: bool


def is_called(target: TargetRules) -> bool:
    """Whether it is a model or a function, which can fail, rather than built in."""
    return target.kind in ("model", "python")


def places_of(route: Sequence[TargetRules]) -> tuple[Place, ...]:
    """Return what follows from a route, worked out once for all its requests."""
    called = [is_called(target) for target in route]
    made: list[Place] = []
    for tier, target in enumerate(route):
        behind = [other.name for other in route[tier + 1 :] if is_called(other)]
        made.append(
            Place(
                tier,
                target,
                called=called[tier],
                waiting=len(behind),
                next_called=behind[0] if behind else "",
                last=tier + 1 == len(route),
                lone=sum(called) == called[tier],
            )
        )
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one release of a feature does with a request.

    Args:
        feature: its name.
        release: its id.
        route: the fallback chain, first tier first.
        policy: see there.
        say: the text for `say` and for hand-offs.
        prompt: the system prompt's template, or None.
        prompt_version: hash of the template's content.
        input: the checks of what is asked, or None.
        output: the checks of answers, or None.
        judge: who judges inputs besides, or None.
        cache: how kept answers are used; None for the usual way.
        hedge: whether a second target is asked while the first is slow; None for never.
        places: follows from the route.
        kinds: of the targets on it.
        keeps: whether answers are kept to be given again.
    """

    feature: str
    release: str
    route: tuple[TargetRules, ...]
    policy: Policy = Policy()
    say: str = ""
    prompt: str | None = None
    prompt_version: str = ""
    input: InputPlan | None = None
    output: OutputPlan | None = None
    judge: Judge | None = None
    cache: CachePlan | None = None
    hedge: HedgeSettings | None = None
    places: tuple[Place, ...] = field(init=False, repr=False, compare=False)
    kinds: frozenset[str] = field(init=False, repr=False, compare=False)
    keeps: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what follows from the route."""
        object.__setattr__(self, "places", places_of(self.route))
        object.__setattr__(self, "kinds", frozenset(target.kind for target in self.route))
        in_front = self.cache is not None and self.cache.settings.front
        object.__setattr__(self, "keeps", in_front or "cache" in self.kinds)
