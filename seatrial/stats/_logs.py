"""Sums of numbers that are kept as logarithms, and lists of them evenly spaced."""

from __future__ import annotations

import math
from collections.abc import Sequence


def log_mean_exp(logs: Sequence[float]) -> float:
    """Return the log of the mean of numbers given by their logs; never overflows.

    >>> round(math.exp(log_mean_exp([math.log(1.0), math.log(3.0)])), 12)
    2.0
    """
    top = max(logs)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(each - top) for each in logs) / len(logs))


def times_log(count: float, value: float) -> float:
    """Return count * log(value), where nothing times log 0 is nothing.

    Args:
        count: at least 0.
        value: at least 0; 0 with a positive count gives minus infinity.
    """
    if count == 0:
        return 0.0
    return count * math.log(value) if value > 0 else -math.inf


def spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` numbers from low to high, both included, in equal ratios.

    Args:
        low: above 0.
        high: above 0.
        count: at least 2.

    >>> [round(each, 6) for each in spaced(0.1, 10.0, 3)]
    [0.1, 1.0, 10.0]
    """
    step = math.log(high / low) / (count - 1)
    return tuple(low * math.exp(step * turn) for turn in range(count))


def softplus(value: float) -> float:
    """Return log(1 + exp(value)) without overflow."""
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
