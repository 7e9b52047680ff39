"""A thousand callers of three processes at the edge of one budget, which die without a word."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from seatrial.counters.valkey import ValkeyCounters
from seatrial.errors import CountersUnavailable
from tests.conformance.own_valkey import OwnValkey
from tests.wire.edge import ask

pytestmark = [pytest.mark.anyio, pytest.mark.wire, pytest.mark.needs_valkey]

ROOT = Path(__file__).parents[2]
CALLERS = 334  # of each of three processes


class Count:
    """What is granted and not given back, at every instant; what the dead held stays held."""

    def __init__(self) -> None:
        self.held = self.most = self.words = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Listen to one process until it dies."""
        with suppress(OSError):
            while line := await reader.readline():
                self.held += int(line)
                self.most = max(self.most, self.held)
                self.words += 1
                writer.write(b"\n")
        writer.close()


class Processes:
    """Three of them, and another for each that dies."""

    def __init__(self, address: str, witness: Path, ceiling: int) -> None:
        self._arguments = (address, str(witness), str(ceiling), str(CALLERS))
        self._running: list[asyncio.subprocess.Process] = []
        self._started = 0

    async def start(self) -> None:
        """Start one."""
        self._started += 1
        command = ("-m", "tests.wire.edge", *self._arguments, str(self._started))
        self._running.append(
            await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        )

    async def kill(self, place: int) -> None:
        """Kill one at once."""
        process = self._running.pop(place)
        assert process.returncode is None, "it ended by itself"
        process.kill()
        await process.wait()

    async def kill_all(self) -> None:
        """Kill the rest."""
        while self._running:
            await self.kill(0)


@asynccontextmanager
async def scene(ceiling: int) -> AsyncIterator[tuple[OwnValkey, Count, Processes]]:
    """A server, a witness and three processes, gone at the end."""
    with OwnValkey() as server, tempfile.TemporaryDirectory() as folder:
        count = Count()
        witness = Path(folder) / "witness"
        listener = await asyncio.start_unix_server(count.hear, witness)
        processes = Processes(server.address, witness, ceiling)
        try:
            for _ in range(3):
                await processes.start()
            yield server, count, processes
        finally:
            await processes.kill_all()
            server.resume()
            listener.close()


async def level(server: OwnValkey, ceiling: int) -> int:
    """Return what the account holds."""
    counters = ValkeyCounters(server.address, limit_s=10.0)
    for _ in range(20):
        with suppress(CountersUnavailable):
            (held,) = await counters.used([ask(0, ceiling)])
            await counters.close()
            return held
        await asyncio.sleep(0.1)
    raise AssertionError("the counters did not answer")


async def test_three_processes_pass_a_ceiling_by_nothing() -> None:
    """A thousand callers spend to the edge while processes die; no instant is above it."""
    ceiling, dice = 12_000, random.Random(1)
    async with scene(ceiling) as (server, count, processes):
        for _ in range(3):
            await asyncio.sleep(1.2)
            await processes.kill(dice.randrange(3))
            await processes.start()
        for _ in range(240):
            await asyncio.sleep(0.25)
            if await level(server, ceiling) > 0.9 * ceiling:
                break
        await asyncio.sleep(1.0)
        held = await level(server, ceiling)

        assert count.words > 1000
        assert count.most <= ceiling
        assert count.held <= held <= ceiling
        assert held > 0.85 * ceiling, "the budget was not used up"
        assert count.most > 0.6 * ceiling


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_ceiling_holds_for_long_whatever_dies_or_hangs() -> None:
    """Twenty deaths, and a server that hangs between them: no instant is above the ceiling."""
    ceiling, dice = 120_000, random.Random(2)
    async with scene(ceiling) as (server, count, processes):
        for turn in range(20):
            await asyncio.sleep(dice.uniform(1.0, 3.0))
            await processes.kill(dice.randrange(3))
            if turn % 2:
                server.hang()
                await asyncio.sleep(dice.uniform(0.1, 3.0))
            await processes.start()
            server.resume()
        for _ in range(480):
            await asyncio.sleep(0.25)
            if await level(server, ceiling) > 0.95 * ceiling:
                break
        held = await level(server, ceiling)

        assert count.words > 20_000
        assert count.most <= ceiling
        assert count.held <= held <= ceiling
