"""The local journal: what has not reached the store yet, in files of this machine.

Each process writes in a folder of its own, locked while it lives.  Who opens a journal
adopts the folders of the dead.  A spare segment is kept ready, so that a disk that
fills up still takes some thousand records more.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from seatrial.errors import StartRefused
from seatrial.ports import Sealed
from seatrial.store.locks import FileLock
from seatrial.store.segments import (
    FIRST,
    FRAME,
    Files,
    Segment,
    create,
    frames,
    read_frames,
    scan,
    write_frames,
    write_settled,
)
from seatrial.values.sealing import unseal

SEGMENT_BYTES: Final = 8 << 20
PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})  # troubles that may pass
BACKLOG_BYTES: Final = 4 << 20  # of one answer of `backlog`, unless one record alone is larger


class FileJournal:
    """A `Journal` in a folder.

    `append` belongs to one thread; `sync`, `settle` and `backlog` may run beside it.

    Args:
        folder: shared by all processes of one service on this machine.
        max_bytes, max_records: beyond these it refuses; counted over what it adopted, too.
        segment_bytes: of one file, at least.
        files: the file layer.

    Raises:
        StartRefused: the folder cannot be used.  A full or failing disk is no such reason: the
            journal then refuses records until it can take them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = 1 << 30,
        max_records: int = 1_000_000,
        segment_bytes: int = SEGMENT_BYTES,
        files: Files | None = None,
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.max_records = max_records
        self._segment_bytes = segment_bytes
        self._files = files or Files()
        self._lock = threading.Lock()  # held for every change, never during a sync
        self._segments: deque[Segment] = deque()  # oldest first; own ones are the last
        self._current: Segment | None = None
        self._spare: Segment | None = None
        self._unsynced: list[Segment] = []
        self._failed: set[Segment] = set()  # a sync of these has failed: never trust the next
        self._names_unsynced = False
        self._serial = 0
        self._records = 0
        self._bytes = 0
        self._closed = False
        self._adopted: list[tuple[Path, FileLock]] = []
        self._own: Path | None = None
        try:
            self._files.make_folder(folder)
            with FileLock(folder / "adopt.lock"):
                self._adopt()
        except OSError as error:
            if error.errno not in PASSING:
                raise StartRefused(
                    f"The journal's folder {folder} cannot be used.",
                    why=str(error),
                    fix="Name a folder in which this user may make files.",
                ) from error
        with suppress(OSError):
            self._make_spare()

    def __repr__(self) -> str:
        return f"FileJournal({str(self.folder)!r}, {self._records} records, {self._bytes} bytes)"

    # --- writing ------------------------------------------------------------------------------

    def append(self, batch: Sequence[Sealed], *, sync: bool = False) -> None:
        """Append all or raise OSError; with `sync` it also survives the machine's death."""
        if not batch:
            return
        data, ends = frames([sealed.blob for sealed in batch])
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, "the journal is closed")
            if self._records + len(batch) > self.max_records or (
                self._bytes + len(data) > self.max_bytes
            ):
                raise OSError(errno.ENOSPC, "the journal has reached its bound")
            segment = self._room(len(data))
            write_frames(self._files, segment, data, ends)
            self._records += len(batch)
            self._bytes += len(data)
            if segment not in self._unsynced:
                self._unsynced.append(segment)
        if sync:
            self.sync()

    def sync(self) -> None:
        """Force what was appended to disk, and make a spare segment if there is none.

        Raises:
            OSError: something appended since the last sync may not survive the machine's
                death, whatever a later sync says.
        """
        with self._lock:
            waiting = [(segment, segment.end) for segment in self._unsynced if not segment.done]
            self._unsynced = [segment for segment in self._unsynced if not segment.done]
            names, self._names_unsynced = self._names_unsynced, False
        trouble = None
        for segment, end in waiting:
            trouble = self._sync_one(segment, end) or trouble
        try:
            if names and self._own is not None:
                self._files.sync_folder(self._own)
        except OSError as error:
            self._names_unsynced = True
            trouble = error
        with self._lock, suppress(OSError):
            if self._spare is None and not self._closed:
                self._make_spare()
        if trouble is not None:
            raise OSError(trouble.errno, f"the journal could not be synced: {trouble.strerror}")

    def _sync_one(self, segment: Segment, end: int) -> OSError | None:
        """Sync a segment; what a failed sync covered counts as failed, once for each waiter."""
        trouble: OSError | None = None
        fd = segment.fd
        if segment in self._failed:
            trouble = OSError(errno.EIO, "an earlier sync of the same file failed")
        elif fd is not None:
            try:
                self._files.sync(fd)
            except OSError as error:
                trouble = error
        with self._lock:
            if segment not in self._unsynced:
                return None  # settled meanwhile: the store holds it all
            if trouble is not None:
                self._failed.add(segment)
                if segment is self._current:
                    self._current = None  # the next append takes a fresh file
            if segment.end == end:
                self._unsynced.remove(segment)
                self._failed.discard(segment)
                if segment is not self._current:
                    self._let_go(segment)
        return trouble

    def _room(self, length: int) -> Segment:
        """Return the segment that takes `length` bytes more."""
        current = self._current
        if current is not None and current.end + length <= current.capacity:
            return current
        fresh = self._spare
        if fresh is None or FIRST + length > fresh.capacity:
            fresh = self._make_spare(FIRST + length)
        fresh.base = self.mark()
        self._segments.append(fresh)
        self._current, self._spare = fresh, None
        if current is not None and current not in self._unsynced:
            self._let_go(current)
        return fresh

    def _make_spare(self, least: int = 0) -> Segment:
        """Reserve the next segment, replacing a spare that is too small."""
        path = (self._own or self._make_own()) / f"{self._serial:08d}.seg"
        spare = create(self._files, path, base=0, capacity=max(self._segment_bytes, least))
        if self._spare is not None:
            self._let_go(self._spare)
            self._files.remove(self._spare.path)
        self._serial += 1
        self._spare = spare
        self._names_unsynced = True
        return spare

    def _make_own(self) -> Path:
        """Make the folder of this process."""
        own = self.folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._files.make_folder(self.folder)
        # Nobody may take it for a dead one's between its making and its locking.
        with FileLock(self.folder / "adopt.lock"):
            self._files.make_folder(own)
            self._own_lock = FileLock(own / "lock")
            self._own_lock.take()
        self._own = own
        return own

    # --- reading and forgetting ---------------------------------------------------------------

    def mark(self) -> int:
        """Return the position after the last append."""
        if not self._segments:
            return self._floor
        last = self._segments[-1]
        return last.base + last.end

    _floor = 0  # where the next segment begins once every earlier one is gone

    def settle(self, mark: int) -> None:
        """Forget everything before `mark`: the store holds it."""
        with self._lock:
            if self._closed:
                return
            self._floor = max(self._floor, self.mark())
            for segment in list(self._segments):
                if segment.base >= mark:
                    break
                self._settle_one(segment, min(mark - segment.base, segment.end))
                if segment.done and segment is not self._current:
                    self._segments.popleft()
                    self._forget(segment)
            self._drop_empty_folders()

    def _settle_one(self, segment: Segment, offset: int) -> None:
        before = bisect_right(segment.ends, segment.settled)
        after = bisect_right(segment.ends, offset)
        if after == before:
            return
        settled = segment.ends[after - 1]
        self._records -= after - before
        self._bytes -= settled - segment.settled
        segment.settled = settled
        with suppress(OSError):  # only a hint: the store knows each record by its id
            self._open(segment)
            write_settled(self._files, segment)

    def backlog(self, limit: int) -> tuple[list[Sealed], int]:
        """Return up to `limit` of the oldest unsettled records and the mark after them."""
        found: list[Sealed] = []
        size = 0
        with self._lock:
            for segment in self._segments:
                for blob, end in self._payloads(segment):
                    try:
                        found.append(Sealed(unseal(blob), blob))
                    except (msgspec.DecodeError, msgspec.ValidationError):
                        segment.damaged = True
                    mark = segment.base + end
                    size += len(blob) + FRAME.size
                    if len(found) >= limit or size >= BACKLOG_BYTES:
                        return found, mark
            return found, self.mark()

    def _payloads(self, segment: Segment) -> Iterator[tuple[bytes, int]]:
        """Yield what is not settled; nothing beyond the last append that succeeded."""
        if segment.done:
            return
        fd = self._open(segment)
        reached = segment.settled
        for payload, reached in read_frames(self._files, fd, segment.settled):
            yield payload, reached
            if reached >= segment.end:
                break
        segment.damaged = segment.damaged or reached < segment.end
        if segment is not self._current and segment not in self._unsynced:
            self._let_go(segment)

    def size(self) -> tuple[int, int]:
        """Return how many records and bytes are not settled; never waits."""
        return self._records, self._bytes

    # --- coming and going ---------------------------------------------------------------------

    def close(self) -> None:
        """Flush and let go.  What is not settled stays for whoever opens the journal next."""
        with suppress(OSError):
            self.sync()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for segment in self._segments:
                self._let_go(segment)
                if segment.done:
                    self._forget(segment)
            self._segments = deque(s for s in self._segments if not s.done)
            if self._spare is not None:
                self._let_go(self._spare)
                self._files.remove(self._spare.path)
            self._drop_empty_folders()
            if self._own is not None:
                if not any(segment.path.parent == self._own for segment in self._segments):
                    _remove_folder(self._own)
                self._own_lock.release()
            for _, lock in self._adopted:
                lock.release()

    def _adopt(self) -> None:
        """Take over the folders of processes that are gone."""
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            lock = FileLock(folder / "lock")
            with suppress(OSError):  # what cannot be read now stays where it is
                if not lock.take():
                    continue
                self._adopted.append((folder, lock))
                for path in sorted(folder.glob("*.seg")):
                    self._adopt_segment(path)
        self._drop_empty_folders()

    def _adopt_segment(self, path: Path) -> None:
        segment = scan(self._files, path, base=self.mark())
        if segment.done:
            self._forget(segment)
            return
        self._segments.append(segment)
        self._records += len(segment.ends) - bisect_right(segment.ends, segment.settled)
        self._bytes += segment.end - segment.settled

    def _drop_empty_folders(self) -> None:
        """Remove adopted folders of which nothing is left."""
        kept = []
        for folder, lock in self._adopted:
            if any(segment.path.parent == folder for segment in self._segments):
                kept.append((folder, lock))
            else:
                _remove_folder(folder)
                lock.release()
        self._adopted = kept

    def _forget(self, segment: Segment) -> None:
        """Remove a settled segment's file; one that no longer reads is set aside instead."""
        if segment in self._unsynced:
            self._unsynced.remove(segment)
        self._failed.discard(segment)
        self._let_go(segment)
        with suppress(OSError):
            if segment.damaged:
                aside = f"{segment.path.parent.name}-{segment.path.stem}.damaged"
                segment.path.rename(self.folder / aside)
            else:
                self._files.remove(segment.path)

    def _open(self, segment: Segment) -> int:
        if segment.fd is None:
            segment.fd = self._files.open(segment.path)
        return segment.fd

    def _let_go(self, segment: Segment) -> None:
        if segment.fd is not None:
            self._files.close(segment.fd)
            segment.fd = None


def _remove_folder(folder: Path) -> None:
    """Remove a folder and its lock, unless something else is in it."""
    with suppress(OSError):
        (folder / "lock").unlink(missing_ok=True)
        folder.rmdir()
