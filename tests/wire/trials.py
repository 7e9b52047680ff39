# ruff: noqa: T201 - a command speaks on its output
"""`python -m tests.wire.trials --all`: the trials with real processes, at full length, as tables.

About forty minutes.  Parts of it: `--suite`, `--crash`, `--stores`; `--store sqlite` takes one.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.testing.crash import CycleReport, Ward, kill_cycles, reload_cycles, term_cycles
from seatrial.testing.suite import run_alone, run_suite
from seatrial.testing.upstream import FaultyUpstream
from tests.wire.servers import own_postgres
from tests.wire.store_faults import FAULTS, STORES, TITLES, weather
from tests.wire.test_crash import integrity_of

COLUMNS = (
    "cycles", "requests", "heard_out", "streams", "records", "lost", "doubled", "failed", "cut",
    "turned_away", "stale", "slowest_start_s",
)  # fmt: skip


def main() -> int:
    """Run what was asked for; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire.trials", description=__doc__)
    for part in ("all", "suite", "crash", "stores"):
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--store", choices=STORES, action="append", default=[])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each store fault")
    options = parser.parse_args()
    stores = tuple(options.store) or STORES
    good = True
    if options.all or options.suite:
        good &= _suite()
    if options.all or options.crash:
        for store in stores:
            good &= _crash(store)
    if options.all or options.stores:
        good &= _faults(stores, options.seconds)
    return 0 if good else 1


def _suite() -> bool:
    report = run_suite()
    print(report.as_text(), run_alone().as_text(), sep="\n\n", flush=True)
    return report.passed


@contextmanager
def _ward(store: str) -> Iterator[Ward]:
    with (
        tempfile.TemporaryDirectory(prefix="seatrial-trials-") as folder,
        FaultyUpstream(gap_s=0.002, max_s=7200) as upstream,
    ):
        if store == "sqlite":
            yield Ward(Path(folder), upstream)
        else:
            with own_postgres() as server:
                yield Ward(Path(folder), upstream, store=server.database())


def _crash(store: str) -> bool:
    with _ward(store) as ward:
        ward.migrate()
        reports = [
            kill_cycles(ward, cycles=50, seed=1, check=integrity_of(ward)),
            term_cycles(ward, cycles=20, seed=2),
            reload_cycles(ward, cycles=100, seed=3),
        ]
    print(f"\n{store:<17}" + "".join(f"{name:>{len(name) + 2}}" for name in COLUMNS))
    for report in reports:
        _row(report)
    return all(report.passed for report in reports)


def _row(report: CycleReport) -> None:
    data = report.as_json()
    cells = "".join(f"{data[name]!s:>{len(name) + 2}}" for name in COLUMNS)
    print(f"{report.name:<17}{cells}  {report.facts or ''}", flush=True)
    for line in (*report.wrong, *report.tally.failed[:10]):
        print(f"    {line}")


def _faults(stores: tuple[str, ...], seconds: float) -> bool:
    print(f"\n{TITLES}", flush=True)
    good = True
    for store in stores:
        for fault in FAULTS:
            with tempfile.TemporaryDirectory(prefix="seatrial-trials-") as folder:
                found = weather(
                    store, fault, Path(folder), seconds=seconds, requests=int(seconds * 100 / 3)
                )
            print(found, *found.failures, flush=True)
            exact = (found.lost, found.doubled) == (found.told, 0)
            good &= exact and found.before - found.success <= 0.1
    return good


if __name__ == "__main__":
    raise SystemExit(main())
