"""Bets on a coin: e-values for its chance of a hit, and the ranges that follow.

Whoever bets one coin of play money against a true statement ever holds 1/alpha of it
with a chance of at most alpha, however often anybody looks (Ville's inequality).
Everything needs only the two counts, and is given as a logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from seatrial.stats._logs import log_mean_exp, spaced, times_log
from seatrial.stats._search import first_true

__all__ = [
    "ABOVE",
    "BELOW",
    "interval",
    "log_e",
    "log_e_above",
    "log_e_below",
    "log_e_mixture",
    "log_e_two_sided",
    "spaced",
    "upper_bound",
]

ABOVE: Final = tuple(10 ** (turn / 40) for turn in range(1, 41))
BELOW: Final = tuple(1 / factor for factor in ABOVE)


def log_e(hits: float, flips: float, *, p0: float, alternatives: Sequence[float]) -> float:
    """Return the log e-value against `p0`, betting equally on several alternatives.

    Args:
        hits: at least 0.
        flips: at least `hits`.
        p0: the chance under the null, in [0, 1].
        alternatives: factors on the odds of p0. All above 1: the null is "at most p0",
            also if the chance moves below it from flip to flip. All below 1: "at least p0".

    >>> round(log_e(8, 100, p0=0.03, alternatives=ABOVE), 6)
    2.06338
    """
    # Of odds times f: k log(p/p0) + (n-k) log((1-p)/(1-p0)) = k log f - n log(1 + p0(f-1)).
    return log_mean_exp(
        [
            hits * math.log(factor) - times_log(flips, 1.0 + p0 * (factor - 1.0))
            for factor in alternatives
        ]
    )


def log_e_above(hits: float, flips: float, p0: float) -> float:
    """Return the log e-value against "the chance is at most p0".

    Args:
        hits: at least 0.
        flips: at least `hits`.
        p0: in [0, 1].

    >>> round(log_e_above(8, 100, 0.03), 6)
    2.06338
    """
    return log_e(hits, flips, p0=p0, alternatives=ABOVE)


def log_e_below(hits: float, flips: float, p0: float) -> float:
    """Return the log e-value against "the chance is at least p0".

    Args:
        hits: at least 0.
        flips: at least `hits`.
        p0: in [0, 1].

    >>> round(log_e_below(1, 200, 0.05), 6)
    6.060565
    """
    return log_e(hits, flips, p0=p0, alternatives=BELOW)


def log_e_mixture(hits: float, flips: float, p0: float, rates: Sequence[float]) -> float:
    """Return the log e-value against p0, betting equally on the given chances.

    Args:
        hits: at least 0.
        flips: at least `hits`.
        p0: in [0, 1].
        rates: the alternatives, in [0, 1]; all below p0 when the null is "at least p0",
            all above it when the null is "at most p0".

    >>> round(log_e_mixture(1, 120, 0.05, spaced(0.005, 0.04, 12)), 6)
    2.938693
    """
    misses = flips - hits
    null = times_log(hits, p0) + times_log(misses, 1.0 - p0)
    if math.isinf(null):
        return math.inf  # the null said that this cannot be
    return (
        log_mean_exp([times_log(hits, rate) + times_log(misses, 1.0 - rate) for rate in rates])
        - null
    )


def log_e_two_sided(hits: float, flips: float, p0: float, a: float = 0.5, b: float = 0.5) -> float:
    """Return the log e-value against "the chance is p0", betting by a Beta(a, b) density.

    Args:
        hits: at least 0.
        flips: at least `hits`.
        p0: in [0, 1].
        a: weight of the hits, above 0.
        b: weight of the misses, above 0.

    >>> round(log_e_two_sided(30, 42, 0.5, 2.0, 2.0), 6)
    2.424395
    """
    misses = flips - hits
    null = times_log(hits, p0) + times_log(misses, 1.0 - p0)
    if math.isinf(null):
        return math.inf
    return _log_beta(a + hits, b + misses) - _log_beta(a, b) - null


def upper_bound(hits: float, flips: float, alpha: float) -> float:
    """Return the chance of a hit that is ruled out from there on upwards.

    Args:
        hits: at least 0.
        flips: at least `hits`.
        alpha: chance of ever being too low, at all looks together, in (0, 1).

    Returns:
        In [0, 1]; 1 while nothing is known.

    >>> round(upper_bound(0, 100, 0.05), 6)
    0.041392
    """
    enough = -math.log(alpha)
    # Each bet grows with p0 while the counts stay, so there is one crossing.
    return first_true(lambda p0: log_e_below(hits, flips, p0) >= enough, hits / max(flips, 1), 1.0)


def interval(hits: float, flips: float, alpha: float) -> tuple[float, float]:
    """Return the chances of a hit that are not ruled out: the lowest and the highest.

    Args:
        hits: at least 0.
        flips: at least `hits`.
        alpha: chance that the range ever misses the truth, at all looks together, in (0, 1).

    Source: Robbins (1970), with the Beta(1/2, 1/2) density.

    >>> [round(each, 6) for each in interval(15, 50, 0.05)]
    [0.126755, 0.525124]
    """
    if flips == 0:
        return 0.0, 1.0
    enough = -math.log(alpha)
    share = hits / flips

    def is_ruled_out(p0: float) -> bool:
        return log_e_two_sided(hits, flips, p0) >= enough

    # Convex in p0 with its lowest point at the share seen: one crossing on each side.
    low = first_true(is_ruled_out, share, 0.0)
    high = first_true(is_ruled_out, share, 1.0)
    return low, high


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
