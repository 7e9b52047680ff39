"""From a provider's refusal to a `Failure`: codes first, then the status.

One `ErrorMap` per dialect holds the tables; reading an error object is the same for all.
Pure.  What a provider wrote reaches a caller only where the caller must see it, and the
record never: there only its code stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from seatrial.providers.hints import retry_after
from seatrial.values.attempts import Cause, ErrorBody, Failure

LONGEST_MESSAGE: Final = 1_000

# Statuses mean the same in every dialect.  What is not listed: 3xx is no answer (redirects are
# never followed), an unknown 4xx is final, an unknown 5xx passes.
STATUSES: Final[Mapping[int, Cause]] = {
    400: Cause.BAD_REQUEST,
    401: Cause.KEY_REFUSED,
    402: Cause.KEY_REFUSED,  # the account behind the key has no money
    403: Cause.KEY_REFUSED,
    404: Cause.TARGET_GONE,
    405: Cause.TARGET_GONE,
    408: Cause.SERVER_ERROR,
    410: Cause.TARGET_GONE,
    413: Cause.BAD_REQUEST,
    422: Cause.BAD_REQUEST,
    425: Cause.SERVER_ERROR,
    429: Cause.RATE_LIMITED,
    498: Cause.OVERLOADED,  # Groq: no capacity
    503: Cause.OVERLOADED,
    529: Cause.OVERLOADED,
}

# Causes whose own error the caller must see.
_TOLD: Final = frozenset({Cause.BAD_REQUEST, Cause.POLICY})
# Causes that may come with a time to stay away.
_PASSING: Final = frozenset({Cause.RATE_LIMITED, Cause.OVERLOADED, Cause.SERVER_ERROR})

_WORDS: Final = {
    Cause.SERVER_ERROR: "The provider failed",
    Cause.OVERLOADED: "The provider is overloaded",
    Cause.RATE_LIMITED: "The provider's rate limit is reached",
    Cause.KEY_REFUSED: "The provider refused the key",
    Cause.TARGET_GONE: "The provider does not know this model or address",
    Cause.BAD_REQUEST: "The provider refused the request",
    Cause.POLICY: "The provider's policy refused the request",
    Cause.INVALID_ANSWER: "The reply is no answer",
}

# A 400 without a code of its own can be the server's trouble after all.
_TROUBLE: Final = re.compile(
    r"temporar|try(?:ing)? again|overloaded|internal (?:server )?error|upstream"
    r"|unavailable|timed? ?out|too busy|at capacity",
    re.IGNORECASE,
)
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+")
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_KEY_LIKE: Final = re.compile(
    r"(?i:bearer)\s+\S+|\b(?:sk|pk|rk|gsk|xai|key|api)[-_][A-Za-z0-9_*-]{6,}"
)


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """The tables of one dialect.

    Args:
        codes: what an error's `code` or `type` means, in snake case.
        vague: types that say no more than the status does.
    """

    codes: Mapping[str, Cause]
    vague: Mapping[str, Cause]

    def failure(
        self, status: int, headers: Mapping[str, str], body: bytes, *, wall: float
    ) -> Failure:
        """Say what a reply with a bad status, or with an error in place of an answer, means.

        Args:
            status: of the reply, also 200.
            headers: of the reply, found by lower-case names.
            body: as it came, at most some MiB.
            wall: wall clock, seconds since 1970.
        """
        return self.judge(status, headers, parsed(body), wall=wall)

    def judge(
        self, status: int, headers: Mapping[str, str], body: object, *, wall: float
    ) -> Failure:
        """Say the same of a body that is parsed already, such as an event of a stream."""
        error = error_of(body)
        cause = Cause.INVALID_ANSWER if 300 <= status < 400 else self._cause(status, error)
        code = _code(error)
        told = _told(error, status) if cause in _TOLD else None
        wait = retry_after(headers, body, wall=wall) if cause in _PASSING else None
        detail = f"status {status}" + (f", {code}" if code else "")
        return Failure(
            cause,
            f"{_WORDS[cause]} ({detail}).",
            status=status,
            error=told,
            retry_after_s=wait,
        )

    def _cause(self, status: int, error: Mapping[str, Any]) -> Cause:
        names = [_snake(error.get(key)) for key in ("code", "type", "status")]
        for name in names:
            if name in self.codes:
                told, known = self.codes[name], STATUSES.get(status)
                # "A server error" with status 503 or 429 says less than its status does.
                vaguer = told is Cause.SERVER_ERROR and known in _PASSING
                return known if vaguer and known is not None else told
        for number in (error.get("code"), error.get("status_code"), error.get("status")):
            in_band = _status(number)
            if in_band is not None and status < 400:
                status = in_band
        if status == 400 and self._is_trouble(error):
            return Cause.SERVER_ERROR
        if status < 400:  # an error told in a reply that calls itself good
            found = (self.vague[name] for name in names if name in self.vague)
            return next(found, Cause.SERVER_ERROR if error else Cause.INVALID_ANSWER)
        known = STATUSES.get(status)
        if known is not None:
            return known
        return Cause.BAD_REQUEST if status < 500 else Cause.SERVER_ERROR

    def _is_trouble(self, error: Mapping[str, Any]) -> bool:
        named = error.get("param") or _snake(error.get("code")) not in {"", "400"}
        message = error.get("message")
        return not named and isinstance(message, str) and bool(_TROUBLE.search(message[:500]))


def parsed(body: bytes) -> object:
    """Return the JSON of a body, or None when it is none."""
    try:
        decoded: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return decoded


def error_of(body: object) -> Mapping[str, Any]:
    """Return the error object in a body, in any of the shapes met; empty when there is none."""
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"message": error, "code": body.get("code"), "type": body.get("type")}
    if body.get("object") == "error" or "message" in body:
        return body
    detail = body.get("detail")
    return {"message": detail} if isinstance(detail, str) else {}


def _snake(value: object) -> str:
    if not isinstance(value, str) or len(value) > 100:
        return ""
    return _WORD_START.sub("_", value).lower()


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
        return value
    return None


def _code(error: Mapping[str, Any]) -> str:
    for key in ("code", "type", "status"):
        value = error.get(key)
        if isinstance(value, str) and _CODE.fullmatch(value) and not _KEY_LIKE.search(value):
            return value
    return ""


def _told(error: Mapping[str, Any], status: int) -> ErrorBody:
    message = error.get("message")
    if not isinstance(message, str) or not message.strip():
        message = f"The provider refused the request with status {status}."
    kind, code, param = error.get("type"), error.get("code"), error.get("param")
    return ErrorBody(
        _clean(message, LONGEST_MESSAGE),
        type=kind if isinstance(kind, str) and _CODE.fullmatch(kind) else "invalid_request_error",
        param=_clean(param, 200) if isinstance(param, str) else None,
        code=_clean(str(code), 64) if isinstance(code, str | int) else None,
    )


def _clean(text: str, longest: int) -> str:
    text = _KEY_LIKE.sub("***", _CONTROL.sub(" ", text[: longest * 2]))
    return text if len(text) <= longest else text[: longest - 1] + "…"
