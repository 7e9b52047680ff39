"""Virtual time, and how long product code keeps the event loop to itself."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVarTuple

from seatrial.testing.clock import LeapingLoop

WALL_AT_START: Final = 1_790_000_000.0  # a Monday in September 2026
Ts = TypeVarTuple("Ts")
OURS: Final = "task Day."  # what makes things happen, and starts each process


class SimClock:
    """The clock that the application is handed.

    Args:
        loop: whose virtual time it tells.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._loop.time()

    def wall(self) -> float:
        """Return seconds since 1970."""
        return WALL_AT_START + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class Meter:
    """The longest callback, in seconds of the thread's own CPU time.

    What the simulator does in the place of the network, the disk or a thread is taken off.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.worst_name = ""
        self._outside_s = 0.0

    def timed(self, callback: Callable[[*Ts], object]) -> Callable[[*Ts], object]:
        """Return the callback so that its time is taken."""

        def run(*args: *Ts) -> None:
            self._outside_s = 0.0
            began = time.thread_time()
            try:
                callback(*args)
            finally:
                took_s = time.thread_time() - began - self._outside_s
                if took_s > self.worst_s and not (name := _name(callback)).startswith(OURS):
                    self.worst_s = took_s
                    self.worst_name = name

        return run

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Take off what happens meanwhile: it is no work of the product's on the loop."""
        began, before = time.thread_time(), self._outside_s
        try:
            yield
        finally:
            self._outside_s = before + time.thread_time() - began


class MeteredLoop(LeapingLoop):
    """A leaping loop that measures each callback."""

    def __init__(self, meter: Meter, *, start: float = 0.0) -> None:
        self._meter = meter
        super().__init__(start=start)

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Run a callback soon, and take its time."""
        return super().call_soon(self._meter.timed(callback), *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback then, and take its time."""
        return super().call_at(when, self._meter.timed(callback), *args, context=context)


def _name(callback: Callable[..., Any]) -> str:
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"task {getattr(task.get_coro(), '__qualname__', '?')}"
    return getattr(callback, "__qualname__", repr(callback))
