"""Deletes what is past its time, in small batches, so that nothing else waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from seatrial.ports import Clock

DAY_S: Final = 86_400.0
BATCH: Final = 500
PAUSE_S: Final = 0.05  # between batches: writers come first


class Dated(Protocol):
    """A store of what grows old: records, idempotency keys."""

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        """Delete up to `limit` of the oldest from before `cutoff`; return how many."""


async def delete_old(
    kept: Dated, clock: Clock, *, keep_days: float, off_loop: Callable[..., Awaitable[Any]]
) -> int:
    """Delete everything older than `keep_days`; return how much.

    Args:
        kept: the store.
        clock: tells the wall clock.
        off_loop: carries out blocking work beside the event loop.
        keep_days: age in days after which it goes.
    """
    cutoff = clock.wall() - keep_days * DAY_S
    deleted = 0
    while True:
        count: int = await off_loop(kept.delete_before, cutoff, limit=BATCH)
        deleted += count
        if count < BATCH:
            return deleted
        await clock.sleep(PAUSE_S)
