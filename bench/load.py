"""The load: three ways to ask, each bounded in time, on raw protocols.

It parses just enough to know that an answer is whole and right; whatever is not
counts as an error, and a measurement with errors says so.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final, cast

from bench import wire

DRAIN_S: Final = 10.0  # how long replies may take once the load has stopped
CLOSING_S: Final = 0.02
WARM_CONNECTIONS: Final = 16  # of the open loop; more are opened when these are busy

CpuClock = Callable[[], int]  # nanoseconds of processor time used so far


@dataclass(frozen=True, slots=True)
class Busy:
    """What a closed loop did between two readings of the clocks."""

    requests: int
    errors: int
    seconds: float
    cpu_ns: int


@dataclass(frozen=True, slots=True)
class Paced:
    """What an open loop saw: how long each request took, in seconds."""

    latencies: tuple[float, ...]
    errors: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """What many paced streams cost, and when the first token of each came, in seconds."""

    streams: int
    first_tokens: tuple[float, ...]
    errors: int
    cpu_ns: int


class Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request out."""

    __slots__ = (
        "_body_at", "_buffer", "_done", "_length", "_streaming",
        "_transport", "busy", "first_at", "lost", "sent_at",
    )  # fmt: skip

    def __init__(self, done: Callable[["Connection", bool], None]) -> None:
        self._done = done
        self._buffer = bytearray()
        self.busy = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it

    def send(self, request: bytes, *, streaming: bool = False) -> None:
        """Send one request; `done(self, right)` is called when its reply is whole."""
        self._buffer.clear()
        self._body_at = -1
        self._streaming = streaming
        self.busy = True
        self.first_at = 0.0
        self.sent_at = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        self.busy = False
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.busy:
            self._finish(right=False)

    def data_received(self, data: bytes) -> None:
        if not self.busy:
            return
        buffer = self._buffer
        buffer += data
        if self._body_at < 0:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = wire.content_length(buffer[:end])
            self._body_at = end + 4
            self._length = -1 if length is None else length
        if (
            self._streaming
            and not self.first_at
            and buffer.find(wire.FIRST_TOKEN, self._body_at) >= 0
        ):
            self.first_at = time.perf_counter()
        if self._length >= 0:
            whole = len(buffer) - self._body_at >= self._length
        else:
            whole = buffer.endswith(b"0\r\n\r\n")
        if whole:
            self._finish(right=self._is_right())

    def _is_right(self) -> bool:
        if self._buffer[9:12] != b"200":
            return False
        if self._streaming:
            return bool(self.first_at) and self._buffer.find(b"data: [DONE]", self._body_at) >= 0
        return self._buffer.find(b'"choices"', self._body_at) >= 0

    def _finish(self, *, right: bool) -> None:
        self.busy = False
        self._done(self, right)


async def _connect(port: int, done: Callable[[Connection, bool], None]) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(done), "127.0.0.1", port)
    return connection


async def _quiet(connections: list[Connection]) -> None:
    """Wait until nothing is out, or DRAIN_S is over."""
    end = time.perf_counter() + DRAIN_S
    # Asking now and then costs the load less than an event per reply.
    while any(line.busy for line in connections) and time.perf_counter() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.002)


async def _drained(connections: list[Connection]) -> int:
    """Wait for what is still out; close all; the number of replies that never came."""
    await _quiet(connections)
    unanswered = sum(connection.busy for connection in connections)
    for connection in connections:
        connection.close()
    await asyncio.sleep(CLOSING_S)  # so that neither end is left half closed
    return unanswered


async def closed_loop(
    port: int, cpu: CpuClock, *, connections: int, warm_s: float, seconds: float
) -> Busy:
    """Keep `connections` busy: each sends its next request when its reply is there."""
    requests = cycle(wire.http_requests(stream=False))
    right_so_far = wrong = 0
    running = True

    def done(connection: Connection, right: bool) -> None:
        nonlocal right_so_far, wrong
        if right:
            right_so_far += 1
        else:
            wrong += 1
        if running and not connection.lost:
            connection.send(next(requests))

    lines = [await _connect(port, done) for _ in range(connections)]
    for line in lines:
        line.send(next(requests))
    await asyncio.sleep(warm_s)
    before, cpu_before, began = right_so_far, cpu(), time.perf_counter()
    await asyncio.sleep(seconds)
    after, cpu_after, ended = right_so_far, cpu(), time.perf_counter()
    running = False
    wrong += await _drained(lines)
    return Busy(after - before, wrong, seconds=ended - began, cpu_ns=cpu_after - cpu_before)


class _Pool:
    """Connections for requests that nobody waits for."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.all: list[Connection] = []
        self._free: deque[Connection] = deque()
        self.finished: list[tuple[float, float]] = []  # seconds to the first token, to the end
        self.errors = 0

    def _done(self, connection: Connection, right: bool) -> None:
        if not connection.lost:
            self._free.append(connection)
        if right:
            now = time.perf_counter()
            first = connection.first_at - connection.sent_at
            self.finished.append((first, now - connection.sent_at))
        else:
            self.errors += 1

    async def grow(self, number: int) -> None:
        for _ in range(number):
            connection = await _connect(self._port, self._done)
            self.all.append(connection)
            self._free.append(connection)

    async def take(self) -> Connection:
        while self._free:
            connection = self._free.popleft()
            if not connection.lost:
                return connection
        await self.grow(1)
        return self._free.popleft()

    async def warm(self, requests: Iterator[bytes]) -> None:
        """Use each connection once, and forget how that went."""
        for connection in list(self._free):
            self._free.remove(connection)
            connection.send(next(requests))
            await _quiet([connection])
        self.finished.clear()


async def open_loop(port: int, *, rate: float, seconds: float, seed: int) -> Paced:
    """Send `rate` requests a second at random moments, however long replies take."""
    requests = cycle(wire.http_requests(stream=False))
    dice = random.Random(seed)
    pool = _Pool(port)
    await pool.grow(WARM_CONNECTIONS)
    await pool.warm(requests)
    due = time.perf_counter()
    end = due + seconds
    while (due := due + dice.expovariate(rate)) < end:
        await asyncio.sleep(due - time.perf_counter())
        (await pool.take()).send(next(requests))
    unanswered = await _drained(pool.all)
    return Paced(tuple(whole for _, whole in pool.finished), pool.errors + unanswered)


async def streams(
    port: int, cpu: CpuClock, *, count: int, every_s: float, at_once: int
) -> Streamed:
    """Start `count` streams, one each `every_s`, so that about `at_once` are under way."""
    requests = cycle(wire.http_requests(stream=True))
    pool = _Pool(port)
    await pool.grow(at_once + 8)
    began = time.perf_counter()
    cpu_before = cpu()
    for number in range(count):
        await asyncio.sleep(began + number * every_s - time.perf_counter())
        (await pool.take()).send(next(requests), streaming=True)
    await _quiet(pool.all)
    cpu_ns = cpu() - cpu_before
    unanswered = await _drained(pool.all)
    firsts = tuple(first for first, _ in pool.finished)
    return Streamed(count, firsts, errors=pool.errors + unanswered, cpu_ns=cpu_ns)
