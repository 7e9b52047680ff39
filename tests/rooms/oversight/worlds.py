"""Made-up worlds in which the truth is known: those of the published figures, and nasty ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from seatrial.oversight.certificate import Label

TOO_MUCH: Final = 0.0502  # where one in twenty is allowed

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def sigmoid(log_odds: Numbers) -> Numbers:
    """Return the chances of log-odds."""
    return 1.0 / (1.0 + np.exp(-log_odds))


@dataclass(frozen=True)
class Answers:
    """Answers with their score, and whether each is wrong."""

    score: Numbers
    wrong: Numbers

    def labels(self) -> list[Label]:
        """Return them as labels."""
        pairs = zip(self.score.tolist(), self.wrong.tolist(), strict=True)
        return [Label(score, bool(wrong)) for score, wrong in pairs]


World = Callable[[np.random.Generator, int], Answers]


def ranked(dice: np.random.Generator, size: int, worse: float = 0.0) -> Answers:
    """Answers of which 16 % are wrong, with a score that ranks them well.

    `worse` takes so many logits of being right away, and the score does not show it.
    """
    depth = dice.normal(2.3, 1.6, size)
    score = sigmoid(1.6 * depth + 0.4 + dice.normal(0.0, 0.8, size))
    return Answers(score, (dice.random(size) > sigmoid(depth - worse)).astype(float))


def flat(dice: np.random.Generator, size: int) -> Answers:
    """Answers that are a little too often wrong, whatever their score.

    Every promise about them is one that does not hold, and as close to holding as can be.
    """
    return Answers(dice.random(size), (dice.random(size) < TOO_MUCH).astype(float))


def alike(dice: np.random.Generator, size: int) -> Answers:
    """The same, with one score for all: there is one threshold, which has the whole chance."""
    return Answers(np.full(size, 0.5), (dice.random(size) < TOO_MUCH).astype(float))


def error_of(world: World) -> Callable[[float], float]:
    """Return the function that tells the share of wrong answers from a score on."""
    if world is ranked:
        return Truth(ranked(np.random.default_rng(7), 1_000_000)).error
    return lambda _: TOO_MUCH


class Truth:
    """The error of all answers from a score on, from a large sample."""

    def __init__(self, answers: Answers) -> None:
        order = np.argsort(-answers.score)
        self._scores = -answers.score[order]
        self._wrong = np.cumsum(answers.wrong[order])

    def error(self, threshold: float) -> float:
        """Return the share of wrong answers at or above a threshold."""
        count = int(np.searchsorted(self._scores, -threshold, side="right"))
        return float(self._wrong[count - 1] / count)
