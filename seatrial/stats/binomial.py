"""Exact binomial tails, and McNemar's test on them."""

from __future__ import annotations

import math
from typing import Final

from seatrial.stats._logs import times_log

_NEGLIGIBLE: Final = 1e-18  # of the sum so far; what follows shrinks faster than by ratio


def log_choose(n: int, k: int) -> float:
    """Return the log of the number of ways to choose k out of n.

    Args:
        n: at least 0.
        k: in [0, n].

    >>> round(math.exp(log_choose(5, 2)), 9)
    10.0
    """
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def tail_at_most(k: int, n: int, p: float) -> float:
    """Return the chance of at most k hits in n flips.

    Args:
        k: any whole number.
        n: flips, at least 0.
        p: chance of a hit, in [0, 1].

    Returns:
        Exact up to rounding, also far out in the tail.

    >>> round(tail_at_most(0, 59, 0.05), 6)
    0.048495
    """
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if k <= n * p:
        return _sum_downwards(k, n, p)
    # The other tail is the small one; seen from the misses it, too, goes downwards.
    return 1.0 - _sum_downwards(n - k - 1, n, 1.0 - p)


def tail_at_least(k: int, n: int, p: float) -> float:
    """Return the chance of at least k hits in n flips.

    Args:
        k: any whole number.
        n: flips, at least 0.
        p: chance of a hit, in [0, 1].

    >>> round(tail_at_least(9, 9, 0.5), 9)
    0.001953125
    """
    return tail_at_most(n - k, n, 1.0 - p)


def mcnemar_exact(b: int, c: int) -> float:
    """Return the two-sided p-value for b and c disagreements, each a fair coin.

    Args:
        b: pairs that only the one got right.
        c: pairs that only the other got right.

    Source: McNemar (1947); the binomial form.

    >>> mcnemar_exact(9, 0)
    0.00390625
    """
    return min(1.0, 2.0 * tail_at_most(min(b, c), b + c, 0.5))


def mcnemar_mid_p(b: int, c: int) -> float:
    """Return the two-sided mid-p-value: what was seen counts half.

    Args:
        b: pairs that only the one got right.
        c: pairs that only the other got right.

    Returns:
        Smaller than the exact p-value, and closer to the level that it is held against.

    Source: Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91.

    >>> round(mcnemar_mid_p(9, 0), 9)
    0.001953125
    """
    fewer, pairs = min(b, c), b + c
    seen = math.exp(log_choose(pairs, fewer) - pairs * math.log(2.0))
    return min(1.0, 2.0 * tail_at_most(fewer, pairs, 0.5) - seen)


def _sum_downwards(k: int, n: int, p: float) -> float:
    # From k down to 0, where k is no more than the mean: each term is smaller than the last.
    first = log_choose(n, k) + times_log(k, p) + times_log(n - k, 1.0 - p)
    total = share = 1.0
    for hits in range(k, 0, -1):
        share *= hits * (1.0 - p) / ((n - hits + 1) * p)
        total += share
        if share < total * _NEGLIGIBLE:
            break
    return min(1.0, math.exp(first + math.log(total)))
