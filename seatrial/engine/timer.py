"""The five limits of one attempt on a single timer handle.

The engine's own task is cancelled when a limit passes; the phases move by plain assignment,
so that a stream's every token costs no timer: the alarm rings at the earliest limit there
can be, looks, and is set again.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from seatrial.ports import Clock
from seatrial.values.attempts import Cause, Timers

SLOT_S: Final = 0.25
_EARLY_S: Final = 0.002  # loops round their alarms to milliseconds

Slot = dict["AttemptTimer", None]
"""Timers to be woken at the same time, in the order in which they came."""


class Alarms:
    """Wakes the timers of one event loop, by slots of time.

    Nearly all limits are called off long before they pass: for those a place in a slot is kept,
    which costs a twentieth of an alarm of the loop.

    Args:
        loop: whose.
    """

    __slots__ = ("_slots", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._slots: dict[int, Slot] = {}

    def wake(self, timer: AttemptTimer, *, at: float, now: float) -> Slot | None:
        """Have `timer.near` called soon before a time, unless it leaves the slot first.

        Args:
            timer: who is to be woken.
            at: when, on the clock of `now`.
            now: monotonic seconds.

        Returns:
            The slot; None when the time is too near for one.
        """
        number = int(at / SLOT_S)
        wait_s = number * SLOT_S - now
        if wait_s <= 0.0:
            return None
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            self.loop.call_later(wait_s, self._ring, number)
        slot[timer] = None
        return slot

    def _ring(self, number: int) -> None:
        for timer in list(self._slots.pop(number)):
            timer.near()


class AttemptTimer:
    """Cancels `task` when a limit passes, and says which; a `Pulse`.

    Args:
        clock, task: what tells the time, and whom to stop; the engine always runs in a task.
        alarms: of the loop.
        timers: the limits.
        stream: whether first byte, first token and gaps are timed.
    """

    __slots__ = (
        "_cause",
        "_clock",
        "_due_at",
        "_handle",
        "_limit_at",
        "_loop",
        "_slot",
        "_stream",
        "_task",
        "_timers",
        "_total_at",
        "fired",
        "first_token_at",
        "held",
        "started",
    )

    def __init__(
        self,
        clock: Clock,
        task: asyncio.Task[Any] | None,
        alarms: Alarms,
        timers: Timers,
        *,
        stream: bool,
    ) -> None:
        self._clock = clock
        self._loop = alarms.loop
        self._task = task
        self._timers = timers
        self._stream = stream
        self.started = started = clock.now()
        self.first_token_at: float | None = None
        self.fired: Cause | None = None
        self.held = False  # the caller reads slowly: the target is not to blame for the gap
        limit_s = timers.first_byte_s if stream else timers.total_s
        self._cause = Cause.FIRST_BYTE_TIMEOUT if stream else Cause.TOTAL_TIMEOUT
        self._total_at = started + timers.total_s
        self._limit_at = self._due_at = started + limit_s
        self._handle: asyncio.TimerHandle | None = None
        self._slot = alarms.wake(self, at=self._due_at, now=started)
        if self._slot is None:
            self._handle = self._loop.call_later(limit_s, self._ring)

    # -- Pulse ----------------------------------------------------------------------------

    def connected(self) -> None:
        """Nothing changes: connecting is timed by the transport."""

    def first_byte(self) -> None:
        """From now on the first token is waited for."""
        if self._stream and self.first_token_at is None:
            self._cause = Cause.FIRST_TOKEN_TIMEOUT
            self._limit_at = self.started + self._timers.first_token_s

    def token(self) -> None:
        """From now on the next token is waited for."""
        now = self._clock.now()
        if self.first_token_at is None:
            self.first_token_at = now
            self._cause = Cause.GAP_TIMEOUT if self._stream else self._cause
        if self._stream:
            self._limit_at = limit_at = now + self._timers.gap_s
            if limit_at < self._due_at:
                self._set(now)

    # -- the engine -----------------------------------------------------------------------

    @property
    def cause(self) -> Cause:
        """The limit that passed."""
        return self.fired or self._cause

    def caught(self) -> bool:
        """Whether a cancellation just caught was ours and no one else's as well.

        When somebody else wants the task to end too, theirs wins.
        """
        if self.fired is None or self._task is None:
            return False
        return self._task.uncancel() == 0

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock.now()

    def first_token_s(self) -> float | None:
        """Return the time to the first useful token, in seconds; None when none came."""
        return None if self.first_token_at is None else self.first_token_at - self.started

    def allow_until(self, total_at: float) -> None:
        """Move the limit of the whole: after the commit nothing is kept for other targets."""
        self._total_at = total_at
        if total_at < self._due_at:
            self._set(self._clock.now())

    def resume(self) -> None:
        """Time the gaps again, after a time in which it was `held`."""
        self.held = False
        self._limit_at = self._clock.now() + self._timers.gap_s

    def move_to(self, task: asyncio.Task[Any] | None) -> None:
        """Stop this task from now on: the one that began the attempt has ended."""
        self._task = task

    def stop(self) -> None:
        """Cancel the alarm; call it before anything else is awaited."""
        if self._slot is not None:
            self._slot.pop(self, None)
            self._slot = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def near(self) -> None:
        """Set an alarm of its own: the time that it asked for is near."""
        self._slot = None
        delay_s = max(0.0, self._due_at - self._clock.now())
        self._handle = self._loop.call_later(delay_s, self._ring)

    def _set(self, now: float) -> None:
        self.stop()
        # Never asleep for longer than a gap: `resume` may move the limit forward.
        delay_s = max(0.0, min(self._ends_at() - now, self._timers.gap_s))
        self._due_at = now + delay_s
        self._handle = self._loop.call_later(delay_s, self._ring)

    def _ends_at(self) -> float:
        return self._total_at if self.held else min(self._limit_at, self._total_at)

    def _ring(self) -> None:
        now = self._clock.now()
        if now < self._ends_at() - _EARLY_S:
            self._set(now)
            return
        self._handle = None
        if self.held:
            self.fired = Cause.SLOW_READER
        else:
            own = self._limit_at < self._total_at
            self.fired = self._cause if own else Cause.TOTAL_TIMEOUT
        if self._task is not None:
            self._task.cancel()
