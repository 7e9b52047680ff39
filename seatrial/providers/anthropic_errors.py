"""What errors in Anthropic's dialect mean, by their type."""

from __future__ import annotations

from typing import Final

from seatrial.providers.error_map import ErrorMap
from seatrial.values.attempts import Cause

ANTHROPIC_ERRORS: Final = ErrorMap(
    codes={
        "authentication_error": Cause.KEY_REFUSED,
        "billing_error": Cause.KEY_REFUSED,
        "permission_error": Cause.KEY_REFUSED,
        "not_found_error": Cause.TARGET_GONE,
        "rate_limit_error": Cause.RATE_LIMITED,
        "overloaded_error": Cause.OVERLOADED,
        "api_error": Cause.SERVER_ERROR,
        "timeout_error": Cause.SERVER_ERROR,
        "request_too_large": Cause.BAD_REQUEST,
        "content_policy_violation": Cause.POLICY,
    },
    vague={"invalid_request_error": Cause.BAD_REQUEST},
)
