"""The way from the journal to the store, one batch at a time.

Knows no thread: `carry` is called by the recorder's, or by the simulator.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from seatrial.engine.waiting import Entry, tell
from seatrial.ports import Journal, Records, Sealed

BATCH_BYTES: Final = 4 << 20  # of one batch, unless one record alone is larger


class Carriage:
    """Carries records to the store, and forgets them in the journal once they are there.

    What the journal holds is handed over in memory; beyond `memory_bytes` it is read back
    from the journal instead.  What the journal refused waits in memory alone.

    Args:
        journal, records: from where, to where.
        batch: records at once.
        sync_every_s: the store is asked for its disk at least so often; only then does the
            journal forget.
        memory_bytes: bound of each of the two memories.
        refused: told of each record that the store can never hold, and why.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        journal: Journal,
        records: Records,
        *,
        batch: int,
        sync_every_s: float,
        memory_bytes: int,
        refused: Callable[[Sealed, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kept = 0
        self._journal = journal
        self._records = records
        self._batch = batch
        self._sync_every_s = sync_every_s
        self._memory_bytes = memory_bytes
        self._refused = refused
        self._clock = clock
        self._synced_at = float("-inf")
        self._lock = threading.Lock()  # guards what follows; never held during I/O
        self._hot: deque[tuple[Sequence[Sealed], int, int]] = deque()  # records, bytes, mark
        self._hot_bytes = 0
        self._spilled = journal.size()[0] > 0  # the journal holds more than `_hot`
        self._direct: deque[Entry] = deque()
        self._direct_bytes = 0

    def journaled(self, batch: Sequence[Sealed], mark: int) -> None:
        """Take over what the journal now holds up to `mark`."""
        size = sum(len(sealed.blob) for sealed in batch)
        with self._lock:
            if self._spilled:
                return
            if self._hot_bytes + size > self._memory_bytes:
                self._spilled = True
                return
            self._hot.append((batch, size, mark))
            self._hot_bytes += size

    def direct(self, entry: Entry) -> bool:
        """Take over what the journal does not hold; return False when there is no room."""
        size = len(entry.sealed.blob)
        with self._lock:
            if self._direct_bytes + size > self._memory_bytes:
                return False
            self._direct.append(entry)
            self._direct_bytes += size
        return True

    def waiting(self) -> int:
        """Return how many records wait in memory alone."""
        return len(self._direct)

    def pending(self) -> bool:
        """Return whether anything is to be carried."""
        return bool(self._direct or self._hot or self._spilled)

    def carry(self) -> int:
        """Carry one batch; return how many records it had, 0 when nothing waits.

        Raises:
            StoreUnavailable: the store did not take it; nothing is lost.
        """
        direct = self._take_direct()
        hot, mark, more = self._take_hot(self._batch - len(direct))
        from_file = False
        if not direct and not hot and self._spilled:
            from_file = True
            hot, mark = self._journal.backlog(self._batch)
        batch = [entry.sealed for entry in direct] + hot
        if batch:
            lately = self._clock() - self._synced_at < self._sync_every_s
            # What is read back from the journal begins where it was settled: settle at once.
            sync = from_file or not (more and lately) or any(entry.sync for entry in direct)
            self.kept += self._add(batch, sync=sync)
            if sync:
                self._synced_at = self._clock()
                if mark is not None:
                    self._journal.settle(mark)
        self._forget(direct, mark, from_file=from_file)
        return len(batch)

    def abandon(self) -> int:
        """Give up what waits in memory alone; return how many records that loses."""
        with self._lock:
            lost = list(self._direct)
            self._direct.clear()
            self._direct_bytes = 0
        tell(lost, False)
        return len(lost)

    def _take_direct(self) -> list[Entry]:
        """Look at what goes first; it stays until the store has it."""
        with self._lock:
            taken: list[Entry] = []
            size = 0
            for entry in self._direct:
                size += len(entry.sealed.blob)
                if taken and (len(taken) >= self._batch or size > BATCH_BYTES):
                    break
                taken.append(entry)
            return taken

    def _take_hot(self, room: int) -> tuple[list[Sealed], int | None, bool]:
        """Look at the oldest that were handed over; the journal's mark after them; if more wait."""
        taken: list[Sealed] = []
        total = 0
        mark = None
        with self._lock:
            for batch, size, after in self._hot:
                total += size
                over = len(taken) + len(batch) > room or total > BATCH_BYTES
                if room <= 0 or (taken and over):
                    return taken, mark, True
                taken.extend(batch)
                mark = after
        return taken, mark, False

    def _forget(self, direct: Sequence[Entry], mark: int | None, *, from_file: bool) -> None:
        """Let go of what the store has, and answer who waited for it."""
        with self._lock:
            for entry in direct:
                self._direct.popleft()
                self._direct_bytes -= len(entry.sealed.blob)
            while mark is not None and self._hot and self._hot[0][2] <= mark:
                self._hot_bytes -= self._hot.popleft()[1]
            if from_file and mark == self._journal.mark():
                self._spilled = False
        tell(direct, True)

    def _add(self, batch: Sequence[Sealed], *, sync: bool) -> int:
        """Add a batch; a record that the store can never hold is singled out."""
        try:
            return self._records.add(batch, sync=sync)
        except ValueError as error:
            if len(batch) == 1:
                self._refused(batch[0], str(error))
                return 0
        half = len(batch) // 2
        return self._add(batch[:half], sync=sync) + self._add(batch[half:], sync=sync)
