"""What our own wire promises beyond its port: its pool, its dialling, TLS, event loops."""

import asyncio
import gc
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seatrial.ports import HttpCall, TransportError
from seatrial.providers.wire import WireTransport, dialling
from seatrial.providers.wire.connection import Connection
from seatrial.providers.wire.dialling import HEAD_START_S, first_connected
from seatrial.values.attempts import Cause
from tests.conformance.odd_server import OK, Server, Talk, answering, body, serving
from tests.conformance.test_transport import anyio_backend, call, failing, fetch
from tests.patience import LONG_S, soon, until

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio

LIMIT = 1_000_000
PEM = Path(__file__).with_name("loopback.pem")


@asynccontextmanager
async def transport(**options: float) -> AsyncIterator[WireTransport]:
    """Open a transport, and close it."""
    made = WireTransport(**options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


def told(*replies: bytes) -> Callable[[Server], Talk]:
    """Answer each request with the next reply, and the last one for ever."""

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            turn = 0
            while True:
                await server.request(reader)
                writer.write(replies[min(turn, len(replies) - 1)])
                turn += 1

        return talk

    return talk_of


# --- the pool --------------------------------------------------------------------------


async def test_freshest_connection_is_used_first() -> None:
    """So that the others grow old, and their number follows the need."""

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            name = server.connections
            while True:
                await server.request(reader)
                writer.write(body(b"%d" % name))

        return talk

    async with serving(talk_of) as server, transport() as wire:
        await asyncio.gather(*(fetch(wire, server.url) for _ in range(5)))
        used = {await fetch(wire, server.url) for _ in range(20)}

        assert (5, 1) == (server.connections, len(used))


async def test_free_connections_are_limited() -> None:
    """The oldest go first."""
    async with serving(told(body(b"hi"))) as server, transport(idle_limit=2) as wire:
        await asyncio.gather(*(fetch(wire, server.url) for _ in range(5)))
        await asyncio.gather(*(fetch(wire, server.url) for _ in range(5)))

        assert 5 + 3 == server.connections


async def test_old_connection_is_let_go_unasked() -> None:
    """The other side sees it go, though nothing is sent any more."""
    async with serving(told(body(b"hi"))) as server, transport(idle_s=0.1) as wire:
        await fetch(wire, server.url)

        await asyncio.wait_for(server.gone.wait(), LONG_S)
        await fetch(wire, server.url)
        assert 2 == server.connections


async def test_old_connection_is_not_used() -> None:
    """Also where the loop was too busy to let it go."""
    async with serving(told(body(b"hi"))) as server, transport(idle_s=0.05) as wire:
        await fetch(wire, server.url)
        time.sleep(0.1)  # noqa: ASYNC251 - the loop is busy
        await fetch(wire, server.url)

        assert 2 == server.connections


@pytest.mark.parametrize(
    ("offer", "connections"), [(b"timeout=1", 2), (b"timeout=30, max=9", 1), (b"max=7", 1)]
)
async def test_word_of_the_other_side_counts(offer: bytes, connections: int) -> None:
    """A server that says how long it waits is left before that."""
    reply = OK + b"keep-alive: %s\r\ncontent-length: 2\r\n\r\nhi" % offer
    async with serving(told(reply)) as server, transport() as wire:
        await fetch(wire, server.url)
        await fetch(wire, server.url)

        assert connections == server.connections


@pytest.mark.parametrize(
    "reply",
    [
        OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    ],
)
async def test_goodbye_is_heard(reply: bytes) -> None:
    """A server that says that it will close gets no second request."""
    async with serving(told(reply)) as server, transport() as wire:
        await fetch(wire, server.url)
        await fetch(wire, server.url)

        assert 2 == server.connections


async def test_early_reply_to_a_long_request_costs_the_connection() -> None:
    """The rest of the one request would be in the way of the next."""

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
            await asyncio.sleep(5)

        return talk

    async with serving(talk_of) as server, transport() as wire:
        reply = await wire.send(call(server.url, size=30_000_000))
        assert (413, b"") == (reply.status, await reply.read(LIMIT))
        reply.close()
        server.talk = told(body(b"hi"))(server)

        assert b"hi" == await fetch(wire, server.url)
        assert 2 == server.connections


async def test_closing_ends_what_is_under_way() -> None:
    """Whoever waits is told; the transport can be used again."""
    async with serving(answering(b"", then="hang")) as server, transport() as wire:
        waiting = asyncio.create_task(wire.send(call(server.url)))
        await asyncio.wait_for(server.asked.wait(), LONG_S)
        await wire.close()
        with pytest.raises(TransportError) as caught:
            await waiting
        assert Cause.CONNECTION_LOST == caught.value.failure.cause
        server.talk = told(body(b"hi"))(server)

        assert b"hi" == await fetch(wire, server.url)


async def test_reply_that_was_closed_says_so() -> None:
    """Reading on is a failure, not half a body."""
    begun = OK + b"content-length: 9\r\n\r\nbegun"
    async with serving(answering(begun, then="hang")) as server, transport() as wire:
        reply = await wire.send(call(server.url))
        reply.close()
        with pytest.raises(TransportError):
            await reply.read(LIMIT)


# --- flow ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["chunks", "read"])
async def test_unread_body_waits_at_the_other_side(by: str) -> None:
    """An endless body costs a bounded memory while nobody reads; all arrives when it is read."""
    sent = 0
    piece = b"a" * 65_536

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await server.request(reader)
            writer.write(OK + b"content-length: 67108864\r\n\r\n")
            for _ in range(1_024):
                writer.write(piece)
                await writer.drain()
                sent += len(piece)

        return talk

    async with serving(talk_of) as server, transport() as wire:
        reply = await wire.send(call(server.url))
        await asyncio.sleep(0.3)
        assert sent < 12_000_000  # what the sockets' buffers take
        if by == "read":
            assert 67_108_864 == len(await reply.read(1 << 27))
        else:
            sizes = [len(chunk) async for chunk in reply.chunks(1 << 27)]
            assert 67_108_864 == sum(sizes)
            assert max(sizes) <= 400_000
        reply.close()
        server.talk = told(body(b"hi"))(server)


async def test_dust_is_swept_together() -> None:
    """A body in chunks of one byte costs no object per byte."""
    dust = OK + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n"
    async with serving(told(dust)) as server, transport() as wire:
        reply = await wire.send(call(server.url))
        sizes = [len(chunk) async for chunk in reply.chunks(LIMIT)]
        reply.close()

        assert 50_000 == sum(sizes)
        assert len(sizes) < 500


# --- dialling ----------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "a/b", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
async def test_bad_address_is_told(url: str) -> None:
    """Nothing was sent."""
    async with transport() as wire:
        failure = await failing(wire, url)  # type: ignore[arg-type]

    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)


