"""Bytes to replies, without a socket: however they are cut, they say the same."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.providers.wire.parsing import Malformed, ReplyParser
from seatrial.providers.wire.reply import WireReply

OK = b"HTTP/1.1 200 OK\r\n"
HEADS = [
    OK,
    b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n",
    b"HTTP/1.0 200\r\nx-empty:\r\n",
    b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n",
    OK + b"connection: close\r\n",
    b"HTTP/1.1 429 Too much of it\r\nRetry-After: 3\r\nretry-after: 4\r\n",
]
BODIES = [
    b"content-length: 0\r\n\r\n",
    b"content-length: 5\r\n\r\nhello",
    b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n",
    b"Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\nx-trailer: a\r\n\r\n",
    b"\r\nuntil the end",
]
BROKEN = [
    b"HELO\r\n\r\n",
    b"\r\n\r\nHTTP/2.5 200 OK\r\n\r\n",
    OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    OK + b"transfer-encoding: gzip\r\n\r\nhello",
    OK + b"transfer-encoding: identity\r\n\r\nhello",
    OK + b"transfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    OK + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    OK + b"content-length: 99999999999999999999999\r\n\r\n",
    OK + b"content-length: -1\r\n\r\n",
    OK + b"content-length: 5, 5\r\n\r\nhello",
    OK + b"content-length : 5\r\n\r\nhello",
    OK + b"a: b\r\n folded\r\ncontent-length: 0\r\n\r\n",
    OK + b"a: b\0c\r\ncontent-length: 0\r\n\r\n",
    OK[:-2] + b"\ncontent-length: 0\n\n",
    b"HTTP/1.1 099 Early\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switch\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"HTTP/1.1 101 Switch\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    OK + b"x: %s\r\n\r\n" % (b"a" * 17_000),
    OK + b"x: a\r\n" * 101 + b"\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: a\r\n" * 101 + b"\r\n",
    b"HTTP/1.1 100 Go on\r\n\r\n" * 10_001,
]

# Of these a read's worth is taken, and no more.
ENDLESS = [
    b"HTTP/1.1 200 %s\r\n\r\n" % (b"a" * 200_000),
    OK + b"transfer-encoding: chunked\r\n\r\n1;%s\r\na\r\n" % (b"a" * 200_000),
]


class Wire:
    """A connection that only a reply sees."""

    def resume(self) -> None:
        """Nothing to let come."""

    def abort(self) -> None:
        """Nothing to hang up."""


@dataclass
class Read:
    """What a parser made of some bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    closes: bool
    open_ended: bool
    malformed: bool


def read(*pieces: bytes) -> Read:
    """Parse the pieces as one connection would receive them."""
    loop: Any = None  # nobody waits
    reply = WireReply(Wire(), loop)
    parser = ReplyParser()
    parser.expect(reply)
    malformed = False
    for piece in pieces:
        try:
            parser.feed(memoryview(piece))
        except Malformed:
            malformed = True
            break
        if parser.whole:
            break  # the connection would be free, and what follows cost it
    reply.end()
    body = asyncio.run(reply.read(1_000_000))
    read = Read(
        reply.status,
        dict(reply.headers),
        body,
        parser.whole,
        parser.closes,
        parser.open_ended,
        malformed,
    )
    parser.let_go()
    return read


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at the places."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(
    st.sampled_from(HEADS), st.sampled_from(BODIES), st.lists(st.integers(0, 10_000), max_size=12)
)
def test_any_cut_of_a_reply_reads_the_same(head: bytes, body: bytes, places: list[int]) -> None:
    """Where the network cut the bytes changes nothing."""
    assert read(head + body) == read(*cut(head + body, places))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("body", BODIES)
def test_byte_by_byte_reads_the_same(head: bytes, body: bytes) -> None:
    """The finest cut of all."""
    data = head + body

    assert read(data) == read(*(data[at : at + 1] for at in range(len(data))))


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: repr(data[:60]))
@pytest.mark.parametrize("step", [1 << 20, 1_000, 7])
def test_broken_reply_is_refused_however_it_is_cut(data: bytes, step: int) -> None:
    """No cut makes a reply of what is none; the connection is of no more use."""
    came = read(*(data[at : at + step] for at in range(0, len(data), step)))

    assert came.malformed
    assert not came.whole


@pytest.mark.parametrize("data", ENDLESS, ids=["reason", "chunk extension"])
@pytest.mark.parametrize("step", [65_536, 1_000])
def test_what_says_nothing_for_long_is_refused(data: bytes, step: int) -> None:
    """Bytes without a header, a body or an end are no way to keep us busy."""
    assert read(*(data[at : at + step] for at in range(0, len(data), step))).malformed


@pytest.mark.parametrize(
    ("data", "body", "closes"),
    [
        (OK + b"content-length: 2\r\n\r\nhi", b"hi", False),
        (OK + b"content-length: 2\r\n\r\nhi and more", b"hi", True),
        (OK + b"content-length: 2\r\n\r\nhi" + OK, b"hi", True),
        (OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 204 No\r\n\r\n", b"", False),
        (b"HTTP/1.1 304 No\r\ncontent-length: 7\r\n\r\n", b"", False),
    ],
)
def test_end_of_a_reply_decides_about_its_connection(
    data: bytes, body: bytes, closes: bool
) -> None:
    """A whole reply counts; what follows it, or a goodbye, costs the connection."""
    came = read(data)

    assert (True, body, closes) == (came.whole, came.body, came.closes)


def test_first_of_two_headers_counts() -> None:
    """As long as it says nothing about where the body ends."""
    came = read(OK + b"Retry-After: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n")

    assert "1" == came.headers["retry-after"]


@given(st.binary(max_size=300))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    """Nothing but a reply or `Malformed` comes of any bytes."""
    read(noise)
    read(OK + noise)
    read(OK + b"transfer-encoding: chunked\r\n\r\n" + noise)
