"""What a record costs: process CPU per `append`, journal alone and with SQLite behind it.

Run with `python -m bench.recorder`; prints medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from seatrial.engine.recorder import Recorder
from seatrial.engine.recording import RecorderSettings
from seatrial.ports import Journal, Records, Sealed
from seatrial.store import FileJournal, open_store
from seatrial.values.records import AttemptRecord, Record
from seatrial.values.sealing import seal

SAMPLE: Final = Record(
    "",
    "support",
    1_700_000_000.0,
    "answer",
    release="9f3c2a7be1d04456",
    prompt_version="51ce8d02",
    key_id="k_8dj2",
    took_s=0.8,
    first_token_s=0.3,
    target="large",
    attempts=(
        AttemptRecord("large", sent=True, took_s=0.8, usage={"prompt_tokens": 210, "total": 300}),
    ),
    input={
        "messages": [
            {"role": "system", "content": "You answer customers. " * 20},
            {"role": "user", "content": "Where is my parcel, please? " * 20},
        ]
    },
    output={"text": "It left our house yesterday. " * 20, "finish_reason": "stop"},
)


class NoRecords:
    """A store that takes everything and keeps nothing."""

    def add(self, batch: Sequence[Sealed], *, sync: bool = False) -> int:
        return len(batch)


class NoJournal:
    """A journal that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self._mark = 0

    def append(self, batch: Sequence[Sealed], *, sync: bool) -> None:
        self._mark += len(batch)

    def sync(self) -> None:
        pass

    def mark(self) -> int:
        return self._mark

    def settle(self, mark: int) -> None:
        pass

    def backlog(self, limit: int) -> tuple[list[Sealed], int]:
        return [], self._mark

    def size(self) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None:
        pass


async def measure(journal: Journal, records: Records, count: int, at_once: int) -> float:
    """Return CPU microseconds per record, those of the closing drain included."""
    # Patient: other programs on the machine must not make a record late here.
    recorder = Recorder(journal, records, settings=RecorderSettings(patience_s=5.0))
    recorder.start()
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            record = msgspec.structs.replace(SAMPLE, id=f"rec_{number:022d}")
            assert await recorder.append(record)

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    counts = await recorder.close(30)
    spent = time.process_time() - began
    assert (count, 0, 0) == (counts.kept, counts.dropped, counts.waiting), counts
    return spent / count * 1e6


def one_round(name: str, count: int, at_once: int) -> float:
    """Measure one way of keeping records in a fresh folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        journal: Journal = NoJournal() if name == "bare" else FileJournal(folder / "journal")
        if name != "journal and SQLite":
            stub: Records = NoRecords()  # type: ignore[assignment]  # only `add` is called
            return asyncio.run(measure(journal, stub, count, at_once))
        store = open_store("sqlite:bench.db", folder=folder)
        store.ready()
        try:
            return asyncio.run(measure(journal, store.records, count, at_once))
        finally:
            store.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=32)
    options = parser.parse_args()
    names = ("bare", "journal", "journal and SQLite")
    spent: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            spent[name].append(one_round(name, options.count, options.at_once))
    size = len(seal(SAMPLE))
    print(f"CPU per record of {size} bytes, {options.at_once} at once, the loop's share included:")
    for name, figures in spent.items():
        low, high = min(figures), max(figures)
        print(f"  {name:20} {statistics.median(figures):6.1f} us   ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
