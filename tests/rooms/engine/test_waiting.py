"""How records gather before another thread is woken."""

from __future__ import annotations

import asyncio
import itertools

from seatrial.engine.waiting import CROWD, GATHER_S, Desk, Entry
from seatrial.ports import Sealed
from seatrial.testing.clock import run
from seatrial.values.records import Record


def entry_at(desk: Desk) -> Entry:
    """Return a record somebody waits for."""
    record = Record("r", "support", 0.0, "answer")
    return Entry(Sealed(record, b""), False, desk, desk.seat(10.0))


async def times_of(count: int, *, every_s: float, answered: bool) -> list[tuple[float, int]]:
    """Gather `count` records, one each `every_s`; return when how many were passed on."""
    loop = asyncio.get_running_loop()
    passed: list[tuple[float, int]] = []

    def pass_on(entries: list[Entry]) -> None:
        passed.append((loop.time(), len(entries)))
        if answered:
            desk.answer([entry.future for entry in entries if entry.future], True)

    desk = Desk(loop, lambda: None, pass_on)
    for _ in range(count):
        desk.gather(entry_at(desk))
        await asyncio.sleep(every_s)
    await asyncio.sleep(1.0)
    return passed


def test_who_waits_alone_is_served_at_once() -> None:
    """Records that come one by one, each durable before the next, never gather."""
    passed = run(times_of(10, every_s=0.001, answered=True))

    assert [1] * 10 == [count for _, count in passed]


def test_a_crowd_gathers() -> None:
    """While many wait, threads are woken once in a few milliseconds, and nobody is left out."""
    passed = run(times_of(100, every_s=0.0002, answered=False))
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(passed)]

    assert 100 == sum(count for _, count in passed)
    assert min(gaps[CROWD:]) > GATHER_S * 0.99
