"""What errors in OpenAI's dialect mean, by their code or type."""

from __future__ import annotations

from typing import Final

from seatrial.providers.error_map import ErrorMap
from seatrial.values.attempts import Cause

_CODES: Final = {
    Cause.RATE_LIMITED: "rate_limit_exceeded rate_limit_error rate_limited too_many_requests"
    " too_many_requests_error requests tokens resource_exhausted",
    # Nothing comes of asking this account again.
    Cause.KEY_REFUSED: "insufficient_quota quota_exceeded billing_hard_limit_reached"
    " billing_not_active insufficient_credits invalid_api_key authentication_error"
    " invalid_authentication unauthorized permission_error permission_denied"
    " permission_denied_error account_deactivated access_terminated unauthenticated",
    Cause.TARGET_GONE: "model_not_found not_found_error model_decommissioned deployment_not_found"
    " model_not_active invalid_model model_not_available not_found unknown_model",
    Cause.POLICY: "content_policy_violation content_filter content_filtered moderation_blocked"
    " responsible_aipolicy_violation responsible_ai_policy_violation safety_violation"
    " content_blocked policy_violation cyber_policy_violation",
    Cause.OVERLOADED: "overloaded_error overloaded engine_overloaded service_unavailable"
    " service_unavailable_error server_overloaded capacity_exceeded slow_down unavailable",
    Cause.SERVER_ERROR: "server_error internal_error internal_server_error api_error timeout"
    " timeout_error upstream_error bad_gateway gateway_timeout api_connection_error"
    " engine_error internal",
    Cause.BAD_REQUEST: "context_length_exceeded string_above_max_length unsupported_parameter"
    " unsupported_value invalid_value missing_required_parameter unknown_parameter"
    " invalid_type invalid_json json_validate_failed tool_use_failed",
}

OPENAI_ERRORS: Final = ErrorMap(
    codes={name: cause for cause, names in _CODES.items() for name in names.split()},
    vague={
        "invalid_request_error": Cause.BAD_REQUEST,
        "bad_request_error": Cause.BAD_REQUEST,
        "invalid_argument": Cause.BAD_REQUEST,
        "unprocessable_entity_error": Cause.BAD_REQUEST,
    },
)
