"""What a month will cost, by the ledger; and who makes do with less when it is too much.

The month's budget itself is never passed, whatever this says: reservations see to that.  A forecast
is for what comes before: the least critical requests begin at a cheaper tier, so that the money
lasts for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from seatrial.reliability.budgets import ends_at, period_of
from seatrial.values.criticality import Criticality
from seatrial.values.prices import DAY_S, dollars

WEEK: Final = 7
ENOUGH_OF_TODAY: Final = 0.25  # of a day, from which on it says something of a whole one
FEW_DAYS: Final = 3  # fewer days cannot show that one of them was odd
ODD: Final = 3  # times the median day: what an odd day counts for at most
CALM: Final = 0.95  # of its bound: where a measure ends that has begun

# From which forecast on, as a share of the ceiling, a class makes do with less.
BOUNDS: Final[Mapping[Criticality, float]] = {
    Criticality.SHADOW: 1.0,
    Criticality.BATCH: 1.0,
    Criticality.DEFAULT: 1.1,
    Criticality.INTERACTIVE: 1.3,
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a month will cost.

    Args:
        month: as `2026-11`.
        spent: so far, in 1e-12 dollars.
        expected: at its end; None while too little is known.
        days: how many days it rests on; today counts as one.
    """

    month: str
    spent: int
    expected: int | None
    days: int


@dataclass(frozen=True, slots=True)
class Thrift:
    """Who makes do with less.

    Args:
        classes: requests of these begin at a cheaper tier; shadow requests are not run.
        reason: one sentence for people; empty when nobody does.
    """

    classes: frozenset[Criticality] = frozenset()
    reason: str = ""


PLENTY: Final = Thrift()


def forecast(spent: Mapping[str, int], *, at: float) -> Forecast:
    """Return what the running month will cost at its end.

    What it has cost, and for the time that is left a usual day: the mean of the last seven whole
    days with all weekdays in it, or of as many as there are; before the first whole day, today so
    far.  A day more than three times as dear as the median counts as three times.

    Args:
        spent: by day as `2026-11-22`, in 1e-12 dollars, of this month and, for its first days, of
            the last one.  Days without an entry before the first one were before the feature;
            those after it cost nothing.
        at: now, wall clock, seconds.

    >>> days = {"2026-11-01": 10, "2026-11-02": 10}
    >>> noon = datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()
    >>> forecast(days, at=noon).expected  # 20, and 27.5 days of 10
    295
    """
    month = period_of("month", at)
    so_far = sum(pico for day, pico in spent.items() if day.startswith(month))
    whole = _whole_days(spent, at)
    today = spent.get(period_of("day", at), 0)
    gone = at % DAY_S / DAY_S
    usual = _usual_day(whole, today, gone)
    if usual is None:
        return Forecast(month, so_far, None, 0)
    left = (ends_at("month", at) - at) / DAY_S
    return Forecast(month, so_far, so_far + round(usual * left), len(whole) or 1)


def thrift(
    found: Forecast, ceiling: int | None, *, now: frozenset[Criticality] = frozenset()
) -> Thrift:
    """Return which classes of requests make do with less, the least critical first.

    Args:
        found: the forecast.
        ceiling: of the month, in 1e-12 dollars; None when there is none.
        now: the classes that do so already; they go on until the forecast is well below the
            bound at which they began, so that nobody goes back and forth.
    """
    if ceiling is None or found.expected is None:
        return PLENTY
    classes = frozenset(
        each
        for each, bound in BOUNDS.items()
        if found.expected > ceiling * bound * (CALM if each in now else 1.0)
    )
    if not classes:
        return PLENTY
    return Thrift(classes, _sentence(found, ceiling, classes))


def _whole_days(spent: Mapping[str, int], at: float) -> Sequence[int]:
    """Return what the last whole days cost, at most a week of them, newest first."""
    today = datetime.fromtimestamp(at, UTC)
    first = min(spent, default="9999")
    days = [(today - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(1, WEEK + 1)]
    return [spent.get(day, 0) for day in days if day >= first]


def _usual_day(whole: Sequence[int], today: int, gone: float) -> float | None:
    """Return what a day costs; None while nobody can say."""
    if not whole:
        return today / gone if gone >= ENOUGH_OF_TODAY else None
    most = ODD * median(whole) if len(whole) >= FEW_DAYS else None
    counted = [min(day, most) if most else day for day in whole]
    return sum(counted) / len(counted)


def _sentence(found: Forecast, ceiling: int, classes: frozenset[Criticality]) -> str:
    names = [each.value for each in BOUNDS if each in classes and each is not Criticality.SHADOW]
    whom = f"{' and '.join(names)} requests begin at a cheaper tier" if names else ""
    stops = "shadow requests are not run" if Criticality.SHADOW in classes else ""
    measures = ", ".join(part for part in (whom, stops) if part)
    return (
        f"{found.month} will cost about {_usd(found.expected or 0)}, and the ceiling is "
        f"{_usd(ceiling)}: {measures}."
    )


def _usd(pico: int) -> str:
    return f"${dollars(pico):,.2f}"
