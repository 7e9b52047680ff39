"""What the store may not hold is remembered, within bounds of number, bytes and time."""

from __future__ import annotations

import asyncio

from seatrial.engine.remembering import MOST, Remembered
from seatrial.reliability.idempotency import KEEP_DAYS
from seatrial.values.chat import Answer
from seatrial.values.decisions import Answered, Head, Kind, Settled
from tests.rooms.engine.stage import LoopClock, play


def settled_with(text: str) -> Settled:
    """Settle with an answer of so much text."""
    return Settled(Head("r", "r1", Kind.ANSWER), Answered(Answer(text), "large", 0))


def fill(memory: Remembered, number: int, text: str = "x") -> None:
    """Remember so many results."""
    for each in range(number):
        memory.put(f"p{each}", "b", settled_with(text), created=1)


def test_memory_is_bounded() -> None:
    """By number and by bytes, the oldest first; one that is too large for all is left out."""

    async def scene() -> None:
        memory = Remembered(LoopClock())
        fill(memory, MOST + 1)
        assert memory.get("p0") is None
        assert memory.get("p1") is not None
        fill(memory, 40, "x" * (1 << 20))
        assert memory.get("p8") is None
        assert memory.get("p9") is not None
        memory.put("p39", "b", settled_with("x" * (33 << 20)), created=1)
        assert memory.get("p39") is None
        assert memory.get("p38") is not None

    play(scene())


def test_memory_ends() -> None:
    """When the store would have forgotten too."""

    async def scene() -> None:
        memory = Remembered(LoopClock())
        fill(memory, 1)
        await asyncio.sleep(KEEP_DAYS * 86_400 - 1.0)
        assert memory.get("p0") is not None
        await asyncio.sleep(2.0)
        assert memory.get("p0") is None

    play(scene())
