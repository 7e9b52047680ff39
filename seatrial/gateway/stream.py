"""A door's side of a stream: events out as they come, something small while it is silent.

Before `begin` nothing leaves, not even the status.
"""

from __future__ import annotations

import asyncio

from seatrial.gateway import openai_out as out
from seatrial.gateway.dialect import Writer
from seatrial.gateway.faults import Shown
from seatrial.gateway.watch import CallerWatch
from seatrial.gateway.ways import Way
from seatrial.values.chat import Answer, Piece
from seatrial.values.decisions import Head

_GRACE_S = 0.25  # promised on top of every deadline


class EventSink:
    """Sends one answer as server-sent events.

    Args:
        way: to the caller.
        watch: dismissed when the caller reads too slowly for the deadline.
        writer: writes the events, in the caller's dialect.
        left_s: until the deadline, in seconds.
        ping_s: silence after which a sign of life is sent.
    """

    __slots__ = (
        "_blocked",
        "_handle",
        "_left_s",
        "_loop",
        "_over",
        "_ping_s",
        "_pinger",
        "_quiet",
        "_watch",
        "_way",
        "_writer",
        "begun",
    )

    def __init__(
        self, way: Way, watch: CallerWatch, writer: Writer, *, left_s: float, ping_s: float
    ) -> None:
        self._way = way
        self._watch = watch
        self._writer = writer
        self._left_s = left_s
        self._ping_s = ping_s
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._pinger: asyncio.TimerHandle | None = None
        self._quiet = True
        self._blocked = False
        self._over = False
        self.begun = False

    async def begin(self, head: Head) -> None:
        """Send status and headers."""
        self.begun = True
        if head.model:
            self._writer.name(head.model)
        headers = [*out.STREAM_HEADERS, *out.labels(head)]
        self._handle = self._loop.call_later(self._left_s + _GRACE_S, self._time_is_up)
        self._pinger = self._loop.call_later(self._ping_s, self._ping)
        await self._way.begin(200, headers)

    async def send(self, piece: Piece) -> None:
        """Send one piece; returns when there is room for the next."""
        events = self._writer.piece(piece)
        if events:
            self._quiet = False
            wait = self._way.put(events)
            if wait is not None:
                self._blocked = True
                await wait
                self._blocked = False

    async def finish(self, tail: tuple[Piece, ...], answer: Answer) -> None:
        """Send the pieces that waited for the record, and the end, in one write."""
        await self._end(self._writer.finish(tail, answer))

    async def cut(self, shown: Shown) -> None:
        """Send the error that ends an incomplete answer, and no proper end."""
        await self._end(self._writer.cut(shown))

    async def _end(self, body: bytes) -> None:
        self.stop(keep_deadline=True)
        wait = self._way.put(body, last=True)
        if wait is not None:
            self._blocked = True
            await wait
            self._blocked = False
        self.stop()

    def stop(self, *, keep_deadline: bool = False) -> None:
        """Send no more signs of life; call it whatever happened."""
        self._over = True
        if self._pinger is not None:
            self._pinger.cancel()
            self._pinger = None
        if self._handle is not None and not keep_deadline:
            self._handle.cancel()
            self._handle = None

    def _ping(self) -> None:
        if self._quiet and not self._blocked and not self._over:
            self._loop.create_task(self._comment())
        self._quiet = True
        if not self._over:
            self._pinger = self._loop.call_later(self._ping_s, self._ping)

    async def _comment(self) -> None:
        if not self._over and not self._blocked:
            wait = self._way.put(self._writer.ping)
            if wait is not None:
                await wait

    def _time_is_up(self) -> None:
        """Let go of a caller who does not read; the engine ends all others by itself."""
        if self._blocked:
            self._watch.dismiss()
        else:
            self._handle = self._loop.call_later(_GRACE_S, self._time_is_up)
