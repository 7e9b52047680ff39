"""Records on their way to rest: the journal at once, the store when it can.

A record is first appended to the local journal, many at a time, by a thread that does
nothing else; only that lies on the answer's way.  A second thread forces the journal to
disk, a third carries records on to the store.  A store that is slow, full or hung delays
nothing: the journal grows, and is carried on later.  What neither takes is counted.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Awaitable, Generator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

import msgspec

from seatrial.engine.carriage import Carriage
from seatrial.engine.recording import RecorderCounts, RecorderSettings
from seatrial.engine.waiting import Desk, Entry, tell
from seatrial.ports import Coin, Journal, Records, Sealed
from seatrial.values.records import Record, outline
from seatrial.values.sealing import seal

GROUP: Final = 512  # records of one append to the journal, at most
TELL_EVERY_S: Final = 10.0  # between log lines about the same trouble

_log = logging.getLogger("seatrial.recorder")


class Recorder:
    """Keeps records.  `append` and `put` never block, and raise nothing.

    Args:
        journal: takes records first.
        records: the store, where they end.
        settings: limits of time and memory.
        inline: write to the journal within `append` and start no thread; `catch_up` is then
            called by whoever owns the time, as the simulator does.
        coin: jitter for the tries of a failing store.
    """

    def __init__(
        self,
        journal: Journal,
        records: Records,
        *,
        settings: RecorderSettings | None = None,
        inline: bool = False,
        coin: Coin = random.random,
    ) -> None:
        self.settings = settings or RecorderSettings()
        self._journal = journal
        self._records = records
        self._inline = inline
        self._coin = coin
        self._carriage = Carriage(
            journal,
            records,
            batch=self.settings.batch,
            sync_every_s=self.settings.sync_every_s,
            memory_bytes=self.settings.memory_bytes,
            refused=self._never_stored,
        )
        self._desks: dict[asyncio.AbstractEventLoop, Desk] = {}
        self._lock = threading.Lock()  # guards the numbers; never held during I/O
        self._taken = self._dropped = self._late = 0
        self._queued = self._queued_bytes = 0
        self._store_errors = self._journal_errors = 0
        self._last_error = ""
        self._stuck = False
        self._told_at: dict[str, float] = {}
        self._closed = False
        # From thread to thread; None says that no more comes.
        self._queue: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._unsynced: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._dirty = False  # the thread that syncs knows that there is something
        self._busy_since: float | None = None  # when the journal's append in hand began
        self._work = threading.Event()
        self._closing = threading.Event()
        self._give_up = threading.Event()
        self._threads: list[threading.Thread] = []

    # --- the answer's way ---------------------------------------------------------------------

    def append(
        self,
        record: Record,
        *,
        sync: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Awaitable[bool]:
        """Take a record at once; await the result to know it durable.

        Args:
            record: taken over at the call: a caller who is cancelled later loses nothing.
            sync: wait until it survives the machine's death, not only the process's.
            loop: the running one, when the caller knows it.

        Returns:
            True once it is durable.  False when that took too long (it is still on its way)
            or when it was dropped; what hangs on it must then not be promised.
        """
        if self._inline:
            return _Known(self._write_now(record, sync=sync))
        settings = self.settings
        loop = loop or asyncio.get_running_loop()
        desk = self._desks.get(loop) or self._new_desk(loop)
        future = desk.seat(settings.sync_patience_s if sync else settings.patience_s)
        entry = Entry(_sealed(record), sync, desk, future)
        if self._admit(entry):
            desk.gather(entry)
        else:
            future.set_result(False)
        return future

    def put(self, record: Record) -> None:
        """Take a record for which nobody waits."""
        if self._inline:
            self._write_now(record, sync=False)
        else:
            entry = Entry(_sealed(record))
            if self._admit(entry):
                self._queue.put([entry])

    def counts(self) -> RecorderCounts:
        """Return what became of the records; never waits for anything."""
        with self._lock:
            return RecorderCounts(
                taken=self._taken,
                kept=self._carriage.kept,
                waiting=self._queued + self._carriage.waiting() + self._journal.size()[0],
                dropped=self._dropped,
                late=self._late,
                store_errors=self._store_errors,
                journal_errors=self._journal_errors,
                last_error=self._last_error,
                stuck=self._stuck,
            )

    def _admit(self, entry: Entry) -> bool:
        """Count a record in, if there is room for it."""
        size = len(entry.sealed.blob)
        with self._lock:
            self._taken += 1
            room = self._queued_bytes + size <= self.settings.memory_bytes and not self._closed
            if room:
                self._queued += 1
                self._queued_bytes += size
        if not room:
            self._drop(1, "there is no room left" if not self._closed else "it came after the end")
        return room

    def _new_desk(self, loop: asyncio.AbstractEventLoop) -> Desk:
        for old in [each for each in self._desks if each.is_closed()]:
            self._desks.pop(old).hand_over()  # a loop that ended early still held them
        desk = self._desks[loop] = Desk(loop, self._count_late, self._queue.put)
        return desk

    def _count_late(self) -> None:
        with self._lock:
            self._late += 1

    # --- coming and going ---------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; records that earlier processes left are carried on first."""
        if self._inline or self._threads:
            return
        for work in (self._write, self._sync, self._carry):
            name = f"seatrial-records{work.__name__}"
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.set()

    async def close(self, timeout_s: float = 10.0) -> RecorderCounts:
        """Bring what is queued to the journal and, in time, to the store; let go.

        Args:
            timeout_s: in all; what the store did not take by then stays in the journal.

        Returns:
            the final counts.
        """
        for desk in self._desks.values():
            desk.hand_over()
        await asyncio.to_thread(self._close, timeout_s)
        return self.counts()

    def _close(self, timeout_s: float) -> None:
        if self._closed:
            return
        deadline = time.monotonic() + timeout_s
        with self._lock:
            self._closed = True
        self._queue.put(None)
        if self._threads:
            write, sync, carry = self._threads
            # A journal that hangs must leave the store some of the time.
            _join(write, deadline - timeout_s / 2)
            self._unsynced.put(None)
            _join(sync, deadline)
            self._closing.set()
            self._work.set()
            _join(carry, deadline)
            self._give_up.set()
        else:
            self._write()
            self.catch_up()
        self._journal.close()
        lost = self._carriage.abandon() + len(self._take_queue())
        if lost:
            self._drop(lost, "the service ended before journal or store took them")

    # --- the journal --------------------------------------------------------------------------

    def _write(self) -> None:
        """Append what is queued, as much at a time as has gathered meanwhile."""
        more = True
        while more:
            first = self._queue.get()
            batch = first or []
            more = first is not None
            while more and len(batch) < GROUP:
                try:
                    entries = self._queue.get_nowait()
                except Empty:
                    break
                if entries is None:
                    more = False
                else:
                    batch += entries
            if batch:
                self._append(batch)

    def _append(self, batch: Sequence[Entry]) -> None:
        sealed = [entry.sealed for entry in batch]
        self._busy_since = time.monotonic()
        try:
            self._journal.append(sealed, sync=False)
        except Exception as error:  # noqa: BLE001 - whatever the journal raises, records must go on
            self._unqueue(batch)
            self._to_memory(batch, error)
        else:
            self._unqueue(batch)  # before anybody is told, so that the numbers agree
            self._carriage.journaled(sealed, self._journal.mark())
            waiting = [entry for entry in batch if entry.sync]
            if waiting or not self._dirty:
                self._dirty = True
                self._unsynced.put(waiting)
            tell([entry for entry in batch if not entry.sync] if waiting else batch, True)
        finally:
            self._busy_since = None
        if not self._work.is_set():
            self._work.set()

    def _unqueue(self, batch: Sequence[Entry]) -> None:
        size = sum(len(entry.sealed.blob) for entry in batch)
        with self._lock:
            self._queued -= len(batch)
            self._queued_bytes -= size

    def _to_memory(self, batch: Sequence[Entry], error: Exception) -> None:
        """Hold for the store what the journal refused; beyond the bound it is lost."""
        self._trouble("journal", f"The journal took no records: {error}")
        homeless = [entry for entry in batch if not self._carriage.direct(entry)]
        if homeless:
            self._drop(len(homeless), "journal and memory are full")
            tell(homeless, False)

    def _sync(self) -> None:
        """Force the journal to disk: at once for who waits for that, else now and then."""
        more: list[Entry] | None = []
        while more is not None:
            more = self._unsynced.get()
            waiting = list(more or ())
            if more is not None and not waiting:
                with suppress(Empty):
                    more = self._unsynced.get(timeout=self.settings.sync_every_s)
                    waiting += more or ()
            while more is not None and not self._unsynced.empty():
                more = self._unsynced.get()
                waiting += more or ()
            self._dirty = False  # before the sync: what comes during it needs another one
            try:
                self._journal.sync()
            except Exception as error:  # noqa: BLE001 - as in `_append`
                if waiting:
                    self._to_memory(waiting, error)
                    self._work.set()
                else:
                    self._trouble("journal", str(error))
            else:
                tell(waiting, True)

    def _write_now(self, record: Record, *, sync: bool) -> bool:
        """Write without threads: to the journal, or else to the store."""
        entry = Entry(_sealed(record), sync)
        with self._lock:
            self._taken += 1
        try:
            self._journal.append([entry.sealed], sync=sync)
        except OSError as error:
            self._to_memory([entry], error)
            return self.catch_up() and not self._carriage.waiting()
        self._carriage.journaled([entry.sealed], self._journal.mark())
        return True

    # --- the store ----------------------------------------------------------------------------

    def catch_up(self) -> bool:
        """Carry to the store all that waits; return False when the store failed."""
        try:
            while self._carriage.carry():
                pass
        except Exception as error:  # noqa: BLE001 - whatever the store raises, records must go on
            self._stuck = True
            self._store_failed(error)
            return False
        self._stuck = False
        return True

    def _carry(self) -> None:
        """Carry on what waits, in batches that gather a little; back off while that fails."""
        failures = 0
        while not self._give_up.is_set():
            self._work.wait(self.settings.stuck_s / 2)
            self._work.clear()
            closing = self._closing.is_set()
            if not closing:
                self._closing.wait(self.settings.gather_s)
            self._pass_by()
            if self.catch_up():
                failures = 0
                if closing:
                    return
            else:
                failures += 1
                # What the journal holds is safe: the next process carries it on.
                if closing and not self._carriage.waiting():
                    return
                self._rest(failures)
                self._work.set()

    def _rest(self, failures: int) -> None:
        settings = self.settings
        longest = min(settings.backoff_cap_s, settings.backoff_s * 2.0 ** min(failures, 16))
        pause = self._give_up if self._closing.is_set() else self._closing
        pause.wait(longest * (0.5 + self._coin() / 2))

    def _pass_by(self) -> None:
        """When the journal's disk hangs, take what is queued to the store directly."""
        since = self._busy_since
        if since is None or time.monotonic() - since < self.settings.stuck_s:
            return
        stuck = self._take_queue()
        if stuck:
            self._to_memory(stuck, OSError("an append hangs"))

    def _take_queue(self) -> list[Entry]:
        taken: list[Entry] = []
        ended = False
        with suppress(Empty):
            while True:
                entries = self._queue.get_nowait()
                if entries is None:
                    ended = True
                else:
                    taken += entries
        if ended:
            self._queue.put(None)
        self._unqueue(taken)
        return taken

    # --- trouble ------------------------------------------------------------------------------

    def _store_failed(self, error: Exception) -> None:
        with self._lock:
            self._store_errors += 1
        self._say("store", f"The store took no records, they wait: {' '.join(str(error).split())}")

    def _trouble(self, what: str, words: str) -> None:
        with self._lock:
            self._journal_errors += 1
        self._say(what, words)

    def _never_stored(self, sealed: Sealed, reason: str) -> None:
        self._drop(1, f"the store cannot hold {sealed.record.id}: {reason}")

    def _drop(self, count: int, why: str) -> None:
        with self._lock:
            self._dropped += count
            total = self._dropped
        self._say("drop", f"Records were lost, {total} so far: {why}.")

    def _say(self, what: str, words: str) -> None:
        self._last_error = words
        now = time.monotonic()
        if now - self._told_at.get(what, float("-inf")) >= TELL_EVERY_S:
            self._told_at[what] = now
            _log.warning(words)


class _Known(Awaitable[bool]):
    """A result that is there already, awaitable without an event loop."""

    __slots__ = ("_value",)

    def __init__(self, value: bool) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, bool]:
        yield from ()
        return self._value


def _join(thread: threading.Thread, deadline: float) -> None:
    thread.join(max(0.0, deadline - time.monotonic()))


def _sealed(record: Record) -> Sealed:
    """Seal a record; one that cannot be written whole leaves at least its bones."""
    try:
        return Sealed(outline(record), seal(record))
    except (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError):
        texts = {
            name: value.encode("utf-8", "replace").decode()
            for name, value in msgspec.structs.asdict(record).items()
            if isinstance(value, str)
        }
        attempts = tuple(
            msgspec.structs.replace(
                attempt, usage=None, reason=attempt.reason.encode("utf-8", "replace").decode()
            )
            for attempt in record.attempts
        )
        bones = msgspec.structs.replace(
            record,
            **texts,
            attempts=attempts,
            tags=(),
            input=None,
            output=None,
            flags=(*record.flags, "content_not_sealed"),
        )
        return Sealed(outline(bones), seal(bones))
