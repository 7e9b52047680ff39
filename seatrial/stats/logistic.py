"""Logistic regression on a few features, and how well its forecasts hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

from seatrial.stats._logs import softplus

_MOST_STEPS: Final = 100
_CLOSE: Final = 1e-10  # the last step, in units of a weight
# The bias may be as large as the labels ask for; this much only keeps it finite when
# they are all alike.
_BIAS_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Fit:
    """What the regression learned.

    Attributes:
        weights: one for each feature, on the scale of log-odds.
        bias: log-odds where all features are 0.
    """

    weights: tuple[float, ...]
    bias: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts that are close to each other, and what came of them.

    Attributes:
        low: where the bin begins, in [0, 1].
        high: where it ends.
        count: forecasts in it.
        predicted: their mean.
        observed: share of them that came true.
    """

    low: float
    high: float
    count: int
    predicted: float
    observed: float


def fit(rows: Sequence[Sequence[float]], labels: Sequence[float], *, ridge: float) -> Fit:
    """Return the weights under which the labels are likeliest, less a price for large ones.

    Args:
        rows: the features of each item, all of one length; about 1 in size.
        labels: 1 for true, 0 for false; something between where one is not sure.
        ridge: price of a weight, above 0: half of it times the weight's square, in units of
            log-likelihood. With it there is one answer, also where the labels can be told
            apart without a fault.

    Source: Newton's method on the penalised likelihood (iteratively reweighted least squares).

    >>> found = fit([[-1.0], [1.0], [-2.0], [2.0]], [0, 1, 1, 1], ridge=0.5)
    >>> found.weights[0] > 0
    True
    """
    inputs = [(*row, 1.0) for row in rows]
    width = len(inputs[0])
    prices = [ridge] * (width - 1) + [ridge * _BIAS_SHARE]
    at = [0.0] * width
    loss = _loss(inputs, labels, prices, at)
    moved, turns = math.inf, 0
    while moved > _CLOSE and turns < _MOST_STEPS:
        step = _newton_step(inputs, labels, prices, at)
        ahead = [old + move for old, move in zip(at, step, strict=True)]
        new_loss = _loss(inputs, labels, prices, ahead)
        while new_loss > loss and max(map(abs, step)) > _CLOSE:
            # The loss is convex, so a shorter step the same way gets lower.
            step = [move / 2 for move in step]
            ahead = [old + move for old, move in zip(at, step, strict=True)]
            new_loss = _loss(inputs, labels, prices, ahead)
        at, loss = ahead, new_loss
        moved, turns = max(map(abs, step)), turns + 1
    return Fit(tuple(at[:-1]), at[-1])


def predict(fit: Fit, row: Sequence[float]) -> float:
    """Return the chance that the item is true, in [0, 1].

    Args:
        fit: from `fit`.
        row: its features.

    >>> predict(Fit((1.0,), 0.0), [0.0])
    0.5
    """
    return _sigmoid(_score((*row, 1.0), (*fit.weights, fit.bias)))


def reliability_bins(
    probabilities: Sequence[float], labels: Sequence[float], bins: int = 10
) -> tuple[Bin, ...]:
    """Return forecasts against what came true, in bins of equal width.

    Args:
        probabilities: forecasts, in [0, 1].
        labels: 1 for true, 0 for false.
        bins: into how many; those without a forecast are left out.

    >>> reliability_bins([0.62, 0.68], [1, 0])
    (Bin(low=0.6, high=0.7, count=2, predicted=0.65, observed=0.5),)
    """
    members: dict[int, list[tuple[float, float]]] = {}
    for pair in zip(probabilities, labels, strict=True):
        members.setdefault(min(int(pair[0] * bins), bins - 1), []).append(pair)
    return tuple(
        Bin(
            place / bins,
            (place + 1) / bins,
            len(found),
            math.fsum(each for each, _ in found) / len(found),
            math.fsum(label for _, label in found) / len(found),
        )
        for place, found in sorted(members.items())
    )


def _score(row: Sequence[float], at: Sequence[float]) -> float:
    return math.fsum(map(mul, row, at))


def _sigmoid(odds: float) -> float:
    if odds >= 0:
        return 1 / (1 + math.exp(-odds))
    grown = math.exp(odds)
    return grown / (1 + grown)


def _loss(
    inputs: Sequence[Sequence[float]],
    labels: Sequence[float],
    prices: Sequence[float],
    at: Sequence[float],
) -> float:
    scores = [_score(row, at) for row in inputs]
    misfit = math.fsum(softplus(each) - y * each for each, y in zip(scores, labels, strict=True))
    return misfit + math.fsum(price * w * w / 2 for price, w in zip(prices, at, strict=True))


def _newton_step(
    inputs: Sequence[Sequence[float]],
    labels: Sequence[float],
    prices: Sequence[float],
    at: Sequence[float],
) -> list[float]:
    width = len(at)
    uphill = [-price * weight for price, weight in zip(prices, at, strict=True)]
    curve = [[prices[i] if i == j else 0.0 for j in range(width)] for i in range(width)]
    for row, label in zip(inputs, labels, strict=True):
        chance = _sigmoid(_score(row, at))
        bend = chance * (1 - chance)
        for i, each in enumerate(row):
            uphill[i] += (label - chance) * each
            line, part = curve[i], bend * each
            for j in range(i + 1):
                line[j] += part * row[j]
    return _solve(curve, uphill)


def _solve(curve: list[list[float]], right: list[float]) -> list[float]:
    # Cholesky, from the lower triangle; the prices keep it positive definite.
    width = len(right)
    root = [[0.0] * width for _ in range(width)]
    for i in range(width):
        for j in range(i):
            root[i][j] = (curve[i][j] - _score(root[i][:j], root[j])) / root[j][j]
        root[i][i] = math.sqrt(curve[i][i] - _score(root[i][:i], root[i]))
    forward: list[float] = []
    for i in range(width):
        forward.append((right[i] - _score(root[i][:i], forward)) / root[i][i])
    step = [0.0] * width
    for i in reversed(range(width)):
        known = math.fsum(root[k][i] * step[k] for k in range(i + 1, width))
        step[i] = (forward[i] - known) / root[i][i]
    return step
