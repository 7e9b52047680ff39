"""One attempt: admitted, timed, validated, settled.  It may leave a stream open."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from seatrial.engine.health import Health, Ticket
from seatrial.engine.streaming import Begun
from seatrial.engine.timer import AttemptTimer
from seatrial.ports import Call, Provider
from seatrial.reliability import answers
from seatrial.reliability.answers import Assembly
from seatrial.reliability.flow import Attempt
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer, Piece
from seatrial.values.requests import EMBED, Request

FLOOR_AFTER_S = 8.0  # a stream may start slowly; judged from here on


class Reading(NamedTuple):
    """How far a stream is read before it counts as begun.

    Args:
        tokens: useful ones, at least.
        chars: of its text, at least; enough of them show whether it is a refusal.
        tool_calls: to its end, where it only calls tools.
    """

    tokens: int
    chars: int = 0
    tool_calls: bool = False

    def goes_on(self, so_far: Assembly) -> bool:
        """Whether more must be read, although something useful is there."""
        if so_far.finished:
            return False
        if so_far.calls_only:
            return self.tool_calls
        return so_far.chars < self.chars


async def attempt(
    step: Attempt,
    request: Request,
    body: dict[str, Any],
    provider: Provider,
    *,
    stream: bool,
    task: asyncio.Task[Any] | None,
    health: Health,
    reading: Reading,
) -> tuple[Result, Begun | None]:
    """Carry out one attempt.

    Args:
        step: what the plan asks for.
        request: on whose behalf.
        body: what is asked, as targets see it.
        provider: of the target.
        stream: whether it is asked for pieces.
        task: the one that runs this; the timer stops it.
        health: grants and settles the attempt.
        reading: how far a stream is read before it counts as begun.

    Returns:
        The result, and the open stream when it began.  A begun stream must be given to
        `pump` or `drop`.
    """
    clock, timers = health.clock, step.timers
    ticket = health.admit(
        step.target,
        provider.outlets,
        limit_s=timers.total_s,
        first=step.turn == 0,
        stream=stream,
        force=step.force,
        lone=step.lone,
    )
    if isinstance(ticket, Failure):
        return Result(at=clock.now(), failure=ticket), None
    timer = AttemptTimer(clock, task, health.alarms(task), timers, stream=stream)
    outcome: Answer | Failure
    try:
        call = Call(
            body,
            stream,
            ticket.index,
            timers,
            request.id,
            request.arguments,
            request.variables,
            request.kind,
        )
        if stream:
            opened = await _open(provider, call, timer, ticket, step, reading)
            if isinstance(opened, Begun):
                health.began(ticket)
                return _begun_result(clock.now(), opened, reading), opened
            outcome = opened
        else:
            outcome = await provider.ask(call, timer)
    except asyncio.CancelledError:
        if not timer.caught():
            timer.stop()
            health.settle(ticket, failure=Failure(Cause.CALLER_LEFT), took_s=None)
            raise
        outcome = Failure(timer.cause, f"after {clock.now() - timer.started:.1f} s")
    except BaseException:
        timer.stop()
        health.settle(ticket, failure=Failure(Cause.RAISED), took_s=None)
        raise
    timer.stop()
    fault = _fault(outcome, request, body) if isinstance(outcome, Answer) else None
    if isinstance(outcome, Answer) and fault is None:
        return _good(outcome, ticket, timer, health), None
    return _bad(outcome, ticket, timer, health, fault=fault), None


def _fault(answer: Answer, request: Request, body: dict[str, Any]) -> str | None:
    """Return why this is no valid answer to what was asked."""
    if request.kind == EMBED:
        return answers.vector_fault(answer, wanted=len(body["input"]))
    # Only who calls tools can call one that was not offered.
    offered = answers.offered_tools(body) if answer.tool_calls else None
    return answers.fault(answer, offered=offered)


def _good(answer: Answer, ticket: Ticket, timer: AttemptTimer, health: Health) -> Result:
    now = health.clock.now()
    took_s = timer.first_token_s() if ticket.stream else None
    if took_s is None:
        took_s = now - timer.started
    health.settle(ticket, failure=None, took_s=took_s)
    return Result(
        at=now,
        answer=answer,
        sent=True,
        outlet=ticket.name,
        first_token_s=took_s,
        usage=answer.usage,
    )


def _bad(
    outcome: Answer | Failure,
    ticket: Ticket,
    timer: AttemptTimer,
    health: Health,
    *,
    fault: str | None,
) -> Result:
    usage = None
    if isinstance(outcome, Answer):
        failure, usage = Failure(Cause.INVALID_ANSWER, fault or ""), outcome.usage
    else:
        failure = outcome
    health.settle(ticket, failure=failure, took_s=None)
    return Result(
        at=timer.now(),
        failure=failure,
        sent=failure.sent,
        outlet=ticket.name,
        first_token_s=timer.first_token_s(),
        usage=usage,
    )


async def _open(
    provider: Provider,
    call: Call,
    timer: AttemptTimer,
    ticket: Ticket,
    step: Attempt,
    reading: Reading,
) -> Begun | Answer | Failure:
    """Open a stream and read on to its first useful tokens."""
    opened = await provider.stream(call, timer)
    if isinstance(opened, Answer | Failure):
        return opened
    begun = Begun(opened, timer, ticket, Assembly(answers.offered_tools(call.body)))
    useful = 0
    try:
        while not begun.ended and (useful < reading.tokens or reading.goes_on(begun.assembly)):
            item = await opened.next()
            if isinstance(item, Failure) and not begun.assembly.finished:
                await _give_up(begun)
                return item
            if not isinstance(item, Piece):
                begun.ended = True  # if by a failure: the answer was whole, only the goodbye lost
                break
            begun.assembly.feed(item)
            begun.pieces.append(item)
            useful += item.useful
            if begun.assembly.strays:
                await _give_up(begun)
                return Failure(Cause.INVALID_ANSWER, answers.STRAY)
            if _is_too_slow(timer, useful, step.target.timers.floor_tokens_s):
                await _give_up(begun)
                return Failure(Cause.TOO_SLOW, f"{useful} tokens in {FLOOR_AFTER_S:.0f} s")
    except BaseException:
        await _give_up(begun)
        raise
    if begun.ended or begun.assembly.finished:
        # Short enough to be whole before anything was sent: judge it as a whole.
        fault = begun.assembly.fault()
        if fault is not None:
            await _give_up(begun)
            return Failure(Cause.INVALID_ANSWER, fault)
    return begun


async def _give_up(begun: Begun) -> None:
    begun.timer.stop()  # its alarm must not interrupt the closing
    await begun.stream.close()


def _is_too_slow(timer: AttemptTimer, useful: int, floor_tokens_s: float) -> bool:
    if timer.first_token_at is None or floor_tokens_s <= 0:
        return False
    since_s = timer.now() - timer.first_token_at
    return since_s > FLOOR_AFTER_S and useful < floor_tokens_s * since_s


def _begun_result(at: float, begun: Begun, reading: Reading) -> Result:
    assembly = begun.assembly
    whole = assembly.answer() if begun.ended or assembly.finished else None
    return Result(
        at=at,
        answer=whole,
        began=True,
        refusing=assembly.refusing or (reading.chars > 0 and assembly.declines),
        sent=True,
        outlet=begun.ticket.name,
        first_token_s=begun.timer.first_token_s(),
        usage=assembly.usage,
    )
