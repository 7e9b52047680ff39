"""The disk's side of the simulation: a store and a journal that fail for a while."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from seatrial.errors import StoreUnavailable
from seatrial.ports import (
    Deliveries,
    Idempotency,
    Journal,
    Keys,
    Ledger,
    Outcomes,
    People,
    Proofs,
    Records,
    Releases,
    Reviews,
    Sealed,
)
from seatrial.testing.simulate.demands import PERSONAL
from seatrial.testing.simulate.pace import Meter
from seatrial.testing.simulate.plan import DiskFault

T = TypeVar("T")
_PLANTED: Final = PERSONAL.encode()
BUSY_S: Final = 2.0  # how long a call waits for another process that writes
FOR_EVER_S: Final = 1e7
WRITES: Final = frozenset(
    "add begin claim delete_before end extend finish let_go migrate pass_on put release remember"
    " revoke rule settle stand take_back tried".split()
)
SEGMENT_BYTES: Final = 1 << 16  # small, so that a day fills several


class Disk:
    """What is wrong with store and journal now, and the time that their calls take.

    Calls are made on the loop; the time that a thread would have been held up is owed, and
    paid by `off_loop` as virtual time.
    """

    def __init__(
        self,
        now: Callable[[], float],
        meter: Meter,
        store: Sequence[DiskFault] = (),
        journal: Sequence[DiskFault] = (),
    ) -> None:
        self._now = now
        self._meter = meter
        self._store = tuple(store)
        self._journal = tuple(journal)
        self._owed_s = 0.0
        self.struck: dict[str, int] = {}
        self.leaked: set[str] = set()
        """Records that were to be kept with a planted address in them."""

    def look_into(self, batch: Sequence[Sealed]) -> None:
        """Look for planted addresses in what is to be kept."""
        self.leaked.update(each.record.id for each in batch if _PLANTED in each.blob)

    def heal(self) -> None:
        """End every fault."""
        self._store = self._journal = ()

    def store_fault(self) -> str:
        """Return what is wrong with the store; empty when it is well."""
        return _active(self._store, self._now())

    def journal_fault(self) -> str:
        """Return what is wrong with the journal's disk."""
        return _active(self._journal, self._now())

    async def off_loop(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        """Do what a thread would do, for as long as it would take."""
        self._owed_s = 0.0
        try:
            with self._meter.outside():
                return work(*args, **named)
        finally:
            owed_s, self._owed_s = self._owed_s, 0.0
            await asyncio.sleep(min(owed_s, FOR_EVER_S))

    def strike(self, name: str) -> None:
        """Count a fault that was felt."""
        self.struck[name] = self.struck.get(name, 0) + 1

    def call(
        self, name: str, work: Callable[..., T], limit_s: float, *args: Any, **named: Any
    ) -> T:
        """Make one call of the store, or fail as it fails now."""
        if _PLANTED in named.get("result", b""):
            self.leaked.add(named["holder"])
        fault = self.store_fault()
        if fault == "full" and name not in WRITES:
            fault = ""
        if not fault:
            with self._meter.outside():
                return work(*args, **named)
        self.strike(f"store-{fault}")
        if fault == "busy":
            self._owed_s += BUSY_S
        elif fault == "hung":
            self._owed_s += limit_s
        elif fault == "unsure":
            work(*args, **named)  # done, and the news of it lost
        raise StoreUnavailable(f"The store is {fault}.")


def _active(faults: Sequence[DiskFault], now: float) -> str:
    return next((each.kind for each in faults if each.from_s <= now < each.to_s), "")


class _Part:
    """One part of a store, each call of it by way of the disk."""

    def __init__(self, inner: object, disk: Disk, limit_s: float) -> None:
        self._inner = inner
        self._disk = disk
        self._limit_s = limit_s

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **named: Any) -> Any:
            return self._disk.call(name, method, self._limit_s, *args, **named)

        return call


class FaultyStore:
    """A durable store behind a disk that may fail.

    Args:
        inner: the real one.
        disk: says what is wrong.
    """

    def __init__(self, inner: Any, disk: Disk) -> None:
        self._inner = inner
        self._disk = disk
        self.limit_s: float = inner.limit_s
        self.name: str = inner.name
        self.records = cast("Records", _Part(inner.records, disk, self.limit_s))
        self.keys = cast("Keys", _Part(inner.keys, disk, self.limit_s))
        self.releases = cast("Releases", _Part(inner.releases, disk, self.limit_s))
        self.ledger = cast("Ledger", _Part(inner.ledger, disk, self.limit_s))
        self.idempotency = cast("Idempotency", _Part(inner.idempotency, disk, self.limit_s))
        self.reviews = cast("Reviews", _Part(inner.reviews, disk, self.limit_s))
        self.outcomes = cast("Outcomes", _Part(inner.outcomes, disk, self.limit_s))
        self.proofs = cast("Proofs", _Part(inner.proofs, disk, self.limit_s))
        self.people = cast("People", _Part(inner.people, disk, self.limit_s))
        self.deliveries = cast("Deliveries", _Part(inner.deliveries, disk, self.limit_s))

    def ready(self) -> None:
        """Ask whether the schema is known."""
        self._disk.call("ready", self._inner.ready, self.limit_s)

    def migrate(self) -> list[str]:
        """Bring the schema up to date."""
        return self._disk.call("migrate", self._inner.migrate, self.limit_s)

    def acquire_serving_lock(self, *, alone: bool = True) -> None:
        """Be the one process that serves."""
        self._inner.acquire_serving_lock(alone=alone)

    def close(self) -> None:
        """Give back connections."""
        self._inner.close()


class FaultyJournal:
    """A journal on a disk that may be full.

    Args:
        inner: the real one.
        disk: says what is wrong.
        meter: its work is a thread's, not the loop's.
    """

    def __init__(self, inner: Journal, disk: Disk, meter: Meter) -> None:
        self._inner = inner
        self._disk = disk
        self._meter = meter

    def append(self, batch: Sequence[Sealed], *, sync: bool) -> None:
        """Append all or raise."""
        with self._meter.outside():
            self._disk.look_into(batch)
        if self._disk.journal_fault():
            self._disk.strike("journal-full")
            raise OSError(errno.ENOSPC, "no space left on device")
        with self._meter.outside():
            self._inner.append(batch, sync=sync)

    def sync(self) -> None:
        """Force to disk."""
        self._inner.sync()

    def mark(self) -> int:
        """Return the position after the last append."""
        return self._inner.mark()

    def settle(self, mark: int) -> None:
        """Forget everything before `mark`."""
        self._inner.settle(mark)

    def backlog(self, limit: int) -> tuple[list[Sealed], int]:
        """Return the oldest that are not settled."""
        return self._inner.backlog(limit)

    def size(self) -> tuple[int, int]:
        """Return how much is not settled."""
        return self._inner.size()

    def close(self) -> None:
        """Flush and let go."""
        self._inner.close()
