"""Timers wait in slots, and cost no alarm of the loop before their time is near."""

from __future__ import annotations

import asyncio
from typing import cast

from seatrial.engine.timer import SLOT_S, Alarms, AttemptTimer
from seatrial.testing.clock import run
from seatrial.values.attempts import Cause, Timers


class LoopClock:
    """Tells the time of the running loop."""

    def now(self) -> float:
        """Return its seconds."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """Return the same."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Return after so long."""
        await asyncio.sleep(seconds)


async def hang(alarms: Alarms, limit_s: float) -> tuple[float, Cause | None]:
    """Wait for ever under a timer; return when it ended that, and by what limit."""
    timers = Timers(limit_s, limit_s, limit_s, limit_s, limit_s)
    timer = AttemptTimer(LoopClock(), asyncio.current_task(), alarms, timers, stream=False)
    try:
        await asyncio.sleep(1e6)
    except asyncio.CancelledError:
        assert timer.caught()
    return round(LoopClock().now() - timer.started, 6), timer.fired


def test_each_timer_rings_at_its_own_time() -> None:
    """Within a slot, across several, and two in one."""
    limits = [0.01, SLOT_S, 0.6, 0.61, 7.3]

    async def scene() -> None:
        alarms = Alarms(asyncio.get_running_loop())
        await asyncio.sleep(0.1)
        ended = await asyncio.gather(*(hang(alarms, limit_s) for limit_s in limits))

        assert [(limit_s, Cause.TOTAL_TIMEOUT) for limit_s in limits] == ended

    run(scene())


class CountingLoop:
    """Counts the alarms that are set, and lets none ring."""

    def __init__(self) -> None:
        self.count = 0

    def call_later(self, delay_s: float, work: object, *args: object) -> None:
        """Count one."""
        self.count += 1


def test_many_timers_cost_one_alarm() -> None:
    """Those that are stopped in time leave nothing behind that could ring."""
    counting = CountingLoop()

    async def scene() -> None:
        alarms = Alarms(cast("asyncio.AbstractEventLoop", counting))
        timers = [
            AttemptTimer(LoopClock(), None, alarms, Timers(total_s=60.0), stream=False)
            for _ in range(100)
        ]
        for timer in timers:
            timer.stop()
        alarms._ring(int(60.0 / SLOT_S))
        assert {None} == {timer.fired for timer in timers}

    run(scene())
    assert counting.count == 1
