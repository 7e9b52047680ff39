"""Who waits for a record to be durable, and for how long."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from seatrial.ports import Sealed

GATHER_S: Final = 0.005  # a group commit of a few milliseconds, under load
CROWD: Final = 4  # who waits alone, or with two or three others, is served at once


class Desk:
    """Where the tasks of one event loop wait.

    One timer serves all who wait, and one wake-up of the loop answers a whole batch.

    Args:
        loop: the event loop; `seat` is called on it, `answer` from any thread.
        late: called for each one whose patience ended.
        pass_on: takes the records that gathered.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        late: Callable[[], None],
        pass_on: Callable[[list[Entry]], None],
    ) -> None:
        self.loop = loop
        self._late = late
        self._pass_on = pass_on
        self._gathered: list[Entry] = []
        self._next_at = 0.0
        self._waiting = 0
        # By patience, so that each row is in order of its deadlines.
        self._rows: dict[float, deque[tuple[float, asyncio.Future[bool]]]] = {}

    def seat(self, patience_s: float) -> asyncio.Future[bool]:
        """Return a future that says whether the record is durable; False once patience ends."""
        future = self.loop.create_future()
        deadline = self.loop.time() + patience_s
        row = self._rows.get(patience_s)
        if row is None:
            row = self._rows[patience_s] = deque()
        if not row:
            self.loop.call_at(deadline, self._sweep, row)
        row.append((deadline, future))
        return future

    def gather(self, entry: Entry) -> None:
        """Hold a record until its neighbours have come.

        That is the end of this turn of the loop, or a moment later while many wait.  To wake
        another thread for each record would cost more than all the rest of its way.
        """
        self._gathered.append(entry)
        self._waiting += 1
        if len(self._gathered) == 1:
            wait_s = self._next_at - self.loop.time() if self._waiting >= CROWD else 0.0
            if wait_s <= 0:
                self.loop.call_soon(self.hand_over)
            else:
                self.loop.call_later(wait_s, self.hand_over)

    def hand_over(self) -> None:
        """Pass on what has gathered."""
        if self._gathered:
            self._next_at = self.loop.time() + GATHER_S
            gathered, self._gathered = self._gathered, []
            self._pass_on(gathered)

    def answer(self, futures: Sequence[asyncio.Future[bool]], durable: bool) -> None:
        """Tell them, from any thread; a loop that is gone has nobody waiting."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._answer, futures, durable)

    def _answer(self, futures: Sequence[asyncio.Future[bool]], durable: bool) -> None:
        self._waiting -= len(futures)
        for future in futures:
            if not future.done():
                future.set_result(durable)

    def _sweep(self, row: deque[tuple[float, asyncio.Future[bool]]]) -> None:
        now = self.loop.time()
        while row:
            deadline, future = row[0]
            if not future.done():
                if deadline > now:
                    self.loop.call_at(deadline, self._sweep, row)
                    return
                self._late()
                future.set_result(False)
            row.popleft()


class Entry:
    """A record on its way, and who waits for it."""

    __slots__ = ("desk", "future", "sealed", "sync")

    def __init__(
        self,
        sealed: Sealed,
        sync: bool = False,
        desk: Desk | None = None,
        future: asyncio.Future[bool] | None = None,
    ) -> None:
        self.sealed = sealed
        self.sync = sync
        self.desk = desk
        self.future = future


def tell(entries: Sequence[Entry], durable: bool) -> None:
    """Answer all who wait for these records, with one wake-up per event loop."""
    desks: dict[Desk, list[asyncio.Future[bool]]] = {}
    for entry in entries:
        if entry.future is not None and entry.desk is not None:
            desks.setdefault(entry.desk, []).append(entry.future)
    for desk, futures in desks.items():
        desk.answer(futures, durable)
