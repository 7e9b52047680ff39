"""A bet on the mean of bounded values, sized by what came before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Wealth:
    """What a bet against "the mean is at most `null`" has come to; each `bet` gives the next.

    Attributes:
        null: the largest mean under the null, strictly between `low` and `high`.
        low: no value is below it.
        high: no value is above it.
        log_e: logarithm of the wealth, the e-value.
        count: values behind mean and spread, one of them made up.
        mean: of the values so far, on the scale from 0 (low) to 1 (high).
        spread: sum of their squared distances from the mean, on that scale.

    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables
    by betting.

    >>> wealth = Wealth(null=0.5)
    >>> for _ in range(20):
    ...     wealth = wealth.bet(0.9)
    >>> wealth.log_e > math.log(20)
    True
    """

    null: float
    low: float = 0.0
    high: float = 1.0
    log_e: float = 0.0
    count: int = 1
    mean: float = 0.5
    spread: float = 0.25

    def bet(self, x: float) -> Wealth:
        """Return the wealth after the next value; one beyond the bounds counts as the bound.

        Args:
            x: in [low, high].
        """
        value = _scale(x, self.low, self.high)
        null = _scale(self.null, self.low, self.high)
        won = _stake(self.mean - null, self.spread / self.count, null) * (value - null)
        count = self.count + 1
        mean = self.mean + (value - self.mean) / count
        return replace(
            self,
            log_e=self.log_e + math.log1p(won),
            count=count,
            mean=mean,
            spread=self.spread + (value - self.mean) * (value - mean),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One value with what was known before it; all on the scale from 0 (low) to 1 (high)."""

    value: float
    mean: float
    variance: float


def forecast(values: Iterable[float], *, low: float = 0.0, high: float = 1.0) -> tuple[Turn, ...]:
    """Return the values with what was known before each, to be bet on against several nulls.

    Args:
        values: each in [low, high].
        low: no value is below it.
        high: no value is above it.

    >>> forecast([0.0, 1.0])[0]
    Turn(value=0.0, mean=0.5, variance=0.25)
    """
    wealth = Wealth(0.5)
    turns = []
    for x in values:
        value = _scale(x, low, high)
        turns.append(Turn(value, wealth.mean, wealth.spread / wealth.count))
        wealth = wealth.bet(value)
    return tuple(turns)


def log_e(turns: Sequence[Turn], null: float) -> float:
    """Return the log e-value against "the mean is at most `null`", as `Wealth` would have it.

    Args:
        turns: from `forecast`.
        null: on the scale from 0 (low) to 1 (high).

    >>> log_e(forecast([0.9] * 20), 0.5) > math.log(20)
    True
    """
    return math.fsum(
        math.log1p(_stake(turn.mean - null, turn.variance, null) * (turn.value - null))
        for turn in turns
    )


def _scale(x: float, low: float, high: float) -> float:
    return min(max((x - low) / (high - low), 0.0), 1.0)


def _stake(ahead: float, variance: float, null: float) -> float:
    # From the past alone, and never more than half of what could be lost at once.
    if ahead <= 0:
        return 0.0
    stake = ahead / (variance + ahead * ahead)
    return min(stake, 0.5 / null) if null else stake
