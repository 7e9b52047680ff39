"""Callers that cost little: raw HTTP/1.1 on kept connections, whole answers only."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, cast

HOST: Final = "127.0.0.1"
MOST_LINES: Final = 2000  # as callers with pools have; what would need more is counted, not sent
DRAIN_S: Final = 15.0
LONGEST_NAP_S: Final = 0.001  # so that late wake-ups do not bunch requests

Done = Callable[["_Line"], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one request.

    Args:
        who: number of the caller's key.
        at_s: when it was sent, on the monotonic clock.
        took_s: until its answer was whole.
        status: 0 when the line broke; 200 only for an answer with a choice in it.
        retry_ms: what `retry-after-ms` said; -1 without.
        closed: whether the gateway closed the line behind it.
    """

    who: int
    at_s: float
    took_s: float
    status: int
    retry_ms: int
    closed: bool

    @property
    def refused(self) -> bool:
        """Whether it was told to come again."""
        return self.status in {429, 503}


class _Line(asyncio.Protocol):
    """One connection with at most one request out."""

    __slots__ = (
        "_body_at",
        "_buffer",
        "_done",
        "_due",
        "_transport",
        "busy",
        "heard",
        "lost",
        "who",
    )

    def __init__(self, done: Done) -> None:
        self._done = done
        self._buffer = bytearray()
        self._body_at = self._due = 0
        self.busy = self.lost = False
        self.who = 0
        self.heard = Heard(0, 0.0, 0.0, 0, -1, closed=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; uvloop's are no subclass of asyncio's."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, who: int, request: bytes) -> None:
        """Send one request."""
        self._buffer.clear()
        self._body_at = 0
        self.busy, self.who = True, who
        self.heard = Heard(who, time.monotonic(), 0.0, 0, -1, closed=False)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read until the answer is whole."""
        buffer = self._buffer
        buffer += data
        if not self._body_at:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._body_at = end + 4
            self._due = self._body_at + _number(buffer, b"\r\ncontent-length: ", end, 0)
        if self.busy and len(buffer) >= self._due:
            self._finish(lost=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what is still out as broken."""
        self.lost = True
        if self.busy:
            self._finish(lost=True)

    def close(self) -> None:
        """Hang up."""
        self.busy = False
        self._transport.close()

    def _finish(self, *, lost: bool) -> None:
        self.busy = False
        buffer, end, was = self._buffer, self._body_at, self.heard
        status = 0 if lost else int(buffer[9:12])
        if status == 200 and buffer.find(b'"choices"', end) < 0:
            status = 0
        closes = lost or buffer.find(b"\r\nconnection: close", 0, end) >= 0
        took_s = time.monotonic() - was.at_s
        retry_ms = _number(buffer, b"\r\nretry-after-ms: ", end, -1)
        self.heard = Heard(self.who, was.at_s, took_s, status, retry_ms, closes)
        self.lost = self.lost or closes
        self._done(self)


def _number(buffer: bytearray, name: bytes, end: int, absent: int) -> int:
    at = buffer.find(name, 0, end)
    if at < 0:
        return absent
    return int(buffer[at + len(name) : buffer.index(b"\r", at + len(name))])


class Lines:
    """Connections to one gateway, and what was heard on them.

    Args:
        port: of the gateway, on the loopback.
        model: what is asked for.
        keys: API keys, one per caller; none for a single caller without.
        content: of the question.

    Attributes:
        heard: what came of each request, in order of its end.
        opened: connections so far.
        unsent: requests that were due while all connections were busy.
        late_s: how late each request was sent, of an open loop.
    """

    def __init__(
        self, port: int, model: str, keys: Sequence[str] = (), *, content: str = "Where is it?"
    ) -> None:
        self._port = port
        self._requests = [_request(model, key, content) for key in keys or ("",)]
        self._free: deque[_Line] = deque()
        self._busy: set[_Line] = set()
        self._again: dict[_Line, int] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self.heard: list[Heard] = []
        self.late_s: list[float] = []
        self.opened = 0
        self.unsent = 0

    def ask(self, who: int) -> None:
        """Send one request by this caller, on a free connection or a new one."""
        while self._free:
            line = self._free.pop()  # the one used last: the others may be let go
            if not line.lost:
                self._send(line, who)
                return
        if len(self._busy) + len(self._dials) >= MOST_LINES:
            self.unsent += 1
            return
        dial = asyncio.get_running_loop().create_task(self._dial(who))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    def keep_asking(self, who: int) -> None:
        """Send one request, and the next whenever its answer is there, until `rest`."""
        dial = asyncio.get_running_loop().create_task(self._dial(who, again=True))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    def rest(self) -> None:
        """Send nothing by itself any more."""
        self._again.clear()

    async def drain(self) -> int:
        """Wait for what is out, and return how many answers never came."""
        until = time.monotonic() + DRAIN_S
        # Looking now and then costs the load less than an event per answer.
        while (self._busy or self._dials) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return len(self._busy) + len(self._dials)

    async def close(self) -> None:
        """Hang up on all lines."""
        for dial in list(self._dials):
            dial.cancel()
        for line in (*self._free, *self._busy):
            line.close()
        await asyncio.sleep(0.02)

    async def _dial(self, who: int, *, again: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.opened += 1
        at_s = time.monotonic()
        try:
            _, line = await loop.create_connection(lambda: _Line(self._done), HOST, self._port)
        except OSError:
            self.heard.append(Heard(who, at_s, time.monotonic() - at_s, 0, -1, closed=True))
            return
        if again:
            self._again[line] = who
        self._send(line, who)

    def _send(self, line: _Line, who: int) -> None:
        self._busy.add(line)
        line.send(who, self._requests[who])

    def _done(self, line: _Line) -> None:
        self._busy.discard(line)
        self.heard.append(line.heard)
        who = self._again.pop(line, None)
        if line.lost:
            line.close()
            if who is not None:
                self.keep_asking(who)
        elif who is None:
            self._free.append(line)
        else:
            self._again[line] = who
            self._send(line, who)


async def closed_loop(lines: Lines, *, callers: int, seconds: float) -> float:
    """Keep so many callers busy; return when the count began, past the first half second."""
    for _ in range(callers):
        lines.keep_asking(0)
    await asyncio.sleep(min(0.5, seconds / 4))
    began = time.monotonic()
    await asyncio.sleep(seconds)
    lines.rest()
    return began


async def open_loop(
    lines: Lines, rates: Sequence[float], *, seconds: float, dice: Random
) -> tuple[float, float]:
    """Ask at random moments, however long answers take; return begin and end.

    Args:
        lines: to ask on.
        rates: requests per second of each caller; each is a Poisson stream.
        seconds: how long.
        dice: for the moments.
    """
    whole = sum(rates)
    began = due = time.monotonic()
    ends = began + seconds
    while (due := due + dice.expovariate(whole)) < ends:
        while (now := time.monotonic()) < due:  # noqa: ASYNC110 - a pace, not an event
            await asyncio.sleep(min(LONGEST_NAP_S, due - now))
        lines.late_s.append(now - due)
        lines.ask(dice.choices(range(len(rates)), rates)[0])
        if len(lines.late_s) % 64 == 0:
            await asyncio.sleep(0)  # catching up must not keep answers from being read
    await asyncio.sleep(max(0.0, ends - time.monotonic()))
    return began, ends


def _request(model: str, key: str, content: str) -> bytes:
    body = b'{"model":"%b","messages":[{"role":"user","content":"%b"}]}' % (
        model.encode(),
        content.encode(),
    )
    credential = b"authorization: Bearer %b\r\n" % key.encode() if key else b""
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
    ) % (credential, len(body), body)
