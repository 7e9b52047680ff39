"""What the caller is told."""

import pytest

from seatrial.reliability.decide import cut, explain, pass_on, refuse
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.decisions import Refused
from tests.rooms.reliability.walk import LARGE, SMALL, THEIR_ERROR, plan_of

PLAN = plan_of(LARGE, SMALL)


def told(*failures: Failure) -> Refused:
    """Refuse after these failures, one per target."""
    names = ("large", "small", "rules")
    return refuse(PLAN, list(zip(names, failures, strict=False)))


def test_nothing_to_explain() -> None:
    """No failure, no words."""
    assert "" == explain([])


def test_last_failure_of_a_target_is_the_one_told() -> None:
    """A second try replaces the first in the explanation."""
    failures = [("large", Failure(Cause.SERVER_ERROR)), ("large", Failure(Cause.GAP_TIMEOUT))]

    assert "large stopped in the middle" == explain(failures)


def test_a_try_that_was_not_made_hides_no_failure() -> None:
    """What went wrong is told, not that no time was left to try again."""
    failures = [("large", Failure(Cause.TOTAL_TIMEOUT)), ("large", Failure(Cause.NO_TIME))]

    assert "large did not finish in time" == explain(failures)


def test_no_target_left() -> None:
    """Every target is named with its reason; waiting would not help for certain."""
    refused = told(Failure(Cause.SERVER_ERROR, status=500), Failure(Cause.INVALID_ANSWER))

    assert "no_target_left" == refused.code
    expected = (
        "No target of 'support' gave a valid answer: "
        "large failed (HTTP 500); small gave no valid answer."
    )
    assert expected == refused.message
    assert refused.retry_after_s is None


def test_all_throttled() -> None:
    """The smallest wait is told; a cache without an answer changes nothing about it."""
    refused = told(
        Failure(Cause.THROTTLED, retry_after_s=20.0),
        Failure(Cause.RATE_LIMITED, retry_after_s=10.0),
        Failure(Cause.NOT_CACHED),
    )

    assert ("throttled", 10.0) == (refused.code, refused.retry_after_s)


def test_out_of_time() -> None:
    """Nobody was asked, because the deadline was too short: that is what is said."""
    refused = told(Failure(Cause.NO_TIME), Failure(Cause.NO_TIME), Failure(Cause.NOT_CACHED))

    assert "deadline_exceeded" == refused.code


@pytest.mark.parametrize(
    ("hint_s", "expected"), [(-5.0, 0.0), (0.5, 0.5), (90.0, 60.0), (None, 1.0)]
)
def test_wait_is_what_clients_understand(hint_s: float | None, expected: float) -> None:
    """Between nothing and a minute; a second where we rest and nobody named a time."""
    assert expected == told(Failure(Cause.RESTING, retry_after_s=hint_s)).retry_after_s


def test_route_without_any_failure_to_tell() -> None:
    """A route of which nothing was even tried still gives an error."""
    assert "no_target_left" == refuse(PLAN, []).code


def test_provider_s_error_is_passed_on() -> None:
    """As it came, with its status; without one, in our words."""
    refused = pass_on(Failure(Cause.BAD_REQUEST, status=422, error=THEIR_ERROR), "large", 0)
    assert ("invalid_request", 422, THEIR_ERROR.message, THEIR_ERROR) == (
        refused.code,
        refused.status,
        refused.message,
        refused.error,
    )

    bare = pass_on(Failure(Cause.POLICY), "small", 1)
    assert ("policy", "small refused the request by its policy.", "small", 1) == (
        bare.code,
        bare.message,
        bare.target,
        bare.tier,
    )


def test_cut_stream_says_that_it_is_incomplete() -> None:
    """With the reason where there is one, and never as if it were whole."""
    lost = cut(Result(1.0, failure=Failure(Cause.CONNECTION_LOST)), "large", 0)
    unknown = cut(Result(1.0), "large", 0)

    assert lost.cut
    assert "The answer is incomplete: large broke the connection." in lost.message
    assert "The answer is incomplete: large broke off." in unknown.message
