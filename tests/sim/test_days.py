"""Simulated days: good ones break no promise, and each equals itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from seatrial.testing.simulate import plan_day, run_plan, simulate_day
from seatrial.testing.simulate.summary import Summary


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the service from telling of stores that are away on purpose."""
    logger = logging.getLogger("seatrial")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("first", [0, 5, 10, 15])
def test_days_keep_every_promise(first: int) -> None:
    """Twenty days, five at a time: no promise is broken."""
    summary = Summary()
    for seed in range(first, first + 5):
        summary.add(simulate_day(seed))

    told = [f"seed {seed}: {what}" for seed, what in summary.failing.items()]
    assert not told, "\n".join([*told, *(plan_day(seed).describe() for seed in summary.failing)])
    assert summary.requests > 500
    assert summary.faults.total() > 20


@pytest.mark.slow
def test_five_hundred_days_keep_every_promise() -> None:
    """The slice that every change must pass: 50,000 requests and 5,000 faults at least."""
    summary = Summary()
    for seed in range(500):
        summary.add(simulate_day(seed))

    assert {} == summary.failing
    assert summary.requests >= 50_000
    assert summary.faults.total() >= 5_000


def test_day_equals_itself() -> None:
    """One seed gives one day: the same callers see the same, at the same time."""
    first, second = run_plan(plan_day(9)), run_plan(plan_day(9))

    assert [(s.id, s.how, s.text, s.ended) for s in first.seen] == [
        (s.id, s.how, s.text, s.ended) for s in second.seen
    ]
    assert [(c.at, c.server, c.fault, c.ended) for c in first.calls] == [
        (c.at, c.server, c.fault, c.ended) for c in second.calls
    ]
    assert first.deaths == second.deaths


def test_seeds_differ() -> None:
    """Two seeds are two days."""
    assert plan_day(1) == plan_day(1)
    assert plan_day(1) != plan_day(2)


def test_plan_tells_all_that_happens() -> None:
    """A plan in words names the seed, each fault and each death."""
    plan = plan_day(6)
    told = plan.describe()

    assert "seed 6" in told
    assert all(fault.name in told for fault in plan.faults)
    assert told.count("Death(") == len(plan.deaths)
