"""Results that the store may not hold, or cannot: remembered by this process alone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from seatrial.ports import Clock
from seatrial.reliability.idempotency import KEEP_DAYS, size_of
from seatrial.values.decisions import Settled

MOST: Final = 1_000
MOST_BYTES: Final = 32 << 20
DAY_S: Final = 86_400.0


class Memory(NamedTuple):
    """One result.

    Args:
        fingerprint: digest of what was asked.
        settled: what came of it.
        created: Unix time that its answer names.
        size: about so many bytes.
        at: since when, on the monotonic clock.
    """

    fingerprint: str
    settled: Settled
    created: int
    size: int
    at: float


class Remembered:
    """The newest results, by key; the oldest go when there is no room.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Memory] = OrderedDict()
        self._bytes = 0

    def put(self, place: str, fingerprint: str, settled: Settled, *, created: int) -> None:
        """Remember a result, unless it alone is too large."""
        self._forget(place)
        size = size_of(settled)
        if size > MOST_BYTES:
            return
        self._kept[place] = Memory(fingerprint, settled, created, size, self._clock.now())
        self._bytes += size
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._forget(next(iter(self._kept)))

    def get(self, place: str) -> Memory | None:
        """Return a result; None when there is none, or none any more."""
        found = self._kept.get(place)
        if found is not None and self._clock.now() - found.at > KEEP_DAYS * DAY_S:
            self._forget(place)
            return None
        return found

    def _forget(self, place: str) -> None:
        gone = self._kept.pop(place, None)
        if gone is not None:
            self._bytes -= gone.size
