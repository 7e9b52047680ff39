"""What counters were asked and said, noted for the reckoning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.ports import Ask, Counters, Short


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done to counters.

    Args:
        life: of which process.
        id: of the reservation.
        asks: what was taken; empty for a settlement.
        amounts: what was used of it; empty for a reservation.
    """

    life: int
    id: str
    asks: tuple[Ask, ...] = ()
    amounts: tuple[int, ...] = ()


@dataclass(slots=True)
class Book:
    """All that was taken and settled on a day, in order; what did not fit is left out."""

    entries: list[Entry] = field(default_factory=list)
    short: int = 0


class Counted:
    """Counters that note what is done to them.

    Args:
        inner: the application's own.
        book: where it is noted.
        life: of which process.
    """

    def __init__(self, inner: Any, book: Book, life: int) -> None:
        self._inner = inner
        self._counters: Counters = inner
        self._book = book
        self._life = life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        """Take all that is asked, or nothing."""
        short = await self._counters.reserve(id, asks, lease_s=lease_s)
        if short is None:
            self._book.entries.append(Entry(self._life, id, asks=tuple(asks)))
        else:
            self._book.short += 1
        return short

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved."""
        self._book.entries.append(Entry(self._life, id, amounts=tuple(amounts)))
        await self._counters.settle(id, amounts)

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now."""
        return await self._counters.used(asks)

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked."""
        await self._counters.lift(asks)

    async def beat(self) -> None:
        """Do what is due."""
        await self._inner.beat()

    async def close(self) -> None:
        """Give back connections."""
        await self._counters.close()
