"""Where a failed attempt leads, and how much time an attempt may take."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, Protocol

from seatrial.reliability.settings import Place, TargetRules
from seatrial.values.attempts import Cause, Timers

MIN_ATTEMPT_S: Final = 0.25  # with less time left no attempt starts
CHEAP_RESERVE_S: Final = 0.05  # for cache, fixed text and hand-off
RESERVE_MARGIN_S: Final = 1.0
UNLEARNT_TYPICAL_S: Final = 2.0
UNLEARNT_FIRST_TOKEN_S: Final = 15.0
LEARNT_BOUNDS_S: Final = (3.0, 60.0)
LEARNT_FACTOR: Final = 1.5
# While others wait behind it, a target gets at most this share of the time that is left: a
# hung one then still leaves an answer within 0.6 of the deadline.
SHARE_BEFORE_OTHERS: Final = 0.5
SHARE_AT_LEAST: Final = 0.25


class Handling(Enum):
    """What a failure leads to."""

    SAME = auto()  # worth another try here, then the next target
    ELSEWHERE = auto()  # the next target; here again only when no other can be called
    NEXT = auto()  # the next target
    FINAL = auto()  # the caller must hear it: no other target may answer instead


HANDLING: Final = {
    Cause.RESTING: Handling.NEXT,
    Cause.THROTTLED: Handling.NEXT,
    Cause.POOL_FULL: Handling.NEXT,
    Cause.QUARANTINED: Handling.NEXT,
    Cause.SHED: Handling.NEXT,
    Cause.NO_TIME: Handling.NEXT,
    Cause.TRIED_ENOUGH: Handling.NEXT,
    Cause.NOT_CACHED: Handling.NEXT,
    Cause.SPARED: Handling.NEXT,
    Cause.OVER_BUDGET: Handling.NEXT,
    Cause.UNREACHABLE: Handling.SAME,
    Cause.CONNECT_TIMEOUT: Handling.ELSEWHERE,
    Cause.CONNECTION_LOST: Handling.SAME,
    Cause.FIRST_BYTE_TIMEOUT: Handling.ELSEWHERE,
    Cause.FIRST_TOKEN_TIMEOUT: Handling.ELSEWHERE,
    Cause.GAP_TIMEOUT: Handling.ELSEWHERE,
    Cause.TOTAL_TIMEOUT: Handling.ELSEWHERE,
    Cause.TOO_SLOW: Handling.NEXT,
    Cause.SERVER_ERROR: Handling.SAME,
    Cause.OVERLOADED: Handling.ELSEWHERE,
    Cause.RATE_LIMITED: Handling.ELSEWHERE,
    Cause.KEY_REFUSED: Handling.NEXT,
    Cause.TARGET_GONE: Handling.NEXT,
    Cause.BAD_REQUEST: Handling.FINAL,
    Cause.POLICY: Handling.FINAL,
    Cause.INVALID_ANSWER: Handling.ELSEWHERE,
    Cause.NO_ANSWER: Handling.NEXT,
    Cause.REFUSED: Handling.NEXT,
    Cause.CHECK_FAILED: Handling.NEXT,
    Cause.RAISED: Handling.NEXT,
    Cause.OVERTAKEN: Handling.NEXT,
    Cause.CALLER_LEFT: Handling.FINAL,
    Cause.SLOW_READER: Handling.FINAL,
}

TIMEOUTS: Final = frozenset(
    {
        Cause.CONNECT_TIMEOUT,
        Cause.FIRST_BYTE_TIMEOUT,
        Cause.FIRST_TOKEN_TIMEOUT,
        Cause.GAP_TIMEOUT,
        Cause.TOTAL_TIMEOUT,
    }
)

# What speaks against a target's health.  Limits and refused keys have windows of their own;
# the caller's mistakes, a refusal and a caller who left say nothing about it.
COUNTS: Final = TIMEOUTS | {
    Cause.UNREACHABLE,
    Cause.CONNECTION_LOST,
    Cause.TOO_SLOW,
    Cause.SERVER_ERROR,
    Cause.OVERLOADED,
    Cause.TARGET_GONE,
    Cause.INVALID_ANSWER,
    Cause.RAISED,
}


class Outlook(Protocol):
    """What is known of targets now, handed in like the coin."""

    def typical_s(self, target: str, *, stream: bool) -> float | None:
        """Return the 95th percentile of its time, in seconds; None until enough was seen.

        The time is to the first token, or to the whole answer when not streamed.
        """

    def tail_s(self, target: str, *, stream: bool) -> float | None:
        """Return the 99.9th percentile of the same."""

    def afford_retry(self, target: str, *, now: float, timed_out: bool) -> bool:
        """Take a second try from the target's budget; return whether there was one."""

    def least_recently_failed(self, targets: Sequence[str]) -> str:
        """Return the one whose last failure is longest ago."""


def handle(cause: Cause, *, others: bool) -> Handling:
    """Return what the failure leads to: SAME, NEXT or FINAL.

    Args:
        cause: of the failure.
        others: whether another model or function is left on the route.
    """
    handling = HANDLING[cause]
    if handling is Handling.ELSEWHERE:
        return Handling.NEXT if others else Handling.SAME
    return handling


def reserve_s(place: Place, outlook: Outlook, *, stream: bool) -> float:
    """Return the time to keep for the rest of the route, in seconds.

    The next target that is called gets its usual time and a second; what is built in
    answers at once.
    """
    if place.next_called:
        usual = outlook.typical_s(place.next_called, stream=stream) or UNLEARNT_TYPICAL_S
        return usual + RESERVE_MARGIN_S
    return 0.0 if place.last else CHEAP_RESERVE_S


def allot(place: Place, outlook: Outlook, *, left_s: float, stream: bool) -> Timers | None:
    """Share out the time that is left.

    Args:
        place: of the target that is about to be called.
        outlook: what is known of the targets.
        left_s: until the deadline.
        stream: whether pieces are wanted.

    Returns:
        The limits of the attempt, or None when too little time is left for one.
    """
    if not place.called:
        brief_s = max(0.0, left_s)  # it answers at once, and better late than not at all
        return Timers(brief_s, brief_s, brief_s, brief_s, brief_s)
    own_s = left_s if place.last else left_s - reserve_s(place, outlook, stream=stream)
    if place.waiting:
        # A short deadline cannot pay the full reserve: the first target still gets its chance.
        own_s = min(left_s * SHARE_BEFORE_OTHERS, max(own_s, left_s * SHARE_AT_LEAST))
    if own_s < MIN_ATTEMPT_S:
        return None
    settings = place.target.timers
    total_s = min(own_s, settings.total_s or own_s)
    connect_s = min(settings.connect_s, total_s)
    if not stream:
        # The headers of a whole answer come when it is written: only the whole can be timed.
        return Timers(connect_s, total_s, total_s, total_s, total_s)
    first_token_s = settings.first_token_s or _learnt_first_token(place.target, outlook)
    first_token_s = min(total_s, first_token_s)
    first_byte_s = min(settings.first_byte_s, first_token_s)
    return Timers(connect_s, first_byte_s, first_token_s, settings.gap_s, total_s)


def _learnt_first_token(target: TargetRules, outlook: Outlook) -> float:
    tail = outlook.tail_s(target.name, stream=True)
    if tail is None:
        return UNLEARNT_FIRST_TOKEN_S
    low, high = LEARNT_BOUNDS_S
    return min(high, max(low, tail * LEARNT_FACTOR))
