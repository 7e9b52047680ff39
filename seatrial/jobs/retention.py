"""Deletes records past their time, in small batches, so that nothing else waits."""

from __future__ import annotations

import asyncio
from typing import Final

from seatrial.ports import Clock, Records

DAY_S: Final = 86_400.0
BATCH: Final = 500
PAUSE_S: Final = 0.05  # between batches: writers come first


async def delete_old(records: Records, clock: Clock, *, keep_days: float) -> int:
    """Delete every record older than `keep_days`; return how many.

    Args:
        records: the store; called in a thread.
        clock: tells the wall clock.
        keep_days: age in days after which a record goes.
    """
    cutoff = clock.wall() - keep_days * DAY_S
    deleted = 0
    while True:
        count = await asyncio.to_thread(records.delete_before, cutoff, limit=BATCH)
        deleted += count
        if count < BATCH:
            return deleted
        await clock.sleep(PAUSE_S)
