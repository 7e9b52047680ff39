"""The scene of a trial: a model server, a gateway, and what their processes use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from seatrial.errors import Misuse
from seatrial.testing.process import DidNotStart, GatewayProcess

FEATURE: Final = "trial"
LIFETIME_S: Final = 1800
STOP_S: Final = 10.0
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Sample:
    """What was used up to a moment.

    Args:
        at_s: on the monotonic clock.
        memory_bytes: resident, of the gateway.
        gateway_s, model_s, callers_s: processor time so far.
        machine_s: of all processes of the machine, on all cores.
        view: what the gateway told of its load, if it was asked.
    """

    at_s: float
    memory_bytes: int
    gateway_s: float
    model_s: float
    callers_s: float
    machine_s: float
    view: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Scene:
    """A running gateway before a running model server.

    Args:
        gateway: the process.
        model_pid: of the model server.
        keys: API keys, if any were made.
        samples: taken by `watch`.
    """

    gateway: GatewayProcess
    model_pid: int
    keys: tuple[str, ...] = ()
    samples: list[Sample] = field(default_factory=list)

    def sample(self) -> Sample:
        """Look at the processes now."""
        pid = self.gateway.pid
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return Sample(
            time.monotonic(),
            pages * _PAGE,
            _cpu_s(pid),
            _cpu_s(self.model_pid),
            time.process_time(),
            _machine_s(),
        )

    async def watch(self, every_s: float = 0.5) -> None:
        """Look at them again and again, until cancelled."""
        while True:
            view: Mapping[str, Any] = {}
            with contextlib.suppress(TimeoutError):  # callers and this look share a machine
                view = await asyncio.to_thread(self.load)
            self.samples.append(replace(self.sample(), view=view))
            await asyncio.sleep(every_s)

    def load(self) -> dict[str, Any]:
        """Return what the gateway tells of its load."""
        address = self.gateway.url.removesuffix("/v1") + "/api/v1/load"
        headers = {"authorization": f"Bearer {self.keys[0]}"} if self.keys else {}
        asked = Request(address, headers=headers)  # noqa: S310 - our own process
        with urlopen(asked, timeout=10) as reply:  # noqa: S310
            told: dict[str, Any] = json.load(reply)
        return told


@contextmanager
def scene(
    *, places: int | None, answer_s: float, keys: int = 0, words: int = 24
) -> Iterator[Scene]:
    """Run a model server and a gateway, in a folder of their own.

    Args:
        places: `max_in_flight`; None leaves it out.
        answer_s: how long the model thinks, ± 10 %.
        keys: how many API keys are made; with none, none is asked for.
        words: of an answer.

    Raises:
        Misuse: where the system does not tell what processes use.
    """
    if not Path("/proc/self/statm").exists():
        raise Misuse("This trial reads /proc, which this system does not have.")
    with (
        tempfile.TemporaryDirectory(prefix="seatrial-overload-") as folder,
        _model(answer_s, words) as (model, address),
    ):
        config = Path(folder) / "seatrial.toml"
        config.write_text(_configuration(address, places), encoding="utf-8")
        made = tuple(_key(config, number) for number in range(keys))
        with GatewayProcess(config) as gateway:
            yield Scene(gateway, model.pid, made)


def _configuration(address: str, places: int | None) -> str:
    most = f"max_in_flight = {places}\n" if places else ""
    return (
        f'[service]\nlisten = "127.0.0.1:0"\nstore = "sqlite:records.db"\n{most}'
        f'[targets.model]\nprovider = "openai"\nmodel = "model-1"\nbase_url = "{address}"\n'
        f'[features.{FEATURE}]\nroute = ["model"]\n'
        f"[features.{FEATURE}.requirements]\ndeadline_s = 10\n"
    )


def _key(config: Path, number: int) -> str:
    words = ["keys", "create", f"caller-{number}", "--json", "--config", str(config)]
    made = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "seatrial", *words], capture_output=True, check=True, timeout=60
    )
    key: str = json.loads(made.stdout)["key"]
    return key


@contextmanager
def _model(answer_s: float, words: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    slow = (
        [{"name": "latency-step", "params": {"p50_s": answer_s, "ratio": 1.0}}] if answer_s else []
    )
    process = subprocess.Popen(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "seatrial.testing.upstream", "--words", str(words)),
            *("--max-seconds", str(LIFETIME_S), "--faults", json.dumps(slow)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DidNotStart("The model server did not start.", why="It said nothing.")
        yield process, json.loads(line)["base_url"]
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS_S


def _machine_s() -> float:
    words = Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words)
    return (user + nice + system + irq + softirq + steal) / _TICKS_S
