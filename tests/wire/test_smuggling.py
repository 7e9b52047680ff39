"""Framing that two readers could read in two ways: no second request ever runs behind it.

A real server with a real target behind it, which counts what reaches it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FaultyUpstream
from tests.wire.test_gateway_framing import CHUNKED, GET, POST, REFUSED, H

pytestmark = pytest.mark.wire

LAST = b"GET /livez HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n"
ASK = json.dumps({"model": "plain", "messages": [{"role": "user", "content": "Hi"}]}).encode()
TYPE = b"Content-Type: application/json\r\n"
SMUGGLED = POST + TYPE + b"Content-Length: %d\r\n\r\n%b" % (len(ASK), ASK)
START = b"POST /v1/chat/completions HTTP/1.1\r\n"


def chunks(body: bytes, extension: bytes = b"", tail: bytes = b"\r\n") -> bytes:
    """Write a body as one chunk and the last one."""
    return b"%x%b\r\n%b\r\n0\r\n%b" % (len(body), extension, body, tail)


# Each is refused, or its line is closed; what stands behind it never runs.
MORE = {
    "chunked, then length in a trailer": POST
    + TYPE
    + CHUNKED
    + b"\r\n"
    + b"5\r\nhello\r\n0\r\nContent-Length: 5\r\nX: a\nY: b\r\n\r\n",
    "coding with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "coding with a comma": POST + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
    "coding quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "coding empty": POST + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "coding with NUL": POST + b"Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n",
    "coding behind a form feed": POST + b"Transfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n",
    "space before the coding's name": POST + b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "NUL before the length's name": POST + b"\x00Content-Length: 0\r\n\r\n",
    "length with a NUL": POST + b"Content-Length: 0\x00\r\n\r\n",
    "length in other digits": POST + "Content-Length: \u0661\r\n\r\n".encode() + b"a",
    "length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n0123456789",
    "length as a fraction": POST + b"Content-Length: 1.0\r\n\r\na",
    "length minus nothing": POST + b"Content-Length: -0\r\n\r\n",
    "length three times": POST + b"Content-Length: 0\r\n" * 3 + b"\r\n",
    "lengths of two codings": POST
    + b"Content-Length: 4\r\nTransfer-Encoding: xyz\r\n\r\n0\r\n\r\n",
    "1.0 with chunks": START.replace(b"1.1", b"1.0") + H + TYPE + CHUNKED + b"\r\n" + chunks(ASK),
    "chunk size with a sign": POST + TYPE + CHUNKED + b"\r\n+5\r\nhello\r\n0\r\n\r\n",
    "chunk size with an underscore": POST
    + TYPE
    + CHUNKED
    + b"\r\n1_0\r\n"
    + b"a" * 16
    + b"\r\n0\r\n\r\n",
    "chunk size empty": POST + TYPE + CHUNKED + b"\r\n\r\nhello\r\n0\r\n\r\n",
    "chunk size with a tab": POST + TYPE + CHUNKED + b"\r\n\t5\r\nhello\r\n0\r\n\r\n",
    "chunk size of 2^64": POST + TYPE + CHUNKED + b"\r\n10000000000000000\r\na\r\n0\r\n\r\n",
    "chunk size of 2^64 and a bit": POST
    + TYPE
    + CHUNKED
    + b"\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "chunk longer than said": POST + TYPE + CHUNKED + b"\r\n2\r\nhello\r\n0\r\n\r\n",
    "chunk ends in LF": POST + TYPE + CHUNKED + b"\r\n5\r\nhello\n0\r\n\r\n",
    "chunk ends in CR": POST + TYPE + CHUNKED + b"\r\n5\r\nhello\r0\r\n\r\n",
    "last chunk ends in LF": POST + TYPE + CHUNKED + b"\r\n5\r\nhello\r\n0\n\n",
    "trailer with LF": POST + TYPE + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: y\n\r\n",
    "CR alone ends the head": POST.replace(b"\r\n", b"\r") + b"\r",
    "LF CR": POST.replace(b"\r\n", b"\n\r") + b"\n\r",
    "CR CR LF": POST + b"X: a\r\r\n\r\n",
    "vertical tab as line end": POST + b"X: a\x0bContent-Length: 5\x0b\r\n\r\n\r\n"[:-2],
    "folded by a tab": POST + b"Content-Length: 0\r\n\t5\r\n\r\n",
    "header without colon": POST + b"Content-Length\r\n\r\n",
    "request line of two words": b"POST /v1/chat/completions\r\n" + H + b"\r\n",
    "request line of four words": START.replace(b" HTTP", b" x HTTP") + H + b"\r\n",
    "version in small letters": START.replace(b"HTTP", b"http") + H + b"\r\n",
    "version with a zero": START.replace(b"1.1", b"01.1") + H + b"\r\n",
    "a word before the method": b"\x00" + SMUGGLED,
    "connect to an address": b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
    "upgrade of a chat": POST
    + TYPE
    + b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "preface of HTTP/2, whole": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "TLS before HTTP": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "SOCKS before HTTP": bytes.fromhex("050100050100017f0000010050"),
    "PROXY before HTTP": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 80\r\n",
}

# Odd, and read in one way only: so much is answered with these statuses, before what follows.
LEGAL = {
    "lines before the request": (b"\r\n\r\n" + SMUGGLED, {200}),
    "chunked in capitals": (
        POST + TYPE + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + chunks(ASK),
        {200},
    ),
    "chunk with extensions": (
        POST + TYPE + CHUNKED + b"\r\n" + chunks(ASK, b';a=b;c="d"'),
        {200, 400},
    ),
    "chunk size with zeros": (POST + TYPE + CHUNKED + b"\r\n0000" + chunks(ASK), {200}),
    "trailers": (
        POST + TYPE + CHUNKED + b"\r\n" + chunks(ASK, tail=b"Content-Length: 9\r\n\r\n"),
        {200, 400},
    ),
    "length with zeros": (
        POST + TYPE + b"Content-Length: 000%d\r\n\r\n%b" % (len(ASK), ASK),
        {200},
    ),
    "coding named as hop by hop": (
        POST + TYPE + CHUNKED + b"Connection: transfer-encoding\r\n\r\n" + chunks(ASK),
        {200},
    ),
    "length named as hop by hop": (
        POST
        + TYPE
        + b"Connection: content-length\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
        {200},
    ),
    "names that look alike": (
        POST
        + TYPE
        + b"Content_Length: 9\r\nTransfer_Encoding: chunked\r\nContent-Length: %d\r\n\r\n%b"
        % (len(ASK), ASK),
        {200},
    ),
    "body of a GET": (GET + b"Content-Length: 5\r\n\r\nhello", {200}),
    "chunks of a GET": (GET + CHUNKED + b"\r\n" + chunks(b"hello"), {200}),
    "body of a HEAD": (GET.replace(b"GET", b"HEAD") + b"Content-Length: 5\r\n\r\nhello", {200}),
    "trace": (b"TRACE / HTTP/1.1\r\n" + H + b"\r\n", {400, 404, 405}),
    "options of everything": (b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", {400, 404, 405}),
    "delete with a body": (
        b"DELETE /v1/models HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc",
        {405},
    ),
    "absolute form": (b"GET http://localhost/v1/models HTTP/1.1\r\n" + H + b"\r\n", {200, 404}),
    "absolute form of others": (
        b"GET http://10.0.0.1/v1/models HTTP/1.1\r\n" + H + b"\r\n",
        {200, 404, 421},
    ),
    "path with dots": (b"GET /v1/../v1/models HTTP/1.1\r\n" + H + b"\r\n", {404}),
    "path with an encoded slash": (b"GET /v1%2fmodels HTTP/1.1\r\n" + H + b"\r\n", {404, 200}),
    "path with an encoded request": (
        b"GET /v1/models%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a HTTP/1.1\r\n" + H + b"\r\n",
        {404},
    ),
    "two hosts": (b"GET /v1/models HTTP/1.1\r\n" + H + b"Host: other\r\n\r\n", {400, 421}),
    "no host": (b"GET /v1/models HTTP/1.1\r\n\r\n", {400, 421}),
    "host with a path": (b"GET /v1/models HTTP/1.1\r\nHost: localhost/v1\r\n\r\n", {400, 421}),
    "host with a user": (b"GET /v1/models HTTP/1.1\r\nHost: localhost@other\r\n\r\n", {400, 421}),
    "expectation of more": (
        POST + TYPE + b"Expect: 200-ok\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
        {200, 417},
    ),
    "expectation kept waiting": (
        POST + TYPE + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
        {200},
    ),
    "type missing, body a request": (
        POST + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED),
        {415},
    ),
    "method override": (
        POST
        + TYPE
        + b"X-HTTP-Method-Override: GET\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
        {200},
    ),
    "forwarded path": (
        GET + b"X-Original-URL: /v1/chat/completions\r\nX-Rewrite-URL: /admin\r\n\r\n",
        {200},
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, FaultyUpstream]]:
    """Run the server and its target."""
    config: Path = tmp_path_factory.mktemp("smuggling") / "seatrial.toml"
    with FaultyUpstream() as upstream:
        config.write_text(
            '[service]\nstore = "sqlite:records.db"\n'
            f'[targets.good]\nprovider = "openai"\nbase_url = "{upstream.base_url}"\nmodel = "m"\n'
            '[features.plain]\nroute = ["good"]\n'
        )
        with GatewayProcess(config) as process:
            yield process.port, upstream


def all_of(port: int, data: bytes, *, step: int = 0) -> bytes:
    """Send bytes, in pieces of `step` if asked, and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        said = b""
        try:
            for at in range(0, len(data), step or len(data)):
                line.sendall(data[at : at + (step or len(data))])
            while part := line.recv(65_536):
                said += part
        except ConnectionError:
            pass
        return said


