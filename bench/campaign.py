"""One run: start everybody, then short slices in turn, A B C A B C.

A machine that slows down for a while then slows all of them down alike.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import uvloop

from bench import contenders, load
from bench.asking import Asking
from bench.contenders import Missing, Seatrial
from bench.figures import Measured, Round
from bench.load import Busy, Paced, Streamed
from bench.neighbours import Neighbours
from bench.processes import Cores, DidNotStart, Running, free_port, on_core, prepare, start

SLICE_LIMIT_S: Final = 60.0  # a slice takes a few seconds

Slice = TypeVar("Slice")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured, of whom."""

    rounds: int = 5
    starts: int = 3  # samples of the start-up time
    connections: int = 32
    warm_s: float = 1.0
    closed_s: float = 2.5
    rate: float = 100.0  # requests a second of the open loop
    open_s: float = 1.5
    streams: int = 128  # started one after the other in each slice
    at_once: int = 64  # of them under way together
    events: int = 50  # of one stream
    gap_s: float = 0.02  # between two events
    calls: int = 4000  # of app.ask in each slice
    names: tuple[str, ...] = contenders.ALL
    bare: str = contenders.HTTPTOOLS
    seatrial: Seatrial = field(default_factory=Seatrial)

    @property
    def stream_s(self) -> float:
        """How long one stream takes."""
        return self.events * self.gap_s

    @property
    def every_s(self) -> float:
        """How long after one stream the next one starts."""
        return self.stream_s / self.at_once


class NoStub(Exception):
    """The stub upstream did not start; nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run happens: its settings, cores and folder, and the stub's port."""

    settings: Settings
    cores: Cores
    folder: Path
    upstream: int


