"""A leaping clock: asyncio code in virtual time, an hour of sleeping in a millisecond.

The loop runs every task that can run.  Once all of them sleep, time leaps to the next alarm.
Nothing is faked but time: sockets and threads still work, and while a thread works for the loop,
time stands still.  Code under it must read its time from the loop, or from a clock it is handed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import selectors
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar, TypeVarTuple

from seatrial.errors import Misuse

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# How long real time may pass before virtual time does: while a thread works for the loop, or a
# socket is all that can wake it; while alarms are set beside sockets; while somebody's own thread
# may wake it.
PATIENCE_S: Final = 30.0
SOCKET_S: Final = 0.001
STRANGER_S: Final = 1.0


class AsleepForEver(Misuse):
    """Every task waits for something that nobody will do: a deadlock."""

    code = "asleep_for_ever"


class _LeapingSelector(selectors.BaseSelector):
    """Looks at the real sockets without waiting, and leaps instead of sleeping."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.loop: LeapingLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Give what is ready; if nothing is, let `timeout` seconds of virtual time pass."""
        ready = self._real.select(0)
        if ready or self.loop is None or (timeout is not None and timeout <= 0):
            return ready
        wait_s = self.loop.real_wait_s(timeout)
        if wait_s:
            ready = self._real.select(wait_s)
            if ready:
                return ready
        if timeout is None:
            raise AsleepForEver(
                "Every task is asleep, and nothing will wake one.",
                why=_waiting(self.loop),
                fix="Look for an event that is never set, or a queue that nobody fills.",
            )
        self.loop.leap(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a real descriptor."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a real descriptor."""
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a real descriptor for something else."""
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Give what is watched."""
        return self._real.get_map()

    def close(self) -> None:
        """Stop watching everything."""
        self._real.close()


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual.

    Args:
        start: what `time()` gives at first, in seconds.

    >>> loop = LeapingLoop(start=100.0)
    >>> loop.run_until_complete(asyncio.sleep(3600))
    >>> loop.time()
    3700.0
    >>> loop.close()
    """

    def __init__(self, *, start: float = 0.0) -> None:
        self._now_s = start
        self._threads_at_work = 0
        selector = _LeapingSelector()
        super().__init__(selector)
        # What the loop itself watches, to be woken by threads, is no work from outside.
        self._own_watches = len(selector.get_map())
        self._watched = selector
        self._set_resolution()
        selector.loop = self

    def time(self) -> float:
        """Give the virtual time, in seconds."""
        return self._now_s

    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        self._set_resolution()

    def _set_resolution(self) -> None:
        # asyncio rings what is due *before* now + resolution.  Late in time a nanosecond is lost
        # to rounding, and an alarm due exactly now would never ring.
        self._clock_resolution = max(1e-9, 2 * math.ulp(self._now_s))

    def real_wait_s(self, timeout: float | None) -> float:
        """Give how long real time may pass before virtual time does: something may wake us."""
        if self._threads_at_work:
            return PATIENCE_S
        watching = len(self._watched.get_map()) > self._own_watches
        if timeout is not None:
            return SOCKET_S if watching else 0.0
        if watching:
            return PATIENCE_S
        # Somebody's own thread may be about to call `call_soon_threadsafe`.
        return STRANGER_S if threading.active_count() > 1 else 0.0

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Run a function in a thread; time stands still until it is done."""
        self._threads_at_work += 1
        try:
            future = super().run_in_executor(executor, func, *args)
        except BaseException:
            self._threads_at_work -= 1
            raise
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, future: asyncio.Future[Any]) -> None:
        self._threads_at_work -= 1


def _waiting(loop: LeapingLoop) -> str:
    names = sorted(
        f"{task.get_name()} in {getattr(task.get_coro(), '__qualname__', '?')}"
        for task in asyncio.all_tasks(loop)
    )
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"At {loop.time():g} s these wait: {shown or 'no task at all'}."


def run(main: Coroutine[Any, Any, T], *, start: float = 0.0) -> T:
    """Run a coroutine in virtual time, and give its result.

    Args:
        main: the coroutine.
        start: what the loop's `time()` gives at first, in seconds.

    Raises:
        AsleepForEver: once every task waits for something that nobody will do.

    >>> async def nap():
    ...     await asyncio.sleep(86_400)
    ...     return asyncio.get_running_loop().time()
    >>> run(nap())
    86400.0
    """
    with asyncio.Runner(loop_factory=lambda: LeapingLoop(start=start)) as runner:
        return runner.run(main)


__all__ = ["AsleepForEver", "LeapingLoop", "run"]