def test_there_are_enough_cases() -> None:
    """At least fifty that must be refused, and the legal ones beside."""
    assert len(REFUSED) + len(MORE) > 90
    assert len(LEGAL) > 25


@pytest.mark.parametrize("step", [0, 7], ids=["at once", "in pieces"])
@pytest.mark.parametrize("name", [*REFUSED, *MORE])
def test_what_is_behind_never_runs(place: tuple[int, FaultyUpstream], name: str, step: int) -> None:
    """One answer at most, an honest one, and the target hears nothing."""
    port, upstream = place
    before = len(upstream.log)
    said = all_of(port, {**REFUSED, **MORE}[name] + SMUGGLED, step=step)

    assert said.count(b"HTTP/1.1 ") <= 1, said
    # In pieces, the missing content type (415) may be told before the odd body has come.
    assert said[9:12] in {b"400", b"413", b"415", b"431", b"501", b"505", b""}, said
    assert before == len(upstream.log)


@pytest.mark.parametrize("name", LEGAL)
def test_what_follows_runs_once(place: tuple[int, FaultyUpstream], name: str) -> None:
    """The case has its one answer; the request behind it runs once, or the line is closed."""
    port, upstream = place
    first, statuses = LEGAL[name]
    before = len(upstream.log)
    alone = answers(all_of(port, first + LAST))
    asked = len(upstream.log) - before
    both = answers(all_of(port, first + SMUGGLED + LAST))
    asked_both = len(upstream.log) - before - asked

    assert alone[0] in statuses, alone
    assert asked == (alone[0] == 200 and b"POST" in first[:8])
    if len(alone) == 1:  # it closes the line
        assert (alone, asked) == (both, asked_both)
    else:
        assert [alone[0], 200] == alone
        assert [alone[0], 200, 200] == both
        assert asked + 1 == asked_both


def answers(said: bytes) -> list[int]:
    """Return the statuses in a line's bytes, interim ones left out."""
    statuses = [int(each[:3]) for each in said.split(b"HTTP/1.1 ")[1:]]
    return [status for status in statuses if status != 100]
