"""Who is let in: places for as much as can be done at once, a short queue, and limits.

Without pressure a request takes a place and gives it back, and nothing waits.  The rules are in
`reliability/`; here is their state, and the tasks that wait.
"""

from __future__ import annotations

import asyncio
import mmap
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Clock, Coin, Counters
from seatrial.reliability import limits
from seatrial.reliability.concurrency import ConcurrencyLimit
from seatrial.reliability.fairness import Shares, give, take
from seatrial.reliability.limits import LimitSettings
from seatrial.reliability.shedding import LAG_S, Entry, Queue, Strain, Waiter
from seatrial.stats.buckets import FadingQuantiles
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

MOST_IN_FLIGHT: Final = 1024
LEAST_IN_FLIGHT: Final = 64  # with fewer, it is no load that holds the event loop up
LAG_WINDOW_S: Final = 0.25  # between two steps down
LAG_SAMPLES: Final = 4  # of the event loop; the largest stands for their 99th percentile
WAIT_SHARE: Final = 0.5  # of the time that is left; the rest is for the answer
RETRY_LEAST_S: Final = 1.0
RETRY_SPREAD_S: Final = 2.0
RETRY_STEP_S: Final = 0.01


class Place:
    """Leave to be answered; give it back with `Admission.leave`."""

    __slots__ = ("key", "left")

    def __init__(self, key: str) -> None:
        self.key = key
        self.left = False


@dataclass(frozen=True, slots=True)
class LoadView:
    """How much there is to do, for people.

    Args:
        in_flight, capacity: requests now, and how many may be.
        queued: requests that wait for a place.
        overloaded: whether there is more to do than can be done.
        lag_s: of the event loop, the worst of the last second.
        refused: requests that were not let in so far, by code; they leave no record.
        refusal_p99_s: within which nearly all of the latest of them were told, in seconds.
    """

    in_flight: int
    capacity: int
    queued: int
    overloaded: bool
    lag_s: float
    refused: Mapping[str, int]
    refusal_p99_s: float = 0.0


