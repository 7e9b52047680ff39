"""The journal loses nothing it took, at whatever byte or call things end."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import StartRefused
from seatrial.ports import Sealed
from seatrial.store.journal import FileJournal
from seatrial.store.segments import FIRST, FRAME, Files, create, frames, scan, write_frames
from seatrial.values.records import Record
from seatrial.values.sealing import seal


def sealed(name: str, *, text: str = "") -> Sealed:
    """Make a record of that id, as large as its text."""
    record = Record(name, "support", 1.0, "answer", output={"text": text})
    return Sealed(record, seal(record))


def names(journal: FileJournal) -> list[str]:
    """List the ids that are not settled, in small steps."""
    found: list[str] = []
    while True:
        batch, mark = journal.backlog(3)
        if not batch:
            return found
        found += [each.record.id for each in batch]
        journal.settle(mark)


def segments(folder: Path) -> list[Path]:
    """List the files that hold frames, oldest first."""
    found = sorted(folder.glob("*/*.seg"))
    return [path for path in found if scan(Files(), path, base=0).ends]


def die(journal: FileJournal) -> None:
    """Let go of a journal as the death of its process would: unflushed, without a word."""
    journal._own_lock.release()
    for _, lock in journal._adopted:
        lock.release()


class FailingFiles(Files):
    """Fails from the n-th call of one kind on, for a while; a write may tear before it fails."""

    def __init__(self, kind: str, nth: int, *, times: int = 1, tear: int = 0) -> None:
        self.kind, self.left, self.times, self.tear = kind, nth, times, tear
        self.failed = 0

    def _count(self, kind: str) -> None:
        if kind == self.kind:
            self.left -= 1
            if self.left <= 0 and self.failed < self.times:
                self.failed += 1
                raise OSError(errno.ENOSPC, "no space left on device")

    def make_folder(self, path: Path) -> None:
        self._count("make_folder")
        super().make_folder(path)

    def open(self, path: Path, *, create: bool = False) -> int:
        self._count("open")
        return super().open(path, create=create)

    def reserve(self, fd: int, length: int) -> None:
        self._count("reserve")
        super().reserve(fd, length)

    def write(self, fd: int, data: bytes, offset: int) -> int:
        try:
            self._count("write")
        except OSError:
            super().write(fd, data[: self.tear], offset)
            raise
        return super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        self._count("sync")
        super().sync(fd)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        super().sync_folder(folder)


def test_what_was_appended_comes_back_in_order(tmp_path: Path) -> None:
    """Also across many segments, and only until it is settled."""
    journal = FileJournal(tmp_path, segment_bytes=1_000)
    wanted = [f"r{number:03}" for number in range(60)]
    for name in wanted:
        journal.append([sealed(name, text="x" * 100)], sync=False)

    assert 60 == journal.size()[0]
    assert wanted == names(journal)
    assert (0, 0) == journal.size()
    journal.close()
    assert ["adopt.lock"] == [path.name for path in tmp_path.iterdir()]


def test_the_next_process_adopts_what_a_dead_one_left(tmp_path: Path) -> None:
    """Settled records stay forgotten, the others come first, the folder goes when it is empty."""
    dead = FileJournal(tmp_path)
    dead.append([sealed("a"), sealed("b")], sync=False)
    dead.settle(dead.mark())
    dead.append([sealed("c"), sealed("d")], sync=False)
    die(dead)

    journal = FileJournal(tmp_path)
    journal.append([sealed("e")], sync=False)

    assert 3 == journal.size()[0]
    assert ["c", "d", "e"] == names(journal)
    assert 1 == len([path for path in tmp_path.iterdir() if path.is_dir()])
    journal.close()


def test_nothing_stays_of_a_dead_process_that_left_nothing(tmp_path: Path) -> None:
    """Its spare and what it had settled go at once."""
    dead = FileJournal(tmp_path, segment_bytes=1_000)
    for number in range(20):
        dead.append([sealed(f"r{number}", text="x" * 100)], sync=True)
    dead.settle(dead.mark())
    die(dead)

    journal = FileJournal(tmp_path)

    assert [] == names(journal)
    assert [journal._own] == [path for path in tmp_path.iterdir() if path.is_dir()]
    journal.close()


def test_short_writes_are_completed(tmp_path: Path) -> None:
    """The system may take fewer bytes than it was given."""

    class Sipping(Files):
        """Takes seven bytes at a time."""

        def write(self, fd: int, data: bytes, offset: int) -> int:
            return super().write(fd, data[:7], offset)

    journal = FileJournal(tmp_path, files=Sipping())
    journal.append([sealed("a", text="x" * 100), sealed("b")], sync=False)

    assert ["a", "b"] == names(journal)
    journal.close()


def test_a_living_process_keeps_its_records(tmp_path: Path) -> None:
    """Two processes share the folder and do not see each other's records."""
    first, second = FileJournal(tmp_path), FileJournal(tmp_path)
    first.append([sealed("a")], sync=False)
    second.append([sealed("b")], sync=False)

    third = FileJournal(tmp_path)

    assert [] == names(third)
    assert ["a"] == names(first)
    assert ["b"] == names(second)
    for journal in (first, second, third):
        journal.close()


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    """A real process dies right after its append returned, without closing anything."""
    program = (
        "import os, sys, signal; from pathlib import Path\n"
        "from tests.conformance.test_journal import FileJournal, sealed\n"
        "journal = FileJournal(Path(sys.argv[1]))\n"
        "for number in range(1000): journal.append([sealed(f'r{number}')], sync=False)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=60, check=False)
    assert done.returncode != 0

    journal = FileJournal(tmp_path)

    assert [f"r{number}" for number in range(1000)] == names(journal)
    journal.close()


def test_a_file_cut_or_damaged_at_any_byte_keeps_every_whole_record_before(tmp_path: Path) -> None:
    """Each of the last frames is cut at each of its bytes, and each byte flipped in turn."""
    path = tmp_path / "whole.seg"
    files = Files()
    segment = create(files, path, base=0, capacity=4_096)
    blobs = [sealed(f"r{number}", text="y" * number).blob for number in range(4)]
    write_frames(files, segment, *frames(blobs))
    assert segment.fd is not None
    files.close(segment.fd)
    content = path.read_bytes()
    ends = list(segment.ends)

    for at in range(ends[0], ends[-1]):
        whole = sum(end <= at for end in ends)
        for broken in (
            content[:at],
            content[:at] + bytes(len(content) - at),
            content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :],
        ):
            path.write_bytes(broken)
            assert whole == len(scan(files, path, base=0).ends)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.integers(0, 4_000))
