"""`python -m tests.wire.metered serve ...`: Seatrial with a meter of its event loop beside it.

SIGUSR1 prints the longest time that the loop was held since the last time, as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time

from seatrial.cli import main
from seatrial.gateway.serve import Gateway

BEAT_S = 0.002


class Meter:
    """Beats on the loop, and notes how late a beat was while this process was computing.

    Time in which other processes had the processor does not count: what counts is a callback
    that does not end, and a thread that does not let the loop in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._worst_s = 0.0
        self._due = self._spent = 0.0
        loop.add_signal_handler(signal.SIGUSR1, self.tell)
        self._next()

    def tell(self) -> None:
        """Print the worst, and forget it."""
        told = {"event": "meter", "held_s": round(self._worst_s, 4)}
        print(json.dumps(told), flush=True)  # noqa: T201 - for the test that started this process
        self._worst_s = 0.0

    def _next(self) -> None:
        self._due = time.perf_counter() + BEAT_S
        self._spent = time.process_time()
        self._loop.call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        late_s = time.perf_counter() - self._due
        self._worst_s = max(self._worst_s, min(late_s, time.process_time() - self._spent))
        self._next()


def watch_gateways() -> None:
    """Have every gateway of this process start with a meter."""
    start = Gateway.start

    async def metered(gateway: Gateway) -> None:
        await start(gateway)
        Meter(asyncio.get_running_loop())

    Gateway.start = metered  # type: ignore[method-assign]  # for this process alone


if __name__ == "__main__":
    watch_gateways()
    main()
