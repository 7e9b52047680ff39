"""How many second tries a target gets, over all requests.

Source: token bucket in the manner of Finagle's and gRPC's retry budgets.
"""

from __future__ import annotations

from typing import Final

EARNED: Final = 0.1  # per first attempt
CAP: Final = 50.0
FLOOR_PER_S: Final = 1.0  # earned by time alone
COST: Final = 1.0
COST_TIMEOUT: Final = 2.0


class RetryBudget:
    """Second tries that a target may still cost.  An outage cannot multiply the load.

    >>> budget = RetryBudget(now=0.0)
    >>> budget.spend(now=0.0), budget.spend(now=0.0), budget.spend(now=1.0)
    (True, False, True)
    """

    __slots__ = ("_at", "_floor", "_left")

    def __init__(self, now: float) -> None:
        self._left = 0.0
        self._floor = FLOOR_PER_S
        self._at = now

    def earn(self) -> None:
        """Note a first attempt."""
        self._left = min(CAP, self._left + EARNED)

    def spend(self, now: float, *, timed_out: bool = False) -> bool:
        """Take the price of one second try; return whether it could be paid.

        Args:
            now: monotonic seconds.
            timed_out: whether the first try timed out, which costs the target twice as much.
        """
        self._floor = min(FLOOR_PER_S, self._floor + (now - self._at) * FLOOR_PER_S)
        self._at = now
        cost = COST_TIMEOUT if timed_out else COST
        if self._left >= cost:
            self._left -= cost
            return True
        if self._floor >= COST:
            self._floor -= COST
            return True
        return False


def jittered_wait_s(turn: int, *, base_s: float, cap_s: float, coin: float) -> float:
    """Return how long to wait before the next try: full jitter over a doubling window.

    Args:
        turn: tries so far, from 0.
        base_s: the first window, in seconds.
        cap_s: the largest window, in seconds.
        coin: in [0, 1).

    >>> jittered_wait_s(2, base_s=0.15, cap_s=2.0, coin=0.5)
    0.3
    """
    return float(coin * min(cap_s, base_s * 2**turn))
