"""When there is more to do than can be done: who waits, who is served next, who is refused.

Goodput stays flat under overload when what cannot be served in time is refused at once, what
matters least first, and when nobody is served who has waited too long to care.

Fairness and criticality combine like this.  Between keys fairness decides: the next place is for
the key with the fewest in flight, and a full queue is left by one of the key that holds most.
Within a key criticality decides: what matters most is served first, what matters least leaves
first, also where the key has its share.  Only when even the luckiest wait too long, so that there
is too much to do for all keys together, are the lowest classes refused whosever they are.

Source: Nichols and Jacobson, Controlling queue delay (2012), for the target and its interval.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from seatrial.reliability.fairness import Shares, give, take
from seatrial.values.criticality import Criticality

TARGET_S: Final = 0.1  # a queue in which even the luckiest waits longer is too long
INTERVAL_S: Final = 1.0
LAG_S: Final = 0.1  # of the event loop
QUEUE_S: Final = 1.0  # the queue holds what can be done in so long
QUEUE_STRAINED_S: Final = 0.05  # and under overload in so long, and in the time of one lag
LEAST_QUEUE: Final = 8
OLDEST_EVERY: Final = 4  # under overload the newest goes first; every so many, the oldest
LOWEST: Final = len(Criticality) - 1


class Strain:
    """Tells from how long the queue is waited in whether there is too much to do.

    Args:
        now: monotonic seconds.
        rate: requests per second that are probably served, until it is known.
    """

    __slots__ = ("_checked_at", "_ended", "_least_s", "_turned_away", "floor", "lag_s", "rate")

    def __init__(self, now: float, *, rate: float) -> None:
        self.floor = LOWEST
        """The rank of the last class that is served; those beyond it are refused."""
        self.rate = rate
        """Requests that end per second."""
        self.lag_s = 0.0
        """By how much the event loop was late: what comes meanwhile comes all at once."""
        self._checked_at = now
        self._ended = 0
        self._least_s: float | None = None
        self._turned_away = False

    @property
    def overloaded(self) -> bool:
        """Whether the last interval's shortest wait was too long."""
        return self.floor < LOWEST

    def bound(self, *, patient: bool = False) -> int:
        """Return how many may wait.

        Args:
            patient: whether under overload as many may wait as ever: where one key is the reason
                for it, so that the others outlast it; that key is held short by itself.
        """
        most_s = QUEUE_S
        if self.overloaded and not patient:
            most_s = min(QUEUE_S, QUEUE_STRAINED_S + self.lag_s)
        return max(LEAST_QUEUE, int(self.rate * most_s))

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


class Entry(Enum):
    """What happens to one who comes."""

    ENTERS = auto()
    WAITS = auto()
    OVER_SHARE = auto()  # its key has its share, and those who may wait beyond it
    FULL = auto()  # there is no room to wait


class Queue:
    """Those who wait, by key and class.

    Between keys it is fairness that decides, within a key how much a request matters: whatever
    one key calls its requests, it takes nothing from another.

    Args:
        shares: counts the queue's places of each key.
    """

    __slots__ = ("_length", "_picks", "_rows", "_shares")

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._rows: dict[str, dict[int, deque[Waiter]]] = {}
        self._length = 0
        self._picks = 0

    def __len__(self) -> int:
        return self._length

    def add(self, waiter: Waiter) -> None:
        """Put one at the end."""
        rows = self._rows.setdefault(waiter.key, {})
        rows.setdefault(waiter.rank, deque()).append(waiter)
        take(self._shares.queued, waiter.key)
        self._length += 1

    def drop(self, waiter: Waiter) -> None:
        """Take one out; harmless when it is out already."""
        if not waiter.gone:
            waiter.gone = True
            give(self._shares.queued, waiter.key)
            self._length -= 1
            self._tidy(waiter.key, waiter.rank)

    def oldest_s(self, now: float) -> float:
        """Return how long the one who has waited longest has; 0 when it is empty."""
        firsts = [row[0].since for rows in self._rows.values() for row in rows.values()]
        return now - min(firsts) if firsts else 0.0

    def pick(self, *, newest: bool, reserved: bool = False) -> Waiter | None:
        """Take out who is served next: of the key with the fewest in flight what matters most.

        Args:
            newest: whether the newest goes first; every fourth time it is the oldest even so,
                so that nobody waits for ever.
            reserved: whether the place is none for a key that is far over its share.
        """
        items = list(self._rows.items())
        if reserved:
            items = [item for item in items if not self._shares.is_far_over(item[0])]
        if not items:
            return None
        self._picks += 1
        rows = min(items, key=self._precedence)[1]
        from_end = newest and self._picks % OLDEST_EVERY != 0
        waiter = rows[min(rows)][-1 if from_end else 0]
        self.drop(waiter)
        return waiter

    def entry(
        self, key: str, rank: int, *, room: int, bound: int, now: float, lagging: bool
    ) -> Entry | Waiter:
        """Return what happens to one who comes while no place is free; nothing is changed.

        A key that would hold no more than its fair share is never turned away while a key that
        holds more than its own has somebody in the queue.

        Args:
            key: of the newcomer.
            rank: of the newcomer's criticality.
            room: places in all.
            bound: how many may wait.
            now: monotonic seconds.
            lagging: whether the event loop is late.

        Returns:
            An entry, or who must leave the queue, so that the newcomer waits in its stead.
        """
        shares = self._shares
        if not shares.is_within(key, room=room, now=now):
            most = shares.may_queue(key, bound, lagging=lagging)
            if shares.queued.get(key, 0) >= most:
                turned_away = Entry.FULL if shares.is_alone(key) else Entry.OVER_SHARE
                return self.lower(key, rank) or turned_away
        if self._length >= bound:
            return self.yielding(key, rank) or Entry.FULL
        return Entry.WAITS

    def yielding(self, key: str, rank: int) -> Waiter | None:
        """Return who must leave a full queue to somebody who comes; None when nobody must.

        Of the key that holds most, if that is more than the newcomer's would, who matters least
        and came last; else one of the newcomer's own key that matters less.

        Args:
            key: of the newcomer.
            rank: of the newcomer's criticality.
        """
        held = self._shares.held
        if self._rows:
            greediest = max(self._rows, key=held)
            if held(greediest) > held(key) + 1:
                return self.lower(greediest, -1)
        return self.lower(key, rank)

    def lower(self, key: str, rank: int) -> Waiter | None:
        """Return the newest of a key's lowest class, if that is lower than this one."""
        rows = self._rows.get(key)
        if rows is None:
            return None
        lowest = max(rows)
        return rows[lowest][-1] if lowest > rank else None

    def beyond(self, floor: int) -> list[Waiter]:
        """Take out all whose class is refused now."""
        out = [
            waiter
            for rows in self._rows.values()
            for rank, row in rows.items()
            if rank > floor
            for waiter in row
            if not waiter.gone
        ]
        for waiter in out:
            self.drop(waiter)
        return out

    def _precedence(self, item: tuple[str, dict[int, deque[Waiter]]]) -> tuple[int, int, float]:
        key, rows = item
        first = min(rows)
        return self._shares.in_flight.get(key, 0), first, rows[first][0].since

    def _tidy(self, key: str, rank: int) -> None:
        """Keep both ends of every row alive; what is gone between them costs nothing more."""
        rows = self._rows[key]
        row = rows[rank]
        while row and row[0].gone:
            row.popleft()
        while row and row[-1].gone:
            row.pop()
        if not row:
            del rows[rank]
            if not rows:
                del self._rows[key]
