"""What is found: per case what was not as it must be, per trial its figures.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seatrial.testing.driver._judge import End
from seatrial.testing.driver._load import Outcome
from seatrial.testing.suite._cases import Case
from seatrial.testing.upstream._plan import Expect

ANSWERED: Final = frozenset({End.ANSWER, End.DEGRADED})
DECLINED: Final = frozenset({End.REFUSED, End.DECLINED})
# Right in form and wrong in words at the source itself: who passes it on is not to blame.
NOT_TO_BLAME: Final = frozenset({End.FOREIGN, End.STITCHED, End.SILENT_CUT, End.MALFORMED})
SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one case.

    Args:
        case: which.
        outcomes: of its requests.
        attempts: of the primary and the fallback, over all its requests.
        wrong: what was not as it must be, in words; empty when all was.
    """

    case: Case
    outcomes: tuple[Outcome, ...]
    attempts: tuple[int, int]
    wrong: tuple[str, ...]

    @property
    def struck(self) -> bool:
        """Whether the fault really met a request."""
        return self.attempts[0] > 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and the bound it must keep.

    Args:
        name: what was measured.
        value, bound: in `unit`; `least` says that the value must be no smaller.
    """

    name: str
    value: float
    bound: float
    unit: str = ""
    least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.value >= self.bound if self.least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """All that one run found."""

    subject: str
    found: tuple[Found, ...]
    figures: tuple[Figure, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not any(each.wrong for each in self.found) and all(
            figure.holds for figure in self.figures
        )

    def classes(self) -> Mapping[str, tuple[int, int, int, int]]:
        """Give, by class: cases, cases that went well, requests, requests that broke a promise."""
        table: dict[str, tuple[int, int, int, int]] = {}
        for each in self.found:
            cases, good, requests, broken = table.get(each.case.expect.value, (0, 0, 0, 0))
            table[each.case.expect.value] = (
                cases + 1,
                good + (not each.wrong),
                requests + len(each.outcomes),
                broken + sum(_is_broken(each.case, outcome) for outcome in each.outcomes),
            )
        return table

    def as_json(self) -> dict[str, object]:
        """Give the report as JSON values."""
        return {
            "subject": self.subject,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "classes": {
                name: dict(zip(("cases", "good", "requests", "violations"), row, strict=True))
                for name, row in self.classes().items()
            },
            "figures": [
                {
                    "name": figure.name,
                    "value": round(figure.value, 4),
                    "bound": figure.bound,
                    "unit": figure.unit,
                    "holds": figure.holds,
                }
                for figure in self.figures
            ],
            "wrong": {each.case.name: list(each.wrong) for each in self.found if each.wrong},
            "not_struck": [each.case.name for each in self.found if not each.struck],
        }

    def as_text(self) -> str:
        """Give the report as a table for people."""
        lines = [f"{self.subject}: {len(self.found)} cases in {self.seconds:.0f} s", ""]
        lines.append(f"{'class':<10}{'cases':>7}{'good':>7}{'requests':>10}{'violations':>12}")
        for name, row in self.classes().items():
            lines.append(f"{name:<10}{row[0]:>7}{row[1]:>7}{row[2]:>10}{row[3]:>12}")
        if self.figures:
            lines += ["", f"{'dynamics':<52}{'value':>10}{'bound':>12}"]
        for figure in self.figures:
            sign = "≥" if figure.least else "≤"
            end = "" if figure.holds else "  MISSED"
            lines.append(
                f"{figure.name:<52}{figure.value:>10.3f}{f'{sign} {figure.bound:g}':>12}"
                f" {figure.unit}{end}"
            )
        wrong = [each for each in self.found if each.wrong]
        if wrong:
            lines += ["", f"{len(wrong)} cases went wrong:"]
        lines += [f"  {each.case.name:<40} {'; '.join(each.wrong)}" for each in wrong[:SHOWN]]
        quiet = [each.case.name for each in self.found if not each.struck]
        if quiet:
            lines += ["", f"Never struck: {', '.join(quiet[:SHOWN])}"]
        return "\n".join(lines)


def weigh(case: Case, outcomes: Sequence[Outcome], attempts: tuple[int, int]) -> Found:
    """Hold what callers saw against what they must see."""
    wrong: Counter[str] = Counter()
    for outcome in outcomes:
        said = _wrong_end(case, outcome)
        if said:
            wrong[said] += 1
    words = [f"{count} × {said}" for said, count in wrong.items()]
    if case.expect is Expect.POLICY:
        asked, other = attempts
        if asked > len(outcomes):
            words.append(f"{asked} attempts for {len(outcomes)} requests")
        if other:
            words.append(f"{other} attempts at a way around the refusal")
    return Found(case, tuple(outcomes), attempts, tuple(words))


def _is_broken(case: Case, outcome: Outcome) -> bool:
    return outcome.end.is_violation and bool(_wrong_end(case, outcome))


def _wrong_end(case: Case, outcome: Outcome) -> str:
    said = f"{outcome.end} ({outcome.detail})" if outcome.detail else outcome.end.value
    match case.expect:
        case Expect.ANSWER | Expect.LEGAL:
            return "" if outcome.end in ANSWERED else said
        case Expect.POLICY:
            return "" if outcome.end in DECLINED else said
        case _:
            excused = not case.strike.fault.detectable and outcome.end in NOT_TO_BLAME
            return said if outcome.end.is_violation and not excused else ""
