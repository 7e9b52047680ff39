"""Inflates a packed reply bit by bit, so that a bomb costs no more than its first bytes."""

from __future__ import annotations

import zlib
from typing import Final

STEP_BYTES: Final = 256 * 1024

# zlib's window bits: 32 added finds out between gzip and zlib by itself.
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class NotPacked(ValueError):
    """The bytes are not packed as they say, or in a way we do not know."""


class Inflater:
    """Unpacks one body.

    Args:
        coding: the reply's content coding.

    Raises:
        NotPacked: the coding is none we know.
    """

    def __init__(self, coding: str) -> None:
        window = _WINDOWS.get(coding.strip().lower())
        if window is None:
            raise NotPacked
        self._unpacker = zlib.decompressobj(window)

    def feed(self, packed: bytes) -> bytes:
        """Return at most `STEP_BYTES` of what a chunk unpacks to; `more` holds the rest."""
        if self._unpacker.eof:
            return b""  # what follows the end says nothing
        try:
            return self._unpacker.decompress(packed, STEP_BYTES)
        except zlib.error as error:
            raise NotPacked from error

    @property
    def more(self) -> bytes:
        """What is to be fed again before the next chunk; empty when there is nothing."""
        return self._unpacker.unconsumed_tail

    def end(self) -> None:
        """Check that the body ended where it should; raise `NotPacked`."""
        if not self._unpacker.eof:
            raise NotPacked
