"""Bisection: where a statement that is false below and true above begins to hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_HALVINGS: Final = 60  # leaves less of the first gap than a float can tell


def first_true(
    holds: Callable[[float], bool], low: float, high: float, *, halvings: int = _HALVINGS
) -> float:
    """Return where `holds` turns true between low and high.

    Args:
        holds: false up to some point and true from there on; taken to be true at
            `high` and never asked there.
        low: one end; may be the greater one, then the way leads downwards.
        high: the other end, given back when nothing before it holds.
        halvings: how often the gap is halved.

    >>> round(first_true(lambda x: x * x >= 2, 0.0, 2.0), 9)
    1.414213562
    """
    for _ in range(halvings):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def first_whole(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the smallest whole number in [low, high] for which `holds` is true.

    Args:
        holds: false up to some number and true from there on; taken to be true at `high`.
        low: the first number in question.
        high: given back when nothing before it holds.

    >>> first_whole(lambda n: n * n >= 50, 0, 100)
    8
    """
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