def test_scan_finds_exactly_the_frames(payloads: list[bytes], cut: int) -> None:
    """Whatever the payloads, and wherever the file ends."""
    path = Path(tempfile.gettempdir()) / f"seatrial-scan-{os.getpid()}.seg"
    data, ends = frames(payloads)
    files = Files()
    segment = create(files, path, base=0, capacity=FIRST + len(data))
    try:
        write_frames(files, segment, data, ends)
        assert segment.fd is not None
        os.ftruncate(segment.fd, min(FIRST + cut, FIRST + len(data)))
        found = scan(files, path, base=0)
        assert [FIRST + end for end in ends if end <= cut] == list(found.ends)
    finally:
        assert segment.fd is not None
        files.close(segment.fd)
        path.unlink()


@pytest.mark.parametrize("kind", ["make_folder", "open", "reserve", "write", "sync", "sync_folder"])
@pytest.mark.parametrize("tear", [0, 5, 60])
def test_the_nth_failing_call_loses_nothing_already_taken(
    tmp_path: Path, kind: str, tear: int
) -> None:
    """For n = 1, 2, 3 ... until nothing fails: an append is refused whole, or kept."""
    for nth in range(1, 200):
        folder = tmp_path / str(nth)
        files = FailingFiles(kind, nth, tear=tear)
        journal = FileJournal(folder, segment_bytes=600, files=files)
        taken, refused = [], []
        for number in range(20):
            batch = [sealed(f"{number}-{part}", text="z" * 40) for part in range(2)]
            try:
                journal.append(batch, sync=False)
            except OSError:
                refused += [each.record.id for each in batch]
            else:
                taken += [each.record.id for each in batch]
            try:
                journal.sync()
            except OSError:
                assert kind in {"sync", "sync_folder"}
        assert len(taken) == journal.size()[0]
        die(journal)
        found = names(heir := FileJournal(folder))
        heir.close()

        # A refused batch may have come down in part: its store copy has the same id.
        assert taken == [name for name in found if name not in refused]
        shutil.rmtree(folder)
        if not files.failed:
            assert nth > 1
            return
    pytest.fail("the calls never came to an end")


def test_a_full_disk_still_takes_records_in_the_reserved_space(tmp_path: Path) -> None:
    """Nothing can be reserved any more: the segment in hand and the spare take what fits."""
    files = FailingFiles("reserve", 3, times=1_000_000)
    journal = FileJournal(tmp_path, segment_bytes=10_000, files=files)
    taken = 0
    for number in range(1_000):
        try:
            journal.append([sealed(f"r{number}", text="x" * 100)], sync=False)
        except OSError:
            break
        journal.sync()
        taken += 1

    assert 100 < taken < 200
    assert [f"r{number}" for number in range(taken)] == names(journal)
    journal.close()


