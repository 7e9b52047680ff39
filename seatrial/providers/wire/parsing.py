"""Bytes to replies: llhttp, strict, and the limits and refusals that it leaves to us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from seatrial.providers.wire.reply import WireReply

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_INTERIM_REPLIES: Final = 10_000

_WITHOUT_BODY: Final = frozenset({204, 304})
# Said twice they are two framings of one body, whatever they say.
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class Malformed(Exception):
    """What came is not HTTP, or more of it than we take."""


class ReplyParser:
    """Parses what one connection receives, one reply at a time.

    Names with `on_` are llhttp's to call; what they raise ends the parsing for good.
    """

    __slots__ = (
        "_barren",
        "_came",
        "_feed",
        "_header_bytes",
        "_header_count",
        "_interims",
        "_parser",
        "_reply",
        "closes",
        "open_ended",
        "whole",
    )

    def __init__(self) -> None:
        self.whole = False
        """Whether the expected reply is here to its end."""
        self.open_ended = False
        """Whether only hanging up ends the body that is on its way."""
        self.closes = False
        """Whether the connection cannot carry another request."""
        self._reply: WireReply | None = None
        self._came: list[bytes] = []
        self._barren = 0
        self._header_count = 0
        self._header_bytes = 0
        self._interims = 0
        self._parser = HttpResponseParser(self)
        self._feed: Callable[[bytes | memoryview], None] = self._parser.feed_data

    def expect(self, reply: WireReply) -> None:
        """Put what comes next into `reply`."""
        self._reply = reply
        self.whole = self.open_ended = False
        self._barren = self._header_count = self._header_bytes = self._interims = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Parse some bytes; raise `Malformed` when they cannot be part of a reply.

        What follows a whole reply is not looked at: it only makes the connection useless.
        """
        try:
            self._feed(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.closes = True
            if not self.whole:
                self._hand_over()
                raise Malformed from error
        if self._barren < 0:  # there was progress
            self._barren = 0
            came = self._came
            if len(came) == 1 and self._reply is not None:
                self._reply.take(came.pop())
            elif came:
                self._hand_over()
        else:
            self._barren += len(data)
            if self._barren > MAX_HEADER_BYTES and not self.whole:
                raise Malformed

    def let_go(self) -> None:
        """Break the ring of references between the parser and what it calls."""
        self.closes = True
        self._reply = None
        del self._feed, self._parser

    def _hand_over(self) -> None:
        came = self._came
        if came and self._reply is not None:
            # However small the chunks were cut, one feed makes one part.
            self._reply.take(came[0] if len(came) == 1 else b"".join(came))
            came.clear()

    # --- called by llhttp ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a reply to no request of ours."""
        if self.whole:
            raise Malformed

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header, within the limits; forget trailers."""
        reply = self._reply
        self._header_count += 1
        self._header_bytes += len(name) + len(value) + 4
        if self._header_count > MAX_HEADERS or self._header_bytes > MAX_HEADER_BYTES:
            raise Malformed
        if reply is None or reply.status:
            return
        name = name.lower()
        if reply.raw.setdefault(name, value) is not value and name in _FRAMING:
            raise Malformed

    def on_headers_complete(self) -> None:
        """Learn the status, and how the body will end."""
        reply = self._reply
        status: int = self._parser.get_status_code()
        self._barren = -1
        if reply is None or status < 100 or status == 101:
            raise Malformed
        if status < 200:
            self._interims += 1
            if self._interims > MAX_INTERIM_REPLIES:
                raise Malformed
            reply.raw.clear()
            self._header_count = self._header_bytes = 0
            return
        coding = reply.raw.get(b"transfer-encoding")
        if coding is None:
            self.open_ended = b"content-length" not in reply.raw and status not in _WITHOUT_BODY
        elif coding.lower() != b"chunked":
            raise Malformed
        reply.status = status

    def on_body(self, part: bytes) -> None:
        """Keep some of the body until the feed is over."""
        self._barren = -1
        self._came.append(part)

    def on_message_complete(self) -> None:
        """Note the end, unless it is that of an interim reply."""
        if self._reply is not None and self._reply.status:
            self.whole = True
            self.closes = not self._parser.should_keep_alive()
