"""What a month will cost, and who makes do with less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.forecast import PLENTY, Forecast, forecast, thrift
from seatrial.values.criticality import Criticality

USD = 10**12
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
ALL = frozenset(Criticality)


def at(days: float) -> float:
    """So many days after the first of November."""
    return (FIRST + timedelta(days=days)).timestamp()


def history(*costs: int, begins: int = 0) -> dict[str, int]:
    """What each day cost, from so many days after the first of November."""
    return {
        (FIRST + timedelta(days=begins + number)).strftime("%Y-%m-%d"): cost
        for number, cost in enumerate(costs)
    }


@pytest.mark.parametrize(
    ("costs", "begins", "now", "spent", "expected", "days"),
    [
        # Nothing is known yet, and the first hours of the first day say too little.
        ((), 0, 0.2, 0, None, 0),
        ((8,), 0, 0.2, 8, None, 0),
        # From a quarter of it on the first day stands for all: 8 in a half, 29.5 days of 16.
        ((8,), 0, 0.5, 8, 8 + 472, 1),
        ((0,), 0, 0.5, 0, 0, 1),
        # One whole day, whatever today began with: 10 + 1, and 28.5 days of 10.
        ((10, 1), 0, 1.5, 11, 11 + 285, 1),
        # Two days: their mean; an odd one cannot be told.
        ((10, 100), 0, 2.0, 110, 110 + 28 * 55, 2),
        # Three: the odd one counts as three median days: (10 + 10 + 30) / 3.
        ((10, 10, 1_000), 0, 3.0, 1_020, 1_020 + round(27 * 50 / 3), 3),
        # A day without cost in between counts as one.
        ((10, 0, 20), 0, 3.0, 30, 30 + 27 * 10, 3),
        # The last seven days: all weekdays once.  Mostly nothing leaves the mean as it is.
        ((99, 7, 7, 7, 7, 7, 0, 0), 0, 8.0, 134, 134 + 22 * 5, 7),
        ((0, 0, 0, 0, 0, 0, 70), 0, 7.0, 70, 70 + 23 * 10, 7),
        # The first days of a month rest on the last one, whose costs are not this one's.
        ((5, 5, 5, 5, 5, 5, 5, 1), -7, 0.1, 1, 1 + round(29.9 * 5), 7),
    ],
)
def test_the_forecast(
    costs: tuple[int, ...],
    begins: int,
    now: float,
    spent: int,
    expected: int | None,
    days: int,
) -> None:
    """What was spent, and a usual day for the time that is left."""
    found = forecast(history(*costs, begins=begins), at=at(now))
    assert Forecast("2026-11", spent, expected, days) == found


@given(
    daily=st.integers(1, 10**15),
    days=st.integers(1, 29),
    noise=st.lists(st.floats(0.8, 1.2), min_size=30, max_size=30),
)
def test_an_even_month_is_foretold(daily: int, days: int, noise: list[float]) -> None:
    """Within the noise of its days, from the first one on."""
    costs = [round(daily * each) for each in noise]
    found = forecast(history(*costs[:days]), at=at(days))
    assert found.expected is not None
    assert 0.75 * sum(costs) - 30 <= found.expected <= 1.35 * sum(costs) + 30


def month(expected: int | None) -> Forecast:
    """A forecast of so many dollars."""
    return Forecast("2026-11", 0, None if expected is None else expected * USD, 7)


@pytest.mark.parametrize(
    ("expected", "classes"),
    [
        (100, ""),
        (101, "shadow batch"),
        (110, "shadow batch"),
        (111, "shadow batch default"),
        (130, "shadow batch default"),
        (131, "shadow batch default interactive"),
    ],
)
def test_the_least_critical_go_first(expected: int, classes: str) -> None:
    """The more it passes the ceiling, the more of them."""
    found = thrift(month(expected), 100 * USD)
    assert {Criticality(each) for each in classes.split()} == found.classes
    assert bool(classes) == bool(found.reason)


def test_nobody_goes_back_and_forth() -> None:
    """What has begun ends only well below the bound at which it began."""
    begun = thrift(month(112), 100 * USD).classes
    assert begun == thrift(month(109), 100 * USD, now=begun).classes
    later = thrift(month(104), 100 * USD, now=begun).classes
    assert {Criticality.SHADOW, Criticality.BATCH} == later
    assert later == thrift(month(96), 100 * USD, now=later).classes
    assert PLENTY == thrift(month(95), 100 * USD, now=later)


def test_without_a_ceiling_or_a_forecast_nobody_saves() -> None:
    """Nothing is known, or nothing is asked."""
    assert PLENTY == thrift(month(None), 1)
    assert PLENTY == thrift(month(10**6), None)


def test_the_sentence_says_what_follows_and_why() -> None:
    """For the operator, with the figures."""
    assert (
        "2026-11 will cost about $1,250.00, and the ceiling is $1,000.00: batch and default "
        "requests begin at a cheaper tier, shadow requests are not run."
    ) == thrift(month(1_250), 1_000 * USD).reason
    # What has begun at a cheaper tier may go on where others need not.
    only = thrift(month(126), 100 * USD, now=frozenset({Criticality.INTERACTIVE}))
    assert only.classes == ALL
    assert "batch and default and interactive" in only.reason