def test_a_failed_sync_is_never_followed_by_a_false_success(tmp_path: Path) -> None:
    """What was appended during a sync that failed is not called synced by the next one."""

    class SlowThenBad(Files):
        """The first sync waits for another append, then fails."""

        def __init__(self) -> None:
            self.entered, self.go, self.calls = threading.Event(), threading.Event(), 0

        def sync(self, fd: int) -> None:
            self.calls += 1
            if self.calls == 1:
                self.entered.set()
                assert self.go.wait(10)
                raise OSError(errno.EIO, "input/output error")

    files = SlowThenBad()
    journal = FileJournal(tmp_path, files=files)
    journal.append([sealed("a")], sync=False)
    failures: list[OSError] = []

    def sync() -> None:
        try:
            journal.sync()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=sync)
    thread.start()
    assert files.entered.wait(10)
    journal.append([sealed("b")], sync=False)
    files.go.set()
    thread.join(10)
    assert 1 == len(failures)

    with pytest.raises(OSError, match="synced"):
        journal.sync()
    journal.append([sealed("c")], sync=True)
    # A hole that the failed sync left in the first file must not hide what comes later.
    assert [2, 1] == [len(scan(files, path, base=0).ends) for path in segments(tmp_path)]
    assert ["a", "b", "c"] == names(journal)
    journal.close()


def test_the_bound_refuses_and_says_so(tmp_path: Path) -> None:
    """Beyond the bound nothing is taken; after settling there is room again."""
    journal = FileJournal(tmp_path, max_records=3)
    journal.append([sealed("a"), sealed("b"), sealed("c")], sync=False)

    with pytest.raises(OSError, match="bound"):
        journal.append([sealed("d")], sync=False)
    journal.settle(journal.mark())
    journal.append([sealed("d")], sync=False)

    assert ["d"] == names(journal)
    journal.close()


def test_the_bound_counts_bytes_too(tmp_path: Path) -> None:
    """A few large records reach it."""
    journal = FileJournal(tmp_path, max_bytes=1_000)

    with pytest.raises(OSError, match="bound"):
        journal.append([sealed("a", text="x" * 1_000)], sync=False)
    assert (0, 0) == journal.size()
    journal.close()


def test_a_record_larger_than_a_segment_is_taken(tmp_path: Path) -> None:
    """It gets a file of its size."""
    journal = FileJournal(tmp_path, segment_bytes=1_000)
    journal.append([sealed("a", text="x" * 3_000_000)], sync=True)
    journal.append([sealed("b")], sync=True)
    die(journal)

    heir = FileJournal(tmp_path)
    assert ["a", "b"] == names(heir)
    heir.close()


def test_frames_that_do_not_read_are_set_aside(tmp_path: Path) -> None:
    """A frame of another version is passed over, and its file kept for a person."""
    journal = FileJournal(tmp_path)
    good = sealed("good")
    journal.append([Sealed(good.record, b"\xc1 no record"), good], sync=False)
    die(journal)

    heir = FileJournal(tmp_path)
    assert ["good"] == names(heir)
    heir.close()
    assert 1 == len(list(tmp_path.glob("*.damaged")))


def test_settling_removes_files_as_it_goes(tmp_path: Path) -> None:
    """A long outage carried on leaves no more than the segment in hand and the spare."""
    journal = FileJournal(tmp_path, segment_bytes=1_000)
    for number in range(100):
        journal.append([sealed(f"r{number}", text="x" * 100)], sync=False)
    journal.sync()
    assert 15 < len(list(tmp_path.glob("*/*.seg")))

    journal.settle(journal.mark())

    assert 2 == len(list(tmp_path.glob("*/*.seg")))
    journal.close()


def test_a_folder_that_cannot_be_used_refuses_the_start(tmp_path: Path) -> None:
    """A file stands where the folder should be: said at once, with what to do."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(StartRefused, match="taken"):
        FileJournal(tmp_path / "taken")


def test_a_full_disk_does_not_refuse_the_start(tmp_path: Path) -> None:
    """Records are refused one by one until there is room, then taken."""
    files = FailingFiles("make_folder", 1, times=3)
    journal = FileJournal(tmp_path / "new", files=files)
    with pytest.raises(OSError, match="no space"):
        journal.append([sealed("a")], sync=False)
    journal.append([sealed("b")], sync=True)

    assert 3 == files.failed
    assert ["b"] == names(journal)
    journal.close()


def test_frame_header_is_eight_bytes() -> None:
    """The format on disk: length and checksum, four bytes each."""
    assert 8 == FRAME.size
    data, ends = frames([b"abc"])
    assert (11, [11], 3) == (len(data), ends, data[0])
