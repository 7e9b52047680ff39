"""Old records go, in small batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.jobs.retention import BATCH, DAY_S, PAUSE_S, delete_old
from seatrial.testing.clock import run

TODAY_S = 1_000 * DAY_S


class Shelf:
    """Records by their age in days; deletes as a store does."""

    def __init__(self, ages: list[float]) -> None:
        self.started = sorted(TODAY_S - age * DAY_S for age in ages)
        self.batches: list[int] = []

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        old = [at for at in self.started if at < cutoff][:limit]
        self.started = self.started[len(old) :]
        self.batches.append(len(old))
        return len(old)


class Aside:
    """Stands for a thread beside the loop; counts what it is given."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, work: Callable[..., int], *args: Any, **kwargs: Any) -> int:
        self.calls += 1
        return work(*args, **kwargs)


class Today:
    """A clock that stands at noon, but lets time pass."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return TODAY_S

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH])
def test_all_old_records_go_and_no_other(count: int) -> None:
    """However many there are; what is younger stays."""
    shelf = Shelf([31.0] * count + [29.9] * 7)

    assert count == run(delete_old(shelf, Today(), keep_days=30.0, off_loop=Aside()))
    assert 7 == len(shelf.started)
    assert max(shelf.batches) <= BATCH


def test_writers_come_in_between() -> None:
    """The store is called beside the loop, with a pause after each full batch."""
    aside = Aside()
    shelf = Shelf([31.0] * 3 * BATCH)

    async def scene() -> float:
        await delete_old(shelf, Today(), keep_days=30.0, off_loop=aside)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(3 * PAUSE_S)
    assert 4 == aside.calls
