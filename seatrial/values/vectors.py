"""Vectors as they travel: little-endian float32, one after the other."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Final

FLOAT_BYTES: Final = 4


def pack(numbers: Iterable[float]) -> bytes:
    """Return numbers as a vector.

    Raises:
        ValueError: one of them is no number, or too large for float32.

    >>> pack([1.0, -2.5]).hex()
    '0000803f000020c0'
    """
    given = list(numbers)
    try:
        return struct.pack(f"<{len(given)}f", *given)
    except (struct.error, OverflowError) as error:
        raise ValueError("a vector holds what is no float32") from error


def unpack(vector: bytes) -> tuple[float, ...]:
    """Return a vector's numbers.

    >>> unpack(pack([0.5, 2.0]))
    (0.5, 2.0)
    """
    return struct.unpack(f"<{len(vector) // FLOAT_BYTES}f", vector)


def is_vector(data: bytes) -> bool:
    """Return whether these bytes are a vector of finite numbers.

    >>> is_vector(pack([1.0])), is_vector(pack([float("nan")])), is_vector(b"123"), is_vector(b"")
    (True, False, False, False)
    """
    if not data or len(data) % FLOAT_BYTES:
        return False
    return math.isfinite(sum(unpack(data)))  # a sum of float32 cannot grow past a float64