class Admission:
    """Grants places, lets wait, and refuses.

    Args:
        clock: tells the time.
        coin: jitter for when to come back.
        max_in_flight: requests at once; None to learn it from the event loop's lag.
        max_memory_bytes: above it nobody is let in; None for no bound.
    """

    def __init__(
        self,
        clock: Clock,
        coin: Coin,
        *,
        max_in_flight: int | None = None,
        max_memory_bytes: int | None = None,
    ) -> None:
        self._clock = clock
        self._coin = coin
        self._shares = Shares()
        self._queue = Queue(self._shares)
        self._lags: deque[float] = deque([0.0], maxlen=LAG_SAMPLES)
        self._lasting: deque[float] = deque([0.0], maxlen=LAG_SAMPLES)
        self._lagging = False
        self._full = False  # of memory
        self._pressed = False
        self._refused: dict[str, int] = {}
        self._told_s = FadingQuantiles()
        self.in_flight = 0
        self._learns = max_in_flight is None
        self._max_memory_bytes = max_memory_bytes
        self._limit = ConcurrencyLimit(
            max_in_flight or MOST_IN_FLIGHT, least=LEAST_IN_FLIGHT, window_s=LAG_WINDOW_S
        )
        self._open = self._limit.limit  # to all; beyond it only to those not far over their shares
        self._strain = Strain(clock.now(), rate=self._limit.limit)

    def adjust(self, *, max_in_flight: int | None, max_memory_bytes: int | None) -> None:
        """Take up settings that were changed."""
        self._learns = max_in_flight is None
        self._max_memory_bytes = max_memory_bytes
        self._limit.adjust(max_in_flight or MOST_IN_FLIGHT)
        self._open = min(self._open, self._limit.limit)

    def enter(self, key: str, criticality: Criticality) -> Place | Refused | None:
        """Let one request in at once, or refuse it at once; None when it has to `wait`.

        Args:
            key: whose share it takes.
            criticality: what is refused first.
        """
        if self.in_flight < self._open and not self._pressed and not len(self._queue):
            return self._place(key)
        found = self._entry(key, criticality)
        if isinstance(found, Refused):
            return found
        if found is Entry.ENTERS:
            return self._place(key)
        if isinstance(found, Waiter):
            self._queue.drop(found)
            mine = found.key == key
            self._tell(found, self._refuse_us() if mine else self._refuse_share())
        return None

    def shed(self, key: str, criticality: Criticality) -> Refused | None:
        """Refuse a request that `enter` would refuse now, before any work is done for it.

        Args:
            key: whose share it would take.
            criticality: what is refused first.
        """
        if self.in_flight < self._open and not self._pressed and not len(self._queue):
            return None
        found = self._entry(key, criticality)
        return found if isinstance(found, Refused) else None

    async def wait(self, key: str, criticality: Criticality, *, deadline: float) -> Place | Refused:
        """Wait in the queue after `enter` said None.

        Args:
            key: whose share it takes.
            criticality: what is served first.
            deadline: of the request, on the monotonic clock.
        """
        loop = asyncio.get_running_loop()
        now = self._clock.now()
        future: asyncio.Future[Place | Refused] = loop.create_future()
        waiter = Waiter(key, criticality.rank, now, future)
        self._queue.add(waiter)
        patience_s = max(0.0, deadline - now) * WAIT_SHARE
        alarm = loop.call_later(patience_s, self._turn_away, waiter)
        try:
            return await future
        except asyncio.CancelledError:
            self._queue.drop(waiter)
            if future.done() and not future.cancelled():
                granted = future.result()
                if isinstance(granted, Place):
                    self.leave(granted)
            raise
        finally:
            alarm.cancel()

    def leave(self, place: Place) -> None:
        """Give a place back; once is enough."""
        if place.left:
            return
        place.left = True
        self._limit.succeeded(self.in_flight)
        self.in_flight -= 1
        give(self._shares.in_flight, place.key)
        self._strain.ended()
        if len(self._queue):
            self._serve()

    def beat(self, lag_s: float, memory_bytes: int) -> None:
        """Take in the state of the process; call it a few times a second.

        Args:
            lag_s: by how much the event loop was late, in seconds.
            memory_bytes: resident; 0 when it is not known.
        """
        now = self._clock.now()
        # Work of ours lags from beat to beat; a busy neighbour on the machine holds us up now and
        # then, and whom we refused for that would be helped by nobody.
        lasting_s = min(lag_s, self._lags[-1])
        self._lags.append(lag_s)
        self._lasting.append(lasting_s)
        self._strain.lag_s = max(self._lags)
        self._lagging = max(self._lasting) > LAG_S
        bound = self._max_memory_bytes
        self._full = bound is not None and memory_bytes > bound
        if self._learns and lasting_s > LAG_S:
            self._limit.strained(now, self.in_flight)
        self._open = self._limit.limit - self._shares.reserve
        self._check(now)
        if len(self._queue):
            self._serve()

    def view(self) -> LoadView:
        """Return how much there is to do."""
        return LoadView(
            self.in_flight,
            self._limit.limit,
            len(self._queue),
            self.overloaded,
            max(self._lags),
            dict(self._refused),
            self._told_s.quantile(0.99),
        )

    @property
    def overloaded(self) -> bool:
        """Whether there is more to do than can be done."""
        return self._full or self._strain.overloaded or self._lagging

    def count_refused(self, code: str) -> None:
        """Count one who was not let in."""
        self._refused[code] = self._refused.get(code, 0) + 1

    def told(self, seconds: float) -> None:
        """Note how long it took to tell one that it is not let in."""
        self._told_s.add(seconds)

    # -- under pressure -------------------------------------------------------------------

    def _entry(self, key: str, criticality: Criticality) -> Refused | Waiter | Entry:
        """Return whether one enters or waits, why it is not let in, or who leaves for it."""
        now = self._clock.now()
        self._check(now)
        rank, limit = criticality.rank, self._limit.limit
        if self._full or rank > self._strain.floor:
            return self._refuse_us()
        if self._lagging and rank > Criticality.DEFAULT.rank:
            return self._refuse_us()
        self._shares.look(limit, now)
        self._open = limit - self._shares.reserve
        if self.in_flight < limit and len(self._queue):
            self._serve()
        if self.in_flight < (self._open if self._shares.is_far_over(key) else limit):
            return Entry.ENTERS
        if criticality is Criticality.SHADOW:
            return self._refuse_us()
        bound = self._strain.bound(patient=self._shares.is_uneven)
        entry = self._queue.entry(
            key, rank, room=limit, bound=bound, now=now, lagging=self._lagging
        )
        match entry:
            case Waiter() | Entry.WAITS | Entry.ENTERS:
                return entry
            case Entry.OVER_SHARE:
                if not self._shares.is_far_over(key):
                    self._strain.turned_away()
                return self._refuse_share()
            case Entry.FULL:
                self._strain.turned_away()
                return self._refuse_us()
            case other:
                assert_never(other)

    def _check(self, now: float) -> None:
        if self._strain.is_due(now):
            self._strain.check(now, oldest_s=self._queue.oldest_s(now))
            for waiter in self._queue.beyond(self._strain.floor):
                self._tell(waiter, self._refuse_us())
        self._pressed = self.overloaded

    def _serve(self) -> None:
        """Give places that are free to those who wait."""
        now = self._clock.now()
        while self.in_flight < self._limit.limit:
            reserved = self.in_flight >= self._open
            waiter = self._queue.pick(newest=self._strain.overloaded, reserved=reserved)
            if waiter is None:
                return
            self._strain.waited(now - waiter.since)
            if not waiter.token.done():
                waiter.token.set_result(self._place(waiter.key))

    def _turn_away(self, waiter: Waiter) -> None:
        """Refuse one who has waited too long to be answered in time."""
        if not waiter.gone:
            self._queue.drop(waiter)
            self._tell(waiter, self._refuse_us())

    def _place(self, key: str) -> Place:
        self.in_flight += 1
        take(self._shares.in_flight, key)
        return Place(key)

    def _tell(self, waiter: Waiter, answer: Refused) -> None:
        if not waiter.token.done():
            waiter.token.set_result(answer)

    def _refuse_us(self) -> Refused:
        wait_s = self._retry_s("overloaded")
        message = f"There is more to do than can be done now. Ask again in {wait_s:.1f} s."
        return Refused("overloaded", message, retry_after_s=wait_s)

    def _refuse_share(self) -> Refused:
        wait_s = self._retry_s("rate_limited")
        message = (
            "There is much to do, and your API key has its share of the places already. "
            f"Ask again in {wait_s:.1f} s."
        )
        return Refused("rate_limited", message, retry_after_s=wait_s)

    def _retry_s(self, code: str) -> float:
        self.count_refused(code)
        # Jittered: whoever is sent away together must not come back together.
        # In steps, so that the words of a refusal need not be found each time.
        return RETRY_LEAST_S + round(RETRY_SPREAD_S * self._coin() / RETRY_STEP_S) * RETRY_STEP_S


