"""A small, strict HTTP/1.1 client that remembers exactly what came and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

MAX_HEAD: Final = 64 * 1024
MAX_BODY: Final = 10 * 1024 * 1024
MAX_EVENT: Final = 1024 * 1024
MAX_INTERIM: Final = 20
PIECE: Final = 64 * 1024


class Heard(StrEnum):
    """How the wire ended, whatever it said."""

    COMPLETE = "complete"
    REFUSED = "connection refused"
    CUT = "connection closed"
    RESET = "connection reset"
    MALFORMED = "malformed"
    HANG = "hang"
    LEFT = "caller left"


class Broken(Exception):
    """The exchange ended before its end."""

    def __init__(self, heard: Heard, why: str = "") -> None:
        super().__init__(why or heard.value)
        self.heard = heard


@dataclass(slots=True)
class Exchange:
    """What came back for one request.

    Args:
        status: 0 if none came.
        body: of a reply that is not a stream.
        events: the data of each server-sent event, comments left out.
        surplus: bytes after the end of the reply.
        reused: whether it went over a connection that was kept.
        stale: whether a kept connection was found closed under it, so that it was sent again.
        first_token_s, total_s: since the request began; `first_token_s` is None without a token.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    events: list[str] = field(default_factory=list)
    heard: Heard = Heard.COMPLETE
    why: str = ""
    surplus: int = 0
    reused: bool = False
    stale: bool = False
    first_token_s: float | None = None
    total_s: float = 0.0

    @property
    def is_stream(self) -> bool:
        """Whether the reply says that it is a stream of events."""
        return self.headers.get("content-type", "").startswith("text/event-stream")


