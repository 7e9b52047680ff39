"""Many callers of one process at the edge of a shared budget: `python -m tests.wire.edge`.

Every grant is told to a witness before it is spent, and every unit that is given back is told
before it is free for others.  So what the witness counts is never more than what is granted.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import suppress
from uuid import uuid4

from seatrial.app.wiring import LiveClock
from seatrial.counters import LiveCounters, open_counters
from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask

ACCOUNT = "usd:feature:support:2026-11"
BEAT_S = 0.2


def ask(amount: int, ceiling: int) -> Ask:
    """Ask the budget."""
    return Ask(ACCOUNT, amount, ceiling, ends_at=time.time() + 3600)


class Witness:
    """The other end of a line on which every word is answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heard: list[asyncio.Future[None]] = []

    async def tell(self, change: int) -> None:
        """Say by how much what is held has changed; returns when that was heard."""
        heard = asyncio.get_running_loop().create_future()
        self._heard.append(heard)
        self._writer.write(b"%d\n" % change)
        await heard

    async def listen(self) -> None:
        """Take the answers, which come in order."""
        while await self._reader.readline():
            self._heard.pop(0).set_result(None)


async def caller(counters: LiveCounters, witness: Witness, ceiling: int, seed: int) -> None:
    """Ask, spend and settle until nothing is left."""
    dice = random.Random(seed)
    while True:
        held_id, amount = uuid4().hex, dice.randint(1, 9)
        short = await counters.reserve(held_id, [ask(amount, ceiling)], lease_s=60.0)
        if short is not None:
            await asyncio.sleep(dice.uniform(0.2, 0.6))
            continue
        await witness.tell(amount)
        await asyncio.sleep(dice.uniform(0.0, 0.1))
        used = dice.randint(0, amount)
        await witness.tell(used - amount)
        await counters.settle(held_id, [used])
        await asyncio.sleep(dice.uniform(0.0, 0.5))


async def beats(counters: LiveCounters) -> None:
    """Look after the counters."""
    while True:
        with suppress(CountersUnavailable):
            await counters.beat()
        await asyncio.sleep(BEAT_S)


async def main(address: str, witness: str, ceiling: int, callers: int, seed: int) -> None:
    """Run until killed."""
    counters = open_counters(address, LiveClock())
    line = Witness(*await asyncio.open_unix_connection(witness))
    async with asyncio.TaskGroup() as group:
        group.create_task(line.listen())
        group.create_task(beats(counters))
        for number in range(callers):
            group.create_task(caller(counters, line, ceiling, seed * 10_000 + number))


if __name__ == "__main__":
    _, where, told, most, crowd, first = sys.argv
    asyncio.run(main(where, told, int(most), int(crowd), int(first)))
