"""Whole days of traffic, faults and deaths in a second, through the real engine and the real store.

A day is drawn from its seed, so a failing seed can be run again.  Time is virtual; the network,
the callers and the faults of disk and process are simulated; configuration, engine, adapters,
recorder, journal and SQLite are real.  Run it with `python -m seatrial.testing.simulate`, or:

    report = simulate_day(seed=7)
    print(plan_day(7).describe(), report.violations)
"""

from __future__ import annotations

from seatrial.testing.simulate.day import DayReport, run_plan, simulate_day, simulate_plan
from seatrial.testing.simulate.drawing import plan_day
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import DayPlan
from seatrial.testing.simulate.promises import judge

__all__ = [
    "DayPlan",
    "DayReport",
    "Facts",
    "Violation",
    "accounts",
    "answering",
    "callers",
    "checking",
    "counting",
    "day",
    "demands",
    "disk",
    "drawing",
    "facts",
    "folders",
    "hedges",
    "judge",
    "judges",
    "judging",
    "keeping",
    "keyholders",
    "life",
    "limiting",
    "many",
    "models",
    "pace",
    "pairs",
    "plan",
    "plan_day",
    "promises",
    "reading",
    "run_plan",
    "shared",
    "simulate_day",
    "simulate_plan",
    "spending",
    "summary",
    "surges",
    "twins",
    "waste",
    "wire",
]
