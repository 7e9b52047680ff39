"""Logistic regression, held against a general optimiser, and its reliability."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from seatrial.stats import logistic
from seatrial.stats.logistic import Bin, Fit


def world(seed: int, items: int, weights: list[float]) -> tuple[list[list[float]], list[float]]:
    """Make items whose labels follow the weights, the last of which is the bias."""
    dice = random.Random(seed)
    rows = [[dice.gauss(0, 1) for _ in weights[1:]] for _ in range(items)]
    labels = [
        float(dice.random() < logistic.predict(Fit(tuple(weights[:-1]), weights[-1]), row))
        for row in rows
    ]
    return rows, labels


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ridge", [0.01, 1.0, 30.0])
def test_fit_agrees_with_a_general_optimiser(seed: int, ridge: float) -> None:
    """The same minimum of the same loss, found by scipy; the bias costs a hundredth."""
    rows, labels = world(seed, 200, [1.5, -0.7, 0.3, 0.8])
    inputs, y = np.c_[np.array(rows), np.ones(len(rows))], np.array(labels)
    prices = np.array([ridge] * 3 + [ridge / 100])

    def loss(at: np.ndarray) -> float:
        scores = inputs @ at
        return float(np.logaddexp(0, scores).sum() - y @ scores + (prices * at**2).sum() / 2)

    best = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    found = logistic.fit(rows, labels, ridge=ridge)

    assert list(best.x) == pytest.approx([*found.weights, found.bias], abs=1e-4)


def test_fit_finds_the_truth() -> None:
    """With labels enough the weights come back."""
    rows, labels = world(7, 4_000, [1.5, -0.7, 0.8])
    found = logistic.fit(rows, labels, ridge=0.1)

    assert [1.5, -0.7, 0.8] == pytest.approx([*found.weights, found.bias], abs=0.15)


def test_separable_labels_still_have_one_answer() -> None:
    """A feature that tells all: the price of weights keeps them finite."""
    rows = [[float(at)] for at in range(-20, 20)]
    labels = [float(at >= 0) for at in range(-20, 20)]
    found = logistic.fit(rows, labels, ridge=1e-4)

    assert 1 < found.weights[0] < 100
    assert logistic.predict(found, [5.0]) > 0.999
    assert logistic.predict(found, [-5.0]) < 0.001


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_all_alike(label: float) -> None:
    """Nothing to tell apart: a forecast close to the label, with finite weights."""
    found = logistic.fit([[0.1], [-0.3], [0.2]] * 30, [label] * 90, ridge=1.0)

    assert abs(found.bias) < 20
    assert label == pytest.approx(logistic.predict(found, [0.0]), abs=0.02)


def test_no_feature_is_the_base_rate() -> None:
    """With a bias alone the forecast is the share of true labels."""
    found = logistic.fit([[]] * 100, [1.0] * 80 + [0.0] * 20, ridge=0.01)

    assert 0.8 == pytest.approx(logistic.predict(found, []), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-50, 50), st.floats(-1e3, 1e3), st.booleans()), min_size=1, max_size=40
    ),
    st.floats(1e-3, 10),
)
def test_fit_is_the_bottom(items: list[tuple[float, float, bool]], ridge: float) -> None:
    """Whatever the features, the slope of the loss is nothing there."""
    rows, labels = [[a, b] for a, b, _ in items], [float(y) for *_, y in items]
    found = logistic.fit(rows, labels, ridge=ridge)

    missing = [y - logistic.predict(found, row) for row, y in zip(rows, labels, strict=True)]
    scale = 1 + max(abs(each) for row in rows for each in row) * len(rows)
    for place, weight in enumerate(found.weights):
        pull = math.fsum(each * row[place] for each, row in zip(missing, rows, strict=True))
        assert abs(pull - ridge * weight) < 1e-6 * scale
    assert abs(math.fsum(missing) - ridge / 100 * found.bias) < 1e-6 * scale


def test_overshooting_step_is_shortened() -> None:
    """Features of very different size, on which whole steps would run away for good."""
    rows = [
        [712.9, 1.8, -174.2],
        [0.9, 1.6, -1.5],
        [-8.2, 1654.3, -1.2],
        [-1.0, 1.5, -0.5],
        [795.6, 4.3, -19.7],
        [1.3, -793.7, -52.3],
        [0.5, -1.2, 2.4],
        [1.9, -52.6, -1839.2],
    ]
    labels = [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    found = logistic.fit(rows, labels, ridge=0.01)

    missing = [y - logistic.predict(found, row) for row, y in zip(rows, labels, strict=True)]
    assert max(map(abs, found.weights)) < 10
    assert math.fsum(missing) == pytest.approx(0.0001 * found.bias, abs=1e-6)


@given(st.floats(-1e6, 1e6))
def test_forecast_is_a_chance(odds: float) -> None:
    """In [0, 1], symmetric, and never beyond a number."""
    above, below = logistic.predict(Fit((1.0,), 0.0), [odds]), logistic.predict(Fit((), -odds), [])

    assert 0 <= above <= 1
    assert 1 == pytest.approx(above + below)


def test_reliability() -> None:
    """Close forecasts share a bin, 1 falls into the last, an empty bin is left out."""
    found = logistic.reliability_bins([0.0, 0.04, 0.46, 0.95, 1.0], [0, 1, 1, 1, 0])

    assert (
        Bin(0.0, 0.1, 2, 0.02, 0.5),
        Bin(0.4, 0.5, 1, 0.46, 1.0),
        Bin(0.9, 1.0, 2, 0.975, 0.5),
    ) == found
    assert () == logistic.reliability_bins([], [])
    assert 1 == len(logistic.reliability_bins([0.1, 0.9], [0, 1], bins=1))
