"""A reply on its way in: what came of it, and how it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol

from seatrial.ports import TransportError
from seatrial.providers.inflating import STEP_BYTES, Inflater, NotPacked
from seatrial.providers.wire import troubles
from seatrial.values.attempts import Cause, Failure

READ_AHEAD_BYTES: Final = 256 * 1024


class Line(Protocol):
    """The connection a reply comes over, as the reply knows it."""

    paused: bool
    """Whether it lets no more come."""

    def resume(self) -> None:
        """Let more come."""

    def abort(self) -> None:
        """Hang up at once."""


class WireReply:
    """A reply whose headers are here; it iterates over its own body.

    The connection fills it in (`take`, `end`, `fail`); one reader empties it.  Once it has
    ended it knows its connection no more: that may be another request's by then.

    Args:
        line: the connection.
        loop: the reader's.
    """

    __slots__ = (
        "_failure",
        "_headers",
        "_limit",
        "_line",
        "_loop",
        "_parts",
        "_taken",
        "_waiter",
        "_wanted",
        "ceiling",
        "held",
        "raw",
        "status",
        "whole",
    )

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0  # until the headers are here
        self.raw: dict[bytes, bytes] = {}
        self.whole = False
        self.held = 0
        """Bytes that lie here unread."""
        self.ceiling = READ_AHEAD_BYTES
        """Above it the connection lets no more come."""
        self._line: Line | None = line
        self._loop = loop
        self._headers: Mapping[str, str] | None = None
        self._failure: Failure | None = None
        self._parts: list[bytes] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._limit = 0
        self._taken = 0

    # --- the connection's side ---------------------------------------------------------

    def take(self, part: bytes) -> None:
        """Take some of the body."""
        self._parts.append(part)
        self.held += len(part)

    def notify(self) -> None:
        """Wake the reader if there is what it waits for."""
        waiter = self._waiter
        if waiter is not None and self.status and self.held >= self._wanted:
            self._waiter = None  # as `_wake`: this is for every event
            if not waiter.done():
                waiter.set_result(None)

    def end(self) -> None:
        """Note that the body is whole, and forget the connection."""
        self.whole = True
        self._line = None
        if self._waiter is not None:
            self._wake()

    def fail(self, failure: Failure) -> None:
        """Note that no more comes, and forget the connection."""
        self._failure = failure
        self._line = None
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # --- the reader's side -------------------------------------------------------------

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case; of two with one name the first."""
        if self._headers is None:
            self._headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw.items()
            }
        return self._headers

    async def arrive(self) -> None:
        """Return once the headers are here; raise `TransportError`."""
        while not self.status:
            if self._failure is not None:
                raise TransportError(self._failure)
            waiter = self._waiter = self._loop.create_future()
            try:  # as `_more`, which would cost each request a coroutine
                await waiter
            except asyncio.CancelledError:
                self.close()
                raise

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated; raise `TransportError` beyond `limit` bytes."""
        if b"content-encoding" in self.raw and self._coding:
            return b"".join([part async for part in self._unpacked(limit)])
        if not self.whole:
            self._refuse_promise(limit)
            self.ceiling, self._wanted = limit, limit + 1
            self._go_on()
            while self._is_under_way() and self.held <= limit:
                await self._more()
        if self.held > limit:
            raise self._cut(troubles.TOO_LARGE)
        if self._failure is not None:
            raise TransportError(self._failure)
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes; raise `TransportError` beyond `limit` bytes."""
        if self._coding:
            return self._unpacked(limit)
        return self._sent(limit)

    def close(self) -> None:
        """Let go: back to the pool if the body came to its clean end, else cut."""
        if self._line is not None:
            self._cut(troubles.LET_GO, Cause.CONNECTION_LOST)

    def __aiter__(self) -> WireReply:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._failure is not None:
                raise TransportError(self._failure)
            if self.whole:
                raise StopAsyncIteration
            self._wanted = 1
            waiter = self._waiter = self._loop.create_future()
            try:  # as `_more`, which would cost each event of a stream a coroutine
                await waiter
            except asyncio.CancelledError:
                self.close()
                raise
        parts, self._parts = self._parts, []
        self._taken += self.held
        self.held = 0
        if self._taken > self._limit:
            raise self._cut(troubles.TOO_LARGE)
        if self._line is not None and self._line.paused:
            self._line.resume()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _sent(self, limit: int) -> WireReply:
        self._limit = limit
        self._refuse_promise(limit)
        return self

    async def _unpacked(self, limit: int) -> AsyncIterator[bytes]:
        size = 0
        try:
            inflater = Inflater(self._coding)
            async for chunk in self._sent(limit):
                packed, plain = chunk, b""
                while packed or len(plain) == STEP_BYTES:
                    plain = inflater.feed(packed)
                    packed = inflater.more
                    size += len(plain)
                    if size > limit:
                        raise self._cut(troubles.TOO_LARGE)
                    if plain:
                        yield plain
            inflater.end()
        except NotPacked as error:
            raise self._cut(troubles.NOT_PACKED) from error

    @property
    def _coding(self) -> str:
        coding = self.raw.get(b"content-encoding", b"identity")
        return "" if coding == b"identity" else coding.decode("latin-1")

    def _refuse_promise(self, limit: int) -> None:
        promised = self.raw.get(b"content-length", b"")
        if promised.isdigit() and int(promised) > limit:
            self._cut(troubles.TOO_LARGE)

    def _is_under_way(self) -> bool:
        return not self.whole and self._failure is None

    async def _more(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.close()
            raise

    def _go_on(self) -> None:
        if self._line is not None:
            self._line.resume()

    def _cut(self, reason: str, cause: Cause = Cause.INVALID_ANSWER) -> TransportError:
        """Hang up unless the other side is through, and drop what is here."""
        line, self._line = self._line, None
        if line is not None:
            line.abort()
        self._failure = Failure(cause, reason, status=self.status or None)
        self._parts.clear()
        self.held = 0
        return TransportError(self._failure)
