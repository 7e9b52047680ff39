"""What the caller is told when the route did not simply answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seatrial.reliability.settings import Plan
from seatrial.values.attempts import Cause, ErrorBody, Failure, Result
from seatrial.values.checks import Verdict
from seatrial.values.decisions import Refused

RETRY_CAP_S: Final = 60.0  # clients give up on, or ignore, longer waits
_OURS: Final = frozenset({Cause.RESTING, Cause.THROTTLED, Cause.POOL_FULL, Cause.QUARANTINED})
_NO_FURTHER_TRY: Final = frozenset({Cause.NO_TIME, Cause.TRIED_ENOUGH})

WORDS: Final = {
    Cause.RESTING: "rests after failures",
    Cause.THROTTLED: "asked us to stay away for now",
    Cause.POOL_FULL: "has no free place",
    Cause.QUARANTINED: "refused our key a moment ago",
    Cause.SHED: "is overloaded and spared",
    Cause.NO_TIME: "was left out: the time was too short",
    Cause.TRIED_ENOUGH: "was left out: enough attempts were made",
    Cause.NOT_CACHED: "holds no answer to this input",
    Cause.SPARED: "was spared: the month will cost more than its budget",
    Cause.OVER_BUDGET: "would cost more than may still be spent",
    Cause.UNREACHABLE: "could not be reached",
    Cause.CONNECT_TIMEOUT: "did not connect in time",
    Cause.CONNECTION_LOST: "broke the connection",
    Cause.FIRST_BYTE_TIMEOUT: "sent no reply in time",
    Cause.FIRST_TOKEN_TIMEOUT: "sent no first token in time",
    Cause.GAP_TIMEOUT: "stopped in the middle",
    Cause.TOTAL_TIMEOUT: "did not finish in time",
    Cause.TOO_SLOW: "wrote too slowly",
    Cause.SERVER_ERROR: "failed",
    Cause.OVERLOADED: "is overloaded",
    Cause.RATE_LIMITED: "limits our rate",
    Cause.KEY_REFUSED: "refused our key",
    Cause.TARGET_GONE: "does not know the model",
    Cause.BAD_REQUEST: "refused the request as malformed",
    Cause.POLICY: "refused the request by its policy",
    Cause.INVALID_ANSWER: "gave no valid answer",
    Cause.NO_ANSWER: "has no answer to this",
    Cause.REFUSED: "declined to answer",
    Cause.CHECK_FAILED: "gave an answer that a check refused",
    Cause.RAISED: "raised an error",
    Cause.OVERTAKEN: "was slower than another target",
    Cause.CALLER_LEFT: "was stopped: the caller left",
    Cause.SLOW_READER: "was stopped: the caller read too slowly",
}


def explain(failures: Sequence[tuple[str, Failure]]) -> str:
    """Return why lower tiers were asked, one clause per target.

    It is the last failure of each that tells something: that no time was left for another try
    does not.

    >>> explain([("large", Failure(Cause.OVERLOADED, status=529))])
    'large is overloaded (HTTP 529)'
    """
    latest = _telling(failures)
    return "; ".join(f"{name} {_clause(failure)}" for name, failure in latest.items())


def _telling(failures: Sequence[tuple[str, Failure]]) -> dict[str, Failure]:
    latest: dict[str, Failure] = {}
    for name, failure in failures:
        if name not in latest or failure.cause not in _NO_FURTHER_TRY:
            latest[name] = failure
    return latest


def _clause(failure: Failure) -> str:
    words = WORDS[failure.cause]
    return f"{words} (HTTP {failure.status})" if failure.status else words


def turn_away(verdict: Verdict) -> Refused:
    """Return the error for an input that a check refused; it quotes nothing of the input."""
    message = verdict.reason or "A check of this feature refused the request."
    error = ErrorBody(message, "invalid_request_error", None, verdict.code or None)
    return Refused("input_refused", message, status=400, error=error)


def pass_on(failure: Failure, target: str, tier: int) -> Refused:
    """Return the provider's own refusal, for the caller to see as it came."""
    code = "policy" if failure.cause is Cause.POLICY else "invalid_request"
    message = failure.error.message if failure.error else f"{target} {_clause(failure)}."
    return Refused(
        code, message, status=failure.status, error=failure.error, target=target, tier=tier
    )


def cut(result: Result, target: str, tier: int) -> Refused:
    """Return the honest end of a stream that had begun."""
    clause = _clause(result.failure) if result.failure else "broke off"
    return Refused(
        "stream_cut",
        f"The answer is incomplete: {target} {clause}. Discard it, or ask again.",
        cut=True,
        target=target,
        tier=tier,
    )


def refuse(plan: Plan, failures: Sequence[tuple[str, Failure]]) -> Refused:
    """Return the error for a request that no target answered.

    Its `retry_after_s` is the smallest wait that any target named, at most a minute.
    """
    latest = _telling(failures)
    waits = [f.retry_after_s for f in latest.values() if f.retry_after_s is not None]
    retry_after_s = min(RETRY_CAP_S, max(0.0, min(waits))) if waits else None
    why = explain(failures)
    causes = {failure.cause for failure in latest.values()} - {Cause.NOT_CACHED}
    if causes and causes <= {Cause.OVER_BUDGET, Cause.NO_TIME} and Cause.OVER_BUDGET in causes:
        # The month does not come back sooner for being asked again.
        return Refused(
            "budget_spent",
            f"The budget of {plan.feature!r} has no room for another answer: {why}.",
        )
    if causes and causes <= {Cause.THROTTLED, Cause.RATE_LIMITED}:
        code = "throttled"
        message = f"Every target of {plan.feature!r} limits our rate: {why}."
    elif causes == {Cause.NO_TIME}:
        code = "deadline_exceeded"
        message = f"The deadline of {plan.feature!r} left no time for an attempt."
    else:
        code = "no_target_left"
        message = f"No target of {plan.feature!r} gave a valid answer: {why}."
    if causes and causes <= _OURS and retry_after_s is None:
        retry_after_s = 1.0
    return Refused(code, message, retry_after_s=retry_after_s)
