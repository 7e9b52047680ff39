"""One request on a connection of ours: its body on the way in, its answer on the way out.

It is ASGI's `receive` and `send` for any application, and a shorter way for the doors,
which know that it is one.  Nothing here decides what is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, Protocol

from seatrial.gateway.opening import CHUNKED, CLOSE, opening_of
from seatrial.gateway.scopes import Asgi, Headers, HttpScope, Message
from seatrial.gateway.ways import Gone

HELD_BYTES: Final = 64 * 1024
"""A body of which so much lies unread lets no more come."""
# Below it one write of head and body together is cheaper than two.
SMALL_BODY_BYTES: Final = 64 * 1024

_BODILESS: Final = frozenset({204, 304})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_DISCONNECT: Final = "http.disconnect"


class Line(Protocol):
    """The connection, as a turn knows it."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    @property
    def date(self) -> bytes:
        """The header line with the time of day."""

    @property
    def full(self) -> bool:
        """Whether more than enough waits to be read by the caller."""

    async def drain(self) -> None:
        """Return when there is room again, or nobody to read."""

    def hold(self) -> None:
        """Let no more come."""

    def resume(self) -> None:
        """Let more come."""

    def answered(self) -> None:
        """Go on with what comes next."""


class Turn:
    """A request and its answer.

    Args:
        line: the connection.
        method: of the request.
        old: the caller speaks HTTP/1.0, which knows no chunks.
        keep_alive: whether another request may follow; never for the old.
        expects: whether the caller waits to be told that the body is wanted.
    """

    __slots__ = (
        "_chunked",
        "_due",
        "_expects",
        "_gone",
        "_held",
        "_line",
        "_mute",
        "_old",
        "_opening",
        "_parts",
        "_told",
        "_waiter",
        "came",
        "complete",
        "gone",
        "keep_alive",
        "more_body",
        "started",
    )

    def __init__(
        self, line: Line, method: str, *, old: bool, keep_alive: bool, expects: bool
    ) -> None:
        self.keep_alive = keep_alive
        self.more_body = True
        self.started = False
        self.complete = False
        self.gone = False
        self.came = line.loop.time()
        self._line = line
        self._mute = method == "HEAD"
        self._old = old
        self._expects = expects
        self._parts: list[bytes] = []
        self._held = 0
        self._told = False  # of the body's end
        self._waiter: asyncio.Future[None] | None = None
        self._gone: Gone | None = None
        self._opening: tuple[int, Headers] | None = None
        self._chunked = False
        self._due: int | None = None

    # --- the connection's side -------------------------------------------------------------

    def take(self, part: bytes) -> None:
        """Take some of the body; what comes after the answer is of no use."""
        if self.complete:
            return
        self._parts.append(part)
        self._held += len(part)
        if self._held > HELD_BYTES:
            self._line.hold()
        if self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """Note that the body is whole."""
        self.more_body = False
        self.came = self._line.loop.time()
        if self._waiter is not None:
            self._wake()

    def lose(self) -> None:
        """Note that nobody reads any more, and tell who asked to hear of it."""
        if self.complete or self.gone:
            return
        self.gone = True
        self._wake()
        if self._gone is not None:
            self._gone()

    async def run(self, app: Asgi, scope: HttpScope) -> None:
        """Have an application answer; hang up on the caller if it does not."""
        try:
            await app(scope, self.receive, self)
        except Exception:  # noqa: BLE001, S110 - the doors tell of their errors by themselves
            pass
        finally:
            if not self.complete and not self.gone:
                self._line.transport.close()

    # --- ASGI ------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Return more of the body, or that the caller left."""
        if self._expects and not self._line.transport.is_closing():
            self._expects = False
            self._line.transport.write(_CONTINUE)
        while not (self.gone or self.complete):
            if self._parts or not (self.more_body or self._told):
                self._told = not self.more_body
                body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts.clear()
                self._held = 0
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            self._line.resume()
            waiter = self._waiter = self._line.loop.create_future()
            await waiter
        return {"type": _DISCONNECT}

    async def __call__(self, message: Message) -> None:
        """Send what ASGI's message says; it leaves with the first part of the body."""
        if message["type"] == "http.response.start":
            self._opening = message["status"], list(message.get("headers", ()))
            return
        if self._opening is not None:
            opening, self._opening = self._opening, None
            await self.begin(*opening)
        wait = self.put(message.get("body", b""), last=not message.get("more_body", False))
        if wait is not None:
            await wait

    # --- the doors' shorter way ----------------------------------------------------------------

    def whole_body(self) -> bytes | None:
        """Return the body if all of it is here and untouched, else None."""
        if self.more_body or self._told or self.gone or self._expects:
            return None
        self._told = True
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return body

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; `headers` hold nothing about its length."""
        if self._line.full:
            await self._line.drain()  # of the answer before
        if not self.gone:
            self.say(status, headers, body)

    def say(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer now, however much waits to be read."""
        self.tell(opening_of(status, headers, b"")[:-2], body)

    def tell(self, head: bytes, body: bytes) -> None:
        """Send a whole answer now, whose head lacks only what frames it, and its end."""
        line = self._line
        self._start()
        opening = b"%b%bcontent-length: %d\r\n%b\r\n" % (
            head,
            line.date,
            len(body),
            b"" if self.keep_alive else CLOSE,
        )
        write = line.transport.write
        if self._mute or len(body) > SMALL_BODY_BYTES:
            write(opening)
        if not self._mute:
            write(body if len(body) > SMALL_BODY_BYTES else opening + body)
        self._finish()

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer whose body follows in parts."""
        if self._line.full:
            await self._line.drain()
        if self.gone:
            return
        self._start()
        framing = self._line.date
        self._due = next((int(value) for name, value in headers if name == b"content-length"), None)
        if self._due is None and not self._mute and status not in _BODILESS:
            # An old caller's body ends with the connection, which is never kept for them.
            self._chunked = not self._old
            if self._chunked:
                framing += CHUNKED
        if not self.keep_alive:
            framing += CLOSE
        self._line.transport.write(opening_of(status, headers, framing))

    def put(self, part: bytes, *, last: bool = False) -> Awaitable[None] | None:
        """Send a part of the body; return what to await before the next, if anything."""
        if self.gone:
            return None
        if self.complete or not self.started:
            raise RuntimeError("a part of a body that has no place")
        line = self._line
        if self._chunked:
            if part:
                part = b"%x\r\n%b\r\n" % (len(part), part)
            if last:
                part += b"0\r\n\r\n"
        elif self._mute:
            part = b""
        elif self._due is not None:
            self._due -= len(part)
            if self._due < 0 or (last and self._due):
                # Whatever is written now would be taken for the next answer's.
                raise RuntimeError("a body of another length than was said")
        if part:
            line.transport.write(part)
        if last:
            self._finish()
            return None
        return line.drain() if line.full else None

    def notice(self, gone: Gone | None) -> None:
        """Call this once the caller is gone; None calls nobody any more."""
        self._gone = gone
        if gone is not None and self.gone:
            gone()

    def _start(self) -> None:
        if self.started:
            raise RuntimeError("a second answer to one request")
        self.started = True
        self._expects = False

    def _finish(self) -> None:
        self.complete = True
        self._gone = None
        self._parts.clear()
        if self._waiter is not None:
            self._wake()
        if not self.keep_alive:
            self._line.transport.close()
        self._line.answered()

    def _wake(self) -> None:
        waiter: Any = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
