"""Who holds how many places, and who holds more than a fair share.

Shares are max-min fair: whoever wants little gets it, and the rest is split evenly among those
who want more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FRESH_S: Final = 0.02  # a level worked out so long ago still serves


def fair_level(wanted: Iterable[int], room: int) -> float:
    """Return the most that one of them may have, so that all together fit into `room`.

    Args:
        wanted: by each.
        room: places in all.

    >>> fair_level([2, 3, 50], 25)
    20.0
    >>> fair_level([1, 2], 25)
    inf
    """
    ordered = sorted(wanted)
    left = room
    for place, each in enumerate(ordered):
        share = left / (len(ordered) - place)
        if each > share:
            return share
        left -= each
    return float("inf")


class Shares:
    """The places that each key holds: those in flight, and those in the queue."""

    __slots__ = ("_level", "_level_at", "_room", "in_flight", "queued")

    def __init__(self) -> None:
        self.in_flight: dict[str, int] = {}
        self.queued: dict[str, int] = {}
        self._level = float("inf")
        self._level_at = float("-inf")
        self._room = -1

    def held(self, key: str) -> int:
        """Return how many places of both kinds a key holds."""
        return self.in_flight.get(key, 0) + self.queued.get(key, 0)

    def is_over(self, key: str, *, room: int, now: float) -> bool:
        """Whether a key that asks for one more has its fair share already.

        Where it is the only one it may have everything.  One place beyond the share may wait,
        so that no share is idle between two requests.

        Args:
            key: who asks.
            room: places in all.
            now: monotonic seconds.
        """
        if not any(other != key for other in (*self.in_flight, *self.queued)):
            return False
        if now >= self._level_at + FRESH_S or room != self._room:
            keys = self.in_flight.keys() | self.queued.keys()
            self._level = fair_level([self.held(each) for each in keys], room)
            self._level_at = now
            self._room = room
        share = max(self._level, 1.0)
        return self.held(key) >= share + 1


def take(places: dict[str, int], key: str) -> None:
    """Note one place more."""
    places[key] = places.get(key, 0) + 1


def give(places: dict[str, int], key: str) -> None:
    """Note one place less; who holds none is forgotten."""
    left = places[key] - 1
    if left:
        places[key] = left
    else:
        del places[key]
