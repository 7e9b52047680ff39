"""Two targets at once: the second is asked while the first is slow, and the faster one answers.

Each call runs in a task of its own.  The one that was overtaken goes on until there is a
decision: if that of the faster one falls through, nothing is lost.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from seatrial.engine.calling import Lap, call, settle_last
from seatrial.engine.streaming import drop
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.reliability.flow import Attempt, Together
from seatrial.reliability.hedging import HedgeBudget
from seatrial.values.attempts import Cause, Failure, Result

CLOSING_S: Final = 1.0  # for a call that is stopped


class Running:
    """One call in a task of its own.

    Args:
        step: what is asked of whom.
        trail: of the request.
        world: clock, health, counters.
    """

    def __init__(self, step: Attempt, trail: Trail, world: World) -> None:
        self.step = step
        self.lap = Lap()
        self.started = self.ended = world.clock.now()
        self.stopped = False
        self.task = asyncio.create_task(self._run(trail, world))

    async def _run(self, trail: Trail, world: World) -> None:
        provider = trail.known.providers.get(self.step.target.name)
        try:
            if provider is None:
                failure = Failure(Cause.TARGET_GONE, "its function is not loaded here", sent=False)
                self.lap.result = Result(at=self.started, failure=failure)
                return
            task = asyncio.current_task()
            self.lap.result = await call(self.lap, self.step, trail, world, provider, task)
        except Exception as error:
            failure = Failure(Cause.RAISED, f"a {type(error).__name__} that nobody expected")
            self.lap.result = Result(at=world.clock.now(), failure=failure, sent=True)
            raise
        finally:
            self.ended = world.clock.now()

    @property
    def useful(self) -> bool:
        """Whether it has an answer, or a stream that has begun."""
        result = self.lap.result
        return result is not None and (result.answer is not None or result.began)

    @property
    def failed(self) -> bool:
        """Whether it has ended in vain, or its stream waited until its time had passed."""
        begun = self.lap.begun
        late = begun is not None and begun.timer.fired is not None
        return self.task.done() and (late or not self.useful)

    def stop(self) -> None:
        """End it, if it has not ended; nobody wants it any more."""
        self.stopped = True
        self.task.cancel()


async def together(step: Together, trail: Trail, world: World) -> Result:
    """Make one attempt, and another one besides when the first is slow."""
    budget = world.hedges.setdefault(trail.plan.feature, HedgeBudget())
    budget.earn(trail.plan.hedge.share if trail.plan.hedge else 0.0)
    first = _start(step.first, trail, world)
    await asyncio.wait({first.task}, timeout=step.after_s)
    if not first.task.done() and budget.spend():
        second = _start(step.second, trail, world)
        await asyncio.wait({first.task, second.task}, return_when=asyncio.FIRST_COMPLETED)
        if not first.task.done() and second.useful:
            result = await adopt(second, trail, world)
            return msgspec.structs.replace(result, hedged=result.failure is None)
    return await adopt(first, trail, world)


def running_for(step: Attempt, trail: Trail) -> Running | None:
    """Return the call that runs already for an attempt that the plan asks for now."""
    for running in trail.running:
        if running.step.target.name == step.target.name and not running.stopped:
            return None if running.failed and running.step.purpose else running
    return None


async def adopt(running: Running, trail: Trail, world: World) -> Result:
    """Wait for a call, and go on with it as if it were the only one."""
    await asyncio.wait({running.task})
    trail.running.remove(running)
    lap, result = running.lap, running.lap.result
    if lap.begun is not None and lap.begun.timer.fired is not None:
        # Its time ended while nobody listened.
        cause = lap.begun.timer.fired
        await drop(lap.begun, health=world.health)
        lap.begun, result = None, Result(world.clock.now(), failure=Failure(cause), sent=True)
    trail.note(running.step, result, at=running.started, ended=running.ended)
    running.task.result()  # raises what it raised
    assert result is not None  # noqa: S101 - it ended, and was not stopped
    trail.last, trail.begun = result, lap.begun
    trail.purse, trail.grant = lap.purse, lap.grant
    if lap.begun is not None:
        lap.begun.timer.move_to(trail.task)
    else:
        await settle_last(trail, world)
    if result.failure is None and not running.step.purpose:
        stop_others(trail)
    return result


def stop_others(trail: Trail) -> None:
    """Stop the calls that nobody waits for; they are booked once there is a decision."""
    for running in trail.running:
        running.stop()


async def let_go(trail: Trail, world: World) -> None:
    """Stop the calls that are left, and book what they cost."""
    stop_others(trail)
    await asyncio.wait({each.task for each in trail.running}, timeout=CLOSING_S)
    last, begun = trail.last, trail.begun
    trail.answering = len(trail.attempts) - 1
    left = trail.task is not None and trail.task.cancelling() > 0
    while trail.running:
        running = trail.running.pop()
        lap = running.lap
        if lap.begun is not None:
            await drop(lap.begun, health=world.health)
        if running.task.done() and not running.task.cancelled():
            running.task.exception()  # seen, so that nobody logs it as lost
        cause = Cause.CALLER_LEFT if left else Cause.OVERTAKEN
        trail.last = _unneeded(running, Failure(cause), world)
        trail.note(running.step, trail.last, at=running.started, ended=running.ended)
        trail.purse, trail.grant = lap.purse, lap.grant
        await settle_last(trail, world)
    trail.last, trail.begun = last, begun


def _start(step: Attempt, trail: Trail, world: World) -> Running:
    running = Running(step, trail, world)
    trail.running.append(running)
    return running


def _unneeded(running: Running, failure: Failure, world: World) -> Result:
    """Return the account of a call whose answer nobody needed."""
    result = running.lap.result
    if result is not None and not running.useful:
        return result
    if result is None:
        sent = running.lap.purse is not None
        return Result(world.clock.now(), failure=failure, sent=sent)
    return msgspec.structs.replace(result, answer=None, began=False, failure=failure)