async def test_bad_header_is_told_and_not_shown() -> None:
    """Neither sent nor quoted: it may be a key."""
    async with transport() as wire:
        with pytest.raises(TransportError) as caught:
            await wire.send(HttpCall("http://127.0.0.1:1/", {"x": "secret\r\n"}, b"", 1.0))

    failure = caught.value.failure
    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)
    assert "secret" not in repr(caught.value) + repr(caught.value.__cause__)


@asynccontextmanager
async def deaf() -> AsyncIterator[tuple[str, int]]:
    """Give an address that never answers: its backlog is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listening.getsockname())
            await asyncio.sleep(0.05)
            yield listening.getsockname()
        finally:
            for filler in fillers:
                filler.close()


async def test_second_address_answers_for_a_silent_first() -> None:
    """After a head start, and not only after the first one's time is over."""
    async with serving(told(body(b"hi"))) as server, deaf() as silent:
        port = int(server.url.split(":")[2].split("/")[0])
        began = time.monotonic()
        found = await first_connected(
            [(socket.AF_INET, silent), (socket.AF_INET, ("127.0.0.1", port))]
        )
        took_s = time.monotonic() - began

        assert ("127.0.0.1", port) == found.getpeername()
        assert HEAD_START_S * 0.9 < took_s < LONG_S
        found.close()


