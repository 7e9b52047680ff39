"""Detectors of a rate that has risen, which begin again by themselves.

Each holds a few numbers, one for each rise that it bets on; their mean is `value`, and
an alarm is when that passes a number A. Two kinds: `restarting` is the quicker one,
with at least A labels between false alarms on average; `cusum` is slower and quieter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from seatrial.stats._logs import log_mean_exp, softplus

_FACTORS: Final = (1.5, 2.0, 3.0, 5.0)  # on the odds of a wrong one
_BETS: Final = (0.15, 0.3, 0.6)
TOLERANCE: Final = 1.1  # a rate up to a tenth above the reference is no drift
ALLOWANCE: Final = 0.03  # taken off each residual, so that a slightly wrong forecast is no drift
_WIDEST: Final = 1.1  # no residual goes further than 1 + ALLOWANCE from 0
# The log of nothing: far below all that a label can leave, and finite, so that every
# format can write it.
_NOTHING: Final = -1000.0


@dataclass(frozen=True, slots=True)
class Detector:
    """The state of a detector.

    Attributes:
        log_m: logarithm of the wealth of each bet.
    """

    log_m: tuple[float, ...]


RESTARTING: Final = Detector((_NOTHING,) * len(_FACTORS))  # where `restarting` begins
CUSUM: Final = Detector((0.0,) * len(_FACTORS))  # where `cusum` begins
FREE: Final = Detector((0.0,) * len(_BETS))  # where `free` begins


def restarting(state: Detector, wrong: bool, *, reference: float) -> Detector:
    """Return the state after one more label: Shiryaev and Roberts' sum of bets.

    Args:
        state: `RESTARTING` at first.
        wrong: what the label says.
        reference: the usual rate, in (0, 0.9); up to a tenth more is no drift.

    Source: Shin, Ramdas and Rinaldo (2024), E-detectors, New England Journal of
    Statistics in Data Science 2(2).

    >>> state = RESTARTING
    >>> for label in range(1, 8):
    ...     state = restarting(state, True, reference=0.03)
    >>> value(state) > 20_000, value(restarting(state, True, reference=0.03)) > 20_000
    (False, True)
    """
    null = reference * TOLERANCE
    return Detector(
        tuple(
            softplus(log_m) + _log_ratio(wrong, null, factor)
            for log_m, factor in zip(state.log_m, _FACTORS, strict=True)
        )
    )


def cusum(state: Detector, wrong: bool, *, null: float) -> Detector:
    """Return the state after one more label: the bet that is never worth less than a new one.

    Args:
        state: `CUSUM` at first.
        wrong: what the label says.
        null: the largest rate that is no drift, in (0, 1); used as it stands.

    >>> value(cusum(CUSUM, True, null=0.05)) > value(CUSUM)
    True
    """
    return Detector(
        tuple(
            max(log_m, 0.0) + _log_ratio(wrong, null, factor)
            for log_m, factor in zip(state.log_m, _FACTORS, strict=True)
        )
    )


def residual(wrong: bool, expected: float) -> float:
    """Return what `free` takes: how much more wrong than forecast, less the allowance.

    Args:
        wrong: what the label says.
        expected: forecast chance that it would be wrong, in [0, 1].

    >>> round(residual(True, 0.2), 6)
    0.77
    """
    return wrong - expected - ALLOWANCE


def free(state: Detector, residual: float) -> Detector:
    """Return the state after one more label that had a forecast of its own.

    Args:
        state: `FREE` at first.
        residual: wrong minus expected minus the allowance, from `residual`, in [-1.03, 0.97].

    >>> value(free(FREE, residual(True, 0.2))) > 1.0
    True
    """
    return Detector(
        tuple(
            max(log_m, 0.0) + math.log1p(bet * residual / _WIDEST)
            for log_m, bet in zip(state.log_m, _BETS, strict=True)
        )
    )


def value(state: Detector) -> float:
    """Return the mean wealth of the bets, to be held against the alarm's number A.

    >>> value(CUSUM), value(RESTARTING)
    (1.0, 0.0)
    """
    log_value = log_mean_exp(state.log_m)
    return math.exp(log_value) if log_value < 709 else math.inf


def _log_ratio(wrong: bool, null: float, factor: float) -> float:
    return wrong * math.log(factor) - math.log1p(null * (factor - 1))
