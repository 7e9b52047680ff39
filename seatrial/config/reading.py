"""What one reading of the configuration gathers: problems, warnings, files, secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as File

from seatrial.config.secrets import Fault, file_of, resolve
from seatrial.config.toml import Path, dotted
from seatrial.errors import Problem
from seatrial.values.secrets import Secret

ABSENT = "absent"


def digest(content: bytes) -> str:
    """Return the hash by which a change of a file is seen."""
    return hashlib.sha256(content).hexdigest()


@dataclass(slots=True)
class Reading:
    """Gathers what is found while a configuration is read.

    Args:
        folder: of the configuration file.
        environ: the environment.
        lines: the line of each key in the file.
        with_keys: whether targets' API keys are looked up.
        given: what came from elsewhere: `argument` or `environment NAME`, by path.
        files: digest of every file looked at, `ABSENT` for what was not there.
    """

    folder: File
    environ: Mapping[str, str]
    with_keys: bool = True
    lines: Mapping[Path, int] = field(default_factory=dict)
    given: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    files: dict[File, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)

    def report(self, path: Path, message: str, hint: str = "") -> None:
        """Keep a problem: the configuration cannot be used."""
        self.problems.append(self._problem(path, message, hint))

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        """Keep a warning: the configuration can be used, and is probably not what was meant."""
        self.warnings.append(self._problem(path, message, hint))

    def read(self, file: File, *, most_bytes: int) -> bytes | Fault:
        """Return a file's content, and remember its digest."""
        try:
            with file.open("rb") as opened:
                content = opened.read(most_bytes + 1)
        except OSError as error:
            self.files[file] = ABSENT
            if isinstance(error, FileNotFoundError):
                return Fault(f"there is no file {file}.")
            reason = (error.strerror or type(error).__name__).lower()
            return Fault(f"the file {file} cannot be read: {reason}.")
        self.files[file] = digest(content)
        if len(content) > most_bytes:
            return Fault(f"the file {file} is larger than {most_bytes // 1024:,} KiB.")
        return content

    def resolve(self, reference: str, path: Path) -> None:
        """Look up a secret, and report when there is none."""
        file = file_of(reference, self.folder)
        if file is not None:
            self.read(file, most_bytes=1024 * 1024)
        found = resolve(reference, environ=self.environ, folder=self.folder)
        if isinstance(found, Fault):
            self.report(path, found.message, found.hint)
        else:
            self.secrets[reference] = found

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the section it stands in; 0 when it has none."""
        inside = [line for known, line in self.lines.items() if known[: len(path)] == path]
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return min(inside, default=0)

    def origin(self, path: Path) -> str:
        """Return where a value came from when not from the file; else empty."""
        while path:
            if path in self.given:
                return self.given[path]
            path = path[:-1]
        return ""

    def _problem(self, path: Path, message: str, hint: str) -> Problem:
        origin = self.origin(path)
        if origin:
            return Problem(f"{dotted(path)} ({origin})", message, hint)
        return Problem(dotted(path), message, hint, self.line(path))
