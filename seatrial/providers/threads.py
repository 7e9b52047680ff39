"""A bounded pool of threads for users' functions.

Its threads are daemons: a function that hangs keeps its place, but not the process.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

# What a user's function may raise.  SystemExit too: it must not end the server.
ANY_ERROR: Final = (Exception, SystemExit)

Outcome = tuple[Any, BaseException | None]
"""What work returned, or what it raised."""


class Threads:
    """Runs work beside the loop, at most `limit` at once.

    Args:
        limit: threads at most; they are made when needed.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._made = 0
        self._busy = 0
        self._closed = False

    def start(self, work: Callable[[], Any]) -> asyncio.Future[Outcome] | None:
        """Begin work in a thread; None when all are busy.

        Cancelling the future gives up the outcome; the place is free when the work ends.
        """
        with self._lock:
            if self._busy >= self._limit or self._closed:
                return None
            self._busy += 1
            if self._busy > self._made:
                self._made += 1
                threading.Thread(target=self._run, name="seatrial-target", daemon=True).start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        context = contextvars.copy_context()

        def run() -> None:
            outcome = context.run(_caught, work)
            with self._lock:
                self._busy -= 1
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(_settle, future, outcome)

        self._work.put(run)
        return future

    def close(self) -> None:
        """Take no more work; threads end when theirs has."""
        with self._lock:
            self._closed = True
            for _ in range(self._made):
                self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def opened(outcome: Outcome) -> Any:
    """Return what work returned, or raise what it raised."""
    value, error = outcome
    if error is None:
        return value
    raise error if isinstance(error, ANY_ERROR) else RuntimeError(type(error).__name__) from error


def _caught(work: Callable[[], Any]) -> Outcome:
    # No future can carry a StopIteration, and none may carry a SystemExit.
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001
        return None, error


def _settle(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
