"""Who holds how many places, and who holds more than a fair share.

Shares are max-min fair: whoever wants little gets it, and the rest is split evenly among those
who want more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

FRESH_S: Final = 0.02  # a level worked out so long ago still serves
MEMORY_S: Final = 3.0  # a burst of a moment is nobody's usual share
MOST_WEIGHT: Final = 0.1
FORGOTTEN: Final = 0.9  # of a place: who usually holds less is not remembered
FAR: Final = 1.5  # times what the others hold on average
RESERVE: Final = 0.75  # of the square root of all places


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

    __slots__ = (
        "_far",
        "_few",
        "_keys",
        "_level_at",
        "_room",
        "_spare",
        "_usual",
        "in_flight",
        "queued",
        "reserve",
    )

    def __init__(self) -> None:
        self.reserve = 0
        """How many places are kept free of keys that are far over, as of the last look.

        So that the others seldom wait for one to fall free.
        """
        self.in_flight: dict[str, int] = {}
        self.queued: dict[str, int] = {}
        self._usual: dict[str, float] = {}
        self._far: set[str] = set()
        self._keys = 0
        self._few = 1.0
        self._spare = float("inf")  # the level that leaves a place for one more
        self._level_at = float("-inf")
        self._room = -1

    def held(self, key: str) -> int:
        """Return how many places of both kinds a key holds."""
        return self.in_flight.get(key, 0) + self.queued.get(key, 0)

    def is_alone(self, key: str) -> bool:
        """Whether no other key holds anything."""
        others = len(self.in_flight) - (key in self.in_flight)
        return not others and len(self.queued) == (key in self.queued)

    def look(self, room: int, now: float) -> None:
        """Look who holds how much, if the last look is not fresh any more.

        Args:
            room: places in all.
            now: monotonic seconds.
        """
        if now >= self._level_at + FRESH_S or room != self._room:
            self._measure(room, now)

    def is_within(self, key: str, *, room: int, now: float) -> bool:
        """Whether a key that asks for one more would still hold no more than its fair share.

        Everybody may have one, also where there are more keys than places.

        Args:
            key: who asks.
            room: places in all, none of them free.
            now: monotonic seconds.
        """
        self.look(room, now)
        return self.held(key) + 1 <= (room if self.is_alone(key) else self._spare)

    def is_far_over(self, key: str) -> bool:
        """Whether a key usually holds far more than the others do, as of the last look."""
        return key in self._far

    @property
    def is_uneven(self) -> bool:
        """Whether some key usually holds far more than the others do, as of the last look."""
        return bool(self._far)

    def may_queue(self, key: str, bound: int, *, lagging: bool) -> float:
        """Return how many of a key may wait that has its fair share, as of the last look.

        An even part of the queue: where answers take longer for a while, keys that ask for as
        much as ever hold more, and waiting costs nobody anything.  A key that usually holds far
        more than the others may only have twice as many as requests that come at random differ from
        their mean, so that its share is not idle between two of them; and none during a lag.

        Args:
            key: who asks.
            bound: how many of all keys may wait.
            lagging: whether the event loop is late.
        """
        if self.is_alone(key):
            return 0.0 if lagging else bound
        if key in self._far:
            return 0.0 if lagging else self._few
        return max(self._few, bound / max(1, self._keys))

    def _measure(self, room: int, now: float) -> None:
        """Work out the level, and what each key usually holds while there is pressure."""
        held = {each: self.held(each) for each in self.in_flight.keys() | self.queued.keys()}
        self._spare = max(1.0, fair_level(held.values(), max(0, room - 1)))
        self._few = 2.0 * math.sqrt(min(self._spare, room))
        self._keys = len(held)
        # The first look after a calm may fall on a burst: it counts no more than others.
        weight = min(MOST_WEIGHT, 1.0 - math.exp((self._level_at - now) / MEMORY_S))
        usual = {}
        for key in held.keys() | self._usual.keys():
            before = self._usual.get(key, 0.0)
            after = before + (held.get(key, 0) - before) * weight
            if key in held or after >= FORGOTTEN:
                usual[key] = after
        whole, others = sum(usual.values()), len(usual) - 1
        self._far = {key for key, mine in usual.items() if mine * others > FAR * (whole - mine)}
        self.reserve = int(RESERVE * math.sqrt(room)) if self._far else 0
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