@contextmanager
def open_site(settings: Settings) -> Iterator[Site]:
    """Start the stub upstream, and take the load's core for this process."""
    cores = Cores.available()
    command = [sys.executable, "-m", "bench.upstream", "--events", str(settings.events)]
    command += ["--gap-ms", str(settings.gap_s * 1000)]
    with tempfile.TemporaryDirectory(prefix="bench-") as name, on_core(cores.load):
        folder = Path(name)
        with (folder / "stub.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=contenders.ROOT, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            if not said:
                raise NoStub((folder / "stub.log").read_text(errors="replace"))
            yield Site(settings, cores, folder, upstream=int(said))
        finally:
            process.terminate()
            process.communicate()


def run(settings: Settings, say: Say) -> Measured:
    """Measure everybody; whoever cannot be measured is named in the notes."""
    measured = Measured(events=settings.events, bare=settings.bare)
    with ExitStack() as stack:
        site = stack.enter_context(open_site(settings))
        where = f"gateway on core {site.cores.gateway}, load and stub on core {site.cores.load}"
        say(where if site.cores.pinned else "NOT PINNED, fewer than two cores: figures are worse")
        up: dict[str, Running | None] = {}
        for name in settings.names:
            with _noting(measured, name, say):
                up[name] = _start(name, site, measured, stack)
                say(f"{name} is up")
        asking: Asking | None = None
        if contenders.SEATRIAL in settings.names:
            with _noting(measured, "app.ask", say):
                asking = begin_asking(site)
                stack.callback(asking.stop)
                say("app.ask is up")
        neighbours = Neighbours(site.cores.gateway, [one for one in (*up.values(), asking) if one])
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        for number in range(settings.rounds):
            say(f"round {number + 1} of {settings.rounds}")
            _one_round(number, up, site, measured, runner, say)
            if asking and "app.ask" not in measured.notes:
                with _noting(measured, "app.ask", say):
                    measured.ask_us.append(asking.once())
            if contenders.SEATRIAL in settings.names:
                with _noting(measured, "checks", say):
                    measure_checks(site, measured)
        with _noting(measured, "other programs", say):
            measured.others_share = neighbours.share()
    return measured


def begin(name: str, site: Site) -> Running:
    """Start one contender in a new folder of its own, and wait until it answers."""
    own = Path(tempfile.mkdtemp(prefix="one-", dir=site.folder))
    port = free_port()
    plan = contenders.launch(
        name, site.settings.seatrial, folder=own, port=port, upstream=site.upstream
    )
    prepare(plan.prepare, contenders.ROOT)
    return start(
        plan.command, port=port, core=site.cores.gateway, log=own / "log", folder=contenders.ROOT,
        probe=plan.probe,
    )  # fmt: skip


def _start(name: str, site: Site, measured: Measured, stack: ExitStack) -> Running | None:
    """Start a contender a few times for its start-up time; the last start stays up."""
    if name == contenders.DIRECT:
        return None
    starts = measured.starts_s.setdefault(name, [])
    for _ in range(site.settings.starts - 1):
        sample = begin(name, site)
        starts.append(sample.start_s)
        sample.stop()
    running = begin(name, site)
    starts.append(running.start_s)
    stack.callback(running.stop)
    return running


def begin_asking(site: Site) -> Asking:
    """Start the process that measures `app.ask`, and wait until it is warm."""
    seatrial = site.settings.seatrial
    contenders.require_seatrial()
    own = Path(tempfile.mkdtemp(prefix="ask-", dir=site.folder))
    config = seatrial.write_config(own, port=free_port(), upstream=site.upstream)
    prepare(seatrial.prepare_words(config), contenders.ROOT)
    command = [sys.executable, "-m", "bench.inprocess", "--config", str(config)]
    command += ["--calls", str(site.settings.calls)]
    command += ["--at-once", str(site.settings.connections)]
    return Asking(command, site.cores.gateway, own / "log")


def measure_checks(site: Site, measured: Measured) -> None:
    """Add what each default check costs, from a process of its own on the gateway's core."""
    contenders.require_seatrial()
    with on_core(site.cores.gateway):
        done = subprocess.run(
            [sys.executable, "-m", "bench.shares"], check=False, cwd=contenders.ROOT, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=SLICE_LIMIT_S,
        )  # fmt: skip
    if done.returncode:
        raise DidNotStart(f"bench.shares failed: {done.stderr.strip().splitlines()[-1:]}")
    for name, cost_us in json.loads(done.stdout).items():
        measured.checks_us.setdefault(name, []).append(cost_us)


def _one_round(
    number: int, up: dict[str, Running | None], site: Site, measured: Measured,
    runner: asyncio.Runner, say: Say,
) -> None:  # fmt: skip
    """Each kind of load on everybody in turn, so that what is compared lies close in time."""

    def in_turn(work: Callable[[int, load.CpuClock], Awaitable[Slice]]) -> dict[str, Slice]:
        seen = {}
        for name in [name for name in up if name not in measured.notes]:
            with _noting(measured, name, say):
                running = up[name]
                port = running.port if running else site.upstream
                seen[name] = runner.run(_bounded(work(port, running.cpu_ns if running else _idle)))
        return seen

    settings = site.settings

    async def closed(port: int, cpu: load.CpuClock) -> Busy:
        busy = await load.closed_loop(
            port, cpu, connections=settings.connections, warm_s=settings.warm_s,
            seconds=settings.closed_s,
        )  # fmt: skip
        if not busy.requests:
            raise DidNotStart(f"none of its replies was right ({busy.errors} wrong ones)")
        return busy

    def paced(port: int, _: load.CpuClock) -> Awaitable[Paced]:
        return load.open_loop(port, rate=settings.rate, seconds=settings.open_s, seed=number)

    def streamed(port: int, cpu: load.CpuClock) -> Awaitable[Streamed]:
        return load.streams(
            port, cpu, count=settings.streams, every_s=settings.every_s, at_once=settings.at_once
        )

    busy, calm, streams = in_turn(closed), in_turn(paced), in_turn(streamed)
    for name, seen in streams.items():
        with _noting(measured, name, say):
            measured.rounds.setdefault(name, []).append(Round(busy[name], calm[name], seen))
            if (running := up[name]) and number in (0, settings.rounds - 1):
                resident, proportional = running.memory()
                measured.resident_mb.setdefault(name, []).append(resident)
                measured.proportional_mb.setdefault(name, []).append(proportional)


def _idle() -> int:
    """Report the clock of no process: the direct way has none."""
    return 0


async def _bounded(work: Awaitable[Slice]) -> Slice:
    async with asyncio.timeout(SLICE_LIMIT_S):
        return await work


@contextmanager
def _noting(measured: Measured, name: str, say: Say) -> Iterator[None]:
    """Turn what keeps one contender from being measured into a note; the others go on."""
    try:
        yield
    except (Missing, DidNotStart, OSError, TimeoutError, subprocess.TimeoutExpired) as problem:
        measured.notes[name] = str(problem) or type(problem).__name__
        say(f"{name} is left out: {measured.notes[name]}")
