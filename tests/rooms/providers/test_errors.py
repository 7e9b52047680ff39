"""The error maps, row by row."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.providers.anthropic_errors import ANTHROPIC_ERRORS
from seatrial.providers.error_map import ErrorMap
from seatrial.providers.openai_errors import OPENAI_ERRORS
from seatrial.values.attempts import Cause, Failure

WALL = 1_790_000_000.0


def told(
    status: int, error: object = None, *, errors: ErrorMap = OPENAI_ERRORS, **headers: str
) -> Failure:
    """Say what an error object means."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = msgspec.json.encode({"error": error} if error is not None else {})
    return errors.failure(status, named, body, wall=WALL)


STATUSES = {
    Cause.INVALID_ANSWER: [200, 204, 301, 302, 304, 307, 308],
    Cause.BAD_REQUEST: [400, 406, 409, 411, 413, 414, 415, 418, 422, 431, 451, 499],
    Cause.KEY_REFUSED: [401, 402, 403],
    Cause.TARGET_GONE: [404, 405, 410],
    Cause.RATE_LIMITED: [429],
    Cause.OVERLOADED: [498, 503, 529],
    Cause.SERVER_ERROR: [408, 425, 500, 501, 502, 504, 507, 520, 521, 522, 523, 524, 599],
}


@pytest.mark.parametrize("errors", [OPENAI_ERRORS, ANTHROPIC_ERRORS])
@pytest.mark.parametrize(
    ("status", "cause"), [(status, cause) for cause, many in STATUSES.items() for status in many]
)
def test_status_decides_where_no_code_does(errors: ErrorMap, status: int, cause: Cause) -> None:
    """Every status of the table, with an empty body and with a page."""
    assert cause == errors.failure(status, {}, b"", wall=WALL).cause
    assert cause == errors.failure(status, {}, b"<html>try again</html>", wall=WALL).cause


OPENAI_ROWS = [
    (429, {"code": "rate_limit_exceeded", "type": "tokens"}, Cause.RATE_LIMITED),
    (429, {"code": "insufficient_quota", "type": "insufficient_quota"}, Cause.KEY_REFUSED),
    (400, {"code": "billing_hard_limit_reached"}, Cause.KEY_REFUSED),
    (401, {"code": "invalid_api_key", "type": "invalid_request_error"}, Cause.KEY_REFUSED),
    (404, {"code": "model_not_found", "type": "invalid_request_error"}, Cause.TARGET_GONE),
    (400, {"code": "model_decommissioned"}, Cause.TARGET_GONE),
    (404, {"code": "DeploymentNotFound"}, Cause.TARGET_GONE),
    (400, {"code": "content_policy_violation"}, Cause.POLICY),
    (400, {"code": "content_filter"}, Cause.POLICY),
    (403, {"code": "ResponsibleAIPolicyViolation"}, Cause.POLICY),
    (400, {"code": "context_length_exceeded"}, Cause.BAD_REQUEST),
    (400, {"type": "BadRequestError", "code": 400, "message": "no"}, Cause.BAD_REQUEST),
    (400, {"type": "invalid_request_error", "param": "tools"}, Cause.BAD_REQUEST),
    # 400 for trouble that is the server's.
    (400, {"type": "server_error"}, Cause.SERVER_ERROR),
    (400, {"code": "overloaded_error", "type": "invalid_request_error"}, Cause.OVERLOADED),
    (400, {"type": "api_error"}, Cause.SERVER_ERROR),
    (400, {"message": "Not possible at this time. Please try again."}, Cause.SERVER_ERROR),
    (400, {"message": "upstream connect error"}, Cause.SERVER_ERROR),
    # … but not because a word of the caller's is in the text of a precise refusal.
    (400, {"message": "try again", "param": "messages"}, Cause.BAD_REQUEST),
    (400, {"message": "try again", "code": "invalid_prompt"}, Cause.BAD_REQUEST),
    # Told in a reply that calls itself good.
    (200, {"code": 429, "message": "slow"}, Cause.RATE_LIMITED),
    (200, {"code": "502", "message": "bad"}, Cause.SERVER_ERROR),
    (200, {"code": 400, "message": "no"}, Cause.BAD_REQUEST),
    (200, {"type": "overloaded_error"}, Cause.OVERLOADED),
    (200, {"type": "invalid_request_error"}, Cause.BAD_REQUEST),
    (200, {"message": "who knows"}, Cause.SERVER_ERROR),
    (200, "who knows", Cause.SERVER_ERROR),
    (200, {"status": "RESOURCE_EXHAUSTED", "code": 429}, Cause.RATE_LIMITED),
    (503, {"code": "rate_limit_exceeded"}, Cause.RATE_LIMITED),
    (503, {"type": "server_error"}, Cause.OVERLOADED),
    (502, {"type": "server_error"}, Cause.SERVER_ERROR),
    (500, {"code": {"odd": 1}, "type": 7}, Cause.SERVER_ERROR),
]


