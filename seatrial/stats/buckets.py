"""Quantiles from logarithmic buckets: one relative error over the whole range."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Final

GROWTH: Final = 1.04  # neighbouring bounds; a quantile is within 2 % of the truth
_LOG_GROWTH: Final = math.log(GROWTH)
_SMALLEST: Final = 1e-6


class FadingQuantiles:
    """Quantiles of recent positive values: old ones fade as new ones come.

    Args:
        keep: how many values weigh in fully; beyond it all older weights halve.

    >>> seen = FadingQuantiles()
    >>> for value in range(1, 101):
    ...     seen.add(value / 100)
    >>> round(seen.quantile(0.5), 1)
    0.5
    """

    __slots__ = ("_counts", "_keep", "_total")

    def __init__(self, keep: int = 2000) -> None:
        self._counts: dict[int, float] = {}
        self._keep = keep
        self._total = 0.0

    @property
    def weight(self) -> float:
        """How many values stand behind the quantiles, faded ones counted less."""
        return self._total

    def add(self, value: float) -> None:
        """Take in one value; those below a millionth count as a millionth."""
        bucket = math.ceil(math.log(max(value, _SMALLEST)) / _LOG_GROWTH)
        self._counts[bucket] = self._counts.get(bucket, 0.0) + 1.0
        self._total += 1.0
        if self._total >= self._keep:
            self._fade()

    def quantile(self, share: float) -> float:
        """Return the value below which `share` of the weight lies; 0.0 when empty.

        Args:
            share: in [0, 1].
        """
        if not self._counts:
            return 0.0
        wanted = share * self._total
        ordered = sorted(self._counts)
        passed = accumulate(self._counts[bucket] for bucket in ordered)
        known = zip(ordered, passed, strict=True)
        bucket = next((bucket for bucket, weight in known if weight >= wanted), ordered[-1])
        # The middle of the bucket, in the logarithmic sense.
        return math.exp((bucket - 0.5) * _LOG_GROWTH)

    def _fade(self) -> None:
        # Below a thousandth a bucket no longer moves any quantile worth asking for.
        halved = {bucket: count / 2 for bucket, count in self._counts.items()}
        self._counts = {bucket: count for bucket, count in halved.items() if count >= 1e-3}
        self._total = math.fsum(self._counts.values())
