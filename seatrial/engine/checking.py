"""Asks the checks of an input or an answer, and notes every verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from seatrial.engine.judging import ask_judge
from seatrial.engine.prompting import put_prompt
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.reliability.checks.duplicates import fingerprint
from seatrial.reliability.checks.incoming import Asked, InputPlan, InputReport, Said, examine_input
from seatrial.reliability.checks.outgoing import OutputPlan, output_checks, repair_note
from seatrial.reliability.checks.texts import LONG_CHARS, is_long, spoken_of
from seatrial.reliability.checks.told import Told
from seatrial.reliability.judging import judged_texts
from seatrial.values.attempts import Cause, Result
from seatrial.values.chat import Answer, last_user_text
from seatrial.values.checks import PASSED, Says, Verdict, strictest

T = TypeVar("T")

_MISSING: Final = Verdict(
    Says.REFUSE, "check_failed", "A check of this feature is not loaded in this process."
)
_LATE: Final = Verdict(Says.REFUSE, "check_late", "A check of this feature took too long.")


async def check_input(trail: Trail, world: World) -> Result:
    """Ask everything there is to ask about an input.

    Afterwards the trail's request is as it may be sent and stored: personal data is out of it
    where the feature says so.
    """
    plan = trail.plan.input
    if plan is None or (plan.idle and not plan.settings.checks):
        return Result(at=world.clock.now(), verdict=PASSED)
    report = await _examine(trail, plan, world)
    for said in report.said:
        trail.say(said.check, "input", said.verdict, said.took_s)
    _take_over(trail, report)
    verdict = report.verdict
    if plan.settings.checks and verdict.says is not Says.REFUSE:
        text = last_user_text(trail.request.body.get("messages", []))
        own = await _ask_own(plan.settings.checks, trail, world, "input", text)
        verdict = strictest((verdict, *own))
    if trail.plan.judge is not None and _is_in_doubt(report, verdict):
        texts = judged_texts(spoken_of(trail.request.body))
        if texts:
            judged = await ask_judge(trail.plan.judge, texts, trail, world, side="input")
            verdict = strictest((verdict, judged))
    return Result(at=world.clock.now(), verdict=verdict)


async def check_output(trail: Trail, world: World, result: Result) -> Result:
    """Ask everything there is to ask about an answer.

    Args:
        trail: of the request.
        world: the clock, and what runs long work off the loop.
        result: of the attempt that answered.

    Returns:
        The same result with the strictest verdict.
    """
    plan, answer = trail.plan.output, result.answer
    if plan is None or answer is None or answer.vectors:
        return result
    prompt, request = trail.plan.prompt or "", trail.request
    told = Told(
        trail.body, variables=request.variables, prompt=prompt, originals=trail.marks.values()
    )
    said = await _look(trail, plan, answer, told, world)
    if plan.settings.checks and strictest(said).says is not Says.REFUSE:
        known = {"question": told.question}
        said += await _ask_own(
            plan.settings.checks, trail, world, "output", answer.text or "", known
        )
    verdict = strictest(said)
    trail.rejected = verdict.says is Says.REFUSE
    if trail.rejected:
        trail.repair, trail.refused = repair_note(said), answer.text or ""
        if not trail.committed:
            cause = Cause.CHECK_FAILED.value
            trail.attempts[-1] = msgspec.structs.replace(
                trail.attempts[-1], cause=cause, reason=verdict.reason
            )
    return msgspec.structs.replace(result, at=world.clock.now(), verdict=verdict)


def repaired(trail: Trail) -> dict[str, Any]:
    """Return the request with the refused answer and what was wrong with it."""
    said = {"role": "assistant", "content": trail.refused}
    note = {"role": "user", "content": trail.repair}
    return {**trail.body, "messages": [*trail.body["messages"], said, note]}


def holds_back(trail: Trail) -> bool:
    """Whether the whole answer must be checked before the caller sees any of it."""
    plan = trail.plan.output
    return plan is not None and plan.settings.stream == "hold" and plan.can_refuse_text(trail.body)


def may_store_at_once(plan: InputPlan | None) -> bool:
    """Whether a request may be stored before its checks were asked."""
    return plan is None or plan.settings.personal_data in {"off", "flag", "hand_off"}


def _is_in_doubt(report: InputReport, verdict: Verdict) -> bool:
    """Whether a judge could still change anything: it never makes a verdict milder."""
    if verdict.says in {Says.REFUSE, Says.HAND_OFF}:
        return False
    return all(said.verdict.says is Says.PASS for said in report.said if said.check == "injection")


async def _examine(trail: Trail, plan: InputPlan, world: World) -> InputReport:
    request = trail.request
    asked = Asked(
        request.body,
        request.variables,
        request.arguments,
        _is_repeated(trail, plan, world),
    )
    work = partial(examine_input, plan, asked, now=world.clock.now)
    trail.long = asked.is_long
    if not trail.long:
        return work()
    try:
        return await _beside(work, trail, world)
    except TimeoutError:
        # What was not searched to its end is neither sent nor stored.
        return InputReport((Said("time", _LATE),), None, {}, None)


async def _beside(work: Callable[[], T], trail: Trail, world: World) -> T:
    """Return what long work gives, done beside the loop, of which only a few are at once.

    Raises:
        TimeoutError: the deadline has passed.  What was begun goes on, and keeps its place.
    """
    left_s = trail.request.deadline - world.clock.now()
    async with asyncio.timeout(max(0.0, left_s)):
        await world.few.acquire()
        task: asyncio.Future[T] = asyncio.ensure_future(world.off_loop(work))
        task.add_done_callback(partial(_give_back, world.few))
        return await asyncio.shield(task)


def _give_back(places: asyncio.Semaphore, done: asyncio.Future[T]) -> None:
    places.release()
    if not done.cancelled():
        done.exception()  # told to whoever waited, if anybody still did


def _is_repeated(trail: Trail, plan: InputPlan, world: World) -> bool:
    if plan.settings.duplicates == "off":
        return False
    request = trail.request
    caller = request.caller
    who = (caller.tenant, request.feature, caller.key_id, caller.user, caller.session)
    within_s = plan.settings.duplicate_s
    now = world.clock.now()
    return world.recent.again(fingerprint(who, request.body), now=now, within_s=within_s)


def _take_over(trail: Trail, report: InputReport) -> None:
    """Go on with the request as the checks left it."""
    request = trail.request
    trail.cleared = report.body is not None
    if report.body is None or (report.body is request.body and not report.marks):
        return
    trail.marks = report.marks
    trail.request = msgspec.structs.replace(
        request,
        body=report.body,
        variables=dict(report.variables),
        arguments=report.arguments,
    )
    trail.body = report.body
    put_prompt(trail)  # again, with values that may be sent


async def _look(
    trail: Trail, plan: OutputPlan, answer: Answer, told: Told, world: World
) -> list[Verdict]:
    """Ask the built-in checks, up to the first that refuses."""
    now = world.clock.now
    if trail.long is None:
        trail.long = is_long(told.body)
    long = trail.long or len(answer.text or "") > LONG_CHARS
    said: list[Verdict] = []
    for name, look in output_checks(plan, answer, told):
        started = now()
        try:
            verdict = await _beside(look, trail, world) if long else look()
        except TimeoutError:
            verdict = _LATE
        trail.say(name, "output", verdict, now() - started)
        said.append(verdict)
        if verdict.says is Says.REFUSE:
            break
    return said


async def _ask_own(
    names: Sequence[str],
    trail: Trail,
    world: World,
    side: str,
    text: str,
    more: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """Ask the user's own functions, up to the first that refuses; late is refused."""
    request, plan = trail.request, trail.plan
    settings = plan.input.settings if side == "input" and plan.input else None
    limit_s = settings.check_s if settings else plan.output.settings.check_s if plan.output else 0.0
    known = {
        **request.variables,
        "messages": request.body.get("messages", []),
        "body": request.body,
        ("question" if side == "input" else "answer"): text,
        **(more or {}),
    }
    said: list[Verdict] = []
    for name in names:
        checker = trail.known.checkers.get(name)
        started = world.clock.now()
        try:
            verdict = _MISSING
            if checker is not None:
                async with asyncio.timeout(limit_s):
                    verdict = await checker.ask(text, known)
        except TimeoutError:
            verdict = _LATE
        trail.say(name, side, verdict, world.clock.now() - started)
        said.append(verdict)
        if verdict.says is Says.REFUSE:
            break
    return said
