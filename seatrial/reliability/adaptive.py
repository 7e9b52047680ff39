"""Spares a self-hosted server that rejects: part of the requests fail here, at no cost to it.

Source: Beyer et al., Site Reliability Engineering (2016), chapter 21, client-side throttling.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SLACK: Final = 1.5  # requests per accept that are let through
WINDOW_S: Final = 120


class AdaptiveThrottle:
    """Counts what was sent and what was accepted, over two minutes."""

    __slots__ = ("_accepted", "_seconds", "_sent")

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()  # [second, sent, accepted]
        self._sent = 0
        self._accepted = 0

    def reject_share(self, now: float) -> float:
        """Return the share of requests to fail at once, in [0, 1)."""
        self._forget(now)
        return max(0.0, (self._sent - SLACK * self._accepted) / (self._sent + 1))

    def sent(self, now: float) -> None:
        """Note a request that leaves now; counting at its end would lag by its length."""
        self._second(now)[1] += 1
        self._sent += 1

    def accepted(self, now: float) -> None:
        """Note that the server took a request, whatever it answered."""
        self._second(now)[2] += 1
        self._accepted += 1

    def _second(self, now: float) -> list[int]:
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(now)
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] < now - WINDOW_S:
            _, sent, accepted = self._seconds.popleft()
            self._sent -= sent
            self._accepted -= accepted
