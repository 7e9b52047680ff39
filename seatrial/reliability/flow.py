"""The life of one answer, as a plan without I/O.

The plan yields a step and is sent what came of it.  Engine, simulator and tests run these
same lines; nothing here awaits, reads a clock or throws a die.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

from seatrial.reliability import decide
from seatrial.reliability.retries import jittered_wait_s
from seatrial.reliability.routing import (
    TIMEOUTS,
    Handling,
    Outlook,
    allot,
    handle,
    is_called,
)
from seatrial.reliability.settings import Plan, TargetRules
from seatrial.values.attempts import Cause, Failure, Result, Timers
from seatrial.values.chat import Answer
from seatrial.values.decisions import Answered, Decision, HandedOff

EDGE_S: Final = 0.01  # at least this long after a stated window


@dataclass(frozen=True, slots=True)
class Attempt:
    """Call one target once.

    Args:
        target: its rules.
        tier: its place in the route.
        turn: 0 for the first try.
        timers: the limits, already within the deadline.
        force: call it although its breaker rests, if it was not forced a moment ago.
        lone: no other model or function is on the route, so a slow start helps nobody.
    """

    target: TargetRules
    tier: int
    turn: int
    timers: Timers
    force: bool = False
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Let some time pass before the same target is tried again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Commit:
    """Hand the begun stream over to the caller: from here on, only the truth."""


Step = Attempt | Wait | Commit
Flow = Generator[Step, Result, Decision]
_Tried = Generator[Step, Result, "Decision | None"]


@dataclass(slots=True)
class _Course:
    """How far a request has come."""

    plan: Plan
    deadline: float
    stream: bool
    now: float
    coin: Callable[[], float]
    outlook: Outlook
    calls: int = 0
    failures: list[tuple[str, Failure]] = field(default_factory=list)


def answer_flow(
    plan: Plan,
    *,
    deadline: float,
    stream: bool,
    now: float,
    coin: Callable[[], float],
    outlook: Outlook,
) -> Flow:
    """Plan one answer: attempts along the route, a commit for a stream, a decision.

    Args:
        plan: the release that decides.
        deadline: for the last word, on the monotonic clock.
        stream: whether the caller wants pieces.
        now: monotonic seconds.
        coin: throws numbers in [0, 1).
        outlook: what is known of the targets.

    Returns:
        A generator: send it the result of each step; its return value is the decision.
    """
    course = _Course(plan, deadline, stream, now, coin, outlook)
    for tier, target in enumerate(plan.route):
        if target.kind == "say":
            return Answered(Answer(plan.say), "say", tier, decide.explain(course.failures))
        if target.kind == "human":
            return _hand_off(course, tier)
        decision = yield from _try_target(course, tier, target)
        if decision is not None:
            return decision
    decision = yield from _try_resting(course)
    return decision or decide.refuse(plan, course.failures)


def _try_target(course: _Course, tier: int, target: TargetRules) -> _Tried:
    rest = course.plan.route[tier + 1 :]
    others = any(is_called(other) for other in rest)
    free_turn = True
    turn = 0
    while True:
        result = yield from _attempt_once(course, tier, target, rest, turn)
        decision, failure = yield from _weigh(course, tier, target, result)
        if decision is not None or failure is None:
            return decision
        handling = handle(failure.cause, others=others)
        if handling is Handling.FINAL:
            return decide.pass_on(failure, target.name, tier)
        if handling is Handling.NEXT:
            return None
        if free_turn and not failure.sent and failure.cause is Cause.UNREACHABLE:
            free_turn = False  # it never left us: once, at once, and for nothing
            turn += 1
            continue
        wait_s = _retry_wait(course, target, rest, failure, turn)
        if wait_s is None:
            return None
        course.now = (yield Wait(wait_s)).at
        turn += 1


def _attempt_once(
    course: _Course, tier: int, target: TargetRules, rest: Sequence[TargetRules], turn: int
) -> Generator[Step, Result, Result]:
    timers = allot(
        target, rest, course.outlook, left_s=course.deadline - course.now, stream=course.stream
    )
    if timers is None:
        return Result(at=course.now, failure=Failure(Cause.NO_TIME, sent=False))
    if is_called(target) and course.calls >= course.plan.policy.max_attempts:
        return Result(at=course.now, failure=Failure(Cause.TRIED_ENOUGH, sent=False))
    lone = not any(is_called(other) for other in course.plan.route if other is not target)
    result = yield Attempt(target, tier, turn, timers, lone=lone)
    course.now = result.at
    course.calls += result.sent
    return result


def _weigh(
    course: _Course, tier: int, target: TargetRules, result: Result
) -> Generator[Step, Result, tuple[Decision | None, Failure | None]]:
    """Turn a result into a decision, or into the failure that the route goes on from."""
    policy = course.plan.policy
    if policy.on_refusal != "return" and (
        result.refusing or (result.answer is not None and result.answer.refused)
    ):
        failure = Failure(Cause.REFUSED, "it declined to answer")
        course.failures.append((target.name, failure))
        hand_off = policy.on_refusal == "hand_off"
        return (_hand_off(course, tier) if hand_off else None), failure
    if result.began:
        result = yield Commit()
        course.now = result.at
        if result.cut:
            return decide.cut(result, target.name, tier), None
    if result.answer is not None:
        reason = decide.explain(course.failures) if tier else ""
        return Answered(result.answer, target.name, tier, reason), None
    failure = result.failure or Failure(Cause.INVALID_ANSWER, "nothing came")
    course.failures.append((target.name, failure))
    if failure.cause is Cause.POLICY and policy.on_refusal == "next":
        return None, Failure(Cause.REFUSED)
    if failure.cause is Cause.POLICY and policy.on_refusal == "hand_off":
        return _hand_off(course, tier), failure
    return None, failure


def _retry_wait(
    course: _Course, target: TargetRules, rest: Sequence[TargetRules], failure: Failure, turn: int
) -> float | None:
    """Return how long to wait before the next try here, or None when there is none."""
    # A second try here must leave one attempt for each target that waits behind.
    kept = sum(is_called(other) for other in rest)
    if turn + 1 >= target.retry.tries or course.calls + kept >= course.plan.policy.max_attempts:
        return None
    wait_s = jittered_wait_s(
        turn, base_s=target.retry.base_s, cap_s=target.retry.cap_s, coin=course.coin()
    )
    if failure.retry_after_s is not None:
        # After the window, not on its edge: loops wake a moment early, and others wait as well.
        wait_s = max(0.0, failure.retry_after_s) + max(EDGE_S, wait_s)
    if course.now + wait_s >= course.deadline:
        return None
    timed_out = failure.cause in TIMEOUTS
    if not course.outlook.afford_retry(target.name, now=course.now, timed_out=timed_out):
        return None
    return wait_s


def _try_resting(course: _Course) -> _Tried:
    """When everything rests, ask the target whose failure is longest ago, at probe rate."""
    resting = [name for name, failure in course.failures if failure.cause is Cause.RESTING]
    if course.calls or not resting:
        return None
    name = course.outlook.least_recently_failed(resting)
    tier, target = next(
        (tier, target) for tier, target in enumerate(course.plan.route) if target.name == name
    )
    timers = allot(
        target, (), course.outlook, left_s=course.deadline - course.now, stream=course.stream
    )
    if timers is None:
        return None
    result = yield Attempt(target, tier, 0, timers, force=True)
    course.now = result.at
    course.calls += result.sent
    decision, failure = yield from _weigh(course, tier, target, result)
    if failure is not None and handle(failure.cause, others=False) is Handling.FINAL:
        return decision or decide.pass_on(failure, name, tier)
    return decision


def _hand_off(course: _Course, tier: int) -> HandedOff:
    return HandedOff(course.plan.say, "human", tier, decide.explain(course.failures))
