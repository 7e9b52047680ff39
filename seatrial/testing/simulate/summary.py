"""What many days add up to, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from seatrial.testing.simulate.day import DayReport
from seatrial.testing.simulate.pairs import Met
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
    met: Met = field(default_factory=Met)
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
        self.met.add(report.met)
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
            "pairs": self.met.as_json(),
            "worst_callback_s": self.worst_s,
        }

    def lines(self, *, pairs: bool = False) -> list[str]:
        """Return everything in words.

        Args:
            pairs: tell which kinds of trouble met as a table.
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
        listed = ", ".join(f"{name} {count}" for name, count in self.faults.most_common())
        told.append(f"faults: {listed}")
        if pairs:
            told += self.met.lines()
        else:
            never = len(self.met.never())
            told.append(f"{never} pairs of kinds of trouble never met (--pairs shows the table)")
        for number in CHECKED:
            seeds = self.seeds.get(number, [])
            where = f", seeds {sorted(seeds)[:10]}" if seeds else ""
            broken, cases = self.violations[number], self.cases[number]
            told.append(f"promise {number:2}: {broken} violations in {cases} cases{where}")
        return told
