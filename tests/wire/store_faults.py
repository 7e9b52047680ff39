"""A store that is hung, locked, full or away while requests pass: what it costs, what is lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.testing.crash import Tally, Ward, doubled, wait_for_records
from seatrial.testing.driver import Outcome, drive
from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FaultyUpstream
from tests.wire.servers import OwnPostgres, SmallDisk, own_postgres, small_disk

FAULTS = ("hung", "locked", "full", "absent")
STORES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Reckoning:
    """What one store fault did.

    Args:
        success, before: share of requests that were answered, during it and before it, in %.
        p99_ms, before_ms: of all requests, in milliseconds.
        heard: answers that were heard out, before, during and after.
        lost: how many of them have no record.
        told: how many the gateway says it could not keep.
        noticed: what its log and `/readyz` said of the store.
        caught_up_s: from the end of the fault until every record was there.
    """

    store: str
    fault: str
    seconds: float
    requests: int
    success: float
    before: float
    p99_ms: float
    before_ms: float
    heard: int
    lost: int
    told: int
    doubled: int
    noticed: str
    caught_up_s: float
    failures: Sequence[str] = ()

    @property
    def added_ms(self) -> float:
        """How much later than before the slowest hundredth of the answers came."""
        return self.p99_ms - self.before_ms

    def __str__(self) -> str:
        return (
            f"{self.store:<11}{self.fault:<8}{self.seconds:>5.0f}{self.requests:>9}"
            f"{self.before:>9.2f}{self.success:>9.2f}{self.before_ms:>9.1f}{self.p99_ms:>8.1f}"
            f"{self.heard:>8}{self.lost:>6}{self.told:>6}{self.doubled:>8}"
            f"{self.caught_up_s:>9.1f}  {self.noticed}"
        )


TITLES = (
    f"{'store':<11}{'fault':<8}{'s':>5}{'requests':>9}{'before %':>9}{'during %':>9}"
    f"{'p99 ms':>9}{'during':>8}{'heard':>8}{'lost':>6}{'told':>6}{'doubled':>8}"
    f"{'caught up':>9}  noticed"
)


@dataclass
class Stage:
    """A service on a store that can be struck and healed."""

    ward: Ward
    strike: Callable[[], object]
    heal: Callable[[], object]


@contextmanager
def staged(store: str, fault: str, upstream: FaultyUpstream, folder: Path) -> Iterator[Stage]:
    """Set the stage for one fault of one store."""
    with ExitStack() as stack:
        if store == "sqlite":
            yield _sqlite(fault, upstream, folder, stack)
        else:
            yield _postgresql(fault, upstream, folder, stack)


def _sqlite(fault: str, upstream: FaultyUpstream, folder: Path, stack: ExitStack) -> Stage:
    place = folder / "store"
    disk: SmallDisk | None = None
    if fault in {"hung", "full"}:
        disk = stack.enter_context(small_disk())
        place = disk.place
    place.mkdir(exist_ok=True)
    ward = Ward(folder, upstream, store=f"sqlite:{place}/records.db")
    ward.migrate()
    match fault:
        case "hung":
            assert disk is not None
            return Stage(ward, disk.freeze, disk.thaw)
        case "full":
            assert disk is not None
            return Stage(ward, disk.fill, disk.clear)
        case "locked":
            holder = sqlite3.connect(
                place / "records.db", isolation_level=None, check_same_thread=False
            )
            stack.callback(holder.close)
            return Stage(
                ward,
                lambda: holder.execute("BEGIN EXCLUSIVE"),
                lambda: holder.execute("ROLLBACK"),
            )
        case _:
            away = folder / "store.away"
            return Stage(ward, lambda: place.rename(away), lambda: _bring_back(away, place))


def _bring_back(away: Path, place: Path) -> None:
    """Put the folder where it was; what was made there meanwhile must not be worth keeping."""
    if place.exists():
        shutil.rmtree(place)
    away.rename(place)


def _postgresql(fault: str, upstream: FaultyUpstream, folder: Path, stack: ExitStack) -> Stage:
    server = stack.enter_context(own_postgres())
    place = None
    disk: SmallDisk | None = None
    if fault == "full":
        disk = stack.enter_context(small_disk(64))
        place = disk.place / "tables"
        place.mkdir()
        shutil.chown(place, "pgserver")
    ward = Ward(folder, upstream, store=server.database(place=place))
    ward.migrate()
    match fault:
        case "hung":
            return Stage(ward, server.hang, server.go_on)
        case "full":
            assert disk is not None
            return Stage(ward, disk.fill, disk.clear)
        case "locked":
            return Stage(ward, *_table_lock(server, ward.store, stack))
        case _:
            return Stage(ward, server.stop, server.start)


def _table_lock(
    server: OwnPostgres, address: str, stack: ExitStack
) -> tuple[Callable[[], object], Callable[[], object]]:
    holder: Any = stack.enter_context(server.connected(address))

    def take() -> None:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE record IN ACCESS EXCLUSIVE MODE")

    return take, lambda: holder.execute("ROLLBACK")


def weather(
    store: str,
    fault: str,
    folder: Path,
    *,
    seconds: float = 60.0,
    requests: int = 2000,
    before_s: float = 20.0,
    catch_up_s: float = 60.0,
) -> Reckoning:
    """Let requests pass before, during and after one fault of one store, and count."""
    with (
        FaultyUpstream(max_s=3600) as upstream,
        staged(store, fault, upstream, folder) as stage,
        stage.ward.process() as process,
    ):
        rate_s = requests / seconds
        return asyncio.run(
            _weather(stage, process, store, fault, seconds, rate_s, before_s, catch_up_s)
        )


async def _weather(
    stage: Stage,
    process: GatewayProcess,
    store: str,
    fault: str,
    seconds: float,
    rate_s: float,
    before_s: float,
    catch_up_s: float,
) -> Reckoning:
    ward = stage.ward
    tally = Tally()

    async def ask(for_s: float, seed: int) -> tuple[Outcome, ...]:
        count = max(1, int(for_s * rate_s))
        load = ward.load(process, requests=count, rate_s=rate_s, concurrency=256, seed=seed)
        report = await drive(load)
        tally.take(report)
        return report.outcomes

    await ask(min(3.0, before_s), 1)  # the first requests of a process are slower
    before = await ask(before_s, 2)
    began = time.monotonic()
    await asyncio.to_thread(stage.strike)
    try:
        during = await ask(seconds, 3)
        said = await asyncio.to_thread(process.ready)
    finally:
        await asyncio.to_thread(stage.heal)
    healed = time.monotonic()
    await ask(min(2.0, seconds), 4)
    kept = await wait_for_records(ward, list(tally.heard), limit_s=catch_up_s)
    caught_up_s = time.monotonic() - healed
    ready = await asyncio.to_thread(process.ready)
    return Reckoning(
        store,
        fault,
        healed - began,
        len(during),
        _success(during),
        _success(before),
        _p99_ms(during),
        _p99_ms(before),
        len(tally.heard),
        sum(name not in kept.ids for name in tally.heard),
        _told(ready),
        len(doubled(kept)),
        "; ".join(said["degraded"])[:60] or "-",
        caught_up_s,
        tuple(tally.failed[:5]),
    )


def _success(outcomes: Sequence[Outcome]) -> float:
    good = sum(outcome.end.value in {"answer", "degraded"} for outcome in outcomes)
    return 100.0 * good / len(outcomes)


def _p99_ms(outcomes: Sequence[Outcome]) -> float:
    ordered = sorted(outcome.total_s for outcome in outcomes)
    return 1000.0 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def _told(ready: dict[str, Any]) -> int:
    """Return how many records the gateway says it could not keep."""
    for part in ready["degraded"]:
        name, _, rest = part.partition(": ")
        if name == "records" and rest.endswith("could not be kept"):
            return int(rest.split()[0])
    return 0
