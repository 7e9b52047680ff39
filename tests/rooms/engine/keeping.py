"""A journal and a store in memory that misbehave on request."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from seatrial.errors import StoreUnavailable
from seatrial.ports import RecordQuery, Sealed
from seatrial.values.records import Record
from seatrial.values.sealing import unseal


class ListJournal:
    """A journal in memory that can refuse, hang, and fail to sync."""

    def __init__(self, left: Sequence[Sealed] = ()) -> None:
        self.held: list[Sealed] = list(left)
        self.settled = 0
        self.syncs = 0
        self.begun = 0
        self.appends = 0
        self.synced = 0
        self.refuses = False
        self.sync_fails = False
        self.go = threading.Event()
        self.go.set()
        self.closed = False

    def append(self, batch: Sequence[Sealed], *, sync: bool) -> None:
        self.begun += 1
        self.go.wait(20)
        self.appends += 1
        if self.refuses:
            raise OSError(28, "no space left on device")
        self.held += batch
        if sync:
            self.sync()

    def sync(self) -> None:
        if self.sync_fails:
            raise OSError(5, "input/output error")
        self.syncs += 1
        self.synced = len(self.held)

    def mark(self) -> int:
        return len(self.held)

    def settle(self, mark: int) -> None:
        self.settled = max(self.settled, mark)

    def backlog(self, limit: int) -> tuple[list[Sealed], int]:
        end = min(len(self.held), self.settled + limit)
        return self.held[self.settled : end], end

    def size(self) -> tuple[int, int]:
        waiting = self.held[self.settled :]
        return len(waiting), sum(len(each.blob) for each in waiting)

    def close(self) -> None:
        self.closed = True


class SetRecords:
    """A store in memory that can be away, hang, or refuse a record for ever."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self.batches: list[tuple[int, bool]] = []
        self.away = False
        self.poison = ""
        self.go = threading.Event()
        self.go.set()

    def add(self, batch: Sequence[Sealed], *, sync: bool = False) -> int:
        self.go.wait(20)
        if self.away:
            raise StoreUnavailable("The store is away.")
        if any(each.record.id == self.poison for each in batch):
            raise ValueError("cannot hold this")
        before = len(self.rows)
        for each in batch:
            self.rows.setdefault(each.record.id, unseal(each.blob))
        self.batches.append((len(batch), sync))
        return len(self.rows) - before

    def get(self, id: str, *, tenant: str) -> Record | None:
        raise NotImplementedError

    def find(self, query: RecordQuery) -> list[Record]:
        raise NotImplementedError

    def count(self, query: RecordQuery, *, cap: int = 10_000) -> int:
        raise NotImplementedError

    def cached(self, *, feature: str, limit: int) -> list[Record]:
        raise NotImplementedError

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        raise NotImplementedError
