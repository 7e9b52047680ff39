"""Carries out a plan: the only loop that waits on a request's behalf."""

from __future__ import annotations

from typing import assert_never

from seatrial.engine.attempt import attempt
from seatrial.engine.calling import WHOLE, Lap, call, is_metered, reading_of, settle_last
from seatrial.engine.checking import check_input, check_output, repaired
from seatrial.engine.recalling import recall
from seatrial.engine.restoring import RestoringSink
from seatrial.engine.streaming import drop, pump
from seatrial.engine.together import adopt, let_go, running_for, stop_others, together
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.ports import Sink
from seatrial.reliability.flow import Attempt, Check, Commit, Flow, Together, Wait
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
                case Together():
                    result = await together(step, trail, world)
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
        if trail.running:
            await let_go(trail, world)


async def _attempt(step: Attempt, trail: Trail, world: World) -> Result:
    if trail.begun is not None:
        # Taken away first: whoever interrupts the closing must not have it settled twice.
        unwanted, trail.begun = trail.begun, None
        await drop(unwanted, health=world.health)
        await settle_last(trail, world)
    if trail.running and (running := running_for(step, trail)) is not None:
        return await adopt(running, trail, world)
    started = world.clock.now()
    provider = trail.known.providers.get(step.target.name)
    result: Result | None = None
    lap = Lap()
    try:
        if step.target.kind == "cache":
            result = await recall(trail, world)
        elif provider is None:
            failure = Failure(Cause.TARGET_GONE, "its function is not loaded here", sent=False)
            result = Result(at=started, failure=failure)
        elif is_metered(step.target, trail):
            result = await call(lap, step, trail, world, provider, trail.task)
        else:  # as `call` does it, with one coroutine less to pass through at each event
            body = repaired(trail) if step.repair else trail.body
            result, lap.begun = await attempt(
                step,
                trail.request,
                body,
                provider,
                stream=trail.stream,
                task=trail.task,
                health=world.health,
                reading=reading_of(trail) if trail.stream else WHOLE,
            )
    except Exception as error:
        failure = Failure(Cause.RAISED, f"a {type(error).__name__} that nobody expected")
        result = Result(at=world.clock.now(), failure=failure, sent=True)
        raise
    finally:
        trail.note(step, result, at=started, ended=world.clock.now())
    trail.last, trail.begun = result, lap.begun
    trail.purse, trail.grant = lap.purse, lap.grant
    if trail.begun is None and (lap.purse is not None or lap.grant is not None):
        await settle_last(trail, world)
    return result


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
    stop_others(trail)
    if trail.marks and trail.plan.input is not None and trail.plan.input.settings.restore:
        sink = trail.restoring = RestoringSink(sink, trail.marks)
    result: Result | None = None
    try:
        result = await pump(begun, sink, head, health=world.health, deadline=trail.request.deadline)
    finally:
        trail.note_end(result)
    trail.last = result
    await settle_last(trail, world)
    return result
