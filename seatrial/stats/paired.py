"""Two answers to the same question, compared in pairs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from seatrial.stats._logs import log_mean_exp
from seatrial.stats.coin import log_e_two_sided

_BETS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def log_e(b: int, c: int) -> float:
    """Return the log e-value against "each disagreement is a fair coin".

    Args:
        b: pairs that only the one got right.
        c: pairs that only the other got right.

    >>> round(log_e(9, 0), 6)
    3.147282
    """
    return log_e_two_sided(b, b + c, 0.5, 2.0, 2.0)


def log_e_margin(differences: Mapping[float, int] | Iterable[float], margin: float) -> float:
    """Return the log e-value against "the mean difference is at least `margin`".

    Args:
        differences: the one's wrong minus the other's, each in [-1, 1]; or how often
            each value was seen. With their signs turned and a margin of 0 it is the
            test against "no worse".
        margin: in [0, 1].

    >>> round(log_e_margin({-1: 25, 0: 950, 1: 25}, 0.01), 6)
    0.319737
    """
    seen = Counter(differences)
    return log_mean_exp(
        [
            math.fsum(
                count * math.log1p(bet * (margin - difference))
                for difference, count in seen.items()
            )
            for bet in _BETS
        ]
    )
