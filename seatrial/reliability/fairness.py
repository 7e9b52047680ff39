"""Who holds how many places, and who holds more than a fair share.

Shares are max-min fair: whoever wants little gets it, and the rest is split evenly among those
who want more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

FRESH_S: Final = 0.02  # a level worked out so long ago still serves
MEMORY_S: Final = 1.0  # a burst of a moment is nobody's usual share
MOST_WEIGHT: Final = 0.1
NEAR: Final = 0.9  # whoever usually holds so much of the level is held to it


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

    __slots__ = ("_level", "_level_at", "_room", "_spare", "_usual", "in_flight", "queued")

    def __init__(self) -> None:
        self.in_flight: dict[str, int] = {}
        self.queued: dict[str, int] = {}
        self._usual: dict[str, float] = {}
        self._level = float("inf")
        self._level_at = float("-inf")
        self._spare = float("inf")  # the level that leaves a place for one more
        self._room = -1

    def held(self, key: str) -> int:
        """Return how many places of both kinds a key holds."""
        return self.in_flight.get(key, 0) + self.queued.get(key, 0)

    def is_over(self, key: str, *, room: int, now: float) -> bool:
        """Whether a key that asks for one more has its fair share already.

        Where it is the only one it may have everything.  A few beyond the share may wait: as
        many as requests that come at random differ from their mean, and one at least, so that
        no share is idle between two requests.  A burst may wait, too, of a key that usually
        holds less than its share.

        Args:
            key: who asks.
            room: places in all.
            now: monotonic seconds.
        """
        if not any(other != key for other in (*self.in_flight, *self.queued)):
            return False
        self._look(room, now)
        share = max(self._level, 1.0)
        most = share + math.sqrt(share)
        return self.held(key) >= most and self._usual.get(key, 0.0) >= NEAR * share

    def is_under(self, key: str, *, room: int, now: float) -> bool:
        """Whether a key that asks for one more would still hold no more than its fair share.

        Args:
            key: who asks.
            room: places in all, none of them free.
            now: monotonic seconds.
        """
        self._look(room, now)
        return self.held(key) + 1 <= self._spare

    def _look(self, room: int, now: float) -> None:
        if now >= self._level_at + FRESH_S or room != self._room:
            self._measure(room, now)

    def _measure(self, room: int, now: float) -> None:
        """Work out the level, and what each key usually holds while there is pressure."""
        held = {each: self.held(each) for each in self.in_flight.keys() | self.queued.keys()}
        self._level = fair_level(held.values(), room)
        self._spare = fair_level(held.values(), max(0, room - 1))
        # The first look after a calm may fall on a burst: it counts no more than others.
        weight = min(MOST_WEIGHT, 1.0 - math.exp((self._level_at - now) / MEMORY_S))
        usual = {}
        for key in held.keys() | self._usual.keys():
            before = self._usual.get(key, 0.0)
            after = before + (held.get(key, 0) - before) * weight
            if key in held or after >= NEAR:  # who holds nothing is forgotten soon
                usual[key] = after
        self._usual = usual
        self._level_at = now
        self._room = room


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