# --- limits --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a request has taken from its limits; give it to `Limiter.settle`."""

    id: str
    asks: Sequence[Ask]


class Limiter:
    """Takes what requests ask from their limits, and puts what they used in its place.

    Args:
        counters: where it is counted.
        clock: wall time tells the day.
        new_id: makes ids of reservations.
    """

    def __init__(self, counters: Counters, clock: Clock, new_id: Callable[[], str]) -> None:
        self._counters = counters
        self._clock = clock
        self._new_id = new_id
        self.uncounted = 0
        """Requests that passed because nothing could be counted."""

    async def reserve(
        self,
        settings: LimitSettings,
        caller: Caller,
        feature: str,
        *,
        tokens: int,
        lease_s: float,
    ) -> Reserved | Refused | None:
        """Take what one request needs; None where nothing is limited.

        Args:
            settings: of the feature.
            caller: who asks.
            feature: its name.
            tokens: expected, of question and answer together.
            lease_s: how long the request may take, in seconds.
        """
        asks = limits.asks_for(settings, caller, feature, tokens, self._clock.wall())
        if not asks:
            return None
        reserved = Reserved(self._new_id(), asks)
        try:
            short = await self._counters.reserve(reserved.id, asks, lease_s=lease_s)
        except CountersUnavailable:
            # A limit spares a machine; it is not worth an outage of its own.
            self.uncounted += 1
            return None
        return limits.refusal(asks, short) if short is not None else reserved

    async def settle(self, reserved: Reserved, *, tokens: int) -> None:
        """Put what was used in place of what was expected.

        Args:
            reserved: from `reserve`.
            tokens: used by all attempts together.
        """
        try:
            await self._counters.settle(reserved.id, limits.settled(reserved.asks, tokens))
        except CountersUnavailable:
            self.uncounted += 1

    async def headers(self, reserved: Reserved) -> Mapping[str, str]:
        """Return the `x-ratelimit-…` headers of a request; none while nothing can be counted."""
        try:
            held = await self._counters.used(reserved.asks)
        except CountersUnavailable:
            return {}
        return limits.rate_headers(reserved.asks, held, self._clock.wall())


def resident_bytes() -> int:
    """Return the memory that this process holds; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0
