"""Owns every background task: each has a name, is restarted when it fails, and is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

RESTART_AFTER_S: Final = 1.0
RESTART_CAP_S: Final = 60.0

Report = Callable[[str, BaseException], None]
"""Told the name of a job and what it raised."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again.

    Args:
        name: for logs.
        run: does it once.
        every_s: from the end of one run to the start of the next, in seconds.
        at_once: whether the first run comes right at the start.
        longest_pause_s: after failures, before it is tried again.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    every_s: float
    at_once: bool = True
    longest_pause_s: float = RESTART_CAP_S


class Supervisor:
    """Runs jobs until it is closed.

    Args:
        report: told when a job raises; the job goes on after a growing pause.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, job: Job) -> None:
        """Start a job on the running loop."""
        self._tasks.append(asyncio.create_task(self._keep_running(job), name=job.name))

    async def close(self) -> None:
        """Stop every job and wait until it has ended; those of a loop that is gone have."""
        here = asyncio.get_running_loop()
        mine = [task for task in self._tasks if task.get_loop() is here]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        self._tasks.clear()

    async def _keep_running(self, job: Job) -> None:
        failures = 0
        if not job.at_once:
            await asyncio.sleep(job.every_s)
        while True:
            try:
                await job.run()
                failures = 0
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                self._report(job.name, error)  # not us: what it waited for was cancelled
                failures += 1
            except Exception as error:  # noqa: BLE001 - the one place that keeps such work alive
                self._report(job.name, error)
                failures += 1
            pause_s = min(job.longest_pause_s, RESTART_AFTER_S * 2 ** min(failures, 10))
            await asyncio.sleep(max(job.every_s, pause_s) if failures else job.every_s)
