"""What a trial found: figures, the aims some of them have, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Args:
        name: what it is.
        value: as it was measured.
        unit: of the value; empty for a count.
        aim: in words; empty where there is none.
        met: whether the aim was reached; None without an aim.
    """

    name: str
    value: float
    unit: str = ""
    aim: str = ""
    met: bool | None = None

    @property
    def shown(self) -> str:
        """Give value and unit for people."""
        number = f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:.3g}"
        return f"{number} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Figures:
    """What one trial found.

    Args:
        trial: its name.
        rows: in the order in which they are read.
    """

    trial: str
    rows: tuple[Figure, ...]

    @property
    def passed(self) -> bool:
        """Whether every aim was reached."""
        return all(row.met is not False for row in self.rows)

    def value(self, name: str) -> float:
        """Give the value of a figure."""
        return next(row.value for row in self.rows if row.name == name)

    def as_json(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "trial": self.trial,
            "passed": self.passed,
            "figures": {
                row.name: {"value": row.value, "unit": row.unit, "aim": row.aim, "met": row.met}
                for row in self.rows
            },
        }

    def as_text(self) -> str:
        """Give it for people."""
        wide = max(len(row.name) for row in self.rows)
        lines = [self.trial]
        for row in self.rows:
            mark = {None: " ", True: "✓", False: "✗"}[row.met]
            aim = f"  aim: {row.aim}" if row.aim else ""
            lines.append(f"  {mark} {row.name:<{wide}}  {row.shown:>12}{aim}".rstrip())
        return "\n".join(lines)


def at_least(name: str, value: float, least: float, unit: str = "") -> Figure:
    """Give a figure that must not be below."""
    return Figure(name, value, unit, f"at least {least:g}", value >= least)


def at_most(name: str, value: float, most: float, unit: str = "") -> Figure:
    """Give a figure that must not be above."""
    return Figure(name, value, unit, f"at most {most:g}", value <= most)


def percentile(values: Iterable[float], share: float) -> float:
    """Give the value that `share` of them do not exceed; 0 for none.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
