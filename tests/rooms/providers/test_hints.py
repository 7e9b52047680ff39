"""How long to stay away, in every form that is met."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.providers.hints import LONGEST_S, retry_after

WALL = 1_790_000_000.0


def at(seconds: float) -> datetime:
    """Return a moment relative to now."""
    return datetime.fromtimestamp(WALL + seconds, UTC)


HEADERS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": " 1.5 "}, 1.5),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "-3"}, 0.0),
    ({"retry-after": "86400"}, 3_600.0),
    ({"retry-after": "1e300"}, 3_600.0),
    ({"retry-after": "20s"}, 20.0),
    ({"retry-after": format_datetime(at(30), usegmt=True)}, 30.0),
    ({"retry-after": format_datetime(at(-30), usegmt=True)}, 0.0),
    ({"retry-after": at(12).isoformat()}, 12.0),
    ({"retry-after-ms": "1500"}, 1.5),
    ({"retry-after-ms": "-1"}, 0.0),
    ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
    ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
    (
        {
            "x-ratelimit-reset-requests": "8.64s",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-tokens": "120ms",
            "x-ratelimit-remaining-tokens": "5",
        },
        8.64,
    ),
    ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3_600.0),
    # Full buckets say nothing of why.
    ({"x-ratelimit-reset-tokens": "50s", "x-ratelimit-remaining-tokens": "5"}, None),
    (
        {
            "anthropic-ratelimit-requests-reset": at(20).isoformat().replace("+00:00", "Z"),
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-tokens-reset": at(90).isoformat(),
            "anthropic-ratelimit-tokens-remaining": "100",
        },
        20.0,
    ),
    ({"x-ratelimit-reset": str(int(WALL + 5))}, 5.0),
    ({"x-ratelimit-reset": str(int((WALL + 5) * 1_000))}, 5.0),
    ({}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "garbage"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "Mon, 99 Foo 2026"}, None),
    ({"retry-after": "9" * 400}, None),
    ({"x-ratelimit-reset-requests": "soon"}, None),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_headers_are_understood(headers: dict[str, str], expected: float | None) -> None:
    """Each form gives its seconds; garbage gives none."""
    waits = retry_after(headers, None, wall=WALL)

    assert waits == (expected if expected is None else pytest.approx(expected, abs=1e-6))


BODIES = [
    ({"error": {"message": "Rate limit reached. Please try again in 7m12.5s."}}, 432.5),
    ({"error": {"message": "Please try again in 345ms. Visit us."}}, 0.345),
    ({"error": {"message": "Rate limited, retry after 3 seconds"}}, 3.0),
    ({"error": {"message": "Try again later."}}, None),
    ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int((WALL + 9) * 1e3))}}}}, 9.0),
    ({"error": {"metadata": {"retry_after_seconds": 4}}}, 4.0),
    ({"error": {"metadata": {"retry_after_seconds": True}}}, None),
    ([{"error": {"details": [{"@type": "x"}, {"retryDelay": "34s"}]}}], 34.0),
    ({"error": "overloaded"}, None),
    ([], None),
    ("text", None),
    (None, None),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_bodies_are_understood(body: object, expected: float | None) -> None:
    """Where headers say nothing, the body may."""
    waits = retry_after({}, body, wall=WALL)

    assert waits == (expected if expected is None else pytest.approx(expected, abs=1e-6))


def test_headers_come_before_the_body() -> None:
    """A header is believed before a sentence."""
    body = {"error": {"message": "Please try again in 50s."}}

    assert 2.0 == retry_after({"retry-after": "2"}, body, wall=WALL)


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-reset-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset",
        "anthropic-ratelimit-tokens-reset",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)


@given(
    headers=st.dictionaries(NAMES, st.text() | st.from_regex(r"\A[-+0-9.eE:TZ smhd,A-Z]*\Z")),
    body=JSON | st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": st.text()})}),
)
def test_nothing_breaks_it(headers: dict[str, str], body: object) -> None:
    """Whatever comes, the wait is none or within an hour."""
    waits = retry_after(headers, body, wall=WALL)

    assert waits is None or (math.isfinite(waits) and 0 <= waits <= LONGEST_S)


@given(st.floats(0, 3_600))
def test_seconds_are_kept(seconds: float) -> None:
    """A plain number is the number."""
    assert pytest.approx(seconds) == retry_after({"retry-after": f"{seconds:.9f}"}, {}, wall=WALL)
