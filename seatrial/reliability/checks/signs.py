"""Signs that belong to no word, and how to write them into a class of a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

# Punctuation, currencies, arrows, frames, and most pictures of mobiles.
_BLOCKS: Final = (
    range(0xA1, 0x100),
    range(0x2010, 0x2028),
    range(0x2030, 0x205F),
    range(0x20A0, 0x20C1),
    range(0x2190, 0x2400),
    range(0x2500, 0x27C0),
    range(0x1F300, 0x1FAFF),
)
SIGNS: Final = tuple(chr(code) for block in _BLOCKS for code in block if not chr(code).isalnum())


def class_of(signs: Iterable[str]) -> str:
    """Return the inside of a class that holds signs.

    >>> class_of("!cab")
    '!-!a-c'
    """
    codes = sorted(map(ord, signs))
    runs = groupby(enumerate(codes), lambda each: each[1] - each[0])
    ends = [[chr(code) for _, code in run] for _, run in runs]
    return "".join(f"{run[0]}-{run[-1]}" for run in ends)
