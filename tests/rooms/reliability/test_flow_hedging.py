"""The plan of an answer where a second target may be asked besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replaced

from seatrial.reliability.flow import Attempt, Together
from seatrial.reliability.settings import Plan, RetrySettings, TargetRules
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.checks import Says, Verdict
from seatrial.values.decisions import Answered, HandedOff, Refused
from tests.rooms.reliability.walk import (
    CACHE,
    GOOD,
    HUMAN,
    LARGE,
    SMALL,
    Known,
    Walk,
    answered,
    began,
    failed,
    plan_of,
    walk,
)

OTHER = Answer("It is on its way.")
HEDGED = Result(1.2, answer=OTHER, sent=True, hedged=True)
SLOWER = "large was slower than another target"


def going(plan: Plan, *results: Result, **more: Any) -> Walk:
    """Walk a plan that may ask a second target; the first usually takes a second."""
    usual = Known(typical={"large": 1.0, "small": 1.0})
    return walk(plan, *results, hedge=True, known=more.pop("known", usual), **more)


def test_second_is_the_next_that_can_be_called() -> None:
    """After the usual time of the first, with the time that is left then."""
    (step,) = going(plan_of(LARGE, CACHE, SMALL, HUMAN)).steps

    assert isinstance(step, Together)
    assert ("large", "", 1.0) == (step.first.target.name, step.first.purpose, step.after_s)
    second = step.second
    assert ("small", 2, "hedge") == (second.target.name, second.tier, second.purpose)
    assert second.timers.total_s == pytest.approx(8.95)


@pytest.mark.parametrize(
    ("route", "known", "deadline"),
    [
        ((LARGE,), {"large": 1.0}, 10.0),
        ((LARGE, CACHE, HUMAN), {"large": 1.0}, 10.0),
        ((LARGE, SMALL), {}, 10.0),
        ((LARGE, SMALL), {"large": 6.0}, 10.0),
        ((LARGE, SMALL), {"large": 0.29}, 0.6),
    ],
)
def test_nobody_is_asked_besides(
    route: tuple[TargetRules, ...], known: dict[str, float], deadline: float
) -> None:
    """Where there is nobody else, nothing is known yet, or no time for it."""
    walked = going(plan_of(*route), known=Known(typical=known), deadline=deadline)

    assert isinstance(walked.steps[0], Attempt)


def test_no_time_for_a_second() -> None:
    """The first is asked alone."""
    quick = Known(typical={"large": 0.2})
    third = replace(SMALL, name="third")
    walked = going(plan_of(LARGE, SMALL, third), known=quick, deadline=1.0)

    assert ["large"] == walked.called


def test_second_tries_have_none_besides() -> None:
    """Only the first try of a target does, and not unless it is allowed."""
    plan = plan_of(LARGE, SMALL)
    known = Known(typical={"large": 1.0})

    assert 1 == len(going(plan, failed(Cause.SERVER_ERROR)).attempts)
    assert isinstance(walk(plan, known=known).steps[0], Attempt)


def test_answer_of_the_first_is_an_answer() -> None:
    """As if nobody had been asked besides."""
    assert Answered(GOOD, "large", 0) == going(plan_of(LARGE, SMALL), answered()).decision


def test_answer_of_the_second_is_told_as_such() -> None:
    """With its tier and the reason."""
    assert Answered(OTHER, "small", 1, SLOWER) == going(plan_of(LARGE, SMALL), HEDGED).decision


def test_stream_of_the_second_is_handed_over() -> None:
    """To its end, honest as ever."""
    plan, begun = plan_of(LARGE, SMALL), replaced(began(), hedged=True)
    good = going(plan, begun, answered(2.0), stream=True)
    assert Answered(GOOD, "small", 1, SLOWER) == good.decision

    cut = Result(2.0, failure=Failure(Cause.GAP_TIMEOUT), cut=True, sent=True)
    bad = going(plan, begun, cut, stream=True)
    assert isinstance(bad.decision, Refused)
    assert (True, "small") == (bad.decision.cut, bad.decision.target)


@pytest.mark.parametrize("says", [Says.REFUSE, Says.HAND_OFF])
def test_second_that_a_check_minds_leaves_it_to_the_first(says: Says) -> None:
    """Its attempt is asked for again: it is still on its way."""
    checks: Any = object()
    plan = replace(plan_of(LARGE, SMALL), output=checks)
    bad = Result(1.3, answer=OTHER, verdict=Verdict(says, "forbidden"))
    walked = going(plan, HEDGED, bad, answered(2.0), Result(2.1, answer=GOOD))

    first = walked.steps[0]
    assert isinstance(first, Together)
    assert [first.first] == walked.attempts
    assert Answered(GOOD, "large", 0) == walked.decision


def test_second_that_declines_leaves_it_to_the_first() -> None:
    """Even where a refusal leads to a person."""
    plan = plan_of(LARGE, SMALL, HUMAN, on_refusal="hand_off")
    declined = Result(1.2, answer=Answer(None, refusal="No."), sent=True, hedged=True)

    assert Answered(GOOD, "large", 0) == going(plan, declined, answered(2.0)).decision
    both = going(plan, declined, answered(2.0, Answer(None, refusal="No.")))
    assert isinstance(both.decision, HandedOff)


def test_second_takes_no_attempt_from_the_request() -> None:
    """What the request may still try is what it could without."""
    checks: Any = object()
    once = replace(LARGE, retry=RetrySettings(tries=1))
    plan = replace(plan_of(once, SMALL, max_attempts=2), output=checks)
    bad = Result(1.3, answer=OTHER, verdict=Verdict(Says.REFUSE, "forbidden"))
    down, last = failed(Cause.OVERLOADED, 2.0), Result(3.1, answer=GOOD)
    walked = going(plan, HEDGED, bad, down, answered(3.0), last)

    assert ["large", "small"] == walked.called
    assert isinstance(walked.decision, Answered)
