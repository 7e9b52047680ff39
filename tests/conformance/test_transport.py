"""The upstream's wire, against servers that do each odd thing on real sockets."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator

import pytest

from seatrial.ports import HttpCall, Transport, TransportError
from seatrial.providers.wire import WireTransport
from seatrial.values.attempts import Cause, Failure
from tests.conformance.odd_server import OK, Server, Talk, answering, body, serving
from tests.patience import LONG_S, soon

pytestmark = pytest.mark.anyio

LIMIT = 1_000_000


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Run on the library's event loop and on that of `serve`."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=[WireTransport])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Give every adapter of the port."""
    made = request.param()
    yield made
    await made.close()


def call(url: str, *, size: int = 10) -> HttpCall:
    """Make a request."""
    return HttpCall(url, {"content-type": "application/json", "x-a": "b"}, b"x" * size, 10.0)


async def fetch(transport: Transport, url: str, limit: int = LIMIT) -> bytes:
    """Send and read all, within a bounded time."""
    async with asyncio.timeout(LONG_S):
        reply = await transport.send(call(url))
        try:
            return await reply.read(limit)
        finally:
            reply.close()


async def failing(transport: Transport, url: str, limit: int = LIMIT) -> Failure:
    """Send and read, and return what went wrong."""
    with pytest.raises(TransportError) as caught:
        await fetch(transport, url, limit)
    return caught.value.failure


async def test_request_arrives_as_it_was_made(transport: Transport) -> None:
    """Path, host, headers and body arrive; nothing is added that was not asked for."""
    async with serving(answering(body(b"hi"))) as server:
        assert b"hi" == await fetch(transport, server.url)

    head, _, content = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert b"POST /v1/chat HTTP/1.1" == lines[0]
    names = {line.partition(b":")[0].lower() for line in lines[1:]}
    assert {b"host", b"content-type", b"x-a", b"content-length"} == names
    assert b"x" * 10 == content


async def test_large_request_arrives(transport: Transport) -> None:
    """A request of many megabytes arrives whole, with its length and not in chunks."""
    async with serving(answering(body(b"hi"))) as server:
        reply = await transport.send(call(server.url, size=5_000_001))
        assert b"hi" == await reply.read(LIMIT)

    head, _, content = server.requests[0].partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"x" * 5_000_001 == content


async def test_status_and_headers_are_told(transport: Transport) -> None:
    """A bad status is no error of the wire; headers are found by lower-case names."""
    reply = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n"
    async with serving(answering(reply)) as server:
        came = await transport.send(call(server.url))

        assert 429 == came.status
        assert "7" == came.headers["retry-after"]
        assert b"" == await came.read(10)
        came.close()


async def test_connection_is_kept(transport: Transport) -> None:
    """A second request goes over the first one's connection."""
    async with serving(answering(body(b"one"), body(b"two"))) as server:
        assert b"one" == await fetch(transport, server.url)
        assert b"two" == await fetch(transport, server.url)

        assert 1 == server.connections


async def test_refused_connection_was_never_sent(transport: Transport) -> None:
    """Nobody listens: nothing was sent, a second try is free."""
    async with serving(answering()) as server:
        url = server.url

    failure = await failing(transport, url)
    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)


async def test_unknown_host_was_never_sent(transport: Transport) -> None:
    """No such name: nothing was sent."""
    failure = await failing(transport, "http://no-such-host.invalid/v1")

    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)


async def test_failed_tls_was_never_sent(transport: Transport) -> None:
    """The other side speaks no TLS: nothing was sent."""
    async with serving(answering(then="close")) as server:
        failure = await failing(transport, server.url.replace("http:", "https:"))

    assert (Cause.UNREACHABLE, False) == (failure.cause, failure.sent)


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_loss_before_a_byte_may_have_been_sent(transport: Transport, then: str) -> None:
    """The request had left: the other side may have worked on it."""
    async with serving(answering(b"", then=then)) as server:
        failure = await failing(transport, server.url)

    assert (Cause.CONNECTION_LOST, True) == (failure.cause, failure.sent)