@pytest.mark.parametrize(("status", "error", "cause"), OPENAI_ROWS)
def test_openai_codes(status: int, error: object, cause: Cause) -> None:
    """Each row: the code first, then the status."""
    assert cause == told(status, error).cause


ANTHROPIC_ROWS = [
    (400, "invalid_request_error", Cause.BAD_REQUEST),
    (401, "authentication_error", Cause.KEY_REFUSED),
    (402, "billing_error", Cause.KEY_REFUSED),
    (403, "permission_error", Cause.KEY_REFUSED),
    (404, "not_found_error", Cause.TARGET_GONE),
    (413, "request_too_large", Cause.BAD_REQUEST),
    (429, "rate_limit_error", Cause.RATE_LIMITED),
    (500, "api_error", Cause.SERVER_ERROR),
    (504, "timeout_error", Cause.SERVER_ERROR),
    (529, "overloaded_error", Cause.OVERLOADED),
]


@pytest.mark.parametrize(("status", "kind", "cause"), ANTHROPIC_ROWS)
def test_anthropic_types(status: int, kind: str, cause: Cause) -> None:
    """Each type means the same with its status and inside a stream (status 200)."""
    error = {"type": kind, "message": "m"}

    assert cause == told(status, error, errors=ANTHROPIC_ERRORS).cause
    assert cause == told(200, error, errors=ANTHROPIC_ERRORS).cause


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "no", "type": "BadRequestError", "code": 400},
        {"error": {"message": "no"}},
        {"error": "no"},
        [{"error": {"message": "no"}}],
        {"detail": "no"},
        {"message": "no"},
    ],
)
def test_original_message_reaches_the_caller(body: object) -> None:
    """In each shape that servers use."""
    failure = OPENAI_ERRORS.failure(400, {}, msgspec.json.encode(body), wall=WALL)

    assert failure.error is not None
    assert "no" == failure.error.message


def test_original_error_is_kept_whole() -> None:
    """Type, parameter and code too."""
    error = {"message": "Too big.", "type": "odd", "param": "messages[3]", "code": "too_big"}
    kept = told(400, error).error

    assert error == msgspec.to_builtins(kept)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 529])
def test_other_messages_stay_here(status: int) -> None:
    """What the caller cannot help is not told in the provider's words, nor recorded."""
    failure = told(status, {"message": "Incorrect API key provided: sk-abcdef123456."})

    assert failure.error is None
    assert "sk-" not in failure.reason


def test_told_text_is_safe() -> None:
    """Control signs go, keys are masked, length is capped."""
    message = "bad\x1b[31m\r\nkey sk-proj-abcdef123456, Bearer tok " + "x" * 5_000
    error = told(400, {"message": message, "param": "a\x00b", "code": "\x07"}).error

    assert error is not None
    assert error.message.isprintable()
    assert "abcdef" not in error.message
    assert "tok " not in error.message
    assert 1_000 >= len(error.message)
    assert "a b" == error.param


def test_codes_in_reasons_are_words() -> None:
    """A reason holds a code only when it looks like one."""
    assert "rate_limit_exceeded" in told(429, {"code": "rate_limit_exceeded"}).reason
    assert "secret" not in told(500, {"code": "the secret is\n42"}).reason


def test_hints_come_with_what_passes() -> None:
    """A wait is read where waiting helps, and nowhere else."""
    assert 7.0 == told(429, {}, retry_after="7").retry_after_s
    assert 7.0 == told(529, {}, retry_after="7").retry_after_s
    assert 7.0 == told(500, {}, retry_after="7").retry_after_s
    assert told(400, {"message": "no"}, retry_after="7").retry_after_s is None
    assert 20.0 == told(429, {"message": "Please try again in 20s."}).retry_after_s


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_any_bytes_give_a_failure(status: int, body: bytes) -> None:
    """Nothing breaks the map."""
    assert status == OPENAI_ERRORS.failure(status, {}, body, wall=WALL).status


def test_deep_bodies_give_a_failure() -> None:
    """Nor does depth."""
    deep = b'{"error":' + b"[" * 20_000 + b"]" * 20_000 + b"}"

    assert Cause.SERVER_ERROR == OPENAI_ERRORS.failure(500, {}, deep, wall=WALL).cause
