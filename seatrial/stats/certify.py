"""The loosest threshold with a proved limit on its errors.

A list of thresholds from strict to loose is walked with a fixed budget for mistakes,
so that choosing among them costs no more than the budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from seatrial.stats._search import first_whole
from seatrial.stats.binomial import tail_at_most

_ENTRY_SHARE: Final = 0.7  # entry points lie in this first part of the list
MOST_LABELS: Final = 100_000  # a forecast beyond this helps nobody


def p_value(wrong: int, labelled: int, limit: float) -> float:
    """Return how likely so few wrong ones are if the error were at the limit.

    Args:
        wrong: of the labelled ones.
        labelled: at least `wrong`.
        limit: error rate, in (0, 1).

    >>> round(p_value(0, 59, 0.05), 6)
    0.048495
    """
    return tail_at_most(wrong, labelled, limit)


def walk(
    tests: Sequence[tuple[int, int]], *, limit: float, delta: float, entries: int = 5
) -> int | None:
    """Return the place of the loosest threshold whose errors are proved to be below the limit.

    Args:
        tests: wrong and labelled above each threshold, from strict to loose; the list of
            thresholds must not depend on these labels.
        limit: error rate, in (0, 1).
        delta: chance that any threshold passes whose errors are above the limit, in (0, 1).
        entries: how many places share the budget; each success hands its part on.

    Returns:
        The place in `tests`, None when no threshold passes.

    Source: Wiens (2003), A fixed sequence Bonferroni procedure; Angelopoulos, Bates,
    Candès, Jordan and Lei (2021), Learn then Test, arXiv:2110.01052.

    >>> walk([(0, 200), (1, 300), (40, 400)], limit=0.05, delta=0.05)
    1
    """
    budgets = _budgets(len(tests), delta, entries)
    loosest, handed_on = None, 0.0
    for place, (wrong, labelled) in enumerate(tests):
        level = handed_on + budgets.get(place, 0.0)
        passes = level > 0 and p_value(wrong, labelled, limit) <= level
        handed_on = level if passes else 0.0
        if passes:
            loosest = place
    return loosest


def labels_needed(
    limit: float, true_error: float, confidence: float, power: float = 0.8
) -> int | None:
    """Return how many labels show that the error is below the limit.

    Args:
        limit: error rate to be proved, in (0, 1).
        true_error: what it really is, in [0, 1).
        confidence: of the proof, in (0, 1).
        power: chance that so many labels are enough, in (0, 1).

    Returns:
        The first that is enough, looked for in steps of 2 %; None when it is beyond
        `MOST_LABELS`.

    >>> labels_needed(0.05, 0.02, 0.95)
    265
    """
    if true_error >= limit:
        return None
    alpha = 1 - confidence
    labels = 1
    while labels <= MOST_LABELS:
        too_many = _too_many(labels, limit, alpha)
        if tail_at_most(too_many - 1, labels, true_error) >= power:
            return labels
        labels += 1 + labels // 50
    return None


def _too_many(labels: int, limit: float, alpha: float) -> int:
    # The smallest number of wrong ones that is no proof any more.
    return first_whole(lambda wrong: tail_at_most(wrong, labels, limit) > alpha, 0, labels)


def _budgets(length: int, delta: float, entries: int) -> dict[int, float]:
    places = Counter(int(_ENTRY_SHARE * length * turn / entries) for turn in range(entries))
    return {place: delta * count / entries for place, count in places.items()}
