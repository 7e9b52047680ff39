"""Counts what customers saw on one side of the demo: figures for the display and the end."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from seatrial.cli.demo.client import Ending, Seen

RECENT_S: Final = 2.5
REASON_S: Final = 0.7


@dataclass(frozen=True, slots=True)
class Bucket:
    """What ended within one short stretch of time.

    Args:
        slow_s: the 95th percentile of the durations, in seconds; None when nothing ended.
        failed: how many customers got no whole answer.
    """

    slow_s: float | None
    failed: int


@dataclass(slots=True)
class Tally:
    """What the customers of one side saw so far.

    Args:
        route: names of the tiers, first one first.
        right: the right answer to each intent.
        over_s: length of the traffic, in seconds.
    """

    route: Sequence[str]
    right: dict[str, str]
    over_s: float
    began_at: float = 0.0
    asked: int = 0
    seen: list[Seen] = field(default_factory=list)
    endings: Counter[Ending] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    right_answers: int = 0
    _recent: deque[Seen] = field(default_factory=deque)

    def take(self, seen: Seen) -> None:
        """Count one ending."""
        self.seen.append(seen)
        self._recent.append(seen)
        self.endings[seen.ending] += 1
        if seen.ending.served:
            self.tiers[self.route[seen.tier or 0]] += 1
            self.right_answers += seen.text == self.right[seen.visit.intent]

    @property
    def served(self) -> int:
        """How many customers got a whole answer."""
        return len(self.seen) - self.failed

    @property
    def failed(self) -> int:
        """How many customers got no whole answer."""
        return sum(count for ending, count in self.endings.items() if not ending.served)

    @property
    def waiting(self) -> int:
        """How many customers wait at this moment."""
        return self.asked - len(self.seen)

    def recent(self) -> list[Seen]:
        """Return what ended in the last moments."""
        oldest = time.monotonic() - RECENT_S
        while self._recent and self._recent[0].ended_at < oldest:
            self._recent.popleft()
        return list(self._recent)

    def last_reason(self) -> str:
        """Return why Seatrial went past the first tier a moment ago; empty when it did not."""
        newest = time.monotonic() - REASON_S
        reasons = [seen.reason for seen in self.recent() if seen.ended_at > newest and seen.reason]
        return reasons[-1] if reasons else ""

    def buckets(self, count: int) -> list[Bucket]:
        """Return what ended so far, in `count` stretches over the whole traffic."""
        parts: list[list[Seen]] = [[] for _ in range(count)]
        for seen in self.seen:
            place = int((seen.ended_at - self.began_at) / self.over_s * count)
            parts[min(max(place, 0), count - 1)].append(seen)
        return [
            Bucket(percentile(durations(part), 0.95), sum(not each.ending.served for each in part))
            for part in parts
        ]


def durations(seen: Iterable[Seen]) -> list[float]:
    """Return how long customers waited for their answer, or for knowing that none comes."""
    return [each.took_s for each in seen]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of all reach; None without values.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    if not values:
        return None
    place = -int(-share * len(values) // 1) - 1
    return sorted(values)[max(place, 0)]
