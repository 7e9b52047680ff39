"""The plan of an answer where inputs and answers are checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from seatrial.reliability import decide
from seatrial.reliability.flow import Attempt, Check, Commit, Step
from seatrial.reliability.settings import Plan, TargetRules
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.checks import PASSED, Says, Verdict
from seatrial.values.decisions import Answered, HandedOff, Refused
from tests.rooms.reliability.walk import (
    GOOD,
    HUMAN,
    LARGE,
    RULES,
    SMALL,
    answered,
    began,
    failed,
    plan_of,
    walk,
)

BAD: Final = Verdict(Says.REFUSE, "schema", "price should be a number.")
ODD: Final = Verdict(Says.FLAG, "refusal")
SEEN: Final = Verdict(Says.HAND_OFF, "sure_of_nothing", "A person should see this.")
ASK_INPUT: Final = Check("input")
ASK_OUTPUT: Final = Check("output")


def checked(*route: TargetRules, inputs: bool = False, outputs: bool = True, **policy: Any) -> Plan:
    """Return a plan whose inputs or answers are checked; by what is the engine's business."""
    there: Any = object()
    plan = plan_of(*route, say="A colleague will write.", **policy)
    return replace(plan, input=there if inputs else None, output=there if outputs else None)


def says(verdict: Verdict, at: float = 0.2, answer: Answer = GOOD) -> Result:
    """Return what checks said of an answer."""
    return Result(at, answer=answer, sent=True, verdict=verdict)


def kinds(steps: list[Step]) -> list[type[Step]]:
    """Return what kind of step each is."""
    return [type(step) for step in steps]


# --- what comes in ------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [None, PASSED, ODD, Verdict(Says.REDACT, "personal_data")])
def test_input_that_may_pass_goes_on(verdict: Verdict | None) -> None:
    """It is asked once, before the first target, and its time counts."""
    going = walk(
        checked(LARGE, inputs=True, outputs=False), Result(0.1, verdict=verdict), answered(0.2)
    )

    assert [Check, Attempt] == kinds(going.steps)
    assert ASK_INPUT == going.steps[0]
    assert Answered(GOOD, "large", 0) == going.decision


def test_refused_input_reaches_no_target() -> None:
    """The caller reads the reason and a stable code, in the shape that clients know."""
    verdict = Verdict(Says.REFUSE, "too_long", "The request has more than 100 characters.")
    going = walk(checked(LARGE, inputs=True), Result(0.1, verdict=verdict))

    assert [] == going.called
    assert isinstance(going.decision, Refused)
    assert ("input_refused", 400) == (going.decision.code, going.decision.status)
    assert verdict.reason == going.decision.message
    assert going.decision.error is not None
    assert "too_long" == going.decision.error.code


def test_refusal_without_words_has_some() -> None:
    """A check of the user's own may say nothing at all."""
    going = walk(checked(LARGE, inputs=True), Result(0.1, verdict=Verdict(Says.REFUSE)))

    assert isinstance(going.decision, Refused)
    assert "A check of this feature refused the request." == going.decision.message


def test_input_for_a_person_reaches_no_target() -> None:
    """The caller reads the text of the hand-off."""
    going = walk(checked(LARGE, inputs=True), Result(0.1, verdict=SEEN))

    assert [] == going.called
    assert HandedOff("A colleague will write.", "human", 0, SEEN.reason) == going.decision


# --- what goes out ------------------------------------------------------------------------


def test_answer_that_passes_is_the_answer() -> None:
    """As the checks left it: something may have been taken out."""
    milder = Answer("Yours is [REDACTED].")
    verdict = Verdict(Says.REDACT, "leak")
    going = walk(checked(LARGE), answered(), says(verdict, answer=milder))

    assert [Attempt, Check] == kinds(going.steps)
    assert ASK_OUTPUT == going.steps[1]
    assert Answered(milder, "large", 0) == going.decision


def test_refused_answer_is_a_failed_attempt() -> None:
    """The chain goes on, and the degraded answer says why."""
    going = walk(checked(LARGE, SMALL), answered(), says(BAD), answered(0.3), says(PASSED, 0.4))

    assert ["large", "small"] == going.called
    assert "large gave an answer that a check refused" == going.decision.reason


def test_no_answer_passes() -> None:
    """The error names the check's part in it."""
    going = walk(checked(LARGE), answered(), says(BAD))

    assert isinstance(going.decision, Refused)
    assert "no_target_left" == going.decision.code
    assert "a check refused" in going.decision.message


def test_answer_for_a_person_is_handed_off() -> None:
    """No other target is asked."""
    going = walk(checked(LARGE, SMALL), answered(), says(SEEN))

    assert HandedOff("A colleague will write.", "human", 0, SEEN.reason) == going.decision


