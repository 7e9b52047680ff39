"""The life of one answer, as a plan without I/O.

The plan yields a step and is sent what came of it.  Engine, simulator and tests run these
same lines; nothing here awaits, reads a clock or throws a die.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, Literal

import msgspec

from seatrial.reliability import decide
from seatrial.reliability.checks.refusals import declines
from seatrial.reliability.retries import jittered_wait_s
from seatrial.reliability.routing import (
    TIMEOUTS,
    Handling,
    Outlook,
    allot,
    handle,
)
from seatrial.reliability.settings import Place, Plan, Policy, TargetRules, places_of
from seatrial.values.attempts import Cause, Failure, Result, Timers
from seatrial.values.chat import Answer
from seatrial.values.checks import PASSED, Says, Verdict
from seatrial.values.decisions import Answered, Decision, HandedOff

_IN_FRONT: Final = TargetRules("cache", kind="cache")
EDGE_S: Final = 0.01  # at least this long after a stated window


# The steps are structs: one is made for each attempt, and a struct costs a tenth.


class Attempt(msgspec.Struct, frozen=True):
    """Call one target once.

    Args:
        target: its rules.
        tier: its place in the route.
        turn: 0 for the first try.
        timers: the limits, already within the deadline.
        force: call it although its breaker rests, if it was not forced a moment ago.
        lone: no other model or function is on the route, so a slow start helps nobody.
        repair: tell it what a check found wrong with its last answer.
        purpose: why it is made beside the answer itself, as records have it; empty for the
            answer.
    """

    target: TargetRules
    tier: int
    turn: int
    timers: Timers
    force: bool = False
    lone: bool = False
    repair: bool = False
    purpose: str = ""


class Together(msgspec.Struct, frozen=True):
    """Call one target, and another one besides when the first is slow.

    The first that gives something useful is the result.  The other one goes on until there is a
    decision, or until the plan asks for it by an attempt at its target.

    Args:
        first: the attempt that the plan would make anyway.
        second: the one besides.
        after_s: how long the first is waited for alone, in seconds.
    """

    first: Attempt
    second: Attempt
    after_s: float


class Wait(msgspec.Struct, frozen=True):
    """Let some time pass before the same target is tried again."""

    seconds: float


class Commit(msgspec.Struct, frozen=True):
    """Hand the begun stream over to the caller: from here on, only the truth."""


class Check(msgspec.Struct, frozen=True):
    """Ask the checks of one side.

    Args:
        side: `input`, once, before anything is tried; `output`, of the answer that is at hand.
    """

    side: Literal["input", "output"]


_ASK_INPUT: Final = Check("input")
_ASK_OUTPUT: Final = Check("output")
_HAND_OVER: Final = Commit()

Step = Attempt | Together | Wait | Commit | Check
Flow = Generator[Step, Result, Decision]
_Tried = Generator[Step, Result, "Decision | None"]


class _Course(msgspec.Struct):
    """How far a request has come."""

    plan: Plan
    deadline: float
    stream: bool
    now: float
    coin: Callable[[], float]
    outlook: Outlook
    calls: int = 0
    committed: bool = False
    failures: list[tuple[str, Failure]] = []
    hedge: bool = False


def answer_flow(
    plan: Plan,
    *,
    deadline: float,
    stream: bool,
    now: float,
    coin: Callable[[], float],
    outlook: Outlook,
    spare: bool = False,
    hedge: bool = False,
) -> Flow:
    """Plan one answer: attempts along the route, a commit for a stream, a decision.

    Args:
        plan: the release that decides.
        deadline: for the last word, on the monotonic clock.
        stream: whether the caller wants pieces.
        now: monotonic seconds.
        coin: throws numbers in [0, 1).
        outlook: what is known of the targets.
        spare: begin at a cheaper tier, where one is left that can be called.
        hedge: whether a second target may be asked while the first is slow.

    Returns:
        A generator: send it the result of each step; its return value is the decision.
    """
    course = _Course(plan, deadline, stream, now, coin, outlook, 0, False, [], hedge)
    if plan.input is not None:
        result = yield _ASK_INPUT
        course.now = result.at
        turned_away = _turn_away(course, result.verdict or PASSED)
        if turned_away is not None:
            return turned_away
    if plan.cache is not None and plan.cache.settings.front:
        kept = yield from _ask_cache_first(course)
        if kept is not None:
            return kept
    for place in plan.places:
        if spare and place.called and place.waiting:
            spare = False
            course.failures.append((place.target.name, Failure(Cause.SPARED, sent=False)))
            continue
        if place.target.kind == "say":
            return Answered(Answer(plan.say), "say", place.tier, decide.explain(course.failures))
        if place.target.kind == "human":
            return _hand_off(course, place.tier)
        decision = yield from _try_place(course, place)
        if decision is not None:
            return decision
    decision = yield from _try_resting(course)
    return decision or decide.refuse(plan, course.failures)


def _turn_away(course: _Course, verdict: Verdict) -> Decision | None:
    if verdict.says is Says.REFUSE:
        return decide.turn_away(verdict)
    if verdict.says is Says.HAND_OFF:
        return HandedOff(course.plan.say, "human", 0, verdict.reason)
    return None


def _ask_cache_first(course: _Course) -> _Tried:
    """Look for a kept answer before any target is asked; what a check refuses is none."""
    left_s = max(0.0, course.deadline - course.now)
    timers = Timers(left_s, left_s, left_s, left_s, left_s)
    result = yield from _make(course, Attempt(_IN_FRONT, 0, 0, timers))
    verdict = result.verdict or PASSED
    if result.answer is None or verdict.says in {Says.REFUSE, Says.HAND_OFF}:
        return None
    return Answered(result.answer, _IN_FRONT.name, 0)


def _try_place(course: _Course, place: Place) -> _Tried:
    free_turn = True
    turn = repairs = 0
    while True:
        attempt = _next_attempt(course, place, turn, repair=repairs > 0)
        if isinstance(attempt, Failure):
            course.failures.append((place.target.name, attempt))
            return None
        other = _other(course, place, attempt) if course.hedge and turn == 0 else None
        result = yield from _make(course, _beside(course, attempt, other) if other else attempt)
        if other is not None and result.hedged:
            decision = _weigh_hedged(course, place, other, result)
            if decision is not None:
                return decision
            result = yield from _make(course, attempt)  # it is still on its way
        decision, failure = _weigh(course, place, result)
        if decision is not None or failure is None:
            return decision
        if failure.cause is Cause.CHECK_FAILED and _may_repair(course, place, repairs):
            repairs += 1
            turn += 1
            continue
        handling = handle(failure.cause, others=place.waiting > 0)
        if handling is Handling.FINAL:
            return decide.pass_on(failure, place.target.name, place.tier)
        if handling is Handling.NEXT:
            return None
        if free_turn and not failure.sent and failure.cause is Cause.UNREACHABLE:
            free_turn = False  # it never left us: once, at once, and for nothing
            turn += 1
            continue
        wait_s = _retry_wait(course, place, failure, turn)
        if wait_s is None:
            return None
        course.now = (yield Wait(wait_s)).at
        turn += 1


def _other(course: _Course, place: Place, attempt: Attempt) -> Place | None:
    """Return who may be asked while an attempt is slow; None when nobody may."""
    usual_s = course.outlook.typical_s(place.target.name, stream=course.stream)
    if not place.next_called or usual_s is None or usual_s >= attempt.timers.total_s:
        return None
    behind = course.plan.places[place.tier + 1 :]
    return next(each for each in behind if each.called)


def _beside(course: _Course, attempt: Attempt, other: Place) -> Attempt | Together:
    """Return an attempt with another one besides, where there is time for it."""
    after_s = course.outlook.typical_s(attempt.target.name, stream=course.stream) or 0.0
    left_s = course.deadline - course.now - after_s
    timers = allot(other, course.outlook, left_s=left_s, stream=course.stream)
    if timers is None:
        return attempt
    second = Attempt(other.target, other.tier, 0, timers, purpose="hedge")
    return Together(attempt, second, after_s)


def _weigh_hedged(course: _Course, place: Place, other: Place, result: Result) -> Decision | None:
    """Return the decision that the faster one leads to, if it is an answer.

    Anything else is for the first one to decide: asking besides must make nothing worse.
    """
    course.failures.append((place.target.name, Failure(Cause.OVERTAKEN)))
    decision, _ = _weigh(course, other, result)
    return decision if course.committed or isinstance(decision, Answered) else None


def _may_repair(course: _Course, place: Place, repairs: int) -> bool:
    """Whether a model may be told what was wrong; a function would say the same again."""
    policy = course.plan.policy
    return (
        place.target.kind == "model"
        and repairs < policy.repairs
        and course.calls + place.waiting < policy.max_attempts
    )


def _next_attempt(course: _Course, place: Place, turn: int, *, repair: bool) -> Attempt | Failure:
    left_s = course.deadline - course.now
    timers = allot(place, course.outlook, left_s=left_s, stream=course.stream)
    if timers is None:
        return Failure(Cause.NO_TIME, sent=False)
    if place.called and course.calls >= course.plan.policy.max_attempts:
        return Failure(Cause.TRIED_ENOUGH, sent=False)
    return Attempt(place.target, place.tier, turn, timers, False, place.lone, repair)


def _make(course: _Course, attempt: Attempt | Together) -> Generator[Step, Result, Result]:
    """Make an attempt, and see what came of it through to its end."""
    result = yield attempt
    course.now = result.at
    if result.hedged:  # such a call takes none from those that a request may have
        return msgspec.structs.replace((yield from _see_through(course, result)), hedged=True)
    course.calls += result.sent
    if result.answer is None and not result.began:
        return result
    return (yield from _see_through(course, result))


def _see_through(course: _Course, result: Result) -> Generator[Step, Result, Result]:
    """Have an answer checked; a stream that begins as it should is handed over to its end."""
    if result.answer is not None and course.plan.output is not None:
        result = yield _ASK_OUTPUT
        course.now = result.at
    if result.began and not _is_unwanted(course.plan.policy, result):
        if _stops(result.verdict):
            return result
        checked = result.verdict is not None
        course.committed = True
        result = yield _HAND_OVER
        course.now = result.at
        if result.answer is not None and not result.cut and not checked and course.plan.output:
            result = yield _ASK_OUTPUT
            course.now = result.at
    return result


def _stops(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.says in {Says.REFUSE, Says.HAND_OFF}


def _is_unwanted(policy: Policy, result: Result) -> bool:
    """Whether the target declined, and the policy has something better than that."""
    return policy.on_refusal != "return" and (
        result.refusing or (result.answer is not None and declines(result.answer))
    )


def _weigh(course: _Course, place: Place, result: Result) -> tuple[Decision | None, Failure | None]:
    """Turn a result into a decision, or into the failure that the route goes on from."""
    policy, name, tier = course.plan.policy, place.target.name, place.tier
    if course.committed and result.cut:
        return decide.cut(result, name, tier), None
    if policy.on_refusal != "return" and not course.committed and _is_unwanted(policy, result):
        failure = Failure(Cause.REFUSED, "it declined to answer")
        course.failures.append((name, failure))
        return (_hand_off(course, tier) if policy.on_refusal == "hand_off" else None), failure
    verdict = PASSED if course.committed else result.verdict or PASSED
    if verdict.says is Says.REFUSE:
        failure = Failure(Cause.CHECK_FAILED, verdict.reason)
        course.failures.append((name, failure))
        return None, failure
    if verdict.says is Says.HAND_OFF:
        return HandedOff(course.plan.say, "human", tier, verdict.reason), None
    if result.answer is not None:
        reason = decide.explain(course.failures) if tier else ""
        return Answered(result.answer, name, tier, reason), None
    failure = result.failure or Failure(Cause.INVALID_ANSWER, "nothing came")
    course.failures.append((name, failure))
    if failure.cause is Cause.POLICY and policy.on_refusal == "next":
        return None, Failure(Cause.REFUSED)
    if failure.cause is Cause.POLICY and policy.on_refusal == "hand_off":
        return _hand_off(course, tier), failure
    return None, failure


def _retry_wait(course: _Course, place: Place, failure: Failure, turn: int) -> float | None:
    """Return how long to wait before the next try here, or None when there is none."""
    retry = place.target.retry
    # A second try here must leave one attempt for each target that waits behind.
    if turn + 1 >= retry.tries or course.calls + place.waiting >= course.plan.policy.max_attempts:
        return None
    wait_s = jittered_wait_s(turn, base_s=retry.base_s, cap_s=retry.cap_s, coin=course.coin())
    if failure.retry_after_s is not None:
        # After the window, not on its edge: loops wake a moment early, and others wait as well.
        wait_s = max(0.0, failure.retry_after_s) + max(EDGE_S, wait_s)
    if course.now + wait_s >= course.deadline:
        return None
    timed_out = failure.cause in TIMEOUTS
    name = place.target.name
    return (
        wait_s if course.outlook.afford_retry(name, now=course.now, timed_out=timed_out) else None
    )


def _try_resting(course: _Course) -> _Tried:
    """When everything rests, ask the target whose failure is longest ago, at probe rate."""
    resting = [name for name, failure in course.failures if failure.cause is Cause.RESTING]
    if course.calls or not resting:
        return None
    name = course.outlook.least_recently_failed(resting)
    place = next(each for each in course.plan.places if each.target.name == name)
    left_s = course.deadline - course.now
    alone = places_of((place.target,))[0]  # nobody is left to keep time for
    timers = allot(alone, course.outlook, left_s=left_s, stream=course.stream)
    if timers is None:
        return None
    result = yield from _make(course, Attempt(place.target, place.tier, 0, timers, force=True))
    decision, failure = _weigh(course, place, result)
    if failure is not None and handle(failure.cause, others=False) is Handling.FINAL:
        return decision or decide.pass_on(failure, name, place.tier)
    return decision


def _hand_off(course: _Course, tier: int) -> HandedOff:
    return HandedOff(course.plan.say, "human", tier, decide.explain(course.failures))
