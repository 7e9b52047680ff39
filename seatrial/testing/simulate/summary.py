"""What many days add up to, in words and as JSON."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from seatrial.testing.simulate.day import DayReport
from seatrial.testing.simulate.promises import CHECKED

SHOWN: Final = 5  # failing seeds told in full


@dataclass(slots=True)
class Summary:
    """The sum of many days."""

    days: int = 0
    requests: int = 0
    attempts: int = 0
    deaths: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    violations: Counter[int] = field(default_factory=Counter)
    cases: Counter[int] = field(default_factory=Counter)
    seeds: dict[int, list[int]] = field(default_factory=dict)
    failing: dict[int, list[str]] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst_s: float = 0.0
    worst_name: str = ""

    def add(self, report: DayReport) -> None:
        """Take in a day."""
        self.days += 1
        self.requests += report.requests
        self.attempts += report.attempts
        self.deaths += report.deaths
        self.faults += report.faults
        self.decisions += report.decisions
        self.cases += report.cases
        self.pairs.update(itertools.combinations(sorted(report.groups), 2))
        if report.worst_s > self.worst_s:
            self.worst_s, self.worst_name = report.worst_s, report.worst_name
        for violation in report.violations:
            self.violations[violation.promise] += 1
            seeds = self.seeds.setdefault(violation.promise, [])
            if report.seed not in seeds:
                seeds.append(report.seed)
            self.failing.setdefault(report.seed, []).append(str(violation))

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "days": self.days,
            "requests": self.requests,
            "attempts": self.attempts,
            "faults_struck": sum(self.faults.values()),
            "faults": dict(self.faults.most_common()),
            "decisions": dict(self.decisions),
            "deaths": self.deaths,
            "promises": {number: self.violations[number] for number in CHECKED},
            "cases": {number: self.cases[number] for number in CHECKED},
            "seeds": self.seeds,
            "failing": self.failing,
            "pairs": {f"{one} + {two}": count for (one, two), count in sorted(self.pairs.items())},
            "worst_callback_s": self.worst_s,
        }

    def lines(self, *, names: bool = True) -> list[str]:
        """Return everything in words.

        Args:
            names: list every fault by its name.
        """
        struck = sum(self.faults.values())
        made = ", ".join(f"{name} {count}" for name, count in self.decisions.most_common())
        told = [
            (
                f"{self.days} days: {self.requests} requests, {self.attempts} attempts, "
                f"{struck} faults struck, {self.deaths} deaths of the process"
            ),
            f"decisions: {made}",
            f"longest callback of the event loop: {self.worst_s * 1000:.1f} ms ({self.worst_name})",
        ]
        if names:
            listed = ", ".join(f"{name} {count}" for name, count in self.faults.most_common())
            told.append(f"faults: {listed}")
            told += self._matrix()
        for number in CHECKED:
            seeds = self.seeds.get(number, [])
            where = f", seeds {sorted(seeds)[:10]}" if seeds else ""
            broken, cases = self.violations[number], self.cases[number]
            told.append(f"promise {number:2}: {broken} violations in {cases} cases{where}")
        return told

    def _matrix(self) -> list[str]:
        names = sorted({name for pair in self.pairs for name in pair})
        rows = ["days on which two kinds of trouble met:"]
        rows.append(" " * 13 + " ".join(f"{name[:8]:>8}" for name in names))
        for one in names:
            cells = (self.pairs[min(one, two), max(one, two)] for two in names)
            rows.append(f"{one:<13}" + " ".join(f"{cell or '-':>8}" for cell in cells))
        return rows