async def test_second_address_answers_at_once_for_a_refusing_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refusal is no reason to wait."""
    monkeypatch.setattr(dialling, "HEAD_START_S", 2 * LONG_S)
    async with serving(told(body(b"hi"))) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        began = time.monotonic()
        found = await first_connected(
            [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, ("127.0.0.1", port))]
        )

        assert ("127.0.0.1", port) == found.getpeername()
        assert time.monotonic() - began < LONG_S
        found.close()


async def test_all_addresses_refuse() -> None:
    """That is a refusal."""
    with pytest.raises(ConnectionRefusedError):
        await first_connected([(socket.AF_INET, ("127.0.0.1", port)) for port in (1, 2)])


async def test_name_is_looked_up() -> None:
    """`localhost` leads to the loopback, whichever family the server listens on."""
    async with serving(told(body(b"hi"))) as server, transport() as wire:
        assert b"hi" == await fetch(wire, server.url.replace("127.0.0.1", "localhost"))


def open_files() -> int:
    """Count this process's open files."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def living_connections() -> list[Connection]:
    """List the connections that anything holds on to."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, Connection)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files")
async def test_cancelled_dialling_leaves_nothing_open() -> None:
    """Whenever the caller leaves."""
    async with serving(told(body(b"hi"))) as server, deaf() as silent, transport() as wire:
        await fetch(wire, server.url)
        port = int(server.url.split(":")[2].split("/")[0])
        await asyncio.sleep(0.05)
        before = open_files()
        for wait_s in (0, 0.0001, 0.001, 0.01, 0.3):
            both = [(socket.AF_INET, silent), (socket.AF_INET, silent)]
            tasks: list[asyncio.Task[object]] = [
                asyncio.create_task(wire.send(call(f"http://127.0.0.1:{silent[1]}/"))),
                asyncio.create_task(wire.send(call(f"https://127.0.0.1:{port}/"))),
                asyncio.create_task(first_connected(both)),
            ]
            await asyncio.sleep(wait_s)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                assert task.cancelled() or isinstance(task.exception(), TransportError)
            del task, tasks  # a traceback would hold what it passed through
        await until(lambda: open_files() <= before + 1)  # the loop's own threads may have begun
        # uvloop may hold a handshake until its time is over.
        await until(lambda: len(living_connections()) == 1)  # the kept one


async def test_handshake_left_at_its_beginning_is_forgotten() -> None:
    """Whichever round of the event loop the caller leaves in, and within its own limit of time."""
    async with serving(answering(b"", then="hang")) as server, transport() as wire:
        short = HttpCall(server.url.replace("http:", "https:"), {}, b"", 0.5)
        for rounds in range(12):
            task = asyncio.create_task(wire.send(short))
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            del task
        await until(lambda: not living_connections())


# --- TLS -------------------------------------------------------------------------------


@asynccontextmanager
async def serving_tls(talk: Callable[[Server], Talk], name: str) -> AsyncIterator[Server]:
    """Serve with the loopback's own certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(PEM)
    server = Server(lambda reader, writer: asyncio.sleep(0))
    server.talk = talk(server)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.url = f"https://{name}:{listening.sockets[0].getsockname()[1]}/v1/chat"
    try:
        yield server
    finally:
        listening.close()


async def test_tls_is_spoken_and_kept() -> None:
    """Several requests, small and large, over one trusted connection."""
    trust = ssl.create_default_context(cafile=PEM)
    async with serving_tls(told(body(b"hi" * 200_000)), "localhost") as server:
        wire = WireTransport(context=trust)
        for size in (10, 3_000_000, 10):
            reply = await wire.send(call(server.url, size=size))
            assert b"hi" * 200_000 == await reply.read(LIMIT)
            reply.close()
        await wire.close()

        assert 1 == server.connections


@pytest.mark.parametrize("trusted", [True, False], ids=["wrong name", "unknown authority"])
async def test_untrusted_server_gets_nothing(trusted: bool) -> None:
    """No byte of the request, and above all not its key."""
    name = "127.0.0.1" if trusted else "localhost"
    async with serving_tls(told(body(b"hi")), name) as server:
        wire = WireTransport(context=ssl.create_default_context(cafile=PEM) if trusted else None)
        failure = await failing(wire, server.url)
        await wire.close()

    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)
    assert "TLS" in failure.reason
    assert [] == server.requests


async def test_stream_over_tls_is_cut_at_once() -> None:
    """Letting go stops the other side as fast as without TLS."""
    begun = OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
    async with serving_tls(answering(begun, then="hang"), "localhost") as server:
        wire = WireTransport(context=ssl.create_default_context(cafile=PEM))
        reply = await wire.send(call(server.url))
        assert b"hello" == await anext(reply.chunks(LIMIT))
        reply.close()
        assert await soon(server.gone.is_set)
        await wire.close()


# --- event loops ------------------------------------------------------------------------


def test_transport_survives_its_event_loop() -> None:
    """A library that is opened again brings another loop."""

    async def once() -> bytes:
        async with serving(told(body(b"hi"))) as server:
            answer = await fetch(wire, server.url)
            await wire.close()
            return answer

    wire = WireTransport()
    assert [b"hi", b"hi"] == [asyncio.run(once()) for _ in range(2)]


def test_transport_moves_between_living_loops() -> None:
    """The one it left hangs up on its own connections."""

    async def once() -> bytes:
        async with serving(told(body(b"hi"))) as server:
            return await fetch(wire, server.url)

    wire = WireTransport()
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        for loop in (first, second, first):
            assert b"hi" == loop.run_until_complete(once())
        first.run_until_complete(wire.close())
    finally:
        for loop in (first, second):
            loop.run_until_complete(asyncio.sleep(0.02))
            loop.close()
