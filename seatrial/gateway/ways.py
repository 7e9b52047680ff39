"""How a request's body comes in and its answer goes out.

Our own server hands the doors a way that writes straight to the connection: it stands in
the place of ASGI's `send`.  Under any other server, and in tests, ASGI is the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from seatrial.gateway.scopes import Headers, Message, Receive, Send

LOOK_AFTER_S: Final = 0.02  # most quick answers are gone by then

Gone = Callable[[], None]


class Way(Protocol):
    """Between one request and the doors."""

    @property
    def came(self) -> float:
        """When the last of it came, on the monotonic clock."""

    def receive(self) -> Awaitable[Message]:
        """Return ASGI's next message: more of the body, or that the caller left."""

    def whole_body(self) -> bytes | None:
        """Return the body if all of it is here and untouched, else None."""

    def reply(self, status: int, headers: Headers, body: bytes) -> Awaitable[None]:
        """Send a whole answer; `headers` hold nothing about its length."""

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer whose body follows in parts."""

    def put(self, part: bytes, *, last: bool = False) -> Awaitable[None] | None:
        """Send a part of the body; return what to await before the next, if anything."""

    def notice(self, gone: Gone | None) -> None:
        """Call this once the caller is gone; None calls nobody any more."""


class AsgiWay:
    """The way of any ASGI server.

    Args:
        receive, send: ASGI's.
    """

    __slots__ = ("_gone", "_handle", "_reader", "_send", "came", "receive")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self._send = send
        self._gone: Gone | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[None] | None = None
        self.came = time.monotonic()

    def whole_body(self) -> bytes | None:
        """Return None: only `receive` can tell."""
        return None

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self.begin(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.put(body, last=True)

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def put(self, part: bytes, *, last: bool = False) -> Awaitable[None]:
        """Send a part of the body."""
        return self._send({"type": "http.response.body", "body": part, "more_body": not last})

    def notice(self, gone: Gone | None) -> None:
        """Look from time to time; quick requests it costs nothing but a timer."""
        self._gone = gone
        if gone is not None:
            self._handle = asyncio.get_running_loop().call_later(LOOK_AFTER_S, self._look)
        elif self._handle is not None:
            self._handle.cancel()
            self._handle = None
        elif self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _look(self) -> None:
        self._handle = None
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self._gone is not None:
            self._gone()
