"""The cycles: killed under load, stopped under load, reloaded under load."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from seatrial.testing.crash._ward import Tally, Ward, doubled, drive, wait_for_records
from seatrial.testing.process import GatewayProcess

CATCH_UP_S: Final = 30.0
RELOAD_WITHIN_S: Final = 5.0
AFTER_TERM_S: Final = 0.3  # callers go on for so long: a balancer needs a moment, too
BROKEN: Final = (
    "this is no TOML\n",
    "[features.trial.limits]\nx = 1\n",
    '[features.other]\nroute = ["nobody"]\n',
    '[targets.third]\nprovider = "openia"\n',
    '[targets.first.timers]\nconnect_s = "soon"\n',
)


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What a trial of many cycles found.

    Args:
        name: of the trial.
        cycles: that were run.
        tally: what callers were told.
        records: in the store at the end.
        lost: records of answers that were heard out and are not in the store.
        doubled: records, or questions, that are there twice.
        wrong: anything else that was not as it must be, in words.
        starts_s: from each start to `serving`, in seconds.
        facts: figures beside.
    """

    name: str
    cycles: int
    tally: Tally
    records: int = 0
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    starts_s: tuple[float, ...] = ()
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, doubled or failed."""
        return not (self.lost or self.doubled or self.wrong or self.tally.failed)

    def as_json(self) -> dict[str, object]:
        """Give the report as JSON values."""
        return {
            "name": self.name,
            "passed": self.passed,
            "cycles": self.cycles,
            "requests": self.tally.requests,
            "heard_out": len(self.tally.heard),
            "streams": self.tally.streams,
            "records": self.records,
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "failed": len(self.tally.failed),
            "cut": self.tally.cut,
            "turned_away": self.tally.turned_away,
            "stale": self.tally.stale,
            "slowest_start_s": round(max(self.starts_s, default=0.0), 2),
            "wrong": list(self.wrong[:20]),
            "failures": self.tally.failed[:20],
            **self.facts,
        }

    def as_text(self) -> str:
        """Give the report as lines for people."""
        return "\n".join(f"{name:<16} {value}" for name, value in self.as_json().items())


def kill_cycles(
    ward: Ward,
    *,
    cycles: int = 10,
    load_s: tuple[float, float] = (0.3, 1.5),
    seed: int = 0,
    check: Callable[[], list[str]] = list,
    catch_up_s: float = CATCH_UP_S,
) -> CycleReport:
    """Kill the process under load, again and again, and hold answers against records.

    Args:
        ward: the service.
        cycles: how often.
        load_s: how long the load runs before each kill, drawn between these.
        seed: of these times and of the load.
        check: looks at the store after each kill; tells what is wrong with it.
        catch_up_s: how long the last start may take to carry on what the others left.
    """
    return asyncio.run(_kill(ward, cycles, load_s, Random(seed), check, catch_up_s))


async def _kill(
    ward: Ward,
    cycles: int,
    load_s: tuple[float, float],
    die: Random,
    check: Callable[[], list[str]],
    catch_up_s: float,
) -> CycleReport:
    tally, wrong, starts = Tally(), list[str](), list[float]()
    for _ in range(cycles):
        process = await _start(ward, starts)
        after_s = die.uniform(*load_s)
        try:
            load = ward.load(process, max_s=after_s, seed=die.getrandbits(40), give_up_s=20)
            driving = asyncio.ensure_future(drive(load))
            await asyncio.sleep(after_s)
            await asyncio.to_thread(process.kill)
            tally.take(await driving, killed_at_s=after_s)
        finally:
            process.end()
        wrong += await asyncio.to_thread(check)
    return await _reckon(ward, "kill -9", cycles, tally, wrong, starts, catch_up_s=catch_up_s)


def term_cycles(
    ward: Ward, *, cycles: int = 10, load_s: tuple[float, float] = (0.5, 1.5), seed: int = 0
) -> CycleReport:
    """Stop the process politely under load, and start it again on the same port.

    Callers keep their connections and go on asking for 0.3 s after the signal: whatever they
    sent must be answered, whole.  A connection that is refused is counted by itself: nothing was
    sent.  So is a kept connection that was found closed, and its request sent again.
    """
    return asyncio.run(_term(ward, cycles, load_s, Random(seed)))


async def _term(ward: Ward, cycles: int, load_s: tuple[float, float], die: Random) -> CycleReport:
    tally, wrong = Tally(), list[str]()
    starts, stops = list[float](), list[float]()
    loop = asyncio.get_running_loop()
    for cycle in range(cycles):
        process = await _start(ward, starts)
        after_s = die.uniform(*load_s)
        try:
            load = ward.load(process, max_s=after_s + AFTER_TERM_S, seed=die.getrandbits(40))
            driving = asyncio.ensure_future(drive(load))
            await asyncio.sleep(after_s)
            process.signal(signal.SIGTERM)
            told_at = loop.time()
            tally.take(await driving)
            status = await asyncio.to_thread(process.ended)
            stops.append(loop.time() - told_at)
            if status != 0:
                wrong.append(f"cycle {cycle}: it ended with status {status}")
        finally:
            process.end()
    facts: dict[str, object] = {"slowest_stop_s": round(max(stops, default=0.0), 2)}
    return await _reckon(ward, "SIGTERM", cycles, tally, wrong, starts, facts)


def reload_cycles(
    ward: Ward, *, cycles: int = 20, broken_every: int = 10, rate_s: float = 100.0, seed: int = 0
) -> CycleReport:
    """Change the configuration under load; now and then write a broken one.

    Most changes are announced by SIGHUP, some are left to be found.
    """
    return asyncio.run(_reload(ward, cycles, broken_every, rate_s, seed))


async def _reload(
    ward: Ward, cycles: int, broken_every: int, rate_s: float, seed: int
) -> CycleReport:
    tally, starts = Tally(), list[float]()
    ward.write()
    process = await _start(ward, starts)
    trial = _Reloads(ward, process)
    over = asyncio.Event()

    async def ask() -> None:
        burst = 0
        while not over.is_set():
            load = ward.load(
                process,
                requests=int(rate_s),
                rate_s=rate_s,
                concurrency=64,
                seed=seed * 10_000 + burst,
            )
            tally.take(await drive(load))
            burst += 1

    asking = asyncio.ensure_future(ask())
    try:
        for cycle in range(cycles):
            if cycle % broken_every == broken_every - 1:
                await trial.spoil(BROKEN[cycle // broken_every % len(BROKEN)])
            else:
                await trial.change(cycle, told=cycle % 7 != 0)
        over.set()
        await asking
        ward.write()
    finally:
        asking.cancel()
        await asyncio.to_thread(process.end)
    facts: dict[str, object] = {"loaded": trial.loaded, "rejected": trial.rejected}
    report = await _reckon(ward, "reload", cycles, tally, trial.wrong, starts, facts)
    strangers = (await asyncio.to_thread(ward.kept)).releases - trial.accepted
    if strangers:
        trial.wrong.append(f"records of releases that were never in force: {sorted(strangers)}")
    return replace(report, wrong=tuple(trial.wrong))


class _Reloads:
    """Changes the file of a running process and watches what comes of it."""

    def __init__(self, ward: Ward, process: GatewayProcess) -> None:
        self.loaded = self.rejected = 0
        self.wrong: list[str] = []
        self._ward = ward
        self._process = process
        self.accepted = set(_releases(process.events[-1].get("features")))

    async def change(self, number: int, *, told: bool) -> None:
        """Write a new release; it must be in force soon."""
        self._ward.write(say=f"Sorry, not now. ({number})")
        event = await self._tell("config.loaded", told=told)
        if event is None:
            self.wrong.append(f"change {number} was not taken up")
            return
        self.loaded += 1
        self.accepted.update(_releases(event.get("releases")))
        ready = await asyncio.to_thread(self._process.ready)
        others = [each for each in ready.get("degraded", ()) if not each.startswith("overloaded")]
        if not ready.get("ready") or others:  # the load may well be more than a busy machine bears
            self.wrong.append(f"after change {number}, /readyz says {ready}")

    async def spoil(self, broken: str) -> None:
        """Write a broken file; it must be refused with its reason, in the log and in /readyz."""
        self._ward.write(broken=broken)
        event = await self._tell("config.rejected", told=True)
        if event is None or not event.get("problems"):
            self.wrong.append(f"a broken file was not refused with a reason: {broken!r}")
            return
        self.rejected += 1
        ready = await asyncio.to_thread(self._process.ready)
        if not ready.get("ready") or "config" not in str(ready.get("degraded")):
            self.wrong.append(f"after a broken file, /readyz says {ready}")

    async def _tell(self, name: str, *, told: bool) -> dict[str, Any] | None:
        since = len(self._process.events)
        if told:
            self._process.signal(signal.SIGHUP)
        return await asyncio.to_thread(
            self._process.wait_for,
            lambda event: event.get("event") == name,
            RELOAD_WITHIN_S,
            since=since,
        )


def _releases(features: object) -> set[str]:
    return set(features.values()) if isinstance(features, dict) else set()


async def _start(ward: Ward, starts: list[float]) -> GatewayProcess:
    process = ward.process()
    await asyncio.to_thread(process.start)
    ward.port = process.port
    starts.append(process.start_s)
    return process


async def _reckon(
    ward: Ward,
    name: str,
    cycles: int,
    tally: Tally,
    wrong: list[str],
    starts: list[float],
    facts: dict[str, object] | None = None,
    *,
    catch_up_s: float = CATCH_UP_S,
) -> CycleReport:
    """Start once more, so that what is in the journal arrives, and hold all against all."""
    process = await _start(ward, starts)
    try:
        await wait_for_records(ward, list(tally.heard), limit_s=catch_up_s)
    finally:
        await asyncio.to_thread(process.end)
    kept = await asyncio.to_thread(ward.kept)
    lost = [
        name
        for name, question in tally.heard.items()
        if name not in kept.ids or question not in kept.questions
    ]
    return CycleReport(
        name,
        cycles,
        tally,
        records=len(kept.ids),
        lost=tuple(lost),
        doubled=tuple(doubled(kept)),
        wrong=tuple(wrong),
        starts_s=tuple(starts),
        facts=facts or {},
    )
