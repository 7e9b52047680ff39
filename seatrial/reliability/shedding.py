"""When there is more to do than can be done: who waits, who is served next, who is refused.

Goodput stays flat under overload when what cannot be served in time is refused at once, what
matters least first, and when nobody is served who has waited too long to care.

Source: Nichols and Jacobson, Controlling queue delay (2012), for the target and its interval.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from seatrial.reliability.fairness import Shares, give, take
from seatrial.values.criticality import Criticality

TARGET_S: Final = 0.1  # a queue in which even the luckiest waits longer is too long
INTERVAL_S: Final = 1.0
LAG_S: Final = 0.1  # of the event loop
QUEUE_S: Final = 1.0  # the queue holds what can be done in so long
QUEUE_STRAINED_S: Final = 0.05  # and under overload in so long
LEAST_QUEUE: Final = 8
OLDEST_EVERY: Final = 4  # under overload the newest goes first; every so many, the oldest
LOWEST: Final = len(Criticality) - 1


class Strain:
    """Tells from how long the queue is waited in whether there is too much to do.

    Args:
        now: monotonic seconds.
        rate: requests per second that are probably served, until it is known.
    """

    __slots__ = ("_checked_at", "_ended", "_least_s", "_turned_away", "floor", "rate")

    def __init__(self, now: float, *, rate: float) -> None:
        self.floor = LOWEST
        """The rank of the last class that is served; those beyond it are refused."""
        self.rate = rate
        """Requests that end per second."""
        self._checked_at = now
        self._ended = 0
        self._least_s: float | None = None
        self._turned_away = False

    @property
    def overloaded(self) -> bool:
        """Whether the last interval's shortest wait was too long."""
        return self.floor < LOWEST

    @property
    def bound(self) -> int:
        """How many may wait."""
        return max(LEAST_QUEUE, int(self.rate * (QUEUE_STRAINED_S if self.overloaded else QUEUE_S)))

    def waited(self, seconds: float) -> None:
        """Note how long one waited that is served now."""
        if self._least_s is None or seconds < self._least_s:
            self._least_s = seconds

    def ended(self) -> None:
        """Note that a request has ended."""
        self._ended += 1

    def turned_away(self) -> None:
        """Note that somebody was refused because there was no room to wait."""
        self._turned_away = True

    def is_due(self, now: float) -> bool:
        """Whether an interval is over, so that it can be judged."""
        return now >= self._checked_at + INTERVAL_S

    def check(self, now: float, *, oldest_s: float) -> None:
        """Judge the interval that is over.

        Args:
            now: monotonic seconds.
            oldest_s: how long the first in the queue has waited; 0 when it is empty.
        """
        since_s = now - self._checked_at
        # Nobody was served for a whole interval: then it is the first in line who tells.
        least_s = self._least_s if self._least_s is not None else oldest_s
        if least_s > TARGET_S:
            self.floor = max(Criticality.DEFAULT.rank, self.floor - 1)
        elif not self._turned_away:
            # A short queue is waited in shortly; the rush is over when it is no longer full.
            self.floor = min(LOWEST, self.floor + 1)
        if self._ended:
            self.rate += (self._ended / since_s - self.rate) * 0.5
        self._checked_at = now
        self._ended = 0
        self._least_s = None
        self._turned_away = False


@dataclass(slots=True, eq=False)
class Waiter:
    """One request in the queue.

    Args:
        key: whose.
        rank: of its criticality.
        since: when it came, monotonic seconds.
        token: of whoever put it there.
        gone: served, refused or left: it is skipped from now on.
    """

    key: str
    rank: int
    since: float
    token: Any = None
    gone: bool = False


class Queue:
    """Those who wait, by class and key.

    Args:
        shares: counts the queue's places of each key.
    """

    __slots__ = ("_length", "_picks", "_rows", "_shares")

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._rows: list[dict[str, deque[Waiter]]] = [{} for _ in Criticality]
        self._length = 0
        self._picks = 0

    def __len__(self) -> int:
        return self._length

    def add(self, waiter: Waiter) -> None:
        """Put one at the end."""
        self._rows[waiter.rank].setdefault(waiter.key, deque()).append(waiter)
        take(self._shares.queued, waiter.key)
        self._length += 1

    def drop(self, waiter: Waiter) -> None:
        """Take one out; harmless when it is out already."""
        if not waiter.gone:
            waiter.gone = True
            give(self._shares.queued, waiter.key)
            self._length -= 1
            self._tidy(waiter.rank, waiter.key)

    def oldest_s(self, now: float) -> float:
        """Return how long the one who has waited longest has; 0 when it is empty."""
        firsts = [row[0].since for rows in self._rows for row in rows.values()]
        return now - min(firsts) if firsts else 0.0

    def pick(self, *, newest: bool) -> Waiter | None:
        """Take out who is served next: what matters most, of the key with the fewest in flight.

        Args:
            newest: whether the newest goes first; every fourth time it is the oldest even so,
                so that nobody waits for ever.
        """
        for rows in self._rows:
            if rows:
                self._picks += 1
                from_end = newest and self._picks % OLDEST_EVERY != 0
                in_flight = self._shares.in_flight
                key = min(rows, key=lambda each: (in_flight.get(each, 0), rows[each][0].since))
                waiter = rows[key][-1 if from_end else 0]
                self.drop(waiter)
                return waiter
        return None

    def yielding(self, key: str, rank: int) -> Waiter | None:
        """Return who must leave a full queue to somebody who comes; None when nobody must.

        That is the newest of a lower class, else the newest of a key that holds more places
        than the newcomer would.

        Args:
            key: of the newcomer.
            rank: of the newcomer's criticality.
        """
        for lower in range(LOWEST, rank, -1):
            if rows := self._rows[lower]:
                return rows[max(rows, key=self._shares.held)][-1]
        rows = self._rows[rank]
        if rows:
            greediest = max(rows, key=self._shares.held)
            if self._shares.held(greediest) > self._shares.held(key) + 1:
                return rows[greediest][-1]
        return None

    def beyond(self, floor: int) -> list[Waiter]:
        """Take out all whose class is refused now."""
        out = [
            waiter
            for rows in self._rows[floor + 1 :]
            for row in rows.values()
            for waiter in row
            if not waiter.gone
        ]
        for waiter in out:
            self.drop(waiter)
        return out

    def _tidy(self, rank: int, key: str) -> None:
        """Keep both ends of every row alive; what is gone between them costs nothing more."""
        rows = self._rows[rank]
        row = rows[key]
        while row and row[0].gone:
            row.popleft()
        while row and row[-1].gone:
            row.pop()
        if not row:
            del rows[key]