@pytest.mark.parametrize(
    "reply",
    [
        OK + b"content-le",
        OK + b"content-length: 10\r\n\r\nshort",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ids=["in headers", "short body", "no last chunk"],
)
@pytest.mark.parametrize("then", ["close", "reset"])
async def test_loss_within_the_reply_is_told(transport: Transport, reply: bytes, then: str) -> None:
    """A reply that ends before its end is never taken for whole."""
    async with serving(answering(reply, then=then)) as server:
        failure = await failing(transport, server.url)

    assert (Cause.CONNECTION_LOST, True) == (failure.cause, failure.sent)


@pytest.mark.parametrize(
    "reply",
    [
        b"HELO what is this\r\n\r\n",
        b"\x00\x01\x02\x03\xff\xfe\r\n\r\n",
        OK + b"x-big: " + b"a" * 256_000 + b"\r\n\r\n",
        OK + b"".join(b"x-%d: a\r\n" % i for i in range(120)) + b"content-length: 0\r\n\r\n",
        OK + b"".join(b"x-%d: %s\r\n" % (i, b"a" * 900) for i in range(30)) + b"\r\n",
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    ],
    ids=[
        "garbage",
        "binary",
        "a header of 256 KB",
        "120 headers",
        "27 KB of headers",
        "two lengths",
    ],
)
async def test_what_is_no_http_is_refused(transport: Transport, reply: bytes) -> None:
    """A reply that breaks the rules or the limits of HTTP is no answer."""
    async with serving(answering(reply, then="hang")) as server:
        failure = await failing(transport, server.url)

        assert (Cause.INVALID_ANSWER, True) == (failure.cause, failure.sent)
        await asyncio.wait_for(server.gone.wait(), LONG_S)


async def test_bad_chunk_is_no_answer(transport: Transport) -> None:
    """Broken framing ends in a failure, not in bytes."""
    reply = OK + b"transfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n"
    async with serving(answering(reply, then="hang")) as server:
        failure = await failing(transport, server.url)

    assert failure.cause in {Cause.INVALID_ANSWER, Cause.CONNECTION_LOST}


async def test_interim_replies_are_passed_over(transport: Transport) -> None:
    """A thousand 1xx replies before the real one are legal."""
    reply = b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 1_000 + body(b"real")
    async with serving(answering(reply)) as server:
        assert b"real" == await fetch(transport, server.url)


async def test_redirect_is_a_reply(transport: Transport) -> None:
    """A redirect is not followed."""
    async with serving(answering(body(b"trap"))) as trap:
        location = b"HTTP/1.1 307 X\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n"
        async with serving(answering(location % trap.url.encode())) as server:
            reply = await transport.send(call(server.url))

            assert 307 == reply.status
            reply.close()
        assert 0 == trap.connections


async def test_cookies_are_forgotten(transport: Transport) -> None:
    """What a server sets is not sent back."""
    first = OK + b"set-cookie: a=b; path=/\r\ncontent-length: 0\r\n\r\n"
    async with serving(answering(first, body(b""))) as server:
        await fetch(transport, server.url)
        await fetch(transport, server.url)

    assert b"cookie" not in server.requests[1].lower()


async def test_environment_proxies_are_ignored(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy sees nothing."""
    async with serving(answering(body(b"proxied"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with serving(answering(body(b"direct"))) as server:
            assert b"direct" == await fetch(transport, server.url)


# --- sizes -----------------------------------------------------------------------------


async def test_body_of_the_limit_passes(transport: Transport) -> None:
    """The limit itself is allowed."""
    async with serving(answering(body(b"a" * 1_000))) as server:
        assert 1_000 == len(await fetch(transport, server.url, 1_000))


@pytest.mark.parametrize("framing", ["length", "chunked", "until close"])
async def test_large_body_is_refused(transport: Transport, framing: str) -> None:
    """A body of 64 MB costs no more than the limit, and its connection is cut."""
    heads = {
        "length": b"content-length: 64000000\r\n\r\n",
        "chunked": b"transfer-encoding: chunked\r\n\r\n",
        "until close": b"connection: close\r\n\r\n",
    }
    sent = 0

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await server.request(reader)
            writer.write(OK + heads[framing])
            piece = b"a" * 64_000
            for _ in range(1_000):
                writer.write(b"fa00\r\n" + piece + b"\r\n" if framing == "chunked" else piece)
                sent += len(piece)
                await writer.drain()

        return talk

    async with serving(talk_of) as server:
        failure = await failing(transport, server.url)
        await asyncio.wait_for(server.gone.wait(), LONG_S)

    assert Cause.INVALID_ANSWER == failure.cause
    assert sent < 30_000_000


def zipped(size: int) -> bytes:
    """Pack zeros, without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * 1_000_000
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


async def test_packed_body_is_inflated(transport: Transport) -> None:
    """A server may pack although we did not ask."""
    packed = gzip.compress(b"hello " * 100)
    reply = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    async with serving(answering(reply)) as server:
        assert b"hello " * 100 == await fetch(transport, server.url)


async def test_bomb_is_refused(transport: Transport) -> None:
    """500 MB in half a megabyte: the limit counts what comes out, and it comes out bit by bit."""
    packed = zipped(500_000_000)
    reply = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    async with serving(answering(reply, then="hang")) as server:
        began = time.process_time()
        failure = await failing(transport, server.url)
        spent = time.process_time() - began

    assert Cause.INVALID_ANSWER == failure.cause
    assert spent < 0.3


async def test_broken_packing_is_no_answer(transport: Transport) -> None:
    """Bytes that do not unpack are no answer."""
    broken = b"\x1f\x8b\x08\x00" + b"nonsense" * 10
    reply = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(broken) + broken
    async with serving(answering(reply, then="hang")) as server:
        failure = await failing(transport, server.url)

    assert Cause.INVALID_ANSWER == failure.cause


# --- no byte of one reply reaches the next request ---------------------------------------


STALE = body(b"another caller's answer")


async def test_over_long_body_poisons_nothing(transport: Transport) -> None:
    """What follows a body, even a whole reply, never answers the next request."""
    async with serving(answering(body(b"mine") + STALE, then="hang")) as server:
        first = await fetch(transport, server.url)
        server.talk = answering(body(b"also mine"))(server)
        second = await fetch(transport, server.url)

        assert (b"mine", b"also mine") == (first, second)
        assert 2 == server.connections


async def test_garbage_after_a_body_poisons_nothing(transport: Transport) -> None:
    """The reply may be refused or taken; the next one is clean."""
    async with serving(answering(body(b"mine") + b"and some more", then="hang")) as server:
        try:
            first = await fetch(transport, server.url)
        except TransportError as error:
            first = error.failure.cause.value.encode()
        assert first in {b"mine", b"invalid_answer"}
        server.talk = answering(body(b"also mine"))(server)

        assert b"also mine" == await fetch(transport, server.url)


@pytest.mark.parametrize("late", [STALE, b"garbage", b"HTTP/1.1 408 Timeout\r\n\r\n"])
@pytest.mark.parametrize("pause_s", [0.0, 0.05])
async def test_late_bytes_poison_nothing(transport: Transport, late: bytes, pause_s: float) -> None:
    """Bytes that reach an idle connection cost that connection, seen by the loop or not."""
    say, said = asyncio.Event(), asyncio.Event()

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(body(b"mine"))
            await say.wait()
            writer.write(late)
            await writer.drain()
            said.set()
            await reader.read()

        return talk

    async with serving(talk_of) as server:
        assert b"mine" == await fetch(transport, server.url)
        say.set()
        await said.wait()
        time.sleep(0.02)  # noqa: ASYNC251 - the bytes arrive while the loop sees nothing
        if pause_s:
            await asyncio.sleep(pause_s)
        server.talk = answering(body(b"also mine"))(server)

        assert b"also mine" == await fetch(transport, server.url)
        assert 2 == server.connections


@pytest.mark.parametrize("seen", [True, False])
async def test_idle_connection_that_was_closed_is_not_used(
    transport: Transport, seen: bool
) -> None:
    """A server that hangs up between requests costs nothing, seen by the loop or not."""
    async with serving(answering(body(b"one"))) as server:
        assert b"one" == await fetch(transport, server.url)
        await asyncio.sleep(0.02 if seen else 0)
        time.sleep(0.02)  # noqa: ASYNC251

        assert b"one" == await fetch(transport, server.url)


# --- letting go --------------------------------------------------------------------------


async def test_cancelled_request_is_cut(transport: Transport) -> None:
    """The caller leaves while the server thinks: it learns within 100 ms."""
    async with serving(answering(b"", then="hang")) as server:
        task = asyncio.create_task(transport.send(call(server.url)))
        await asyncio.wait_for(server.asked.wait(), LONG_S)
        task.cancel()
        assert await soon(server.gone.is_set)


async def test_cancelled_upload_is_cut(transport: Transport) -> None:
    """Also when the server reads nothing and much is still to be sent."""
    begun = asyncio.Event()

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            begun.set()
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:  # reads nothing; writing tells whether anybody is there
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        return talk

    async with serving(talk_of) as server:
        task = asyncio.create_task(transport.send(call(server.url, size=30_000_000)))
        await asyncio.wait_for(begun.wait(), LONG_S)
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.wait_for(server.gone.wait(), LONG_S)


async def test_reply_that_is_let_go_is_cut(transport: Transport) -> None:
    """A stream that nobody reads to its end stops the server within 100 ms."""
    begun = OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
    async with serving(answering(begun, then="hang")) as server:
        reply = await transport.send(call(server.url))
        chunks = reply.chunks(LIMIT)
        assert b"hello" == await anext(chunks)
        reply.close()
        assert await soon(server.gone.is_set)


async def test_chunks_come_as_they_are_sent(transport: Transport) -> None:
    """The first part is here before the second was sent."""
    go_on = asyncio.Event()

    def talk_of(server: Server) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(OK + b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            await go_on.wait()
            writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

        return talk

    async with serving(talk_of) as server:
        reply = await transport.send(call(server.url))
        chunks = reply.chunks(LIMIT)
        assert b"one" == await asyncio.wait_for(anext(chunks), LONG_S)
        go_on.set()
        assert [b"two"] == [chunk async for chunk in chunks]
        reply.close()


async def test_silent_address_is_given_up(transport: Transport) -> None:
    """No connection within `connect_s`: nothing was sent.  A full backlog answers nobody."""
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
            fillers.append(filler)
        await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(TransportError) as caught:
            await transport.send(HttpCall(url, {}, b"{}", 0.2))
        for filler in fillers:
            filler.close()

    failure = caught.value.failure
    assert (Cause.CONNECT_TIMEOUT, False) == (failure.cause, failure.sent)
