"""Long bodies: counted while they are in hand, refused where there is no room, read apart."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading

import pytest

from seatrial.gateway import exchange
from seatrial.gateway.settings import DoorSettings, door_settings
from seatrial.values.decisions import Answered, Settled
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import CHAT, HELLO, Client, FakeApp, settled

pytestmark = pytest.mark.anyio

ROOMY = DoorSettings(max_bodies_bytes=500_000)


def long(size: int) -> bytes:
    """Write a request of about that many bytes."""
    return json.dumps(
        {**CHAT, "messages": [{"role": "user", "content": "a" * (size - 100)}]}
    ).encode()


class Held:
    """Answers once it is let; tells how many ask meanwhile."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.asking = 0

    async def __call__(self, request: Request, sink: object) -> Settled:
        self.asking += 1
        await self.let.wait()
        return settled(request, Answered(HELLO, "a", 0))


async def asking(held: Held, count: int) -> None:
    """Wait until so many ask."""
    async with asyncio.timeout(10):
        while held.asking < count:  # noqa: ASYNC110 - the script counts, it does not tell
            await asyncio.sleep(0.005)


async def test_room_is_for_so_many_bytes() -> None:
    """The one too many is told to come back; short ones pass; what is answered makes room."""
    held = Held()
    client = Client(FakeApp(script=held), ROOMY)
    first = [asyncio.ensure_future(client.chat(raw=long(200_000))) for _ in range(2)]
    await asking(held, 2)
    refused = await client.chat(raw=long(200_000))
    short = asyncio.ensure_future(client.chat())
    await asking(held, 3)
    held.let.set()
    replies = await asyncio.gather(*first, short)
    again = await client.chat(raw=long(200_000))

    assert (503, "1") == (refused.status, refused.headers["retry-after"])
    assert "overloaded" == refused.json["error"]["code"]
    assert [200, 200, 200, 200] == [reply.status for reply in (*replies, again)]


@pytest.mark.parametrize("fault", ["json", "gone", "large"])
async def test_refused_and_left_bodies_make_room(fault: str) -> None:
    """Whatever became of them."""
    client = Client(FakeApp(), DoorSettings(max_bodies_bytes=500_000, max_body_bytes=450_000))
    for _ in range(5):
        body = long(400_000)
        match fault:
            case "json":
                await client.chat(raw=body[:-9])
            case "large":
                await client.chat(raw=[body, body])
            case _:
                parts = [body[:100_000], body[100_000:300_000]]
                asked = asyncio.ensure_future(client.chat(raw=[*parts, *(b"a",) * 3]))
                await asyncio.wait({asked}, timeout=1)
                asked.cancel()
                await asyncio.wait({asked})

    assert 200 == (await client.chat(raw=long(450_000))).status


async def test_packed_body_counts_as_it_is() -> None:
    """Packed and unpacked, both are held."""
    client = Client(FakeApp(), ROOMY)
    small, large = (gzip.compress(long(size) + b" " * size) for size in (100_000, 400_000))
    packed = [("content-encoding", "gzip")]
    settings = DoorSettings(max_bodies_bytes=500_000, max_ratio=10_000)
    client = Client(FakeApp(), settings)

    assert 200 == (await client.chat(raw=small, headers=packed)).status
    assert 503 == (await client.chat(raw=large, headers=packed)).status


async def test_long_bodies_are_read_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another thread, so that nobody waits; short ones at once."""
    seen: list[bool] = []

    def work() -> None:
        seen.append(threading.current_thread() is threading.main_thread())

    state = exchange.ServerState()
    one = exchange.Exchange(FakeApp(), ROOMY, state, "1", None, {}, None)  # type: ignore[arg-type]
    await one.apart(exchange.SHORT_BYTES, work)
    await one.apart(exchange.SHORT_BYTES + 1, work)
    state.readers.shutdown()

    assert [True, False] == seen


def test_one_always_fits() -> None:
    """However small the room was set."""
    from seatrial.config.service import ServiceSettings

    settings = door_settings(ServiceSettings(max_body_bytes=1 << 20, max_bodies_bytes=1 << 16))

    assert 2 << 20 == settings.max_bodies_bytes
