"""Every error code that a caller can meet, and how HTTP says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from seatrial.values.attempts import ErrorBody
from seatrial.values.decisions import Refused


@dataclass(frozen=True, slots=True)
class Kind:
    """How HTTP says one code.

    Args:
        status: decides the exception that OpenAI's clients raise.
        type: as OpenAI groups errors.
        again: whether asking again may help; becomes `x-should-retry`.
    """

    status: int
    type: str
    again: bool = False


_BAD: Final = "invalid_request_error"

# Codes never change.  An unknown one is shown as a plain server error.
FAULTS: Final = {
    # The request.
    "invalid_request": Kind(400, _BAD),
    "invalid_json": Kind(400, _BAD),
    "field_not_allowed": Kind(400, _BAD),
    "unsupported": Kind(400, _BAD),
    "missing_variable": Kind(400, _BAD),
    "prompt_not_live": Kind(400, _BAD),
    "two_credentials": Kind(400, _BAD),
    "bad_framing": Kind(400, _BAD),
    "policy": Kind(400, _BAD),
    "input_refused": Kind(400, _BAD),
    "missing_key": Kind(401, _BAD),
    "invalid_api_key": Kind(401, _BAD),
    "not_found": Kind(404, _BAD),
    "model_not_found": Kind(404, _BAD),
    "method_not_allowed": Kind(405, _BAD),
    "request_too_slow": Kind(408, _BAD, again=True),
    "idempotency_not_kept": Kind(409, _BAD),
    "idempotency_running": Kind(409, _BAD, again=True),
    "body_too_large": Kind(413, _BAD),
    "unsupported_content": Kind(415, _BAD),
    "wrong_host": Kind(421, _BAD),
    "idempotency_key_reused": Kind(422, _BAD),
    "headers_too_large": Kind(431, _BAD),
    # The routes behind us.
    "rate_limited": Kind(429, "rate_limit_error", again=True),
    "throttled": Kind(429, "rate_limit_error", again=True),
    "insufficient_quota": Kind(429, "insufficient_quota"),
    "overloaded": Kind(503, "server_error", again=True),
    "no_target_left": Kind(503, "server_error", again=True),
    "stream_cut": Kind(503, "server_error", again=True),
    "deadline_exceeded": Kind(504, "server_error", again=True),
    # Us.
    "not_durable": Kind(503, "server_error", again=True),
    "idempotency_unavailable": Kind(503, "server_error", again=True),
    "internal_error": Kind(500, "server_error", again=True),
    "keys_unavailable": Kind(503, "server_error", again=True),
    "shutting_down": Kind(503, "server_error", again=True),
}
UNKNOWN: Final = Kind(500, "server_error", again=True)

# What the application calls by one name, OpenAI's clients know by another.
_NAMES: Final = {"invalid_key": "invalid_api_key", "budget_spent": "insufficient_quota"}

# Providers' statuses that may be passed on and that a second try may mend.
_MAY_PASS: Final = range(400, 600)
_WORTH_AGAIN: Final = frozenset({408, 409, 429})


class Fault(Exception):
    """A request that ends at the door.

    Args:
        code: one of `FAULTS`.
        message: what happened, why and what to do, for the caller.
        param: the part of the request that is at fault.
        headers: more headers for the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers


class Shown(msgspec.Struct, frozen=True):
    """An error as it leaves: status, OpenAI's error object and whether to try again."""

    status: int
    error: ErrorBody
    again: bool
    retry_after_s: float | None = None


def show_fault(fault: Fault) -> Shown:
    """Return how HTTP says a fault of the request."""
    kind = FAULTS[fault.code]
    body = ErrorBody(fault.message, type=kind.type, param=fault.param, code=fault.code)
    return Shown(kind.status, body, kind.again)


def show_refused(refused: Refused) -> Shown:
    """Return how HTTP says a refusal; the provider's own error is passed on as it came."""
    if refused.error is not None:
        status = refused.status or 400
        if status not in _MAY_PASS:
            status = 400
        again = status >= 500 or status in _WORTH_AGAIN
        return Shown(status, refused.error, again, refused.retry_after_s)
    code = _NAMES.get(refused.code, refused.code)
    kind = FAULTS.get(code, UNKNOWN)
    body = ErrorBody(refused.message, type=kind.type, param=_PARAMS.get(code), code=code)
    return Shown(kind.status, body, kind.again, refused.retry_after_s)


_PARAMS: Final = {
    "model_not_found": "model",
    "missing_variable": "metadata",
    "prompt_not_live": "prompt.version",
}
