"""Counts what checks said of many rows, and how well that fits what was expected."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from seatrial.app.trying import ANY_BUT_PASS, WHOLE, Tried
from seatrial.values.checks import Says

PASS: Final = Says.PASS.value
WORDS: Final = tuple(says.value for says in Says)
EXPECTATIONS: Final = (*WORDS, ANY_BUT_PASS)


@dataclass(slots=True)
class Fit:
    """How verdicts fit what was expected; a catch is any verdict but a pass.

    Args:
        labelled: rows with an expectation.
        differing: of those, the ones that got another verdict.
        right, wrong, missed: catches that were expected, that were not, and those that were
            expected and did not come.
    """

    labelled: int = 0
    differing: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """The share of catches that were expected; None without a catch."""
        caught = self.right + self.wrong
        return self.right / caught if caught else None

    @property
    def recall(self) -> float | None:
        """The share of expected catches that came; None where none was expected."""
        wanted = self.right + self.missed
        return self.right / wanted if wanted else None

    def add(self, tried: Tried, check: str) -> None:
        """Count one row with an expectation about this check."""
        wanted = tried.row.expected[check] != PASS
        caught = tried.found(check) != PASS
        self.labelled += 1
        self.differing += tried.differs(check)
        self.right += wanted and caught
        self.wrong += caught and not wanted
        self.missed += wanted and not caught


@dataclass(slots=True)
class CheckTally:
    """What one check said, and what it took.

    Args:
        check, side: which.
        verdicts: how often it said what.
        times: seconds, one per row.
        fit: with the expectations about this check.
    """

    check: str
    side: str
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORDS, 0))
    times: array[float] = field(default_factory=lambda: array("d"))
    fit: Fit = field(default_factory=Fit)

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return len(self.times)

    @property
    def took_s(self) -> float:
        """Seconds in all."""
        return sum(self.times)


@dataclass(slots=True)
class Tally:
    """What all checks said of all rows.

    Args:
        rows: how many.
        verdicts: of the rows: how often each was the strictest.
        checks: in the order in which they were first asked.
        fit: with the expectations about whole rows.
        differing: rows that differ in any of their expectations.
        labelled: rows that have any.
    """

    rows: int = 0
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORDS, 0))
    checks: dict[tuple[str, str], CheckTally] = field(default_factory=dict)
    fit: Fit = field(default_factory=Fit)
    differing: int = 0
    labelled: int = 0

    @property
    def took_s(self) -> float:
        """Seconds in all checks."""
        return sum(each.took_s for each in self.checks.values())

    def add(self, tried: Tried) -> None:
        """Count a row."""
        self.rows += 1
        self.verdicts[tried.verdict] += 1
        for each in tried.said:
            found = self._of(each.side, each.check)
            found.verdicts[each.verdict] += 1
            found.times.append(each.took_s)
        expected = tried.row.expected
        self.labelled += bool(expected)
        self.differing += any(map(tried.differs, expected))
        for check in expected:
            if check == WHOLE:
                self.fit.add(tried, check)
                continue
            # A check has one name on both sides: the fit stands with the side that it has.
            sides = [side for side, name in self.checks if name == check] or ["–"]
            self._of(sides[0], check).fit.add(tried, check)

    def _of(self, side: str, check: str) -> CheckTally:
        return self.checks.setdefault((side, check), CheckTally(check, side))


def percentile(times: Iterable[float], share: float) -> float | None:
    """Return the time within which a share of all was done; None of nothing.

    Args:
        times: in seconds.
        share: in (0, 1].

    >>> percentile([0.3, 0.1, 0.2], 0.5)
    0.2
    """
    ordered = sorted(times)
    if not ordered:
        return None
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
