"""A real server, an upstream that may be hostile, and bystanders who must notice nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from seatrial.testing.process import GatewayProcess

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
SAMPLE_S = 0.02


@dataclass
class Upstream:
    """A faulty upstream in a process of its own."""

    url: str
    base_url: str
    control_url: str


@contextmanager
def upstream(*options: str) -> Iterator[Upstream]:
    """Run one until the block ends."""
    command = [sys.executable, "-m", "seatrial.testing.upstream", "--control-port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield Upstream(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate(timeout=10)


@dataclass
class Ground:
    """A server and what stands behind it."""

    server: GatewayProcess
    upstream: Upstream
    quiet: Upstream
    folder: Path

    @property
    def port(self) -> int:
        """Where the server listens."""
        return self.server.port

    def resident(self) -> int:
        """Return what the server holds of the machine's memory, in bytes."""
        return int(psutil.Process(self.server.pid).memory_info().rss)

    def held_s(self) -> float:
        """Return the longest time that the server's loop was held since this was last asked."""
        since = len(self.server.events)
        self.server.signal(signal.SIGUSR1)
        told = self.server.wait_for(lambda event: event.get("event") == "meter", 15, since=since)
        assert told is not None, "the loop does not answer"
        return float(told["held_s"])

    def ask(
        self, path: str, body: Any, headers: dict[str, str] | None = None, limit_s: float = 60
    ) -> tuple[int, bytes]:
        """Ask once, on a connection of its own; return status and body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit_s)
        with contextlib.closing(line):
            line.request(
                "POST", path, data, {"content-type": "application/json", **(headers or {})}
            )
            reply = line.getresponse()
            return reply.status, reply.read()


@contextmanager
def ground(folder: Path, config: str, *, environ: dict[str, str] | None = None) -> Iterator[Ground]:
    """Run a metered server; `{hostile}` and `{quiet}` in its configuration are upstreams' URLs."""
    with ExitStack() as stack:
        behind, quiet = (stack.enter_context(upstream("--max-seconds", "1200")) for _ in "ab")
        path = folder / "seatrial.toml"
        text = config.replace("{hostile}", behind.base_url).replace("{quiet}", quiet.base_url)
        path.write_text(text.replace("{hostile_root}", behind.url))
        options = ("serve", "-c", str(path), "--listen", "127.0.0.1:0", "--json")
        server = GatewayProcess(
            path,
            command=[sys.executable, "-m", "tests.wire.metered", *options],
            environ={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        )
        yield Ground(stack.enter_context(server), behind, quiet, folder)


@dataclass
class Seen:
    """What bystanders met while something hostile went on.

    Args:
        peak: the server's resident memory at most, in bytes.
        took_s: of each request that went well, by bystander.
        failed: what went wrong.
    """

    peak: int = 0
    took_s: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def p99_s(self, name: str) -> float:
        """Return the 99th percentile of a bystander's times."""
        took = sorted(self.took_s[name])
        return took[min(len(took) - 1, int(0.99 * len(took)))]

    def __str__(self) -> str:
        times = ", ".join(f"{n} {len(t)}: p99 {self.p99_s(n):.3f}" for n, t in self.took_s.items())
        return f"peak {self.peak / MIB:.0f} MiB; {times}; failed {self.failed[:3]}"


@contextmanager
def bystanders(here: Ground, *, feature: str = "plain") -> Iterator[Seen]:
    """Watch memory, and keep asking like others who have nothing to do with it all."""
    seen = Seen(peak=here.resident())
    over = threading.Event()
    asked = json.dumps({"model": feature, "messages": [{"role": "user", "content": "Hi"}]})

    def watch() -> None:
        while not over.wait(SAMPLE_S):
            seen.peak = max(seen.peak, here.resident())

    def keep_asking(name: str, method: str, path: str, body: str | None) -> None:
        took = seen.took_s.setdefault(name, [])
        line = http.client.HTTPConnection("127.0.0.1", here.port, timeout=30)
        while not over.wait(0.005):
            began = time.perf_counter()
            try:
                line.request(method, path, body, {"content-type": "application/json"})
                reply = line.getresponse()
                said = reply.read()
                if reply.status != 200:
                    seen.failed.append(f"{name}: {reply.status} {said[:200]!r}")
            except OSError as problem:
                seen.failed.append(f"{name}: {problem!r}")
                line.close()
            took.append(time.perf_counter() - began)
        line.close()

    threads = [
        threading.Thread(target=watch),
        threading.Thread(target=keep_asking, args=("livez", "GET", "/livez", None)),
        threading.Thread(target=keep_asking, args=("chat", "POST", "/v1/chat/completions", asked)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        time.sleep(0.1)
        over.set()
        for thread in threads:
            thread.join(60)


def together(work: Callable[[], object], count: int, *, limit_s: float = 120) -> list[object]:
    """Do something in several threads at once; return what came of it, errors included."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(work())
        except Exception as problem:  # noqa: BLE001 - what came of it
            came.append(problem)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return came
