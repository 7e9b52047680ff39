"""Walks a plan by hand: what stands for the engine in the tests of `flow`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from seatrial.reliability.flow import (
    Attempt,
    Check,
    Commit,
    Flow,
    Step,
    Together,
    Wait,
    answer_flow,
)
from seatrial.reliability.settings import Plan, Policy, RetrySettings, TargetRules
from seatrial.values.attempts import Cause, ErrorBody, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.decisions import Decision

GOOD = Answer("Yours is on its way.")
LARGE = TargetRules("large")
SMALL = TargetRules("small")
RULES = TargetRules("rules", kind="python")
CACHE = TargetRules("cache", kind="cache")
SAY = TargetRules("say", kind="say")
HUMAN = TargetRules("human", kind="human")
ONCE = RetrySettings(tries=1)


@dataclass(slots=True)
class Known:
    """What is known of the targets: as the test says.

    Args:
        typical, tail: seconds by target.
        retries: second tries that may still be had.
        last_failures: by target, for the one that failed longest ago.
        asked: what the plan asked for, in order.
    """

    typical: dict[str, float] = field(default_factory=dict)
    tail: dict[str, float] = field(default_factory=dict)
    retries: int = 1_000
    last_failures: dict[str, float] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def typical_s(self, target: str, *, stream: bool) -> float | None:
        return self.typical.get(target)

    def tail_s(self, target: str, *, stream: bool) -> float | None:
        return self.tail.get(target)

    def afford_retry(self, target: str, *, now: float, timed_out: bool) -> bool:
        self.asked.append((target, timed_out))
        self.retries -= 1
        return self.retries >= 0

    def least_recently_failed(self, targets: Sequence[str]) -> str:
        return min(targets, key=lambda name: self.last_failures.get(name, 0.0))


def plan_of(*route: TargetRules, say: str = "", **policy: object) -> Plan:
    """Return a plan of the feature `support`."""
    return Plan("support", "r1", route, Policy(**policy), say)  # type: ignore[arg-type]


def failed(cause: Cause, at: float = 0.1, **more: object) -> Result:
    """Return an attempt's failure; those that we refuse ourselves were never sent."""
    sent = cause not in UNSENT
    return Result(at, failure=Failure(cause, sent=sent, **more), sent=sent)  # type: ignore[arg-type]


def answered(at: float = 0.1, answer: Answer = GOOD) -> Result:
    """Return an attempt's whole answer."""
    return Result(at, answer=answer, sent=True)


def began(at: float = 0.1, *, refusing: bool = False) -> Result:
    """Return a stream's first useful token."""
    return Result(at, began=True, refusing=refusing, sent=True)


UNSENT = frozenset(
    {
        Cause.RESTING,
        Cause.THROTTLED,
        Cause.POOL_FULL,
        Cause.QUARANTINED,
        Cause.SHED,
        Cause.NO_TIME,
        Cause.NOT_CACHED,
        Cause.OVER_BUDGET,
        Cause.UNREACHABLE,
    }
)
THEIR_ERROR = ErrorBody("`messages` must not be empty.", "invalid_request_error", "messages")


@dataclass(slots=True)
class Walk:
    """A plan on its way: the steps it asked for, and its decision once it has ended."""

    flow: Flow
    now: float = 0.0
    steps: list[Step] = field(default_factory=list)
    step: Step | None = None
    decision: Decision | None = None

    def send(self, result: Result) -> Step | None:
        """Answer the step in hand; return the next one, or None when the plan has decided."""
        self.now = result.at
        return self._note(lambda: self.flow.send(result))

    def start(self) -> Step | None:
        """Return the first step, or None."""
        return self._note(lambda: next(self.flow))

    def _note(self, advance: Callable[[], Step]) -> Step | None:
        try:
            self.step = advance()
            self.steps.append(self.step)
        except StopIteration as done:
            self.step = None
            self.decision = done.value
        return self.step

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts asked for so far."""
        return [step for step in self.steps if isinstance(step, Attempt)]

    @property
    def called(self) -> list[str]:
        """Their targets."""
        return [attempt.target.name for attempt in self.attempts]


def walk(
    plan: Plan,
    *results: Result,
    known: Known | None = None,
    stream: bool = False,
    deadline: float = 10.0,
    coin: float = 0.5,
    spare: bool = False,
    hedge: bool = False,
) -> Walk:
    """Walk a plan: give each attempt and commit the next result; waits just pass."""
    flow = answer_flow(
        plan,
        deadline=deadline,
        stream=stream,
        now=0.0,
        coin=lambda: coin,
        outlook=known or Known(),
        spare=spare,
        hedge=hedge,
    )
    going = Walk(flow)
    left: Iterator[Result] = iter(results)
    step = going.start()
    while step is not None:
        match step:
            case Wait(seconds):
                step = going.send(Result(going.now + seconds))
            case Attempt() | Together() | Commit() | Check():
                result = next(left, None)
                if result is None:
                    return going
                step = going.send(result)
    assert next(left, None) is None, "the plan ended before all results were used"
    return going
