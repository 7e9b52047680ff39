"""What lies on disk before a day begins, and what it leaves there."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Final

from seatrial.app import Seatrial
from seatrial.app.wiring import write_keys
from seatrial.ports import Key, RecordQuery
from seatrial.testing.simulate.accounts import KeyPlan
from seatrial.testing.simulate.demands import PERSONAL
from seatrial.testing.simulate.life import Life
from seatrial.values.records import Record

PAGE: Final = 1000
KEYS_FILE: Final = "keys.json"
_KEPT_FILES: Final = frozenset({"seatrial.db", KEYS_FILE, "secret"})


def leaking(folder: Path) -> set[str]:
    """Return the files of a process in which a planted address stands."""
    planted = PERSONAL.encode()
    return {
        file.name for file in folder.rglob("*") if file.is_file() and planted in file.read_bytes()
    }


def prepare(folder: Path, *, keys: tuple[KeyPlan, ...], forgotten: bool) -> None:
    """Make the folder of the first life, as an earlier day left it."""
    files = _yesterday(keys)
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not (forgotten and file.name == KEYS_FILE):
            file.write_bytes(content)


@functools.cache
def _yesterday(keys: tuple[KeyPlan, ...]) -> dict[str, bytes]:
    """Return what a service leaves behind: its store, the keys it knew, its secret."""
    with tempfile.TemporaryDirectory(prefix="seatrial-yesterday-") as place:
        folder = Path(place)
        if keys:
            for name, content in _yesterday(()).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        toml = folder / "seatrial.toml"
        toml.write_text('[features.f0]\nroute = ["say"]\nsay = "Nothing yet."\n')
        app = Seatrial.open(toml, environ={})
        # By hand, in this thread: those of a service may hold the store beyond its end, and then
        # part of it still stands in the log beside it.
        app.store.migrate()
        pepper = app.keyring.pepper
        for key in keys:
            app.store.keys.add(Key(key.id, key.digest(pepper), key.id))
        write_keys(app.config.journal.parent / KEYS_FILE, app.store.keys.all())
        app.store.close()
        return {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and file.name in _KEPT_FILES
        }


def store_away(life: Life) -> bool:
    """Whether the service says that its store is away."""
    return any(part.startswith("store") for part in life.app.ready().degraded)


def all_records(life: Life) -> list[Record]:
    """Return all that is in the store."""
    found: list[Record] = []
    before = ""
    while True:
        page = life.app.store.records.find(RecordQuery(before=before, limit=PAGE))
        found += page
        if len(page) < PAGE:
            return found
        before = page[-1].id
