"""Connections between requests: the freshest is used first, the oldest are let go."""

from __future__ import annotations

import asyncio
from typing import Final

from seatrial.providers.wire.connection import Connection
from seatrial.providers.wire.requests import Origin

BUFFER_BYTES: Final = 64 * 1024


class Pool:
    """The connections of one event loop.

    Args:
        loop: where they live.
        idle_limit: free ones kept per origin.
        idle_s: how long a free one is kept; less if the other side says so.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, idle_limit: int, idle_s: float) -> None:
        self.loop = loop
        self.buffer = memoryview(bytearray(BUFFER_BYTES))
        self._idle_limit = idle_limit
        self._idle_s = idle_s
        self._idle: dict[Origin, list[Connection]] = {}
        self._all: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def make(self, origin: Origin) -> Connection:
        """Return a connection that is yet to be connected."""
        connection = Connection(origin, self.loop, self)
        self._all.add(connection)
        return connection

    def take(self, origin: Origin) -> Connection | None:
        """Return a free connection that is fit for a request, if there is one."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.expires > self.loop.time() and connection.is_fit():
                return connection
            connection.abort()
        return None

    def give(self, connection: Connection) -> None:
        """Take a connection that is free for the next request."""
        if self._closed:
            connection.abort()
            return
        keep_s = self._idle_s
        if connection.offered_s is not None:
            # A second less, for what is on its way when the other side hangs up.
            keep_s = min(keep_s, connection.offered_s - 1)
        connection.expires = self.loop.time() + keep_s
        idle = self._idle.get(connection.origin)
        if idle is None:
            idle = self._idle[connection.origin] = []
        idle.append(connection)
        if len(idle) > self._idle_limit:
            idle[0].abort()
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._idle_s, self._sweep)

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is gone."""
        self._all.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle is not None and connection in idle:
            idle.remove(connection)

    def close(self) -> None:
        """Hang up everywhere."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._all):
            connection.cut()

    def _sweep(self) -> None:
        self._sweeper = None
        now = self.loop.time()
        for idle in list(self._idle.values()):
            for connection in [each for each in idle if each.expires <= now]:
                connection.abort()
        self._idle = {origin: idle for origin, idle in self._idle.items() if idle}
        if self._idle:
            self._sweeper = self.loop.call_later(self._idle_s, self._sweep)
