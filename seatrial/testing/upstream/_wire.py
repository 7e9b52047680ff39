"""One connection: requests in, bytes out, and news at once when the other side leaves."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

MAX_HEAD: Final = 256 * 1024
MAX_BODY: Final = 64 * 1024 * 1024


class BadRequest(Exception):
    """The bytes are not a request that we read."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the caller will use the connection again."""
        return self.headers.get("connection", "").lower() != "close"


class Wire(asyncio.Protocol):
    """A caller's connection.

    Args:
        on_connect: called with the wire once it stands.
        on_lost: called with the wire when it is gone.
    """

    def __init__(self, on_connect: Callable[[Wire], None], on_lost: Callable[[Wire], None]) -> None:
        self._on_connect = on_connect
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self._buffer += data
        self._news.set()

    def eof_received(self) -> bool:
        """Take the end of the caller's words as the caller's leaving."""
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._leave()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """Hold back: the caller reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def _leave(self) -> None:
        self.gone.set()
        self._news.set()
        self._writable.set()

    async def read_request(self) -> Incoming | None:
        """Give the next request, or None once the caller has left.

        Raises:
            BadRequest: for bytes that are not one.
        """
        top = await self._read_until(b"\r\n\r\n")
        if top is None:
            return None
        try:
            first, *lines = top.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            length = int(headers.get("content-length", "0"))
        except ValueError as problem:
            raise BadRequest("That is not an HTTP request.") from problem
        if not 0 <= length <= MAX_BODY:
            raise BadRequest(f"The body must have at most {MAX_BODY} bytes.")
        if headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = await self._read_chunks()
        else:
            body = await self._read_exactly(length)
        return None if body is None else Incoming(method, path, headers, body)

    async def _read_until(self, mark: bytes) -> bytes | None:
        searched = 0
        while (at := self._buffer.find(mark, max(0, searched - len(mark)))) < 0:
            searched = len(self._buffer)
            if searched > MAX_HEAD:
                raise BadRequest(f"The head must have at most {MAX_HEAD} bytes.")
            if not await self._more():
                return None
        data = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return data

    async def _read_exactly(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            if not await self._more():
                return None
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            line = await self._read_until(b"\r\n")
            if line is None:
                return None
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError as problem:
                raise BadRequest("A chunk has no size.") from problem
            piece = await self._read_exactly(size + 2)
            if piece is None:
                return None
            body += piece[:-2]
            if size == 0:
                return bytes(body)
            if len(body) > MAX_BODY:
                raise BadRequest(f"The body must have at most {MAX_BODY} bytes.")

    async def _more(self) -> bool:
        if self.gone.is_set():
            return False
        self._news.clear()
        await self._news.wait()
        return True

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if self._transport is None or self._transport.is_closing():
            self._leave()
        elif not self.gone.is_set():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the caller has taken enough."""
        await self._writable.wait()

    async def left_within(self, seconds: float) -> bool:
        """Wait, and tell whether the caller left meanwhile."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return self.gone.is_set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gone.wait(), None if math.isinf(seconds) else seconds)
        return self.gone.is_set()

    def close(self) -> None:
        """End politely, once what is queued has left."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """End rudely: the caller sees a reset."""
        if self._transport is None:
            return
        connection = self._transport.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
