"""Catalogue rows 1 to 10: the server answers, and the answer is no."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._plan import (
    Exchange,
    Expect,
    Fault,
    Param,
    Plan,
    Refuse,
    Send,
    Step,
    Then,
)

MESSAGES: Final = {
    "plain": ("The request could not be processed at this time. Please try again.", None),
    "overloaded": ("The engine is currently overloaded.", "overloaded_error"),
    "server": ("Internal error while decoding the request.", "server_error"),
}
HTML: Final = (
    "<!DOCTYPE html><html><head><title>{code}</title></head>"
    "<body><center><h1>{code}: the origin did not answer</h1></center></body></html>"
)


def _status(code: int) -> Fault:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield _hinted(exchange, code, "The server had an error.", None)

    return Fault(
        name=f"http-{code}",
        row=1,
        expect=Expect.ANSWER,
        says=f"Answers {code} with an error object.",
        plan=plan,
        defaults={"retry_after": ""},
    )


def hint_headers(hint: str, wall_s: float) -> dict[str, str]:
    """Turn `2`, `ms:1500`, `date:30`, `garbage`, `negative` or `` into headers."""
    kind, _, value = hint.partition(":")
    match kind:
        case "":
            return {}
        case "ms":
            return {"retry_after_ms": value}
        case "date":
            at = datetime.fromtimestamp(wall_s + float(value or 1), UTC)
            return {"retry_after": format_datetime(at, usegmt=True)}
        case "garbage":
            return {"retry_after": "soon, we hope"}
        case "negative":
            return {"retry_after": "-5"}
        case _:
            return {"retry_after": kind}


def _hinted(exchange: Exchange, code: int, message: str, word: str | None) -> Send:
    extra = hint_headers(exchange.text("retry_after"), exchange.wall_s)
    return speak.error(exchange, code, message, code=word, **extra)


def _overloaded(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield _hinted(exchange, exchange.count("code"), "Overloaded", "overloaded_error")


def _throttled(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield _hinted(exchange, 429, "Rate limit reached.", "rate_limit_exceeded")


def _bucket(what: str) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        per_minute = exchange.number("limit")
        amount = 1.0 if what == "requests" else float(_tokens_of(exchange))
        name = f"{what}:{exchange.ask.model}:{exchange.ask.key}"
        burst = exchange.number("burst") or per_minute
        held, remaining, wait_s = exchange.limiter.take(
            name, amount=amount, per_minute=per_minute, burst=burst
        )
        style = exchange.text("headers")
        headers = _limit_headers(exchange, what, remaining, wait_s) if style != "missing" else {}
        if held:
            yield from then(_with_headers(exchange, headers))
            return
        extra: dict[str, str] = {}
        if style == "exact":
            extra = {"retry_after": str(max(1, math.ceil(wait_s)))}
        if style == "stale":
            extra = {"retry_after": "0"}
        message = f"Rate limit reached on {what} per minute: limit {per_minute:g}."
        limited = _with_headers(exchange, headers)
        yield speak.error(limited, 429, message, code="rate_limit_exceeded", **extra)

    return plan


def _tokens_of(exchange: Exchange) -> int:
    return exchange.ask.prompt_tokens + len(exchange.reply.tokens or ())


def _limit_headers(
    exchange: Exchange, what: str, remaining: float, wait_s: float
) -> dict[str, str]:
    limit = round(exchange.number("limit"))
    stale = exchange.text("headers") == "stale"
    return exchange.dialect.limit_headers(
        what,
        limit=limit,
        remaining=limit if stale else max(0, math.floor(remaining)),
        reset_s=0.0 if stale else wait_s,
        wall_s=exchange.wall_s,
    )


def _with_headers(exchange: Exchange, headers: dict[str, str]) -> Exchange:
    return replace(exchange, headers={**exchange.headers, **headers})


def _key_revoked(exchange: Exchange, then: Then) -> Iterator[Step]:
    share = max(1, exchange.count("one_in"))
    if int(exchange.ask.key or "0", 16) % share:
        yield from then(exchange)
        return
    yield speak.error(
        exchange, exchange.count("code"), "The API key was revoked.", code="invalid_api_key"
    )


def _model_retired(exchange: Exchange, then: Then) -> Iterator[Step]:
    message = f"The model {exchange.ask.model!r} has been retired."
    yield speak.error(exchange, exchange.count("code"), message, code="model_not_found")


def _bad_request(exchange: Exchange, then: Then) -> Iterator[Step]:
    form = exchange.text("form")
    message, code = MESSAGES.get(form, (form, None))
    yield speak.error(exchange, 400, message, code=code)


def _policy(exchange: Exchange, then: Then) -> Iterator[Step]:
    message = "This request was rejected by our usage policy."
    yield speak.error(exchange, 400, message, code="content_policy_violation")


def _content_filter(exchange: Exchange, then: Then) -> Iterator[Step]:
    kept = (exchange.reply.tokens or ())[: exchange.count("at")]
    yield from then(exchange.altered(tokens=kept, calls=(), finish="content_filter"))


def _refusal(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield from then(
        exchange.altered(tokens=None, calls=(), refusal="I cannot help with that request.")
    )


def _html(exchange: Exchange, then: Then) -> Iterator[Step]:
    code = exchange.count("code")
    page = HTML.format(code=code).encode()
    yield speak.body(exchange.altered(tokens=None), page, status=code, kind="text/html")


def _refuse(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield Refuse(exchange.number("for_s"))


HINT: Final = ("0", "1", "30", "3600", "date:30", "ms:1500", "garbage", "negative")
LIMITED: Final[dict[str, Param]] = {"headers": "exact", "burst": 1}

FAULTS: Final = (
    *[_status(code) for code in (500, 502, 503, 504)],
    Fault(
        name="overloaded",
        row=2,
        expect=Expect.ANSWER,
        plan=_overloaded,
        says="Answers 529 or 503; Retry-After in s, `date:S`, `ms:N`, `garbage`, `negative`.",
        defaults={"code": 529, "retry_after": "1"},
        draws={
            "code": lambda die: die.choice((529, 503)),
            "retry_after": lambda die: die.choice(HINT),
        },
    ),
    Fault(
        name="http-429",
        row=3,
        expect=Expect.ANSWER,
        plan=_throttled,
        says="Answers 429 at once, with a Retry-After.",
        defaults={"retry_after": "1"},
        draws={"retry_after": lambda die: die.choice(HINT)},
    ),
    Fault(
        name="rate-limit-requests",
        row=3,
        expect=Expect.DYNAMICS,
        plan=_bucket("requests"),
        passes=True,
        says="429 beyond `limit` requests a minute; rate headers `exact`, `missing` or `stale`.",
        defaults={"limit": 60, **LIMITED},
        draws={
            "limit": lambda die: die.randint(1, 600),
            "headers": lambda die: die.choice(("exact", "missing", "stale")),
        },
    ),
    Fault(
        name="rate-limit-tokens",
        row=4,
        expect=Expect.DYNAMICS,
        plan=_bucket("tokens"),
        passes=True,
        says="429 beyond `limit` tokens a minute, prompt and answer together.",
        defaults={"limit": 1000, **LIMITED, "burst": 60},
        draws={
            "limit": lambda die: round(10 ** die.uniform(3, 6)),
            "headers": lambda die: die.choice(("exact", "missing", "stale")),
        },
    ),
    Fault(
        name="key-revoked",
        row=5,
        expect=Expect.ANSWER,
        plan=_key_revoked,
        passes=True,
        says="401 (or 403) for one key in `one_in`; other keys still work.",
        defaults={"code": 401, "one_in": 1},
        draws={"code": lambda die: die.choice((401, 403))},
    ),
    Fault(
        name="model-retired",
        row=6,
        expect=Expect.ANSWER,
        plan=_model_retired,
        says="404 (or 410): the model is gone.",
        defaults={"code": 404},
        draws={"code": lambda die: die.choice((404, 410))},
    ),
    Fault(
        # By its status it is final, by its words it is not: both ends are right.
        name="bad-request",
        row=7,
        expect=Expect.HONEST,
        plan=_bad_request,
        says="400 though the trouble is its own: form `plain`, `overloaded`, `server` or text.",
        defaults={"form": "plain"},
        draws={"form": lambda die: die.choice(sorted(MESSAGES))},
    ),
    Fault(
        name="policy",
        row=8,
        expect=Expect.POLICY,
        plan=_policy,
        says="400: the provider's usage policy refuses the request.",
    ),
    Fault(
        name="content-filter",
        row=8,
        expect=Expect.POLICY,
        plan=_content_filter,
        passes=True,
        says="The answer stops after `at` tokens because a content filter cut it.",
        defaults={"at": 0},
        draws={"at": lambda die: die.choice((0, 0, 4))},
    ),
    Fault(
        name="refusal",
        row=8,
        expect=Expect.POLICY,
        plan=_refusal,
        passes=True,
        says="The model declines politely, in the form its dialect has for that.",
    ),
    Fault(
        name="html-error",
        row=9,
        expect=Expect.ANSWER,
        plan=_html,
        says="An HTML page from some box in front: 502, 520 to 524.",
        defaults={"code": 502},
        draws={"code": lambda die: die.choice((502, 520, 521, 522, 523, 524))},
    ),
    Fault(
        name="html-200",
        row=9,
        expect=Expect.ANSWER,
        plan=_html,
        says="An HTML page with status 200.",
        defaults={"code": 200},
    ),
    Fault(
        name="refuse",
        row=10,
        expect=Expect.ANSWER,
        plan=_refuse,
        says="Drops every connection and refuses new ones for `for_s`.",
        defaults={"for_s": 0.5},
        draws={"for_s": lambda die: die.uniform(0.2, 10)},
    ),
)
