"""Judges on simulated days: what they find counts, and nothing else of them does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.testing.simulate import DayPlan, Facts, judge, plan_day, run_plan
from seatrial.testing.simulate.demands import HIDDEN, UNCHECKED, Errand
from seatrial.testing.simulate.judges import OWN_TARGET
from seatrial.testing.simulate.plan import Arrival, FaultPlan, FeaturePlan, TargetPlan
from tests.sim.test_found import always, quiet_day

TAKEOVER = f"question {HIDDEN}"


def judged_day(then: str, *faults: FaultPlan, question: str = TAKEOVER) -> DayPlan:
    """Return a day with one request to a feature whose inputs are judged."""
    plan = quiet_day("t0", faults=faults)
    checks = replace(UNCHECKED, judge=OWN_TARGET, injection=then)
    judge = TargetPlan(OWN_TARGET, "anthropic", 1, 1, think_s=0.1, gap_s=0.01, words=4)
    return replace(
        plan,
        targets=(*plan.targets, judge),
        features=(FeaturePlan("f0", ("t0",), 20.0, checks=checks),),
        arrivals=(Arrival(10.0, "f0", question, False, errand=Errand(question, question)),),
    )


def first_of(facts: Facts) -> tuple[str, list[str], list[str]]:
    """Return how the first request ended, who was asked to judge it, and who to answer."""
    seen = facts.seen[0]
    judged = [call.target for call in facts.judged_of[seen.id]]
    asked = [call.target for call in facts.asked_of[seen.id]]
    return facts.record_of[seen.id].decision, judged, asked


@pytest.mark.parametrize(
    ("then", "decision", "asked"),
    [("flag", "answer", ["t0"]), ("refuse", "refused", []), ("hand_off", "handed_off", [])],
)
def test_what_a_judge_finds_has_its_effect(then: str, decision: str, asked: list[str]) -> None:
    """The feature says what follows."""
    facts = run_plan(judged_day(then))

    assert (decision, [OWN_TARGET], asked) == first_of(facts)
    assert [] == judge(facts)


def test_ordinary_question_goes_on() -> None:
    """The judge is asked first, and said that it is one."""
    facts = run_plan(judged_day("refuse", question="question"))

    assert ("answer", [OWN_TARGET], ["t0"]) == first_of(facts)
    assert [] == judge(facts)


@pytest.mark.parametrize("fault", ["hang", "http-500", "connect-blackhole", "declines", "blot"])
def test_judge_that_fails_stops_nobody(fault: str) -> None:
    """Not even where it would have found something."""
    facts = run_plan(judged_day("refuse", always(OWN_TARGET, fault)))

    assert ("answer", [OWN_TARGET], ["t0"]) == first_of(facts)
    seen = facts.seen[0]
    assert (seen.ended or 0.0) - seen.started < 2.0
    assert [] == judge(facts)


def test_some_days_have_judges() -> None:
    """Of both kinds: for that alone, and those that answer as well."""
    judges = {each.checks.judge for seed in range(60) for each in plan_day(seed).features}

    assert {"", OWN_TARGET} < judges
