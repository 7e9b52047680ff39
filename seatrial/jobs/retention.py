"""Deletes records past their time, in small batches, so that nothing else waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from seatrial.ports import Clock, Records

DAY_S: Final = 86_400.0
BATCH: Final = 500
PAUSE_S: Final = 0.05  # between batches: writers come first


async def delete_old(
    records: Records, clock: Clock, *, keep_days: float, off_loop: Callable[..., Awaitable[Any]]
) -> int:
    """Delete every record older than `keep_days`; return how many.

    Args:
        records: the store.
        clock: tells the wall clock.
        off_loop: carries out blocking work beside the event loop.
        keep_days: age in days after which a record goes.
    """
    cutoff = clock.wall() - keep_days * DAY_S
    deleted = 0
    while True:
        count: int = await off_loop(records.delete_before, cutoff, limit=BATCH)
        deleted += count
        if count < BATCH:
            return deleted
        await clock.sleep(PAUSE_S)