class Line:
    """One connection, with a buffer that can be looked into."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace_bytes_s: float
    ) -> None:
        self._reader = reader
        self.writer = writer
        self._pace_bytes_s = pace_bytes_s
        self.buffer = bytearray()
        self.bytes_read = 0

    async def more(self) -> bool:
        """Read what is there; False at the end."""
        size = PIECE
        if self._pace_bytes_s:
            size = max(1, int(self._pace_bytes_s / 10))
            await asyncio.sleep(size / self._pace_bytes_s)
        try:
            data = await self._reader.read(size)
        except (ConnectionError, OSError) as problem:
            raise Broken(Heard.RESET) from problem
        self.buffer += data
        self.bytes_read += len(data)
        return bool(data)

    async def until(self, mark: bytes, limit: int) -> bytes:
        """Read up to a mark, and take it off."""
        while (at := self.buffer.find(mark)) < 0:
            if len(self.buffer) > limit:
                raise Broken(Heard.MALFORMED, f"more than {limit} bytes before {mark!r}")
            if not await self.more():
                raise Broken(Heard.CUT)
        data = bytes(self.buffer[:at])
        del self.buffer[: at + len(mark)]
        return data

    async def some(self, most: int) -> bytes:
        """Read at least one byte and at most `most`."""
        if not self.buffer and not await self.more():
            raise Broken(Heard.CUT)
        data = bytes(self.buffer[:most])
        del self.buffer[: len(data)]
        return data

    @property
    def ended(self) -> bool:
        """Whether the other side has closed it."""
        return self._reader.at_eof() or self.writer.is_closing()

    def close(self) -> None:
        """Drop the connection."""
        self.writer.close()


class Client:
    """Sends requests to one address, reusing connections.

    Args:
        url: of the server; a path such as `/v1` is kept as a prefix.
        keep_alive: whether connections are used again.
    """

    def __init__(self, url: str, *, keep_alive: bool = True) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._keep_alive = keep_alive
        self._idle: list[Line] = []

    async def get(self, path: str, *, give_up_s: float) -> Exchange:
        """Read what is at a path, and tell what came; see `post`."""
        return await self.post(path, b"", {}, give_up_s=give_up_s, method="GET")

    async def post(
        self,
        path: str,
        body: bytes,
        headers: dict[str, str],
        *,
        give_up_s: float,
        method: str = "POST",
        leaves: Callable[[Exchange], bool] = lambda exchange: False,
        is_token: Callable[[str], bool] = lambda data: False,
        pace_bytes_s: float = 0.0,
    ) -> Exchange:
        """Send one request and tell what came.

        Args:
            path: below the address's own.
            body: sent as it is.
            headers: besides those every request needs.
            give_up_s: after which the exchange counts as hung.
            leaves: asked after the head and after each event whether the caller leaves now.
            is_token: whether an event's data carries text.
            method: to send it by.
            pace_bytes_s: reads at this pace; 0 reads at once.
        """
        began_s = time.monotonic()
        head = self._head(method, path, body, headers)
        exchange = Exchange()
        for turn in range(2):
            exchange = Exchange(stale=turn > 0)
            line: Line | None = None
            try:
                async with asyncio.timeout(max(0.0, began_s + give_up_s - time.monotonic())):
                    line = await self._line(exchange, pace_bytes_s)
                    line.writer.write(head + body)
                    await self._receive(line, exchange, leaves, is_token, began_s)
            except TimeoutError:
                exchange.heard = Heard.HANG
            except Broken as broken:
                exchange.heard, exchange.why = broken.heard, str(broken)
            except asyncio.CancelledError:
                if line is not None:
                    line.close()  # the caller left: the other side should see it
                raise
            self._settle(line, exchange)
            # A kept connection may have been closed while it lay idle: not the server's fault.
            stale = exchange.reused and exchange.heard in {Heard.CUT, Heard.RESET}
            if not stale or (line is not None and line.bytes_read):
                break
        exchange.total_s = time.monotonic() - began_s
        return exchange

    def close(self) -> None:
        """Drop the idle connections."""
        for line in self._idle:
            line.close()
        self._idle.clear()

    def _head(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        lines = [
            f"{method} {self._prefix}{path} HTTP/1.1",
            f"host: {self._host}:{self._port}",
            "content-type: application/json",
            "accept-encoding: gzip",
            f"content-length: {len(body)}",
            f"connection: {'keep-alive' if self._keep_alive else 'close'}",
            *[f"{name}: {value}" for name, value in headers.items()],
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _line(self, exchange: Exchange, pace_bytes_s: float) -> Line:
        while self._idle and not pace_bytes_s:
            line = self._idle.pop()
            if line.ended:
                line.close()  # as any careful client does: look before using it again
                continue
            exchange.reused = True
            line.bytes_read = 0
            return line
        plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plug.setblocking(False)
        if pace_bytes_s:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await asyncio.get_running_loop().sock_connect(plug, (self._host, self._port))
            reader, writer = await asyncio.open_connection(
                sock=plug, limit=4096 if pace_bytes_s else PIECE
            )
        except OSError as problem:
            plug.close()
            raise Broken(Heard.REFUSED) from problem
        except asyncio.CancelledError:
            plug.close()
            raise
        return Line(reader, writer, pace_bytes_s)

    def _settle(self, line: Line | None, exchange: Exchange) -> None:
        if line is None:
            return
        exchange.surplus = len(line.buffer) if exchange.heard is Heard.COMPLETE else 0
        reusable = (
            self._keep_alive
            and exchange.heard is Heard.COMPLETE
            and not exchange.surplus
            and exchange.headers.get("connection", "").lower() != "close"
            and ("content-length" in exchange.headers or "transfer-encoding" in exchange.headers)
            and line._pace_bytes_s == 0
        )
        if reusable:
            self._idle.append(line)
        else:
            line.close()

    async def _receive(
        self,
        line: Line,
        exchange: Exchange,
        leaves: Callable[[Exchange], bool],
        is_token: Callable[[str], bool],
        began_s: float,
    ) -> None:
        await _read_head(line, exchange)
        if leaves(exchange):
            raise Broken(Heard.LEFT)
        if not exchange.is_stream:
            async for piece in _body(line, exchange):
                exchange.body += piece
            if exchange.status == 200:
                exchange.first_token_s = time.monotonic() - began_s
            return
        async for data in _events(_body(line, exchange)):
            exchange.events.append(data)
            if exchange.first_token_s is None and is_token(data):
                exchange.first_token_s = time.monotonic() - began_s
            if leaves(exchange):
                raise Broken(Heard.LEFT)


async def _read_head(line: Line, exchange: Exchange) -> None:
    for _ in range(MAX_INTERIM):
        top = (await line.until(b"\r\n\r\n", MAX_HEAD)).decode("latin-1")
        first, *lines = top.split("\r\n")
        version, _, rest = first.partition(" ")
        code = rest[:3]
        if version not in {"HTTP/1.1", "HTTP/1.0"} or not (code.isdigit() and len(code) == 3):
            raise Broken(Heard.MALFORMED, f"status line {first[:60]!r}")
        if code.startswith("1"):
            continue
        exchange.status = int(code)
        exchange.headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (each.partition(":") for each in lines)
        }
        return
    raise Broken(Heard.MALFORMED, f"more than {MAX_INTERIM} interim replies")


async def _body(line: Line, exchange: Exchange) -> AsyncIterator[bytes]:
    """Give the body in pieces, inflated, never more than the limit."""
    size = 0
    zipped = "gzip" in exchange.headers.get("content-encoding", "")
    inflate = zlib.decompressobj(31) if zipped else None
    async for raw in _raw(line, exchange.headers):
        try:
            piece = raw if inflate is None else inflate.decompress(raw, MAX_BODY + 1)
        except zlib.error as problem:
            raise Broken(Heard.MALFORMED, "broken gzip") from problem
        size += len(piece)
        if size > MAX_BODY:
            raise Broken(Heard.MALFORMED, f"more than {MAX_BODY} bytes")
        yield piece
    if inflate is not None and not inflate.eof:
        raise Broken(Heard.MALFORMED, "gzip without its end")


async def _raw(line: Line, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", ""):
        while True:
            size_line = (await line.until(b"\r\n", 100)).split(b";")[0]
            try:
                left = int(size_line, 16)
            except ValueError as problem:
                raise Broken(Heard.MALFORMED, f"chunk size {size_line[:20]!r}") from problem
            if left == 0:
                await line.until(b"\r\n", 100)
                return
            while left:
                piece = await line.some(left)
                left -= len(piece)
                yield piece
            if await line.until(b"\r\n", 2):
                raise Broken(Heard.MALFORMED, "a chunk longer than it says")
    elif "content-length" in headers:
        try:
            left = int(headers["content-length"])
        except ValueError as problem:
            raise Broken(Heard.MALFORMED, "content-length is no number") from problem
        while left > 0:
            piece = await line.some(left)
            left -= len(piece)
            yield piece
    else:
        with contextlib.suppress(Broken):
            while True:
                yield await line.some(PIECE)


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Give the data of each event: lines end in LF, CR LF or CR; comments and names are dropped."""
    buffer = bytearray()
    lines: list[str] = []
    async for piece in pieces:
        buffer += piece
        while (at := buffer.find(b"\n")) >= 0:
            raw = bytes(buffer[:at]).rstrip(b"\r")
            del buffer[: at + 1]
            try:
                text = raw.decode()
            except UnicodeDecodeError as problem:
                raise Broken(Heard.MALFORMED, "an event is not UTF-8") from problem
            if text.startswith("data:"):
                lines.append(text.removeprefix("data:").removeprefix(" "))
            elif not text and lines:
                yield "\n".join(lines)
                lines = []
        if len(buffer) > MAX_EVENT:
            raise Broken(Heard.MALFORMED, f"an event of more than {MAX_EVENT} bytes")
