"""Changes of files are seen once each, by content."""

import os
from pathlib import Path

from seatrial.config import attempt, load
from seatrial.config.watch import Look, Watch
from tests.rooms.config.conftest import ENVIRON, EXAMPLE, Write


class Disk:
    """Files as a test wants them: name to time and content."""

    def __init__(self) -> None:
        self.files = {Path("a"): (1, "one"), Path("b"): (1, "two")}
        self.reads = 0

    def look(self, file: Path) -> Look | None:
        return (self.files[file][0], 0, 0) if file in self.files else None

    def read(self, file: Path) -> str:
        self.reads += 1
        return self.files[file][1]

    def watch(self) -> Watch:
        digests = {file: content for file, (_, content) in self.files.items()}
        return Watch(digests, look=self.look, read=self.read)


def test_nothing_changes_and_nothing_is_read() -> None:
    """After the first look a file is read again only when its stat differs."""
    disk = Disk()
    watch = disk.watch()

    assert [False] * 5 == [watch.changed() for _ in range(5)]
    assert 2 == disk.reads


def test_change_is_told_once() -> None:
    """A new content is a change; after it has been told it is known."""
    disk = Disk()
    watch = disk.watch()
    disk.files[Path("b")] = (2, "three")

    assert [True, False] == [watch.changed(), watch.changed()]


def test_touch_is_no_change() -> None:
    """The same content with another time is no change."""
    disk = Disk()
    watch = disk.watch()
    watch.changed()
    disk.files[Path("b")] = (2, "two")

    assert not watch.changed()


def test_change_between_reading_and_first_look_is_seen() -> None:
    """What was read when loading counts, not what is there at the first look."""
    disk = Disk()
    watch = disk.watch()
    disk.files[Path("a")] = (1, "other")

    assert watch.changed()


def test_file_that_goes_and_comes_is_a_change_each_time() -> None:
    """Editors replace files: away is a change, back is one too."""
    disk = Disk()
    watch = disk.watch()
    kept = disk.files.pop(Path("a"))
    gone = watch.changed()
    disk.files[Path("a")] = kept

    assert [True, True, False] == [gone, watch.changed(), watch.changed()]


def test_prompts_and_secrets_are_watched(write: Write, tmp_path: Path) -> None:
    """A change of the file, of a prompt and of a secret's file is seen; of others not."""
    watch = Watch(load(write(), environ=ENVIRON).files)
    seen = [watch.changed()]
    for name in ("other.md", "prompts/support.md", "keys/anthropic", "seatrial.toml"):
        (tmp_path / name).write_text("changed")
        os.utime(tmp_path / name, ns=(1, 1))
        seen.append(watch.changed())

    assert [False, False, True, True, True] == seen


def test_missing_file_that_comes_mends_a_broken_reading(write: Write, tmp_path: Path) -> None:
    """After a failed reading the watch waits for what was missing, too."""
    path = write(EXAMPLE, {"keys/anthropic": "secret-a"})
    broken = attempt(path, environ=ENVIRON)
    watch = Watch(broken.files)
    before = watch.changed()
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/support.md").write_text("Hello")

    assert broken.error is not None
    assert [False, True] == [before, watch.changed()]
    assert attempt(path, environ=ENVIRON).config is not None
    assert "Watch(3 files)" == repr(watch)
