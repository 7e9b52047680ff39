"""A door's side of a stream: events out as they come, comments while it is silent.

Before `begin` nothing leaves, not even the status.
"""

from __future__ import annotations

import asyncio

from seatrial.gateway import openai_out as out
from seatrial.gateway.watch import CallerWatch
from seatrial.gateway.ways import Way
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.decisions import Head

_GRACE_S = 0.25  # promised on top of every deadline


class EventSink:
    """Sends one answer as server-sent events.

    Args:
        way: to the caller.
        watch: dismissed when the caller reads too slowly for the deadline.
        chunks: writes what comes without JSON of its own.
        include_usage: whether the caller wants the usage event.
        left_s: until the deadline, in seconds.
        ping_s: silence after which a comment is sent.
    """

    __slots__ = (
        "_blocked",
        "_chunks",
        "_ended",
        "_first",
        "_handle",
        "_include_usage",
        "_left_s",
        "_loop",
        "_over",
        "_ping_s",
        "_pinger",
        "_quiet",
        "_usage",
        "_usage_sent",
        "_watch",
        "_way",
        "begun",
    )

    def __init__(
        self,
        way: Way,
        watch: CallerWatch,
        chunks: out.Chunks,
        *,
        include_usage: bool,
        left_s: float,
        ping_s: float,
    ) -> None:
        self._way = way
        self._watch = watch
        self._chunks = chunks
        self._include_usage = include_usage
        self._left_s = left_s
        self._ping_s = ping_s
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._pinger: asyncio.TimerHandle | None = None
        self._first = True
        self._quiet = True
        self._blocked = False
        self._over = False
        self._ended = False
        self.begun = False
        self._usage: Usage | None = None
        self._usage_sent = False

    async def begin(self, head: Head) -> None:
        """Send status and headers."""
        self.begun = True
        if head.model:
            self._chunks.name(head.model)
        headers = [*out.STREAM_HEADERS, *out.labels(head)]
        self._handle = self._loop.call_later(self._left_s + _GRACE_S, self._time_is_up)
        self._pinger = self._loop.call_later(self._ping_s, self._ping)
        await self._way.begin(200, headers)

    async def send(self, piece: Piece) -> None:
        """Send one event; returns when there is room for the next."""
        event = self._event(piece)
        if event:
            self._quiet = False
            wait = self._way.put(event)
            if wait is not None:
                self._blocked = True
                await wait
                self._blocked = False

    async def finish(self, tail: tuple[Piece, ...], answer: Answer) -> None:
        """Send the pieces that waited for the record, the usage and the end, in one write."""
        usages = b"".join(self._event(piece) for piece in tail if piece.bare_usage)
        body = b"".join(self._event(piece) for piece in tail if not piece.bare_usage)
        if not self._ended:
            body += self._chunks.piece(Piece(finish_reason=answer.finish_reason))
        body += usages
        usage = self._usage or answer.usage
        if self._include_usage and not self._usage_sent and usage is not None:
            body += self._chunks.usage(usage)
        await self._end(body + out.DONE)

    async def cut(self, error: bytes) -> None:
        """Send the error that ends an incomplete answer: no `[DONE]` follows."""
        await self._end(b"data: %b\n\n" % error)

    async def _end(self, body: bytes) -> None:
        self.stop(keep_deadline=True)
        wait = self._way.put(body, last=True)
        if wait is not None:
            self._blocked = True
            await wait
            self._blocked = False
        self.stop()

    def stop(self, *, keep_deadline: bool = False) -> None:
        """Send no more comments; call it whatever happened."""
        self._over = True
        if self._pinger is not None:
            self._pinger.cancel()
            self._pinger = None
        if self._handle is not None and not keep_deadline:
            self._handle.cancel()
            self._handle = None

    def _event(self, piece: Piece) -> bytes:
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.finish_reason is not None:
            self._ended = True
        data = piece.data
        if not data:
            return self._written(piece)
        if piece.bare_usage:
            if not self._include_usage:
                return b""
            self._usage_sent = True
        if self._first:
            self._first = False
            self._chunks.adopt(data)
            opening = b"" if self._chunks.role_sent else self._chunks.role()
        else:
            opening = b""
        # A line end inside JSON is only ever white space; in an event it would end the line.
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        return b"%bdata: %b\n\n" % (opening, data)

    def _written(self, piece: Piece) -> bytes:
        self._first = False
        if piece.useful or piece.finish_reason:
            return self._chunks.piece(piece)
        return b""

    def _ping(self) -> None:
        if self._quiet and not self._blocked and not self._over:
            self._loop.create_task(self._comment())
        self._quiet = True
        if not self._over:
            self._pinger = self._loop.call_later(self._ping_s, self._ping)

    async def _comment(self) -> None:
        if not self._over and not self._blocked:
            wait = self._way.put(out.PING)
            if wait is not None:
                await wait

    def _time_is_up(self) -> None:
        """Let go of a caller who does not read; the engine ends all others by itself."""
        if self._blocked:
            self._watch.dismiss()
        else:
            self._handle = self._loop.call_later(_GRACE_S, self._time_is_up)
