"""Whether events fall on the new one of two sides more often than its share says.

It looks only at events and at the share when each began, never at how much went by:
daily cycles, outages and load, which move both sides alike, cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.stats._logs import log_mean_exp
from seatrial.stats._search import first_true

_WORSE: Final = tuple(20 ** (turn / 40) for turn in range(1, 41))
_BETTER: Final = tuple(6 ** (-turn / 40) for turn in range(1, 41))
_LARGEST_RATIO: Final = 1e9


@dataclass(frozen=True, slots=True)
class Stage:
    """Events while the share stood at one value.

    Attributes:
        share: of all traffic that went to the candidate, in [0, 1].
        candidate: events there.
        stable: events on the other side.
    """

    share: float
    candidate: int
    stable: int


def log_e(stages: Sequence[Stage], rho: float) -> float:
    """Return the log e-value against "the candidate's rate is at most rho times the other's".

    Args:
        stages: one for each share; the bet runs through all of them.
        rho: ratio of rates under the null, above 0.

    Source: Lindon and Malek (2020), arXiv:2011.03567.

    >>> round(log_e([Stage(0.05, 12, 40)], 1.0), 6)
    8.62779
    """
    return _log_e(stages, rho, _WORSE)


def log_e_mirrored(stages: Sequence[Stage], rho: float) -> float:
    """Return the log e-value against "the candidate's rate is at least rho times the other's".

    Args:
        stages: one for each share; the bet runs through all of them.
        rho: ratio of rates under the null, above 0.

    >>> round(log_e_mirrored([Stage(0.05, 5, 195)], 2.0), 6)
    7.168875
    """
    return _log_e(stages, rho, _BETTER)


def ratio_upper(stages: Sequence[Stage], alpha: float) -> float:
    """Return the ratio of rates that is ruled out from there on upwards.

    Args:
        stages: one for each share.
        alpha: chance of ever being too low, at all looks together, in (0, 1).

    Returns:
        Infinity while no ratio is ruled out.

    >>> ratio_upper([Stage(0.05, 0, 0)], 0.05)
    inf
    """
    enough = -math.log(alpha)

    def is_ruled_out(log_rho: float) -> bool:
        return log_e_mirrored(stages, math.exp(log_rho)) >= enough

    # With the counts fixed each bet grows with rho, so walking down from large ratios
    # until one is not ruled out ends where bisection does.
    top = math.log(_LARGEST_RATIO)
    if not is_ruled_out(top):
        return math.inf
    return math.exp(first_true(is_ruled_out, -top, top))


def events_needed(
    share: float, *, true_ratio: float, null_ratio: float, alpha: float = 0.05
) -> int | None:
    """Return about how many events, both sides together, it takes to rule out `null_ratio`.

    Args:
        share: of the traffic that goes to the candidate, in (0, 1).
        true_ratio: what the ratio of rates really is, above 0.
        null_ratio: the one to rule out, above 0.
        alpha: level of the test, in (0, 1).

    Returns:
        Rounded up; None when no number would do.

    >>> events_needed(0.05, true_ratio=2.0, null_ratio=1.0)
    232
    """
    true, null = _chance(share, true_ratio), _chance(share, null_ratio)
    if true == null:
        return None
    apart = true * math.log(true / null) + (1 - true) * math.log((1 - true) / (1 - null))
    return math.ceil((1 - math.log(alpha)) / apart)


def _log_e(stages: Sequence[Stage], rho: float, factors: Sequence[float]) -> float:
    candidate = sum(stage.candidate for stage in stages)
    seen = [
        (stage.candidate + stage.stable, _chance(stage.share, rho))
        for stage in stages
        if stage.candidate + stage.stable
    ]
    # A factor on the ratio is a factor on the odds that an event is the candidate's.
    return log_mean_exp(
        [
            candidate * math.log(factor)
            - math.fsum(events * math.log1p(chance * (factor - 1)) for events, chance in seen)
            for factor in factors
        ]
    )


def _chance(share: float, ratio: float) -> float:
    return ratio * share / (ratio * share + 1 - share)
