"""One run: start everybody, then short rounds in turn, A B C A B C.

A machine that slows down for a while then slows all of them down alike.
"""

import asyncio
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop

from bench import contenders, load
from bench.contenders import Missing, Seatrial
from bench.figures import Measured, Round
from bench.processes import (
    Cores,
    DidNotStart,
    Running,
    core_busy_ns,
    free_port,
    on_core,
    process_cpu_ns,
    start,
)

SLACK_S: Final = 20.0  # what a slice may take beyond its plan
PATIENCE_S: Final = 30.0  # for one answer of the process that measures `app.ask`

Answer = TypeVar("Answer")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured, of whom."""

    rounds: int = 5
    starts: int = 3  # samples of the start-up time
    connections: int = 32
    warm_s: float = 0.25
    closed_s: float = 0.8
    rate: float = 100.0  # requests a second of the open loop
    open_s: float = 1.5
    streams: int = 128  # started one after the other in each slice
    at_once: int = 64  # of them under way together
    events: int = 50  # of one stream
    gap_s: float = 0.02  # between two events
    calls: int = 4000  # of app.ask in each slice
    names: tuple[str, ...] = contenders.ALL
    bare: str = contenders.AIOHTTP
    seatrial: Seatrial = field(default_factory=Seatrial)

    @property
    def stream_s(self) -> float:
        """How long one stream takes."""
        return self.events * self.gap_s


class NoStub(Exception):
    """The stub upstream did not start; nothing can be measured."""


def run(settings: Settings, say: Say) -> Measured:
    """Measure everybody; whoever cannot be measured is named in the notes."""
    measured = Measured(events=settings.events, bare=settings.bare)
    cores = Cores.available()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(on_core(cores.load))
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        where = f"gateway on core {cores.gateway}, load and stub on core {cores.load}"
        say(where if cores.pinned else "NOT PINNED: fewer than two cores; figures will be worse")
        upstream = stack.enter_context(stub(settings, cores, folder))
        up: dict[str, Running | None] = {}
        for name in settings.names:
            with _noting(measured, name, say):
                up[name] = _raise_contender(
                    name, settings, cores, folder, upstream, measured, stack
                )
                say(f"{name} is up")
        asking = _asking(settings, cores, folder, upstream, measured, stack, say)
        ours = [one for one in (*up.values(), asking) if one]
        neighbours = Neighbours(cores.gateway, ours)
        for number in range(settings.rounds):
            for name in [name for name in up if name not in measured.notes]:
                say(f"round {number + 1} of {settings.rounds}: {name}")
                with _noting(measured, name, say):
                    port = running.port if (running := up[name]) else upstream
                    once = runner.run(_one_round(port, running, settings, seed=number))
                    measured.rounds.setdefault(name, []).append(once)
                    if running and number in (0, settings.rounds - 1):
                        _weigh(name, running, measured)
            if asking:
                with _noting(measured, "app.ask", say):
                    measured.ask_us.append(asking.once())
        with _noting(measured, "other programs", say):
            measured.others_share = neighbours.share()
        return measured


@contextmanager
def stub(settings: Settings, cores: Cores, folder: Path) -> Iterator[int]:
    """The stub upstream as a process on the load's core; its port."""
    command = [sys.executable, "-m", "bench.upstream", "--events", str(settings.events)]
    command += ["--gap-ms", str(settings.gap_s * 1000)]
    with on_core(cores.load), (folder / "stub.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=contenders.ROOT, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if not said:
            raise NoStub((folder / "stub.log").read_text(errors="replace"))
        yield int(said)
    finally:
        process.terminate()
        process.communicate()


def begin(name: str, settings: Settings, cores: Cores, folder: Path, upstream: int) -> Running:
    """Start one contender in a new folder of its own, and wait until it answers."""
    own = Path(tempfile.mkdtemp(prefix="one-", dir=folder))
    port = free_port()
    plan = contenders.launch(name, settings.seatrial, folder=own, port=port, upstream=upstream)
    return start(
        plan.command, port=port, core=cores.gateway, log=own / "log", folder=contenders.ROOT,
        probe=plan.probe,
    )  # fmt: skip


def _raise_contender(
    name: str, settings: Settings, cores: Cores, folder: Path, upstream: int,
    measured: Measured, stack: ExitStack,
) -> Running | None:  # fmt: skip
    """Start a contender a few times for its start-up time; the last start stays up."""
    if name == contenders.DIRECT:
        return None
    starts = measured.starts_s.setdefault(name, [])
    for _ in range(settings.starts - 1):
        sample = begin(name, settings, cores, folder, upstream)
        starts.append(sample.start_s)
        sample.stop()
    running = begin(name, settings, cores, folder, upstream)
    starts.append(running.start_s)
    stack.callback(running.stop)
    return running


async def _one_round(port: int, running: Running | None, settings: Settings, *, seed: int) -> Round:
    cpu = running.cpu_ns if running else lambda: 0
    busy = await _bounded(
        settings.warm_s + settings.closed_s,
        load.closed_loop(
            port, cpu, connections=settings.connections, warm_s=settings.warm_s,
            seconds=settings.closed_s,
        ),
    )  # fmt: skip
    if not busy.requests:
        raise DidNotStart(f"it answered none of its requests rightly ({busy.errors} wrong replies)")
    paced = await _bounded(
        settings.open_s,
        load.open_loop(port, rate=settings.rate, seconds=settings.open_s, seed=seed),
    )
    every_s = settings.stream_s / settings.at_once
    streamed = await _bounded(
        settings.streams * every_s + settings.stream_s,
        load.streams(port, cpu, count=settings.streams, every_s=every_s, at_once=settings.at_once),
    )
    return Round(busy, paced, streamed)


async def _bounded(plan_s: float, work: Coroutine[Any, Any, Answer]) -> Answer:
    async with asyncio.timeout(plan_s + SLACK_S):
        return await work


def _weigh(name: str, running: Running, measured: Measured) -> None:
    resident, proportional = running.memory()
    measured.resident_mb.setdefault(name, []).append(resident)
    measured.proportional_mb.setdefault(name, []).append(proportional)


@contextmanager
def _noting(measured: Measured, name: str, say: Say) -> Iterator[None]:
    """Turn what keeps one contender from being measured into a note; the others go on."""
    try:
        yield
    except (Missing, DidNotStart, OSError, TimeoutError) as problem:
        measured.notes[name] = str(problem) or type(problem).__name__
        say(f"{name} is left out: {measured.notes[name]}")


class Neighbours:
    """How much of the gateway's core went to programs that are none of this run's."""

    def __init__(self, core: int | None, ours: Sequence["Running | Asking"]) -> None:
        self._core = core
        self._ours = ours
        self._began = time.perf_counter_ns()
        self._foreign = self._foreign_ns()

    def share(self) -> float | None:
        """The share since the start, in [0, 1]; None when no core was set apart."""
        if self._core is None:
            return None
        passed = time.perf_counter_ns() - self._began
        return max(0.0, (self._foreign_ns() - self._foreign) / passed)

    def _foreign_ns(self) -> int:
        if self._core is None:
            return 0
        return core_busy_ns(self._core) - sum(one.cpu_ns() for one in self._ours)


class Asking:
    """The process that measures `app.ask`, one slice per line."""

    def __init__(self, command: Sequence[str], core: int | None, log: Path) -> None:
        self._log = log
        with on_core(core), log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=contenders.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self._read()

    def once(self) -> float:
        """One slice: microseconds of processor time per call."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return float(self._read()["us_per_call"])

    def cpu_ns(self) -> int:
        """Processor time that it has used so far, in nanoseconds."""
        return process_cpu_ns(self._process.pid)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        output = self._process.stdout
        assert output is not None
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if select.select([output], [], [], 0.2)[0]:
                line = output.readline()
                if line.startswith(b"{"):
                    known: dict[str, Any] = json.loads(line)
                    return known
                if not line:
                    break
        self.stop()
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        raise DidNotStart(f"the process that asks gave no figure: {' '.join(said) or 'no word'}")


def _asking(
    settings: Settings, cores: Cores, folder: Path, upstream: int,
    measured: Measured, stack: ExitStack, say: Say,
) -> Asking | None:  # fmt: skip
    if contenders.SEATRIAL not in settings.names:
        return None
    asking: Asking | None = None
    with _noting(measured, "app.ask", say):
        contenders.require_seatrial(settings.seatrial)
        own = Path(tempfile.mkdtemp(prefix="ask-", dir=folder))
        config = settings.seatrial.write_config(
            own, port=free_port(), upstream=upstream, records=True
        )
        command = [sys.executable, "-m", "bench.inprocess", "--config", str(config)]
        command += ["--calls", str(settings.calls), "--at-once", str(settings.connections)]
        asking = Asking(command, cores.gateway, own / "log")
        stack.callback(asking.stop)
        say("app.ask is up")
    return asking
