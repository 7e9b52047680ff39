"""How long a provider asks us to stay away, in whatever form it says so.

Pure: headers, body text and the wall clock in, seconds out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

LONGEST_S: Final = 3_600.0

# (when a bucket refills, what is left in it)
_BUCKETS: Final = tuple(
    (f"{family}-reset-{kind}", f"{family}-remaining-{kind}")
    for family in ("x-ratelimit",)
    for kind in ("requests", "tokens")
) + tuple(
    (f"anthropic-ratelimit-{kind}-reset", f"anthropic-ratelimit-{kind}-remaining")
    for kind in ("requests", "tokens", "input-tokens", "output-tokens")
)

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_SPAN: Final = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)
_IN_TEXT: Final = re.compile(
    r"(?:try again|retry|available again|wait)[a-z ]{0,20}? (?:in|after|for) "
    r"((?:\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd]))+|\d{1,9}(?:\.\d{1,9})?(?= ?sec| ?$|[ .]?$))",
    re.IGNORECASE,
)


def retry_after(headers: Mapping[str, str], body: object, *, wall: float) -> float | None:
    """Return the seconds to stay away, in [0, 3600]; None when nothing sensible is said.

    Args:
        headers: of the reply, found by lower-case names.
        body: its JSON, parsed; None when it is none.
        wall: wall clock, seconds since 1970.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _bounded(milliseconds / 1_000)
    stated = _moment(headers.get("retry-after", ""), wall=wall)
    if stated is not None:
        return _bounded(stated)
    for found in (_from_buckets(headers, wall=wall), _from_body(body, wall=wall)):
        if found is not None:
            return _bounded(found)
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_S)


def _number(text: str) -> float | None:
    text = text.strip()
    if len(text) > 40 or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _span(text: str) -> float | None:
    """Read `6m0s`, `1.5s`, `120ms`."""
    text = text.strip()
    if len(text) > 40 or not _SPAN.fullmatch(text):
        return None
    return sum(float(count) * _UNITS_S[unit] for count, unit in _PART.findall(text))


def _date(text: str) -> float | None:
    """Read an HTTP date or RFC 3339; return seconds since 1970."""
    text = text.strip()
    if not 8 <= len(text) <= 60:
        return None
    try:
        if text[0].isdigit() and "-" in text:
            at = datetime.fromisoformat(text)
        else:
            at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _moment(text: str, *, wall: float) -> float | None:
    """Read a wait in any form: a number of seconds, a time stamp, a span, a date."""
    number = _number(text)
    if number is not None:
        if number >= 1e11:  # milliseconds since 1970
            return number / 1_000 - wall
        if number >= 1e9:  # seconds since 1970
            return number - wall
        return number
    span = _span(text)
    if span is not None:
        return span
    at = _date(text)
    return None if at is None else at - wall


def _from_buckets(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return when the empty buckets have refilled; if none says it is empty, the first."""
    empty: list[float] = []
    unclear: list[float] = []
    for reset, remaining in _BUCKETS:
        wait = _moment(headers.get(reset, ""), wall=wall)
        if wait is None:
            continue
        left = _number(headers.get(remaining, ""))
        if left is None:
            unclear.append(wait)
        elif left <= 0:
            empty.append(wait)
    if empty:
        return max(empty)
    if unclear:
        return min(unclear)
    return _moment(headers.get("x-ratelimit-reset", ""), wall=wall)


def _from_body(body: object, *, wall: float) -> float | None:
    for error in _errors(body):
        metadata = error.get("metadata")
        if isinstance(metadata, dict):
            stated = metadata.get("retry_after_seconds", metadata.get("retry_after"))
            wait = _moment(_text(stated), wall=wall)
            if wait is not None:
                return wait
            nested = metadata.get("headers")
            if isinstance(nested, dict):
                lower = {str(name).lower(): _text(value) for name, value in nested.items()}
                return retry_after(lower, None, wall=wall)
        for detail in error["details"] if isinstance(error.get("details"), list) else ():
            delay = _span(_text(detail.get("retryDelay"))) if isinstance(detail, dict) else None
            if delay is not None:
                return delay
        told = _IN_TEXT.search(_text(error.get("message"))[:2_000])
        if told:
            return _moment(told[1].lower(), wall=wall)
    return None


def _errors(body: object) -> Iterator[dict[str, Any]]:
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, dict):
        error = body.get("error")
        yield error if isinstance(error, dict) else body


def _text(value: object) -> str:
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int | float) else ""
