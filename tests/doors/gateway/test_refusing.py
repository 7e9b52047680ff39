"""Refusals in the moment a request comes: the same words as the doors', without their work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seatrial.gateway.asgi import build
from seatrial.gateway.endpoints import TABLE, Routes
from seatrial.gateway.exchange import ServerState
from seatrial.gateway.protocol import Edge, EdgeProtocol
from seatrial.gateway.refusing import MOMENT_S, Doorkeeper
from seatrial.gateway.settings import DoorSettings
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from tests.doors.gateway.scripted import KEY, FakeApp
from tests.doors.gateway.test_turns import DATE, Pipe, turns

pytestmark = pytest.mark.anyio

ENOUGH = Refused("overloaded", "Too much to do.", retry_after_s=1.5)
BODY = b'{"model":"support","messages":[{"role":"user","content":"Hi"}]}'


def post(*headers: str, path: str = "/v1/chat/completions", body: bytes = BODY) -> bytes:
    """Write a request."""
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json"]
    lines += [f"authorization: Bearer {KEY}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class StoppedClock:
    """The running loop, but for its clock: that goes by the test."""

    def __init__(self) -> None:
        self.now_s = 100.0
        loop = asyncio.get_running_loop()
        self.create_task, self.create_future = loop.create_task, loop.create_future

    def time(self) -> float:
        return self.now_s


class Door:
    """One connection to the doors of an application, with somebody before them or not."""

    def __init__(self, *, kept: bool, sheds: Refused | None = ENOUGH, pressed: bool = True) -> None:
        self.app = FakeApp(sheds=sheds, needs_key=True)
        self.state = ServerState()
        self.loop = StoppedClock()
        if pressed:
            self.state.refused_at = self.loop.time()
        settings = DoorSettings()
        serve = build(self.app, settings, state=self.state)
        more = []
        if kept:
            more = [Doorkeeper(self.app, settings, self.state, Routes(TABLE)).turns_away]
        self.edge = Edge(serve, settings, self.state, self.app.new_id, *more)
        self.edge.date = DATE
        self.pipe = Pipe()
        self.protocol = EdgeProtocol(self.edge, self.loop)  # type: ignore[arg-type]
        self.protocol.connection_made(self.pipe)  # type: ignore[arg-type]

    def send(self, data: bytes) -> bytes:
        """Return what is written in the very moment."""
        self.pipe.written = b""
        self.protocol.data_received(data)
        return self.pipe.written


async def test_who_is_not_let_in_is_told_at_once() -> None:
    """By key and header alone; without a task, a body or a record; counted like all others."""
    door = Door(kept=True)
    door.loop.now_s += MOMENT_S / 2
    said = door.send(post("seatrial-criticality: batch", body=b"not json at all"))

    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 2\r\nretry-after-ms: 1500\r\n" in said
    assert b'"code":"overloaded"' in said
    assert not door.edge.tasks
    assert ([], [Criticality.BATCH]) == (door.app.asked, door.app.criticalities)
    assert 1 == len(door.app.told_s)
    assert door.protocol.idle
    door.loop.now_s += MOMENT_S * 0.9
    assert b"" != door.send(post()), "each refusal makes the next one likely"


ORDINARY = {
    "chat": post(),
    "responses": post(path="/v1/responses"),
    "messages": post(path="/v1/messages"),
    "batch": post("seatrial-criticality: batch"),
    "the last on its line": post("connection: close"),
    "waits for a word": post("expect: 100-continue"),
    "two in one": post() + post(),
    "old": post().replace(b"HTTP/1.1", b"HTTP/1.0"),
}
ODD = {
    "no key": post().replace(b"authorization", b"authorisation"),
    "wrong key": post().replace(KEY.encode(), b"st-wrong"),
    "two keys": post(f"api-key: {KEY}"),
    "no host": post().replace(b"host: localhost\r\n", b""),
    "another host": post().replace(b"localhost", b"example.org"),
    "too many headers": post(*(f"x-{number}: 1" for number in range(300))),
    "strange class": post("seatrial-criticality: urgent"),
    "not there": post(path="/v1/chat"),
    "embeddings": post(path="/v1/embeddings", body=b'{"model":"support","input":"a"}'),
    "models": post(path="/v1/models"),
    "asked before": post("idempotency-key: k1"),
    "alive": b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


async def spoken(data: bytes, **named: Any) -> tuple[bytes, bool, bytes]:
    """Return what is said at once, whether the line ends, and all that is said."""
    door = Door(**named)
    at_once = door.send(data)
    for _ in range(5):
        await turns()
    return at_once, door.pipe.closed, door.pipe.written


@pytest.mark.parametrize("name", ORDINARY)
async def test_the_words_are_the_doors_own(name: str) -> None:
    """Byte by byte, however it is framed; only sooner."""
    at_once, closed, said = await spoken(ORDINARY[name], kept=True)

    assert at_once == said != b""
    assert (b"", closed, said) == await spoken(ORDINARY[name], kept=False)


@pytest.mark.parametrize("name", ODD)
async def test_whatever_is_out_of_the_ordinary_is_left_to_the_doors(name: str) -> None:
    """Wrong keys, other endpoints, twins: nothing is said at once, and the doors are asked."""
    at_once, closed, said = await spoken(ODD[name], kept=True)

    assert at_once == b"" != said
    assert (b"", closed, said) == await spoken(ODD[name], kept=False)


async def test_nobody_is_looked_at_twice_where_nobody_is_refused() -> None:
    """It begins with the first whom the doors refuse, and ends a moment after the last."""
    door = Door(kept=True, pressed=False)
    assert b"" == door.send(post())
    await turns()
    assert b"" != door.send(post())
    door.loop.now_s += MOMENT_S * 1.5
    assert b"" == door.send(post())
    await turns()
    door.app.sheds = None
    asked = len(door.app.asked)
    assert b"" == door.send(post())
    await turns()
    assert asked + 1 == len(door.app.asked)


async def test_a_caller_who_does_not_read_is_left_to_the_doors() -> None:
    """They wait until there is room for more; and they know how to say that a server stops."""
    door = Door(kept=True)
    door.protocol.pause_writing()
    assert b"" == door.send(post())
    door.protocol.resume_writing()
    await turns()
    assert b"HTTP/1.1 503" == door.pipe.written[:12]

    door = Door(kept=True)
    door.state.stopping = True
    assert b"" == door.send(post())
    await turns()
    assert b"\r\nconnection: close\r\n" in door.pipe.written


async def test_a_body_that_comes_later_is_no_next_request() -> None:
    """It is taken, and forgotten; what follows it is answered."""
    door = Door(kept=True)
    head, _, body = post().partition(b"\r\n\r\n")

    assert b"HTTP/1.1 503" == door.send(head + b"\r\n\r\n")[:12]
    assert b"" == door.send(body[:9])
    assert b"" == door.send(body[9:])
    assert b"HTTP/1.1 503" == door.send(post())[:12]


async def test_many_in_a_line_are_answered_in_their_order() -> None:
    """Behind one that the doors answer, all in one piece of data, each once."""
    door = Door(kept=True)
    door.send(post("idempotency-key: k1") + post() * 30)
    for _ in range(5):
        await turns()

    assert 31 == door.pipe.written.count(b"HTTP/1.1 ")
    assert b"HTTP/1.1 200" == door.pipe.written[:12]
    assert 30 == len(door.app.told_s)
