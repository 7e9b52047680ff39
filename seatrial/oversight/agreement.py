"""How often several people say the same of an answer, and how much of that is more than chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree.

    Args:
        items: how many were ruled on by two people at least.
        share: of the pairs of people on one item that say the same; None without any.
        kappa: the share beyond chance, 1 at most, 0 for chance; None where chance alone would
            make everybody agree.
    """

    items: int
    share: float | None = None
    kappa: float | None = None


def agree(ratings: Sequence[Sequence[Hashable]]) -> Agreement:
    """Return how far people agree who need not be the same people on every item.

    Args:
        ratings: per item, what each person said; items with fewer than two count for nothing.

    Returns:
        Fleiss' kappa; with as many people on every item it is the published one.

    Source: Fleiss, Measuring nominal scale agreement among many raters (1971).

    >>> agree([["right", "right"], ["wrong", "right"]]).share
    0.5
    """
    several = [Counter(each) for each in ratings if len(each) > 1]
    if not several:
        return Agreement(0)
    shares = [_share(each) for each in several]
    share = sum(shares) / len(shares)
    said: Counter[Hashable] = sum(several, Counter())
    chance = sum((count / said.total()) ** 2 for count in said.values())
    return Agreement(len(several), share, _beyond(share, chance))


def cohen(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """Return how far two people agree, each with their own leaning.

    Args:
        pairs: what the first and the second said of each item.

    Source: Cohen, A coefficient of agreement for nominal scales (1960).

    >>> cohen([("a", "a"), ("b", "b"), ("a", "b"), ("b", "b")]).kappa
    0.5
    """
    if not pairs:
        return Agreement(0)
    share = sum(first == second for first, second in pairs) / len(pairs)
    firsts = Counter(first for first, _ in pairs)
    seconds = Counter(second for _, second in pairs)
    chance = sum(firsts[each] * seconds[each] for each in firsts) / len(pairs) ** 2
    return Agreement(len(pairs), share, _beyond(share, chance))


def _share(said: Counter[Hashable]) -> float:
    people = said.total()
    return sum(count * (count - 1) for count in said.values()) / (people * (people - 1))


def _beyond(share: float, chance: float) -> float | None:
    return (share - chance) / (1 - chance) if chance < 1 else None
