"""The circuit breaker of one outlet: three states, and permits that are leases.

It knows no clock and no die: both are handed in.  What counts as a failure is decided
elsewhere (`routing.COUNTS`).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from seatrial.reliability.settings import BreakerSettings

RAMP_START: Final = 0.1  # share of the traffic right after closing
_DOUBLINGS: Final = 16  # of a rest; more would outgrow a float in a long outage


class State(Enum):
    """What a breaker lets through."""

    CLOSED = auto()  # attempts pass
    OPEN = auto()  # attempts are refused until the rest is over
    PROBING = auto()  # one attempt at a time is out to see whether the target recovered


class Event(Enum):
    """What moves a breaker."""

    TRIPPED = auto()  # the window or the run of failures says so
    RESTED = auto()  # the rest is over
    RECOVERED = auto()  # enough good probes in a row
    FAILED = auto()  # a probe failed


# What is not listed changes nothing: a reply that left before the trip and lands after
# it must not close the circuit.
NEXT: Final = {
    (State.CLOSED, Event.TRIPPED): State.OPEN,
    (State.OPEN, Event.RESTED): State.PROBING,
    (State.PROBING, Event.RECOVERED): State.CLOSED,
    (State.PROBING, Event.FAILED): State.OPEN,
}


@dataclass(slots=True)
class _Second:
    at: int
    attempts: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one attempt; given back by `settle`, or void after `until`.

    Args:
        probe: whether it is the one probe of a breaker that is not closed.
        until: on the monotonic clock; a probe not given back by then is counted as lost.
        era: which opening it belongs to.
    """

    probe: bool
    until: float
    era: int


class Breaker:
    """Decides whether attempts may pass to one outlet, from what came of earlier ones."""

    def __init__(self, settings: BreakerSettings) -> None:
        self.settings = settings
        self.state = State.CLOSED
        self.opened_until = 0.0
        self.last_failure_at = -1e9
        self._era = 0
        self._pass = Permit(False, math.inf, self._era)  # one for all while it is closed
        self._consecutive = 0
        self._openings = 0  # in a row, without closing in between
        self._good = 0
        self._probe: Permit | None = None
        self._closed_at = -1e9
        self._forced_at = -1e9
        self._window: deque[_Second] = deque()

    # -- asking ---------------------------------------------------------------------------

    def wait_s(self, now: float) -> float:
        """Return how long it still rests, in seconds; 0 when attempts may pass."""
        return max(0.0, self.opened_until - now) if self.state is State.OPEN else 0.0

    def permit(self, now: float, *, coin: float, lease_s: float) -> Permit | None:
        """Return leave for one attempt, or None while the outlet rests.

        Args:
            now: monotonic seconds.
            coin: in [0, 1); thins the traffic while it ramps up after closing.
            lease_s: after this long, or after `open_s`, an unreturned probe counts as lost.
        """
        if self.state is State.CLOSED:
            ramp_s = self.settings.ramp_s
            since = now - self._closed_at
            if since < ramp_s and coin >= RAMP_START + (1 - RAMP_START) * since / ramp_s:
                return None
            return self._pass
        if self.state is State.OPEN and now >= self.opened_until:
            self._move(Event.RESTED)
            self._good = 0
            self._probe = None
        if self.state is State.PROBING and (self._probe is None or now >= self._probe.until):
            # A hung probe must not keep the next one waiting for as long as an attempt may take.
            self._probe = Permit(True, now + min(lease_s, self.settings.open_s), self._era)
            return self._probe
        return None

    def force(self, now: float, *, lease_s: float) -> Permit | None:
        """Return leave although it rests, at most once per `open_s`.

        That is better than failing at once when every target rests.
        """
        if now < self._forced_at + self.settings.open_s:
            return None
        self._forced_at = now
        return Permit(False, now + lease_s, self._era)

    # -- telling --------------------------------------------------------------------------

    def settle(
        self, permit: Permit, now: float, *, failed: bool | None, slow: bool = False, coin: float
    ) -> None:
        """Give a permit back with what came of it.

        Args:
            permit: from `permit` or `force`.
            now: monotonic seconds.
            failed: None when it says nothing about the target: the caller left, or erred.
            slow: whether the first token took more than twice its usual time.
            coin: in [0, 1), for the jitter of a rest that may begin.
        """
        if permit is self._probe:
            self._probe = None
        if failed is None:
            return
        if failed:
            self.last_failure_at = now
        if permit.era != self._era:
            return  # it left before the last opening: old news, for the window as well
        self._count(now, failed=failed, slow=slow)
        self._consecutive = self._consecutive + 1 if failed else 0
        if self.state is State.PROBING:
            self._judge_probe(now, failed=failed, coin=coin)
        elif (failed or slow) and self.state is State.CLOSED and self._is_tripped():
            self._move(Event.TRIPPED)
            self._rest(now, coin)

    def _judge_probe(self, now: float, *, failed: bool, coin: float) -> None:
        if failed:
            self._move(Event.FAILED)
            self._rest(now, coin)
            return
        self._good += 1
        if self._good >= self.settings.good_to_close:
            self._move(Event.RECOVERED)
            self._closed_at = now
            self._openings = 0
            self._window.clear()
            self._consecutive = 0

    def _is_tripped(self) -> bool:
        if self._consecutive >= self.settings.consecutive:
            return True
        attempts = sum(second.attempts for second in self._window)
        if attempts < self.settings.min_attempts:
            return False
        failures = sum(second.failures for second in self._window)
        slow = sum(second.slow for second in self._window)
        return (
            failures >= self.settings.failure_share * attempts
            or slow >= self.settings.slow_share * attempts
        )

    def _rest(self, now: float, coin: float) -> None:
        doubled_s = self.settings.open_s * 2 ** min(self._openings, _DOUBLINGS)
        longest = min(self.settings.open_cap_s, doubled_s)
        self._openings += 1
        self._era += 1
        self._pass = Permit(False, math.inf, self._era)
        # Equal jitter: at least half of the rest is kept, replicas do not come back together.
        self.opened_until = max(self.opened_until, now + longest * (0.5 + 0.5 * coin))

    def _count(self, now: float, *, failed: bool, slow: bool) -> None:
        second = int(now)
        window = self._window
        if not window or window[-1].at != second:
            window.append(_Second(second))
            while window[0].at < second - self.settings.window_s:
                window.popleft()
        latest = window[-1]
        latest.attempts += 1
        if failed or slow:
            latest.failures += failed
            latest.slow += slow

    def _move(self, event: Event) -> None:
        self.state = NEXT.get((self.state, event), self.state)
