"""SIGTERM, SIGINT and SIGHUP to a real server under load."""

import asyncio
import random
import signal
import socket
from dataclasses import dataclass

import pytest

from seatrial.errors import StartRefused
from seatrial.gateway.listening import bind, refuse_newcomers, waiting
from seatrial.gateway.settings import DoorSettings
from tests.doors.gateway.process import Line, Lost, Reply, Server, serving
from tests.patience import LONG_S, until

pytestmark = [pytest.mark.anyio, pytest.mark.wire]


@dataclass
class Score:
    """What a crowd of callers saw."""

    answered: int = 0
    lost: int = 0
    refused_connections: int = 0


async def caller(port: int, score: Score, seed: int) -> None:
    """Ask over kept connections, until nobody listens any more."""
    dice = random.Random(seed)
    line: Line | None = None
    while True:
        if line is None or line.ended:
            try:
                line = await Line.open(port)
            except OSError:
                score.refused_connections += 1
                return
        model = dice.choice(["hello", "slow", "stream"])
        try:
            reply = await line.chat(model, stream=model == "stream")
        except Lost:
            score.lost += 1
            line = None
            continue
        if model == "stream" and not reply.body.endswith(b"data: [DONE]\n\n"):
            score.lost += 1
        score.answered += 1
        if reply.closes:
            line.close()
            line = None
        await asyncio.sleep(dice.choice([0, 0, 0.01, 0.05, 0.3]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seed", range(2))
async def test_stop_under_load_loses_nothing(number: int, seed: int) -> None:
    """Every request whose bytes were sent is answered in full, and the process ends well."""
    await stop_under_load(number, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 50))
async def test_fifty_stops_lose_nothing(seed: int) -> None:
    """The same, many times."""
    await stop_under_load(signal.SIGTERM, seed)


async def stop_under_load(number: int, seed: int) -> None:
    """Stop a server in the middle of a crowd's questions."""
    score = Score()
    with serving() as server:
        crowd = [asyncio.ensure_future(caller(server.port, score, seed + i)) for i in range(16)]
        await until(lambda: score.answered > 50)
        await asyncio.sleep(0.01 * seed)
        server.signal(number)
        await asyncio.wait_for(asyncio.gather(*crowd), LONG_S)
        status, out = await asyncio.to_thread(server.ended)

    assert 0 == score.lost
    assert (0, "closed\n") == (status, out)


async def newcomer(port: int, score: Score) -> None:
    """Ask once per connection, one after the other, until nobody listens any more."""
    while True:
        try:
            line = await Line.open(port)
        except OSError:
            score.refused_connections += 1
            return
        try:
            await line.chat()
            score.answered += 1
        except Lost:
            score.lost += 1
        line.close()


@pytest.mark.parametrize("seed", range(3))
async def test_stop_loses_no_newcomer(seed: int) -> None:
    """A connection that the machine has accepted is served, however late it came."""
    score = Score()
    with serving("lame_duck_s=0.1") as server:
        crowd = [asyncio.ensure_future(newcomer(server.port, score)) for _ in range(48)]
        await until(lambda: score.answered > 100)
        await asyncio.sleep(0.01 * seed)
        server.signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*crowd), LONG_S)

        assert 0 == (await asyncio.to_thread(server.ended))[0]
    assert 0 == score.lost


async def test_lines_are_told_and_kept_a_moment() -> None:
    """A stopping server says `close` on what runs, and still answers on what was idle."""
    with serving("lame_duck_s=0.1") as server:
        busy, idle = await Line.open(server.port), await Line.open(server.port)
        await idle.chat()
        running = asyncio.ensure_future(busy.chat("later"))
        await server.reached("asked", 2)
        server.signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        late = await idle.chat()

        assert (200, True) == (late.status, late.closes)
        assert (200, True) == ((await running).status, (await running).closes)
        busy.close()
        idle.close()


async def test_running_stream_is_finished() -> None:
    """To its `[DONE]`, while the rest of the server is gone."""
    with serving() as server:
        asking = asyncio.ensure_future(server.ask("stream", stream=True))
        await server.reached("asked", 1)
        server.signal(signal.SIGTERM)
        reply = await asking

        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert 0 == (await asyncio.to_thread(server.ended))[0]


