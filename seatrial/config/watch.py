"""See that a configuration's files have changed, by a look at their stat and content.

Prompts and files of secrets belong to it.  Python modules do not: a change of code takes
effect at the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from seatrial.config.reading import ABSENT, digest

Look = tuple[int, int, int]


def look_at(file: Path) -> Look | None:
    """Return what changes when a file does: time, size and inode; None when it is not there."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def digest_of(file: Path) -> str:
    """Return the digest of a file's content."""
    try:
        return digest(file.read_bytes())
    except OSError:
        return ABSENT


class Watch:
    """Remembers the files of one reading, and tells when they are no longer the same.

    Make one from `Loaded.files` after every reading, a failed one too: the file whose
    absence made it fail is watched as well.

    Args:
        files: digest by file, as the reading saw them.
        look: returns what changes when a file does.
        read: returns a file's digest.
    """

    def __init__(
        self,
        files: Mapping[Path, str],
        *,
        look: Callable[[Path], Look | None] = look_at,
        read: Callable[[Path], str] = digest_of,
    ) -> None:
        self._digests = dict(files)
        self._looks: dict[Path, Look | None] = {}
        self._look = look
        self._read = read

    def changed(self) -> bool:
        """Return whether any file's content is another than last time; once per change."""
        found = False
        for file, known in self._digests.items():
            seen = self._look(file)
            if file in self._looks and self._looks[file] == seen:
                continue
            self._looks[file] = seen
            content = ABSENT if seen is None else self._read(file)
            if content != known:
                self._digests[file] = content
                found = True
        return found

    def __repr__(self) -> str:
        return f"Watch({len(self._digests)} files)"
