"""Ranges for a mean and for a quantile that hold at all looks together."""

from __future__ import annotations

import math

from seatrial.stats._search import first_whole
from seatrial.stats.coin import log_e_two_sided


def mean_half_width(n: int, s: float, n_opt: float, alpha: float) -> float:
    """Return half the width of the range around a mean; a large-sample statement.

    Args:
        n: values seen; from about 200 on the statement is a good one.
        s: their standard deviation.
        n_opt: number of values at which the range should be tightest.
        alpha: chance that the range ever misses the truth, in (0, 1).

    Returns:
        Infinity while nothing is seen.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), arXiv:2103.06476.

    >>> round(mean_half_width(1000, 0.3, 1000, 0.05), 7)
    0.0287945
    """
    if n == 0:
        return math.inf
    return s * normal_bound(n, normal_rho(n_opt, alpha), alpha) / n


def quantile_ranks(n: int, p: float, alpha: float) -> tuple[int, int]:
    """Return the ranks of the ordered values between which the quantile lies.

    Args:
        n: values seen.
        p: which quantile, in (0, 1).
        alpha: chance that the ranks ever miss the truth, in (0, 1).

    Returns:
        Counted from 1, the smallest value. Rank 0 means that there is no lower bound
        yet, rank n + 1 that there is no upper one.

    >>> quantile_ranks(1000, 0.95, 0.05)
    (923, 974)
    """
    enough = -math.log(alpha)

    def is_possible(below: int) -> bool:
        return log_e_two_sided(below, n, p) < enough

    # How many values lie below the quantile is a p-coin; the bet is convex in that
    # count and lowest here.
    lowest = min(n, math.ceil(max(0.0, p * n - 0.5)))
    first = first_whole(is_possible, 0, lowest)
    beyond = first_whole(lambda below: not is_possible(below), lowest, n + 1)
    return first, beyond


def normal_rho(v_opt: float, alpha: float) -> float:
    """Return the width of the normal mixture whose bound is tightest at `v_opt`.

    Args:
        v_opt: variance process, above 0; for values of variance 1 their number.
        alpha: in (0, 1).

    Source: Howard, Ramdas, McAuliffe and Sekhon (2021), Annals of Statistics 49(2),
    section 3.5.

    >>> round(normal_rho(100, 0.05), 5)
    12.60056
    """
    twice = -2 * math.log(alpha)
    return v_opt / (twice + math.log1p(twice))


def log_normal_mixture(s: float, v: float, rho: float) -> float:
    """Return the log of the two-sided normal mixture: an e-value for a sum of mean 0.

    Args:
        s: the sum.
        v: its variance process, at least 0.
        rho: width of the mixture, above 0.

    >>> round(log_normal_mixture(10, 100, normal_rho(100, 0.05)), 7)
    -0.6510052
    """
    return 0.5 * math.log(rho / (v + rho)) + s * s / (2 * (v + rho))


def normal_bound(v: float, rho: float, alpha: float) -> float:
    """Return the sum at which the two-sided normal mixture reaches 1/alpha.

    Args:
        v: the sum's variance process, at least 0.
        rho: width of the mixture, above 0.
        alpha: in (0, 1).

    >>> round(normal_bound(100, normal_rho(100, 0.05), 0.05), 5)
    30.35209
    """
    return math.sqrt(2 * (v + rho) * (0.5 * math.log((v + rho) / rho) - math.log(alpha)))
