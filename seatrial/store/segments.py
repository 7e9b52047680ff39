"""The journal's files: frames in preallocated segments, over a replaceable file layer.

A segment is a header (magic, then how far it is settled) and frames of length,
CRC-32 and payload.  Zeros, or a frame that does not add up, are its end.
"""

from __future__ import annotations

import errno
import os
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

MAGIC: Final = b"SEAJRNL1"
SETTLED: Final = struct.Struct("<Q")
FRAME: Final = struct.Struct("<II")
FIRST: Final = len(MAGIC) + SETTLED.size  # where the first frame begins
CHUNK_BYTES: Final = 1 << 20

_data_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Files:
    """The operating system's files, one method per call, so that tests can let each fail."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it; one that is there is as good."""
        path.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open for reading and writing."""
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        return os.open(path, flags | (os.O_CREAT | os.O_EXCL if create else 0), 0o600)

    def reserve(self, fd: int, length: int) -> None:
        """Make sure that `length` bytes can be written even on a disk that fills up."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, length)

    def write(self, fd: int, data: bytes, offset: int) -> int:
        """Write at `offset`; return how many bytes were taken."""
        return os.pwrite(fd, data, offset)

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Read up to `length` bytes at `offset`."""
        return os.pread(fd, length, offset)

    def sync(self, fd: int) -> None:
        """Force a file's content to disk."""
        _data_sync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Force a folder's names to disk."""
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Close."""
        os.close(fd)

    def remove(self, path: Path) -> None:
        """Remove; a missing file is as good."""
        path.unlink(missing_ok=True)


def frames(payloads: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """Return the payloads as frames in one piece, and where each ends in it."""
    parts: list[bytes] = []
    ends: list[int] = []
    end = 0
    for payload in payloads:
        length = len(payload)
        # The length is part of the sum: a torn header must not pass for a frame.
        parts.append(FRAME.pack(length, crc32(payload, length)))
        parts.append(payload)
        end += FRAME.size + length
        ends.append(end)
    return b"".join(parts), ends


def read_frames(files: Files, fd: int, offset: int) -> Iterator[tuple[bytes, int]]:
    """Yield each whole frame's payload from `offset` on, and where it ends."""
    buffer = b""
    start = offset  # of the buffer, in the file
    while True:
        at = offset - start
        if len(buffer) - at < FRAME.size:
            buffer, start, at = files.read(fd, CHUNK_BYTES, offset), offset, 0
            if len(buffer) < FRAME.size:
                return
        length, checksum = FRAME.unpack_from(buffer, at)
        if length == 0:
            return
        if len(buffer) - at < FRAME.size + length:
            wanted = max(CHUNK_BYTES, FRAME.size + length)
            if wanted > CHUNK_BYTES and offset + FRAME.size + length > os.fstat(fd).st_size:
                return  # garbage must not make us read gigabytes
            buffer, start, at = files.read(fd, wanted, offset), offset, 0
            if len(buffer) < FRAME.size + length:
                return
        payload = buffer[at + FRAME.size : at + FRAME.size + length]
        if crc32(payload, length) != checksum:
            return
        offset += FRAME.size + length
        yield payload, offset


@dataclass(slots=True, eq=False)
class Segment:
    """One file of the journal.

    Args:
        path: the file.
        base: the journal's position at the file's offset 0.
        fd: the open file, or None when it is closed for now.
        end: offset after the last whole frame.
        settled: offset up to which the store holds everything.
        ends: offset after each frame, in order.
        capacity: bytes reserved for it.
        damaged: True when it holds frames that no longer read; it is then set aside, not deleted.
    """

    path: Path
    base: int
    fd: int | None = None
    end: int = FIRST
    settled: int = FIRST
    ends: array[int] = field(default_factory=lambda: array("Q"))
    capacity: int = 0
    damaged: bool = False

    @property
    def done(self) -> bool:
        """Whether the store holds everything in it."""
        return self.settled >= self.end


def create(files: Files, path: Path, *, base: int, capacity: int) -> Segment:
    """Make a segment with its space reserved; leave nothing behind if that fails."""
    fd = files.open(path, create=True)
    try:
        files.reserve(fd, capacity)
        _write_all(files, fd, MAGIC + SETTLED.pack(FIRST), 0)
    except OSError:
        files.close(fd)
        files.remove(path)
        raise
    return Segment(path, base, fd, capacity=capacity)


def scan(files: Files, path: Path, *, base: int) -> Segment:
    """Read a segment that another process left; a torn tail is as if it had not been written."""
    segment = Segment(path, base)
    fd = files.open(path)
    try:
        head = files.read(fd, FIRST, 0)
        if len(head) < FIRST or head[: len(MAGIC)] != MAGIC:
            # Zeros are a segment whose maker died while making it; nothing else may vanish.
            segment.damaged = bool(head.strip(b"\0"))
            return segment
        for _, end in read_frames(files, fd, FIRST):
            segment.ends.append(end)
            segment.end = end
    finally:
        files.close(fd)
    settled = SETTLED.unpack_from(head, len(MAGIC))[0]
    segment.settled = settled if settled in segment.ends else FIRST
    return segment


def write_frames(files: Files, segment: Segment, data: bytes, ends: Sequence[int]) -> None:
    """Append frames; after an OSError the segment is as before."""
    _write_all(files, _opened(segment), data, segment.end)
    start = segment.end
    segment.ends.extend([start + end for end in ends])
    segment.end = start + len(data)


def write_settled(files: Files, segment: Segment) -> None:
    """Note in the file how far it is settled, for whoever opens it next."""
    _write_all(files, _opened(segment), SETTLED.pack(segment.settled), len(MAGIC))


def _opened(segment: Segment) -> int:
    if segment.fd is None:
        raise OSError(errno.EBADF, f"{segment.path} is closed")
    return segment.fd


def _write_all(files: Files, fd: int, data: bytes, offset: int) -> None:
    written = files.write(fd, data, offset)
    while written < len(data):
        more = files.write(fd, data[written:], offset + written)
        if more <= 0:
            raise OSError(f"nothing was written at {offset + written}")
        written += more
