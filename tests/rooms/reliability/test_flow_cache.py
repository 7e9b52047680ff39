"""The plan of an answer where kept ones are looked for first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seatrial.reliability.flow import Check
from seatrial.reliability.settings import Plan, TargetRules
from seatrial.reliability.similarity import CachePlan, CacheSettings
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.checks import Says, Verdict
from seatrial.values.decisions import Answered, Kind
from tests.rooms.reliability.walk import CACHE, GOOD, LARGE, SMALL, answered, failed, plan_of, walk

KEPT = Answer("Yesterday's.", age_s=5.0)
FOUND = Result(0.1, answer=KEPT)
MISSED = Result(0.1, failure=Failure(Cause.NOT_CACHED, sent=False))


def in_front(*route: TargetRules, **changes: Any) -> Plan:
    """Return a plan that asks the cache first."""
    cache = CachePlan(CacheSettings(front=True, max_age_s=60.0))
    return replace(plan_of(*route), cache=cache, **changes)


def test_kept_answer_is_given_before_anybody_is_asked() -> None:
    """It is `answer` from `cache`: nothing has failed."""
    walked = walk(in_front(LARGE), FOUND)

    assert ["cache"] == walked.called
    assert Answered(KEPT, "cache", 0) == walked.decision
    assert Kind.ANSWER is walked.decision.kind


def test_miss_leaves_no_trace_in_the_reason() -> None:
    """Nor does it use up an attempt."""
    walked = walk(in_front(LARGE), MISSED, answered())
    assert Answered(GOOD, "large", 0) == walked.decision

    one = plan_of(LARGE, SMALL, max_attempts=1)
    tried = walk(replace(one, cache=in_front(LARGE).cache), MISSED, failed(Cause.SERVER_ERROR))
    assert ["cache", "large"] == tried.called
    assert "cache" not in tried.decision.message  # type: ignore[union-attr]


@pytest.mark.parametrize("says", [Says.REFUSE, Says.HAND_OFF])
def test_kept_answer_that_a_check_minds_is_none(says: Says) -> None:
    """The first target is asked as if nothing had been kept."""
    checks: Any = object()
    bad = Result(0.2, answer=KEPT, verdict=Verdict(says, "forbidden"))
    good = Result(0.4, answer=GOOD)
    walked = walk(in_front(LARGE, output=checks), FOUND, bad, answered(0.3), good)

    assert ["cache", "large"] == walked.called
    assert 2 == walked.steps.count(Check("output"))
    assert Answered(GOOD, "large", 0) == walked.decision


def test_cache_behind_is_asked_as_ever() -> None:
    """Without `front` it is a tier like the others."""
    plan = replace(plan_of(LARGE, CACHE), cache=CachePlan(CacheSettings(max_age_s=60.0)))
    walked = walk(plan, failed(Cause.KEY_REFUSED), FOUND)

    assert ["large", "cache"] == walked.called
    assert Kind.DEGRADED is walked.decision.kind  # type: ignore[union-attr]
