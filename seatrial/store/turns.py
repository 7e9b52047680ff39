"""Lets threads to a pool of connections in the order in which they came.

A pool gives a connection that comes back to whoever asks next, and that is mostly the thread
that gave it back: beside busy ones, others would wait for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from seatrial.errors import StoreUnavailable


class Turns:
    """So many places; who finds none waits, the longest waiting first.

    Args:
        places: how many may be inside at once.
        limit_s: how long one waits at most.
        name: of the store, for people.
    """

    def __init__(self, places: int, *, limit_s: float, name: str) -> None:
        self._free = places
        self._limit_s = limit_s
        self._name = name
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have a place for a while; raise StoreUnavailable when none comes free in time."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            ours = threading.Lock()
            ours.acquire()
            self._waiting.append(ours)
        if ours.acquire(timeout=self._limit_s):
            return
        with self._lock:
            if ours not in self._waiting:
                return  # given to us at the last moment
            self._waiting.remove(ours)
        raise StoreUnavailable(
            f"The store {self._name} is busy.",
            why=f"All its connections were in use for {self._limit_s:g} s.",
            fix="Look at the load and the disk of the store's machine.",
        )

    def _give_back(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
