"""Carries out a plan: the only loop that waits on a request's behalf."""

from __future__ import annotations

from typing import assert_never

from seatrial.engine.attempt import Reading, attempt
from seatrial.engine.checking import check_input, check_output, repaired
from seatrial.engine.recalling import recall
from seatrial.engine.restoring import RestoringSink
from seatrial.engine.spending import GRACE_S, reserve, settle
from seatrial.engine.streaming import drop, pump
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.ports import Provider, Sink
from seatrial.reliability.checks.refusals import HEAD_CHARS
from seatrial.reliability.flow import Attempt, Check, Commit, Flow, Wait
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.decisions import Decision, Head, Kind


async def perform(flow: Flow, trail: Trail, *, world: World, sink: Sink | None) -> Decision:
    """Carry out a plan step by step; return its decision."""
    try:
        step = next(flow)
        result = Result(at=trail.started)
        while True:
            match step:
                case Attempt():
                    result = await _attempt(step, trail, world)
                case Wait(seconds):
                    await world.clock.sleep(seconds)
                    result = Result(at=world.clock.now())
                case Commit():
                    result = await _commit(trail, world, sink)
                case Check(side="input"):
                    result = await check_input(trail, world)
                case Check():
                    result = await check_output(trail, world, result)
                case _:
                    assert_never(step)
            step = flow.send(result)
    except StopIteration as done:
        decision: Decision = done.value
        return decision
    finally:
        if trail.begun is not None and not trail.committed:
            await drop(trail.begun, health=world.health)


async def _attempt(step: Attempt, trail: Trail, world: World) -> Result:
    if trail.begun is not None:
        # Taken away first: whoever interrupts the closing must not have it settled twice.
        unwanted, trail.begun = trail.begun, None
        await drop(unwanted, health=world.health)
        await _settle(trail, world)
    started = world.clock.now()
    provider = trail.known.providers.get(step.target.name)
    result: Result | None = None
    try:
        if step.target.kind == "cache":
            result = await recall(trail, world)
        elif provider is None:
            failure = Failure(Cause.TARGET_GONE, "its function is not loaded here", sent=False)
            result = Result(at=started, failure=failure)
        else:
            result = await _call(step, trail, world, provider)
    except Exception as error:
        failure = Failure(Cause.RAISED, f"a {type(error).__name__} that nobody expected")
        result = Result(at=world.clock.now(), failure=failure, sent=True)
        raise
    finally:
        trail.note(step, result, at=started, ended=world.clock.now())
    trail.last = result
    if trail.begun is None:
        await _settle(trail, world)
    return result


async def _settle(trail: Trail, world: World) -> None:
    """Put what an attempt used in place of what was reserved for it."""
    await settle(trail, world)
    if trail.grant is not None and trail.last is not None:
        grant, trail.grant = trail.grant, None
        await world.grants.settle(grant, trail.last.usage, sent=trail.last.sent)


async def _call(step: Attempt, trail: Trail, world: World, provider: Provider) -> Result:
    """Call a target, within what may be spent."""
    body = repaired(trail) if step.repair else trail.body
    purse = await reserve(step, trail, body, world)
    if isinstance(purse, Failure):
        return Result(at=world.clock.now(), failure=purse)
    trail.purse = purse
    grant = await world.grants.take(
        f"{trail.request.id}.{len(trail.attempts)}",
        step.target,
        body,
        outlets=len(provider.outlets),
        lease_s=step.timers.total_s + GRACE_S,
    )
    if isinstance(grant, Failure):
        return Result(at=world.clock.now(), failure=grant)
    trail.grant = grant
    result, trail.begun = await attempt(
        step,
        trail.request,
        purse.body,
        provider,
        stream=trail.stream,
        task=trail.task,
        health=world.health,
        reading=_reading(trail),
    )
    return result


def _reading(trail: Trail) -> Reading:
    """Return how far a stream is read before any of it is handed over."""
    policy, output = trail.plan.policy, trail.plan.output
    chars = HEAD_CHARS if policy.on_refusal != "return" else 0
    checked = output is not None and output.settings.stream == "hold"
    tool_calls = checked and output is not None and output.settings.tools == "refuse"
    return Reading(policy.buffer_tokens, chars, tool_calls)


async def _commit(trail: Trail, world: World, sink: Sink | None) -> Result:
    begun = trail.begun
    if begun is None or sink is None:
        raise RuntimeError("a plan may only commit a stream that began for a streaming caller")
    latest = trail.attempts[-1]
    head = Head(
        trail.request.id,
        trail.plan.release,
        Kind.DEGRADED if latest.tier else Kind.ANSWER,
        latest.target,
        latest.tier,
        rate=trail.rate,
    )
    trail.committed = True
    if trail.marks and trail.plan.input is not None and trail.plan.input.settings.restore:
        sink = trail.restoring = RestoringSink(sink, trail.marks)
    result: Result | None = None
    try:
        result = await pump(begun, sink, head, health=world.health, deadline=trail.request.deadline)
    finally:
        trail.note_end(result)
    trail.last = result
    await _settle(trail, world)
    return result
