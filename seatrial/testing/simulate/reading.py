"""From the bytes of a reply to its parts, as an HTTP client reads them."""

from __future__ import annotations

import zlib
from collections import deque
from typing import Final

import httptools

from seatrial.ports import TransportError
from seatrial.values.attempts import Cause, Failure

MAX_HEADER_BYTES: Final = 16 * 1024
STEP_BYTES: Final = 256 * 1024


def lost(status: int | None = None) -> TransportError:
    """Return the error of a connection that ended too early."""
    return TransportError(Failure(Cause.CONNECTION_LOST, "The connection was lost.", status=status))


def invalid(reason: str, status: int | None = None) -> TransportError:
    """Return the error of a reply that is none."""
    return TransportError(Failure(Cause.INVALID_ANSWER, reason, status=status))


class Message:
    """One reply while it is read.

    Args (set while bytes come in):
        status, headers: once `has_head`.
        parts: of the body, not yet taken.
        complete: whether its end has come.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: deque[bytes] = deque()
        self.has_head = False
        self.complete = False
        self._interim = False
        self._header_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take in bytes.

        Raises:
            TransportError: they are not HTTP, or more than a client takes.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:  # what follows the end belongs to nobody
                if self.has_head:
                    raise lost(self.status) from error
                raise invalid("The reply is not well-formed HTTP.") from error
        if self._header_bytes > MAX_HEADER_BYTES:
            raise invalid("The reply's headers are too large.")

    def end(self) -> None:
        """Take in the end of the connection.

        Raises:
            TransportError: more was promised.
        """
        if self.complete:
            return
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self.has_head or framed:
            raise lost(self.status or None)
        self.complete = True

    # -- httptools calls these ------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        if self.complete or self.has_head:
            return
        self._header_bytes += len(name) + len(value) + 4
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Keep the status; interim replies are passed over."""
        if self.complete or self.has_head:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            self._interim = True
            return
        self.status = status
        self.has_head = True

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        if not self.complete:
            self.parts.append(data)

    def on_message_complete(self) -> None:
        """Note the end, unless an interim reply ended."""
        if self._interim and not self.has_head:
            self._interim = False
            return
        self.complete = True


class Inflater:
    """Unpacks a body bit by bit.

    Args:
        coding: the reply's content coding.
        status: for errors.
    """

    def __init__(self, coding: str, status: int) -> None:
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise invalid("The reply cannot be decompressed.", status)
        self._unpacker = zlib.decompressobj(47)
        self._status = status

    def feed(self, packed: bytes) -> list[bytes]:
        """Return what a part unpacks to, in steps."""
        made = []
        try:
            while packed and not self._unpacker.eof:
                made.append(self._unpacker.decompress(packed, STEP_BYTES))
                packed = self._unpacker.unconsumed_tail
        except zlib.error as error:
            raise invalid("The reply cannot be decompressed.", self._status) from error
        return [plain for plain in made if plain]

    def end(self) -> None:
        """Check that it ended where it should."""
        if not self._unpacker.eof:
            raise invalid("The reply cannot be decompressed.", self._status)
