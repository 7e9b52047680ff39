"""How many may be in flight at once, learnt from signs of strain.

Additive increase, multiplicative decrease: on signs such as 429, 503 and 529, never on how long
an answer took, which says more about its length than about the load.

Source: Jacobson, Congestion avoidance and control (1988).
"""

from __future__ import annotations

import math
from typing import Final

DECREASE: Final = 0.7
WINDOW_S: Final = 1.0  # signs of one burst count once
USED_SHARE: Final = 0.5  # a limit that nobody comes near is not raised
RELAX_S: Final = 5.0  # without a fall, after which twice as many may be in flight
WEIGHT: Final = 0.05  # of one end in the share of signs: the last twenty count most


class ConcurrencyLimit:
    """A limit that falls when the other side is strained and rises while it is not.

    Args:
        most: it never rises above.
        start: where it begins; None for `most`: what nobody has objected to is allowed.
        least: it never falls below.
        window_s: signs within so long count once, in seconds.
        least_share: of signs among the ends, below which they are no strain: a server that fails
            now and then for reasons of its own must not be starved.

    >>> limit = ConcurrencyLimit(most=100, start=10)
    >>> limit.strained(now=5.0, in_flight=10)
    >>> limit.limit
    7
    """

    __slots__ = (
        "_fell_at",
        "_good",
        "_least",
        "_least_share",
        "_share",
        "_window_s",
        "limit",
        "most",
    )

    def __init__(
        self,
        most: int,
        *,
        start: int | None = None,
        least: int = 1,
        window_s: float = WINDOW_S,
        least_share: float = 0.0,
    ) -> None:
        self.most = most
        self.limit = most if start is None else max(1, min(start, most))
        self._least = least
        self._window_s = window_s
        self._least_share = least_share
        self._share = 0.0
        self._good = 0
        self._fell_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether nothing of any strain is left: it stands at its upper end."""
        return self.limit >= self.most and self._share < WEIGHT

    def limit_at(self, now: float) -> int:
        """Return the limit where hardly anybody asks: it doubles with each quiet stretch.

        An old sign says nothing of now, and whom nobody asks cannot take it back.

        >>> limit = ConcurrencyLimit(most=100)
        >>> limit.strained(now=5.0, in_flight=10)
        >>> limit.limit_at(6.0), limit.limit_at(16.0), limit.limit_at(60.0)
        (7, 28, 100)
        """
        if self.limit >= self.most or math.isinf(self._fell_at):
            return self.limit
        quiet = int((now - self._fell_at) / RELAX_S)
        return min(self.most, self.limit << max(0, min(quiet, self.most.bit_length())))

    def adjust(self, most: int) -> None:
        """Take up another upper end: a limit that stood at the old one goes along."""
        if most != self.most:
            self.limit = most if self.limit == self.most else min(self.limit, most)
            self.most = most

    def succeeded(self, in_flight: int) -> None:
        """Note a good end: after as many as the limit, it rises by one, if it is needed.

        Args:
            in_flight: with the one that ended.
        """
        self._share -= self._share * WEIGHT
        if self.limit >= self.most or in_flight <= self.limit * USED_SHARE:
            return
        self._good += 1
        if self._good >= self.limit:
            self._good = 0
            self.limit += 1

    def strained(self, now: float, in_flight: int) -> None:
        """Note a sign of strain: the limit falls, once per window.

        Args:
            now: monotonic seconds.
            in_flight: with the one that brought the sign; a limit far above it says nothing.
        """
        self._share += (1.0 - self._share) * WEIGHT
        if self._share < self._least_share or now < self._fell_at + self._window_s:
            return
        self.limit = self.limit_at(now)
        self._fell_at = now
        self._good = 0
        fallen = int(min(self.limit, in_flight) * DECREASE)
        self.limit = min(self.limit, max(self._least, fallen))
