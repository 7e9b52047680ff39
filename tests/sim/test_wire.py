"""The simulated network reads replies as a client does."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from seatrial.ports import TransportError
from seatrial.testing.simulate.pace import Meter
from seatrial.testing.simulate.reading import Inflater, Message
from seatrial.testing.simulate.wire import stated_s
from seatrial.values.attempts import Cause

HEAD = b"HTTP/1.1 200 OK\r\n"


def read(data: bytes, *, ends: bool = True) -> Message:
    """Read a reply, and then the end of its connection."""
    message = Message()
    message.feed(data)
    if ends:
        message.end()
    return message


def test_reply_of_stated_length() -> None:
    """What follows the stated length belongs to nobody."""
    message = read(HEAD + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nmore", ends=False)

    assert message.complete
    assert [b"ok"] == list(message.parts)


def test_chunked_reply_after_interim_ones() -> None:
    """Interim replies are passed over."""
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    message = read(early + early + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    assert 200 == message.status
    assert {"transfer-encoding": "chunked"} == message.headers
    assert b"ok" == b"".join(message.parts)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", Cause.CONNECTION_LOST),
        (HEAD + b"Content-Len", Cause.CONNECTION_LOST),
        (HEAD + b"Content-Length: 5\r\n\r\nok", Cause.CONNECTION_LOST),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Cause.CONNECTION_LOST),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", Cause.CONNECTION_LOST),
        (b"HTCPCP/7 teapot\r\n\r\n", Cause.INVALID_ANSWER),
        (HEAD + b"x: " + b"y" * 20_000 + b"\r\n\r\n", Cause.INVALID_ANSWER),
    ],
)
def test_broken_reply(data: bytes, cause: Cause) -> None:
    """A reply that ends too early, or is none, fails for the cause that a client would see."""
    with pytest.raises(TransportError) as caught:
        read(data)

    assert cause is caught.value.failure.cause


def test_damaged_packing_is_noticed() -> None:
    """What does not unpack is no answer."""
    inflater = Inflater("gzip", 200)
    with pytest.raises(TransportError):
        inflater.feed(b"this is not gzip")
    with pytest.raises(TransportError):
        Inflater("gzip", 200).end()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": formatdate(1_000_060, usegmt=True)}, 60.0),
        ({"retry-after": "soon, we hope"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_stated_windows(headers: dict[str, str], seconds: float | None) -> None:
    """Retry-After in each of its forms, read by other code than the product's."""
    assert seconds == stated_s(headers, 1_000_000.0)


def burn(seconds: float) -> None:
    """Use up the processor."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_meter_takes_the_time_of_callbacks() -> None:
    """Processor time counts, sleep and what is done in the place of others does not."""
    meter = Meter()
    meter.timed(burn)(0.01)
    assert 0.01 <= meter.worst_s < 0.05

    meter = Meter()
    meter.timed(time.sleep)(0.01)

    def elsewhere() -> None:
        with meter.outside():
            burn(0.01)

    meter.timed(elsewhere)()
    assert meter.worst_s < 0.005
