"""Server-sent events: bytes in, events out, wherever the bytes were split.

Knows no dialect.  Lines may end in LF, CRLF or CR; comments are dropped; an event has
a name (empty for none) and its data lines joined.
"""

from __future__ import annotations

from typing import Final

Event = tuple[bytes, bytes]
"""The event's name, and its data."""

MAX_EVENT_BYTES: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event is larger than allowed, or has no end."""


class SseParser:
    r"""Cuts one stream into events.

    Args:
        limit: bytes of one event, at most.

    >>> parser = SseParser()
    >>> parser.feed(b"data: a\n\ndata: b")
    [(b'', b'a')]
    >>> parser.feed(b"\r\n: ping\r\ndata: c\r\n\r\n")
    [(b'', b'b\nc')]
    """

    __slots__ = ("_after_cr", "_begun", "_limit", "_rest")

    def __init__(self, *, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._rest = bytearray()  # of an event whose end has not come
        self._begun = False
        self._after_cr = False  # the last byte was CR: an LF right after belongs to it

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that end in this chunk; raise `EventTooLarge`."""
        if not self._begun:
            self._rest += chunk
            if len(self._rest) < 3 and _BOM.startswith(self._rest):
                return []
            chunk = bytes(self._rest).removeprefix(_BOM)
            self._rest.clear()
            self._begun = True
        if b"\r" in chunk or self._after_cr:
            chunk = self._with_plain_ends(chunk)
        if self._rest:
            return self._feed_on(chunk)
        if chunk.endswith(b"\n\n"):
            # One event, one line, one chunk: nearly all there is.
            if chunk.startswith(b"data: ") and chunk.find(b"\n") == len(chunk) - 2:
                if len(chunk) > self._limit:
                    raise EventTooLarge
                return [(b"", chunk[6:-2])]
            return self._events(chunk.split(b"\n\n"))
        blocks = chunk.split(b"\n\n")
        self._keep(blocks.pop())
        return self._events(blocks)

    def end(self) -> list[Event]:
        """Return what the stream's end leaves: an event that only lacks its empty line."""
        rest = bytes(self._rest)
        self._rest.clear()
        return self._events([rest])

    def _feed_on(self, chunk: bytes) -> list[Event]:
        rest = self._rest
        # Only the seam is looked at again: dripped bytes must not cost a scan each.
        seen = max(len(rest) - 1, 0)
        rest += chunk
        if rest.find(b"\n\n", seen) < 0:
            if len(rest) > self._limit:
                raise EventTooLarge
            return []
        blocks = bytes(rest).split(b"\n\n")
        rest.clear()
        self._keep(blocks.pop())
        return self._events(blocks)

    def _keep(self, rest: bytes) -> None:
        if len(rest) > self._limit:
            raise EventTooLarge
        self._rest += rest

    def _with_plain_ends(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for block in blocks:
            if len(block) > self._limit:
                raise EventTooLarge
            event = _event(block)
            if event is not None:
                events.append(event)
        return events


def _event(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return b"", block[6:]
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return (name, b"\n".join(data)) if data else None
