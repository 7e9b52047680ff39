"""How an answer opens: its status line and headers, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from itertools import chain
from typing import Final

CLOSE: Final = b"connection: close\r\n"
CHUNKED: Final = b"transfer-encoding: chunked\r\n"


def opening_of(status: int, headers: Sequence[tuple[bytes, bytes]], framing: bytes) -> bytes:
    r"""Write an answer's head.

    Args:
        status: of the answer.
        headers: names in lower case, none of those that frame the body.
        framing: whole lines that follow the headers.

    Raises:
        ValueError: a header would not arrive as what it is.

    >>> opening_of(200, [(b"x", b"y")], b"content-length: 0\r\n")
    b'HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 0\r\n\r\n'
    """
    count = len(headers)
    lines = (b"%b: %b\r\n" * count) % tuple(chain.from_iterable(headers))
    if lines.count(b"\n") != count or lines.count(b"\r") != count or b"\0" in lines:
        raise ValueError("a header that no answer may hold")
    return b"%b%b%b\r\n" % (_status_line(status), lines, framing)


@cache  # there are a few hundred, and they are ours
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")
