"""Hostile bytes on a real connection: what is ambiguous is refused, and the line is closed."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.doors.gateway.process import Line, Server, chat, serving
from tests.patience import LONG_S

pytestmark = [pytest.mark.anyio, pytest.mark.wire]

H = b"Host: localhost\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\n" + H
GET = b"GET /v1/models HTTP/1.1\r\n" + H
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + H + b"\r\n"

REFUSED = {
    "length and chunked": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunked and length": POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "length twice, same": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "length twice": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length as a list": POST + b"Content-Length: 1, 1\r\n\r\na",
    "length with plus": POST + b"Content-Length: +1\r\n\r\na",
    "length negative": POST + b"Content-Length: -1\r\n\r\na",
    "length in hex": POST + b"Content-Length: 0x1\r\n\r\na",
    "length with space": POST + b"Content-Length: 1 1\r\n\r\na",
    "length empty": POST + b"Content-Length: \r\n\r\na",
    "length too long": POST + b"Content-Length: 99999999999999999999999\r\n\r\na",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity coding": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "chunked and identity": POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunked after a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST /v1/models HTTP/1.0\r\n" + H + CHUNKED + b"\r\n0\r\n\r\n",
    "space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET /v1/models HTTP/1.1\nHost: localhost\n\n",
    "one bare LF": b"GET /v1/models HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "bare CR": b"GET /v1/models HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
    "NUL in a value": GET + b"X: a\x00b\r\n\r\n",
    "NUL in a name": GET + b"X\x00: a\r\n\r\n",
    "NUL in the path": b"GET /\x00 HTTP/1.1\r\n" + H + b"\r\n",
    "control in a value": GET + b"X: a\x01b\r\n\r\n",
    "folded": GET + b"X: a\r\n b\r\n\r\n",
    "folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "folded first": b"GET /v1/models HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "empty name": GET + b": a\r\n\r\n",
    "space in a name": GET + b"X Y: a\r\n\r\n",
    "negative chunk": POST + CHUNKED + b"\r\n-1\r\na\r\n0\r\n\r\n",
    "prefixed chunk": POST + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
    "huge chunk": POST + CHUNKED + b"\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
    "chunk with bare LF": POST + CHUNKED + b"\r\n1\na\n0\n\n",
    "chunk extension with LF": POST + CHUNKED + b"\r\n1;a\nb\r\na\r\n0\r\n\r\n",
    "chunk without end": POST + CHUNKED + b"\r\n1\r\naXX0\r\n\r\n",
    "chunk with space": POST + CHUNKED + b"\r\n1 \r\na\r\n0\r\n\r\n",
    "unknown method": b"FOO / HTTP/1.1\r\n" + H + b"\r\n",
    "method in lower case": b"get / HTTP/1.1\r\n" + H + b"\r\n",
    "version 0.9": b"GET /v1/models\r\n\r\n",
    "version 1.2": b"GET /v1/models HTTP/1.2\r\n" + H + b"\r\n",
    "version 1.10": b"GET /v1/models HTTP/1.10\r\n" + H + b"\r\n",
    "version 2.0": b"GET /v1/models HTTP/2.0\r\n" + H + b"\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "connect": b"CONNECT elsewhere:80 HTTP/1.1\r\n" + H + b"\r\n",
    "upgrade to h2c": POST
    + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    "upgrade to websocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "tab as separator": b"GET\t/\tHTTP/1.1\r\n" + H + b"\r\n",
    "path outside ASCII": b"GET /\xff\xfe HTTP/1.1\r\n" + H + b"\r\n",
    "every byte": bytes(range(256)),
    "TLS": bytes.fromhex("1603010200010001fc0303") + b"\0" * 40,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all; none of this may hurt it."""
    with serving("read_s=1.5") as running:
        yield running


async def all_of(line: Line) -> bytes:
    """Read to the end; a reset is an end as well."""
    data = b""
    try:
        while part := await asyncio.wait_for(line.reader.read(65536), LONG_S):
            data += part
    except ConnectionError:
        pass
    return data


@pytest.mark.parametrize("name", REFUSED)
async def test_ambiguous_framing_is_refused(server: Server, name: str) -> None:
    """One 400 with an error object; what follows on the line is never taken for a request."""
    line = await Line.open(server.port)
    line.writer.write(REFUSED[name] + SMUGGLED)
    data = await all_of(line)
    line.close()

    assert data.startswith(b"HTTP/1.1 400 ")
    assert 1 == data.count(b"HTTP/1.1 ")
    assert b'"code":"bad_framing"' in data
    assert b"connection: close" in data