async def test_endless_work_is_ended_honestly() -> None:
    """After the drain limit: an error event for streams, a 503 for the others."""
    with serving("drain_s=1", "lame_duck_s=0.1") as server:
        stream = asyncio.ensure_future(server.ask("endless", stream=True))
        whole = asyncio.ensure_future(server.ask("forever"))
        await server.reached("asked", 2)
        server.signal(signal.SIGTERM)
        cut, error = await stream, await whole

        assert 0 == (await asyncio.to_thread(server.ended))[0]
    assert b'"code":"shutting_down"' in cut.body
    assert b"[DONE]" not in cut.body
    assert (503, "1") == (error.status, error.headers["retry-after"])


async def test_second_signal_hurries() -> None:
    """Whoever asks twice waits for no limit."""
    with serving("drain_s=100", "lame_duck_s=100") as server:
        asking = asyncio.ensure_future(server.ask("forever"))
        await server.reached("asked", 1)
        server.signal(signal.SIGTERM)
        await stopping(server)
        server.signal(signal.SIGTERM)

        assert 503 == (await asking).status
        assert (0, "closed\n") == await asyncio.to_thread(server.ended)


async def stopping(server: Server) -> Reply:
    """Wait until the server says that it stops; return how it says so."""
    async with asyncio.timeout(LONG_S):
        while True:
            line = await Line.open(server.port)
            reply = await line.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            line.close()
            if reply.status == 503:
                return reply
            await asyncio.sleep(0.01)


async def test_idle_server_stops_at_once() -> None:
    """Ctrl-C feels like Ctrl-C."""
    with serving("drain_s=100") as server:
        await server.ask()
        server.signal(signal.SIGINT)

        assert 0 == (await asyncio.to_thread(server.ended))[0]


async def test_stopping_server_is_not_ready() -> None:
    """Balancers see it before connections are refused, and every answer says `close`."""
    with serving("lame_duck_s=100") as server:
        asking = asyncio.ensure_future(server.ask("forever"))
        await server.reached("asked", 1)
        server.signal(signal.SIGTERM)
        reply = await stopping(server)
        server.signal(signal.SIGTERM)

        assert 503 == (await asking).status

        assert 503 == reply.status
        assert ["stopping"] == reply.json["degraded"]
        assert reply.closes


async def test_hangup_reloads() -> None:
    """SIGHUP is no reason to leave, and a broken file none either."""
    with serving() as server:
        for count in (1, 2, 3):
            server.signal(signal.SIGHUP)
            await server.reached("reloads", count)

            assert count == (await server.figures())["reloads"]


def test_taken_port_is_said() -> None:
    """Before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(StartRefused, match=f"cannot listen on 127.0.0.1:{port}"):
            bind(DoorSettings(port=port))


def test_queue_is_seen() -> None:
    """Two callers wait, one is taken."""
    listening = bind(DoorSettings(port=0))
    listening.listen()
    callers = [socket.create_connection(listening.getsockname()) for _ in range(2)]

    assert 2 == waiting(listening)
    callers.append(listening.accept()[0])
    assert 1 == waiting(listening)
    for each in [*callers, listening]:
        each.close()


def test_newcomers_are_ignored() -> None:
    """Those who wait stay; nobody else gets in."""
    listening = bind(DoorSettings(port=0))
    listening.listen()
    early = socket.create_connection(listening.getsockname())
    refuse_newcomers(listening)
    with pytest.raises(TimeoutError):
        socket.create_connection(listening.getsockname(), timeout=0.2)
    accepted = listening.accept()[0]
    early.sendall(b"hello")

    assert b"hello" == accepted.recv(5)
    for each in [early, accepted, listening]:
        each.close()


def test_processes_may_share_a_port() -> None:
    """The new one takes connections before the old one stops."""
    first = bind(DoorSettings(port=0, reuse_port=True))
    second = bind(DoorSettings(port=first.getsockname()[1], reuse_port=True))

    assert first.getsockname() == second.getsockname()
    first.close()
    second.close()
