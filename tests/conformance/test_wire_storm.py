"""Thousands of hasty requests over kept connections: nobody gets another's answer."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from seatrial.ports import HttpCall, TransportError
from seatrial.providers.wire import WireTransport
from tests.conformance.odd_server import OK, Server, Talk, body, serving
from tests.conformance.test_transport import anyio_backend
from tests.conformance.test_wire import transport

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio

LIMIT = 1_000_000


def whimsical(seed: int) -> Callable[[Server], Talk]:
    """Answer with what was asked, in every framing; or cut, hang, hurry or say too much."""
    dice = random.Random(seed)

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                asked = (await server.request(reader)).partition(b"\r\n\r\n")[2]
                server.requests.clear()
                answer = asked * dice.choice([1, 1, 3, 40])
                mood = dice.random()
                if mood < 0.4:
                    reply = body(answer)
                elif mood < 0.7:
                    parts = (b"%x\r\n%b\r\n" % (len(asked), asked),) * (len(answer) // len(asked))
                    reply = OK + b"transfer-encoding: chunked\r\n\r\n%b0\r\n\r\n" % b"".join(parts)
                elif mood < 0.8:
                    reply = OK + b"\r\n" + answer
                elif mood < 0.9:
                    reply = body(answer) + body(b"somebody else's")
                else:
                    reply = body(answer)[: dice.randrange(len(answer) + 60)]
                for at in range(0, len(reply), step := dice.choice([7_000, 7_000, 23, 90])):
                    if writer.is_closing():
                        return
                    writer.write(reply[at : at + step])
                    if dice.random() < 0.2 and 0.8 > mood:
                        await asyncio.sleep(dice.choice([0, 0, 0.001]))
                if mood >= 0.7:
                    return

        return talk

    return talk_of


async def test_thousands_of_hasty_requests_get_no_foreign_answer() -> None:
    """Interleaved, given up at any moment, cut and over-long: what comes whole is one's own."""
    dice = random.Random(1)
    ends: Counter[str] = Counter()

    async def ask(wire: WireTransport, url: str, number: int) -> None:
        token = f"<{number}>".encode()
        reply = await wire.send(HttpCall(url, {}, token, 2.0))
        try:
            if number % 2:
                came = await reply.read(LIMIT)
            else:
                came = b"".join([chunk async for chunk in reply.chunks(LIMIT)])
        finally:
            reply.close()
        assert set(came.split(token)) == {b""}

    async def worker(wire: WireTransport, url: str, numbers: range) -> None:
        for number in numbers:
            patience_s = dice.choice([2, 2, 2, 0.0005, 0.002])
            try:
                async with asyncio.timeout(patience_s):
                    await ask(wire, url, number)
                ends["whole"] += 1
            except TimeoutError:
                ends["left"] += 1
            except TransportError as error:
                ends[error.failure.cause.value] += 1

    async with serving(whimsical(2)) as server, transport() as wire:
        numbers = [range(first, first + 125) for first in range(0, 5_000, 125)]
        await asyncio.gather(*(worker(wire, server.url, each) for each in numbers))

    assert 5_000 == ends.total()
    assert min(ends["whole"], ends["left"], ends["connection_lost"]) > 100, ends
    assert set(ends) <= {"whole", "left", "connection_lost"}, ends