def test_failed_attempt_has_nothing_to_check() -> None:
    """Only answers are."""
    going = walk(checked(LARGE, SMALL), failed(Cause.OVERLOADED), answered(), says(PASSED))

    assert [Attempt, Attempt, Check] == kinds(going.steps)


# --- repair -------------------------------------------------------------------------------


def test_repair_asks_the_same_model_again() -> None:
    """At once, and it is told what was wrong; a mended answer is no degraded one."""
    going = walk(
        checked(LARGE, SMALL, repairs=1), answered(), says(BAD), answered(0.3), says(PASSED, 0.4)
    )

    assert ["large", "large"] == going.called
    assert [(0, False), (1, True)] == [(step.turn, step.repair) for step in going.attempts]
    assert Answered(GOOD, "large", 0) == going.decision


def test_repairs_are_bounded() -> None:
    """After the last one the chain goes on, and the next target begins afresh."""
    going = walk(
        checked(LARGE, SMALL, repairs=1), *[answered(), says(BAD)] * 3, answered(), says(PASSED)
    )

    assert ["large", "large", "small", "small"] == going.called
    assert [False, True, False, True] == [step.repair for step in going.attempts]


def test_repair_leaves_an_attempt_for_each_target_behind() -> None:
    """Repairs may not use up what the fallback needs."""
    going = walk(checked(LARGE, SMALL, repairs=3, max_attempts=3), *[answered(), says(BAD)] * 3)

    assert ["large", "large", "small"] == going.called


def test_function_is_not_asked_to_repair() -> None:
    """It would say the same again."""
    going = walk(checked(RULES, SMALL, repairs=2), *[answered(), says(BAD)] * 4)

    assert ["rules", "small", "small", "small"] == going.called


def test_repair_that_fails_on_the_wire_stays_a_repair() -> None:
    """The second try of it is told the same."""
    going = walk(checked(LARGE, repairs=1), answered(), says(BAD), failed(Cause.CONNECTION_LOST))

    assert [False, True] == [step.repair for step in going.attempts]
    assert isinstance(going.decision, Refused)


# --- streams ------------------------------------------------------------------------------


def test_what_has_left_is_checked_and_not_taken_back() -> None:
    """After the commit the verdict is for the record: no other target may answer now."""
    going = walk(checked(LARGE, SMALL), began(), answered(0.2), says(BAD, 0.3), stream=True)

    assert [Attempt, Commit, Check] == kinds(going.steps)
    assert Answered(GOOD, "large", 0) == going.decision


def test_cut_stream_has_no_answer_to_check() -> None:
    """It is incomplete, and says so."""
    cut = Result(0.2, answer=GOOD, cut=True, sent=True)
    going = walk(checked(LARGE), began(), cut, stream=True)

    assert [Attempt, Commit] == kinds(going.steps)
    assert isinstance(going.decision, Refused)


# --- money --------------------------------------------------------------------------------


def test_attempt_beyond_the_budget_goes_to_a_cheaper_target() -> None:
    """It was never sent, and the reason is told."""
    going = walk(plan_of(LARGE, SMALL), failed(Cause.OVER_BUDGET), answered())

    assert Answered(GOOD, "small", 1, "large would cost more than may still be spent") == (
        going.decision
    )


@pytest.mark.parametrize("route", [(LARGE, SMALL), (LARGE, SMALL, HUMAN)])
def test_spent_budget(route: tuple[TargetRules, ...]) -> None:
    """With nothing left to spend a person still costs nothing; else it is said so."""
    going = walk(plan_of(*route), failed(Cause.OVER_BUDGET), failed(Cause.OVER_BUDGET))

    if HUMAN in route:
        assert isinstance(going.decision, HandedOff)
    else:
        assert isinstance(going.decision, Refused)
        assert "budget_spent" == going.decision.code
        assert going.decision.retry_after_s is None


def test_spared_request_begins_at_a_cheaper_tier() -> None:
    """Where one can be called; the last that can is never passed by."""
    going = walk(plan_of(LARGE, SMALL), answered(), spare=True)
    assert Answered(GOOD, "small", 1, decide.explain([("large", Failure(Cause.SPARED))])) == (
        going.decision
    )
    going = walk(plan_of(LARGE, HUMAN), answered(), spare=True)
    assert Answered(GOOD, "large", 0) == going.decision


def test_stream_that_is_whole_and_refused_is_not_handed_over() -> None:
    """What was read to its end before it left is checked before it leaves."""
    begun = Result(0.1, began=True, answer=GOOD, sent=True)
    refused = Result(0.2, began=True, answer=GOOD, sent=True, verdict=BAD)
    walked = walk(
        checked(LARGE, SMALL), begun, refused, answered(0.3), Result(0.4, answer=GOOD), stream=True
    )

    assert Commit() not in walked.steps
    assert (
        Answered(GOOD, "small", 1, "large gave an answer that a check refused") == walked.decision
    )
