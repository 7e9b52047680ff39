"""A mean known from few labels and a forecast for all, whatever the forecast is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.stats._search import first_true
from seatrial.stats.betting import forecast, log_e
from seatrial.stats.sequences import mean_half_width

ENOUGH_LABELS: Final = 200  # below, `mean_and_bets` is the honest one
_STEPS: Final = 100  # means tried from an end inwards
_FINE: Final = 12  # halvings of the last step


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its range; none of the three is cut to [0, 1]."""

    mean: float
    low: float
    high: float


def term(f: float, y: float, pi: float, labelled: bool) -> float:
    """Return what one item adds to the mean; unbiased whatever `f` is.

    Args:
        f: its forecast, in [0, 1].
        y: its label, in [0, 1]; not looked at unless it was labelled.
        pi: chance with which it was to be labelled, in (0, 1].
        labelled: whether it was.

    >>> term(0.5, 1.0, 0.25, True), term(0.5, 0.0, 0.25, False)
    (2.5, 0.5)
    """
    return f + (y - f) / pi if labelled else f


def term_range(least_pi: float) -> tuple[float, float]:
    """Return the lowest and highest value that a term can take.

    Args:
        least_pi: the smallest chance of being labelled, in (0, 1].

    >>> term_range(0.5)
    (-1.0, 2.0)
    """
    return 1 - 1 / least_pi, 1 / least_pi


def mean_and_interval(terms: Sequence[float], alpha: float, n_opt: float) -> Estimate:
    """Return the mean of the terms, and a range that holds at all looks together.

    Args:
        terms: one for each item, labelled or not.
        alpha: chance that the range ever misses the truth, in (0, 1).
        n_opt: number of items at which the range should be tightest.

    Returns:
        A large-sample statement: good from `ENOUGH_LABELS` labels on.

    >>> estimate = mean_and_interval([0.8, 1.0] * 500, 0.05, 1000)
    >>> round(estimate.mean, 6), round(estimate.low, 4), round(estimate.high, 4)
    (0.9, 0.8904, 0.9096)
    """
    if len(terms) < 2:
        return Estimate(math.fsum(terms), -math.inf, math.inf)
    mean, variance = _moments(terms)
    half = mean_half_width(len(terms), math.sqrt(variance), n_opt, alpha)
    return Estimate(mean, mean - half, mean + half)


def mean_and_bets(terms: Sequence[float], alpha: float, *, low: float, high: float) -> Estimate:
    """Return the mean of the terms, and a range that is exact from the first label on.

    Args:
        terms: one for each item, labelled or not.
        alpha: chance that the range ever misses the truth, in (0, 1).
        low: no term can be below it, see `term_range`.
        high: no term can be above it.

    Returns:
        The means in [0, 1] against which no bet has won; wider than the large-sample range.

    >>> mean_and_bets([], 0.05, low=0.0, high=1.0)
    Estimate(mean=0.0, low=0.0, high=1.0)
    """
    enough = math.log(2 / alpha)
    pasts = forecast(terms, low=low, high=high)
    mirrored = forecast([low + high - each for each in terms], low=low, high=high)

    def is_too_low(mean: float) -> bool:
        return log_e(pasts, (mean - low) / (high - low)) >= enough

    def is_too_high(mean: float) -> bool:
        return log_e(mirrored, (high - mean) / (high - low)) >= enough

    return Estimate(
        math.fsum(terms) / max(len(terms), 1),
        _inwards(is_too_low, 0.0, 1.0),
        _inwards(is_too_high, 1.0, 0.0),
    )


def ppi_weight(labels: Sequence[float], forecasts: Sequence[float], others: int) -> float:
    """Return how far to trust the forecasts, so that the range is narrowest.

    Args:
        labels: of the labelled items, at least two.
        forecasts: for the same items.
        others: how many items have a forecast alone, at least 1.

    Returns:
        In [0, 1]; 0 leaves the forecasts out.

    Source: Angelopoulos, Duchi and Zrnic (2023), PPI++, arXiv:2311.01453.

    >>> ppi_weight([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], 100)
    0.0
    """
    mean_label, _ = _moments(labels)
    mean_forecast, variance = _moments(forecasts)
    if variance == 0:
        return 0.0
    covariance = math.fsum(
        (y - mean_label) * (f - mean_forecast) for y, f in zip(labels, forecasts, strict=True)
    ) / (len(labels) - 1)
    return min(max(covariance / (variance * (1 + len(labels) / others)), 0.0), 1.0)


def ppi(
    labels: Sequence[float],
    forecasts: Sequence[float],
    others: Sequence[float],
    *,
    alpha: float,
    weight: float | None = None,
) -> Estimate:
    """Return the mean label, for a uniform sample and a single look.

    Args:
        labels: of the sample, at least two.
        forecasts: for the same items.
        others: forecasts for the items without a label, at least two.
        alpha: chance that the range misses the truth, in (0, 1).
        weight: in [0, 1]; left out, it is `ppi_weight`.

    Source: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Prediction-powered
    inference, Science 382; and PPI++, arXiv:2311.01453.

    >>> ppi([1, 0], [1, 0], [1, 0], alpha=0.05, weight=1.0).mean
    0.5
    """
    if weight is None:
        weight = ppi_weight(labels, forecasts, len(others))
    rest, spread = _moments([y - weight * f for y, f in zip(labels, forecasts, strict=True)])
    base, base_spread = _moments(others)
    mean = weight * base + rest
    error = math.sqrt(weight * weight * base_spread / len(others) + spread / len(labels))
    half = _normal_quantile(alpha) * error
    return Estimate(mean, mean - half, mean + half)


def _inwards(is_out: Callable[[float], bool], end: float, other: float) -> float:
    # From the end inwards to the first step against which no bet has won, then the
    # crossing before it: what lies further in is never called out.
    steps = [end + (other - end) * turn / _STEPS for turn in range(_STEPS + 1)]
    inside = next((turn for turn, mean in enumerate(steps) if not is_out(mean)), _STEPS)
    if inside == 0:
        return end
    return first_true(is_out, steps[inside], steps[inside - 1], halvings=_FINE)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1)


def _normal_quantile(alpha: float) -> float:
    return first_true(lambda z: math.erfc(z / math.sqrt(2)) <= alpha, 0.0, 40.0)
