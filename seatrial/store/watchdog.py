"""Ends calls that outstay their limit, with one thread for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

TICK_S: Final = 0.1
IDLE_TICKS: Final = 100  # without a call before the thread ends; the next call starts another


class Watchdog:
    """Watches calls.  A thread per call would cost more than most calls do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[object, tuple[float, Callable[[], None]]] = {}
        self._seen = 0
        self._awake = False

    def watch(self, seconds: float, stop: Callable[[], None]) -> object:
        """Call `stop`, which must be quick, after `seconds`; return what `leave` takes."""
        token = object()
        with self._lock:
            self._calls[token] = (time.monotonic() + seconds, stop)
            self._seen += 1
            if not self._awake:
                self._awake = True
                threading.Thread(target=self._guard, name="seatrial-watchdog", daemon=True).start()
        return token

    def leave(self, token: object) -> None:
        """End the watch; when this returns, `stop` is over or will never be called."""
        with self._lock:
            self._calls.pop(token, None)

    def _guard(self) -> None:
        idle, seen = 0, 0
        while idle < IDLE_TICKS:
            time.sleep(TICK_S)
            now = time.monotonic()
            with self._lock:
                for token, (deadline, stop) in list(self._calls.items()):
                    if deadline <= now:
                        del self._calls[token]
                        with suppress(Exception):  # what it stops may be gone already
                            stop()
                idle = idle + 1 if seen == self._seen and not self._calls else 0
                seen = self._seen
                if idle >= IDLE_TICKS:
                    self._awake = False
