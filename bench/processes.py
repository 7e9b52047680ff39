"""The processes under measurement: start, pin, read their processor time and memory, end.

Linux only: it reads /proc and the kernel's per-process clocks.
"""

import http.client
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import wire

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 8.0
POLL_S: Final = 0.005

_CPUCLOCK_SCHED: Final = 2  # linux: the exact run time of a whole thread group


class DidNotStart(Exception):
    """A process ended, or gave no good answer, before START_LIMIT_S."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core belongs to whom; None where there are too few of them."""

    gateway: int | None
    load: int | None

    @classmethod
    def available(cls) -> "Cores":
        """The first two cores that this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[1]) if len(allowed) > 1 else cls(None, None)

    @property
    def pinned(self) -> bool:
        """True when gateway and load have a core each."""
        return self.gateway is not None


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Run the block on one core; what it starts inherits that."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(slots=True)
class Running:
    """One process that was started and answers."""

    process: subprocess.Popen[bytes]
    port: int
    start_s: float  # from its start to its first good answer

    def cpu_ns(self) -> int:
        """Processor time of all its threads and its living children, in nanoseconds."""
        return sum(process_cpu_ns(pid) for pid in family(self.process.pid))

    def memory(self) -> tuple[float, float]:
        """Resident and proportional memory of it and its children, in MB of 10**6 bytes."""
        resident = proportional = 0
        for pid in family(self.process.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name == "Rss":
                    resident += int(rest.split()[0])
                elif name == "Pss":
                    proportional += int(rest.split()[0])
        return resident * 1024 / 1e6, proportional * 1024 / 1e6

    def stop(self) -> None:
        """End it: politely first, by force when it does not listen."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_LIMIT_S)


def process_cpu_ns(pid: int) -> int:
    """Processor time of one process so far, ended threads included, in nanoseconds."""
    return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)


def family(pid: int) -> list[int]:
    """`pid` and all its living descendants."""
    found = [pid]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that just ended
                found += map(int, (thread / "children").read_text().split())
    return found


def core_busy_ns(core: int) -> int:
    """Time that one core has worked for anybody, in nanoseconds, exact to a hundredth second."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, irq, soft, stolen = map(int, ticks[:8])
            worked = user + nice + system + irq + soft + stolen
            return worked * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    raise ValueError(f"there is no core {core}")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    command: Sequence[str], *, port: int, core: int | None, log: Path, folder: Path,
    probe: str | None = None, env: Mapping[str, str] | None = None,
) -> Running:  # fmt: skip
    """Start a process on a core and wait for its first good answer.

    Args:
        command: the program and its arguments.
        port: where it will listen.
        core: the core it may use, or None for any.
        log: the file that takes what it prints.
        folder: where it runs.
        probe: the path to GET until it answers 200; None posts a request instead.
        env: more environment variables for it.

    Raises:
        DidNotStart: with the last lines that it printed.
    """
    with on_core(core), log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            cwd=folder, env={**os.environ, **(env or {})}, start_new_session=True,
        )  # fmt: skip
    running = Running(process, port, start_s=0.0)
    while time.perf_counter() - began < START_LIMIT_S:
        if _answers(port, probe):
            running.start_s = time.perf_counter() - began
            return running
        if process.poll() is not None:
            break
        time.sleep(POLL_S)
    state = (
        f"ended with code {process.poll()}" if process.poll() is not None else "gave no good answer"
    )
    if process.poll() is None:
        running.stop()
    said = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise DidNotStart(
        f"`{shlex.join(command)}` {state}: {' | '.join(said) or 'it printed nothing'}"
    )


def prepare(command: Sequence[str], folder: Path) -> None:
    """Run a command to its end, unless it is empty.

    Raises:
        DidNotStart: it failed, with its last lines.
    """
    if not command:
        return
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=START_LIMIT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        said = " | ".join(done.stdout.decode(errors="replace").strip().splitlines()[-3:])
        raise DidNotStart(f"`{shlex.join(command)}` ended with code {done.returncode}: {said}")


def _answers(port: int, probe: str | None) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        if probe is None:
            headers = {"content-type": "application/json", "authorization": "Bearer bench"}
            connection.request("POST", wire.PATH, wire.request_body(stream=False), headers)
        else:
            connection.request("GET", probe)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
