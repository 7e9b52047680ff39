"""How much one feature, key or user may ask, and what the caller hears at the limit.

A limit per minute is a bucket: it holds a minute's worth and empties evenly.  A limit per day
ends with the day, in UTC.  Counting itself is done by a `Counters`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from seatrial.ports import Ask, Short
from seatrial.reliability.checks.sizes import typical_tokens
from seatrial.reliability.checks.texts import spoken_of, strings_of
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Usage
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400
LONGEST_WAIT_S: Final = 60.0  # clients ignore a Retry-After above it
FIRST_GUESS: Final = 256.0  # tokens of an answer, before any was seen
LEARNS: Final = 0.05  # of each answer; the last twenty count most
HEADROOM: Final = 1.5  # answers differ; what was too much is given back
_CAPS: Final = ("max_completion_tokens", "max_tokens")
_NAMES: Final = {"feature": "this feature", "key": "your API key", "user": "this user"}


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """A section [features.NAME.limits]: the most that may be asked.

    Limits of keys and users hold for each of them; callers without a key, and those who name
    no user, only count for the feature.

    Args:
        requests_minute, tokens_minute: of the whole feature, in any minute.
        requests_day, tokens_day: of the whole feature, from midnight to midnight UTC.
        key_requests_minute, key_tokens_minute: of each API key, in any minute.
        key_requests_day, key_tokens_day: of each API key, from midnight to midnight UTC.
        user_requests_minute, user_tokens_minute: of each user, in any minute.
        user_requests_day, user_tokens_day: of each user, from midnight to midnight UTC.
    """

    requests_minute: int | None = None
    tokens_minute: int | None = None
    requests_day: int | None = None
    tokens_day: int | None = None
    key_requests_minute: int | None = None
    key_tokens_minute: int | None = None
    key_requests_day: int | None = None
    key_tokens_day: int | None = None
    user_requests_minute: int | None = None
    user_tokens_minute: int | None = None
    user_requests_day: int | None = None
    user_tokens_day: int | None = None

    @property
    def counts_tokens(self) -> bool:
        """Whether any of the limits is one of tokens."""
        return any(row.unit == "tokens" for row in _rows(self))


@dataclass(frozen=True, slots=True)
class TargetLimits:
    """A section [targets.NAME.limits]: what the provider grants each of its keys.

    Args:
        requests_minute, tokens_minute: in any minute.
    """

    requests_minute: int | None = None
    tokens_minute: int | None = None


def asks_for(
    settings: LimitSettings, caller: Caller, feature: str, tokens: int, now: float
) -> list[Ask]:
    """Return what one request takes from its limits, those that take longest to wait for first.

    Args:
        settings: of the feature.
        caller: who asks.
        feature: its name.
        tokens: expected, of question and answer together.
        now: wall clock, seconds.

    >>> [(ask.account, ask.amount) for ask in asks_for(
    ...     LimitSettings(requests_minute=60), Caller(), "support", 900, 0.0)]
    [('requests:default:support:minute', 1)]
    """
    rows = _rows(settings)
    if not rows:
        return []
    midnight = float((int(now) // DAY_S + 1) * DAY_S)
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    place = f"{caller.tenant}:{feature}"
    asks: list[Ask] = []
    for row in rows:
        whose = _whose(row.who, caller)
        if whose is None:
            continue
        amount = 1 if row.unit == "requests" else tokens
        account = f"{row.unit}:{place}:{whose}"
        if row.daily:
            asks.append(Ask(account + day, amount, row.ceiling, ends_at=midnight))
        else:
            asks.append(Ask(f"{account}minute", amount, row.ceiling, refill_s=MINUTE_S))
    return asks


def asks_of_target(limits: TargetLimits, target: str, outlets: int, tokens: int) -> list[Ask]:
    """Return what one attempt takes from what the provider grants.

    Args:
        limits: of the target.
        target: its name.
        outlets: how many addresses and keys it has; each has a grant of its own.
        tokens: expected, of question and answer together.
    """
    wanted = (
        ("requests", 1, limits.requests_minute),
        ("tokens", tokens, limits.tokens_minute),
    )
    asks = []
    for unit, amount, granted in wanted:
        if granted is not None:
            most = granted * outlets
            # More than a minute grants can never fit; an empty bucket lets it pass alone.
            fits = min(amount, most)
            asks.append(Ask(f"{unit}:target:{target}:minute", fits, most, refill_s=MINUTE_S))
    return asks


def used_up(short: Short) -> Failure:
    """Return why an attempt is not made: what the provider grants is used up for now."""
    reason = "the limit that is declared for it is used up"
    return Failure(Cause.THROTTLED, reason, retry_after_s=short.wait_s, sent=False)


class UsualOutput:
    """How many tokens answers usually have.

    >>> usual = UsualOutput()
    >>> usual.learn(100)
    >>> usual.tokens
    248.2
    """

    __slots__ = ("tokens",)

    def __init__(self) -> None:
        self.tokens = FIRST_GUESS

    def learn(self, tokens: int) -> None:
        """Take in one answer."""
        self.tokens += (tokens - self.tokens) * LEARNS


def expected_tokens(body: Mapping[str, Any], usual: UsualOutput) -> int:
    """Return about how many tokens a request and its answer will have.

    Args:
        body: the request in OpenAI's shape.
        usual: of answers like the one that is asked for.
    """
    if "input" in body:  # an embedding writes nothing
        return sum(map(typical_tokens, strings_of(body["input"])))
    asked = sum(typical_tokens(text) for text, _ in spoken_of(body))
    caps: list[int] = [body[name] for name in _CAPS if isinstance(body.get(name), int)]
    return asked + math.ceil(min([usual.tokens * HEADROOM, *caps]))


def tokens_of(usage: Usage) -> int:
    """Return how many tokens were read and written, of every class."""
    return usage.all_input_tokens + usage.all_output_tokens


def settled(asks: Sequence[Ask], tokens: int) -> list[int]:
    """Return what was used of each ask once the tokens are known.

    Args:
        asks: as they were reserved.
        tokens: really used, of question and answer together.
    """
    return [tokens if ask.account.startswith("tokens:") else ask.amount for ask in asks]


def refusal(asks: Sequence[Ask], short: Short) -> Refused:
    """Return what a caller hears whose request did not fit.

    Args:
        asks: what was asked.
        short: what came of it.
    """
    ask = asks[short.index]
    unit, _, rest = ask.account.partition(":")
    parts = rest.split(":")
    whose = _NAMES.get(parts[2], _NAMES["feature"])
    if ask.refill_s is None:
        message = f"The {unit} of {whose} for today ({ask.ceiling:,}) are used up. "
        return Refused("insufficient_quota", f"{message}They start anew at midnight UTC.")
    if short.wait_s is None:
        message = f"This request alone needs {ask.amount:,} {unit}, and {whose} has "
        return Refused("insufficient_quota", f"{message}{ask.ceiling:,} a minute. Ask for less.")
    wait_s = min(LONGEST_WAIT_S, max(short.wait_s, 0.001))
    message = f"The {unit} of {whose} for this minute ({ask.ceiling:,}) are used up. "
    message += f"Ask again in {math.ceil(wait_s)} s."
    return Refused("rate_limited", message, retry_after_s=wait_s)


def rate_headers(asks: Sequence[Ask], held: Sequence[int], now: float) -> Mapping[str, str]:
    """Return the values of `x-ratelimit-…` for the tightest limit of requests and of tokens.

    Args:
        asks: what the request asked for.
        held: what each of those accounts holds now.
        now: wall clock, seconds.

    >>> rate_headers([Ask("requests:default:support:minute", 1, 60, refill_s=60)], [15], 0)
    ... # doctest: +NORMALIZE_WHITESPACE
    {'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '45',
     'x-ratelimit-reset-requests': '15s'}
    """
    found: dict[str, str] = {}
    for unit in ("requests", "tokens"):
        rows = [
            (max(ask.ceiling - level, 0), ask, level)
            for ask, level in zip(asks, held, strict=True)
            if ask.account.startswith(f"{unit}:")
        ]
        if not rows:
            continue
        left, ask, level = min(rows, key=lambda row: row[0])
        if ask.refill_s is not None:
            reset_s = level * ask.refill_s / max(ask.ceiling, 1)
        else:
            reset_s = max(0.0, (ask.ends_at or now) - now)
        found[f"x-ratelimit-limit-{unit}"] = str(ask.ceiling)
        found[f"x-ratelimit-remaining-{unit}"] = str(left)
        found[f"x-ratelimit-reset-{unit}"] = _span(reset_s)
    return found


class _Row(NamedTuple):
    """One limit that is set."""

    who: str
    unit: str
    daily: bool
    ceiling: int


@lru_cache(maxsize=4096)
def _rows(settings: LimitSettings) -> tuple[_Row, ...]:
    """Return the limits that are set, those of a day first."""
    rows = []
    for period in ("day", "minute"):
        for who in ("", "key_", "user_"):
            for unit in ("requests", "tokens"):
                ceiling = getattr(settings, f"{who}{unit}_{period}")
                if ceiling is not None:
                    rows.append(_Row(who, unit, period == "day", ceiling))
    return tuple(rows)


def _whose(who: str, caller: Caller) -> str | None:
    """Return the part of an account that says whose it is; None when nobody is known."""
    if not who:
        return ""
    if who == "key_":
        return f"key:{caller.key_id}:" if caller.key_id else None
    if not caller.user:
        return None
    # As a digest: of bounded length, and no name or address leaves this machine.
    digest = hashlib.blake2b(caller.user.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"user:{digest.hexdigest()}:"


def _span(seconds: float) -> str:
    """Return a time as OpenAI writes it: 120ms, 6m0s, 2h3m4s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