async def test_an_answered_request_gets_no_second_answer(server: Server) -> None:
    """Its body turns out to be broken after the answer has left: the line is closed, no more."""
    head, _, rest = REFUSED["huge chunk"].partition(b"\r\n\r\n")
    line = await Line.open(server.port)
    line.writer.write(head + b"\r\n\r\n")
    await asyncio.sleep(0.3)
    line.writer.write(rest + SMUGGLED)
    data = await all_of(line)
    line.close()

    assert 1 == data.count(b"HTTP/1.1 ")


@pytest.mark.parametrize("name", ["length and chunked", "upgrade to h2c", "huge chunk"])
async def test_split_anywhere_it_is_the_same(server: Server, name: str) -> None:
    """Byte by byte, as a slow network delivers it."""
    line = await Line.open(server.port)
    for byte in REFUSED[name] + SMUGGLED:
        try:
            line.writer.write(bytes([byte]))
            await line.writer.drain()
            await asyncio.sleep(0)
        except ConnectionError:
            break
    data = await all_of(line)
    line.close()

    assert 1 >= data.count(b"HTTP/1.1 ")
    assert b"404" not in data


async def test_trailers_are_no_headers(server: Server) -> None:
    """A key behind the body opens nothing."""
    raw = chat().partition(b"\r\n\r\n")[2]
    body = b"%x\r\n%b\r\n0\r\nAuthorization: Bearer st_bad\r\n\r\n" % (len(raw), raw)
    line = await Line.open(server.port)
    reply = await line.send(POST + b"Content-Type: application/json\r\n" + CHUNKED + b"\r\n" + body)
    line.close()

    assert 200 == reply.status


async def test_pipelined_requests_keep_their_order(server: Server) -> None:
    """The second waits for the first, slow as it is."""
    line = await Line.open(server.port)
    line.writer.write(chat("echo", content="a" * 6) + chat("echo", content="b"))
    first, second = await line.read(), await line.read()
    line.close()

    assert b"aaaaaa" in first.body
    assert b'"b"' in second.body


async def test_answer_is_not_mixed_with_a_refusal(server: Server) -> None:
    """Garbage behind a good request waits for its answer, and ends the line."""
    line = await Line.open(server.port)
    line.writer.write(chat("slow") + b"\x00garbage\r\n\r\n" + chat("hello"))
    data = await all_of(line)
    line.close()

    assert data.startswith(b"HTTP/1.1 200")
    assert 1 == data.count(b"HTTP/1.1 ")


async def test_expectation_is_met(server: Server) -> None:
    """`100 Continue` for what will be read, a final answer at once for what will not."""
    line = await Line.open(server.port)
    line.writer.write(chat().replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert b"HTTP/1.1 100 Continue" in await line.reader.readuntil(b"\r\n\r\n")
    assert 200 == (await line.read()).status
    line.close()
    line = await Line.open(server.port)
    large = b"Content-Type: application/json\r\nContent-Length: 99999999\r\nExpect: 100-continue"
    assert 413 == (await line.send(POST + large + b"\r\n\r\n")).status
    line.close()


@pytest.mark.parametrize("start", [b"GET /", GET + b"X: ", GET + b"X"])
async def test_endless_head_is_cut(server: Server, start: bytes) -> None:
    """A request line, a value or a name that never ends takes no memory."""
    line = await Line.open(server.port)
    line.writer.write(start)
    sent = 0
    try:
        while sent < 50_000_000 and not line.ended:
            line.writer.write(b"a" * 65_536)
            sent += 65_536
            await line.writer.drain()
            await asyncio.sleep(0)
    except ConnectionError:
        pass
    data = await all_of(line)
    line.close()

    assert sent < 5_000_000
    assert data == b"" or data.startswith(b"HTTP/1.1 431 ")


HALF = POST + b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"


@pytest.mark.parametrize("start", [b"", b"GET /v1", GET, HALF])
async def test_slow_caller_is_cut(server: Server, start: bytes) -> None:
    """Neither a silent connection nor half a request is kept."""
    line = await Line.open(server.port)
    line.writer.write(start)
    data = await asyncio.wait_for(all_of(line), LONG_S)
    line.close()

    assert data.startswith(b"HTTP/1.1 408 ") == bool(start)


async def test_head_has_no_body(server: Server) -> None:
    """And the line stays usable."""
    line = await Line.open(server.port)
    line.writer.write(b"HEAD /v1/models HTTP/1.1\r\n" + H + b"\r\n")
    head = await line.reader.readuntil(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200")
    assert 200 == (await line.chat()).status
    line.close()


async def test_refused_body_leaves_the_line_usable(server: Server) -> None:
    """What was not read is skipped, not taken for the next request."""
    line = await Line.open(server.port)
    reply = await line.send(POST + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED))

    assert 415 == reply.status
    assert 200 == (await line.chat()).status
    line.close()
