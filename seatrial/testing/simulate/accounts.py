"""Who asks and who pays: API keys and their end, users, prices, budgets and limits of a day."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

NOBODY: Final = "unknown"  # the name of a key that was never made
USERS: Final = ("", "ann", "ben", "cai")
MOST_TOKENS: Final = 64  # that a caller on a day with prices lets a target write
LIMITS: Final = ("requests_minute", "tokens_minute", "key_requests_minute", "user_requests_minute")
CLASSES: Final = ("interactive", "default", "default", "batch", "shadow")


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """An API key, made before the day began.

    Args:
        id: its public part.
        secret: the rest of it.
        revoked_s: when somebody revokes it; None for never.
    """

    id: str
    secret: str
    revoked_s: float | None = None

    @property
    def token(self) -> str:
        """The whole key, as a caller sends it."""
        return f"st-{self.id}-{self.secret}"

    def digest(self, pepper: bytes) -> str:
        """Return what is stored of it."""
        return hmac.new(pepper, self.token.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class PricePlan:
    """What a target bills, in dollars: for a million tokens read, written, and for each call."""

    input_usd_mtok: float
    output_usd_mtok: float
    request_usd: float

    def pico(self, read: int, written: int) -> int:
        """Return what a call costs, in 1e-12 dollars."""
        per_token = read * round(self.input_usd_mtok * 1e6) + written * round(
            self.output_usd_mtok * 1e6
        )
        return per_token + round(self.request_usd * 1e12)


@dataclass(frozen=True, slots=True)
class PurseHolder:
    """What one feature may spend and be asked.

    Args:
        budgets: dollars by name of the setting.
        limits: requests and tokens by name of the setting.
    """

    budgets: tuple[tuple[str, float], ...] = ()
    limits: tuple[tuple[str, int], ...] = ()


FREE: Final = PurseHolder()


def draw_keys(die: Random, span_s: float) -> tuple[KeyPlan, ...]:
    """Draw the keys of a day; on most days callers need none."""
    if die.random() < 0.55:
        return ()
    return tuple(
        KeyPlan(
            f"key{place}",
            f"{die.getrandbits(64):016x}",
            die.uniform(10.0, span_s) if place and die.random() < 0.3 else None,
        )
        for place in range(die.randint(2, 5))
    )


def draw_prices(die: Random, count: int) -> tuple[PricePlan | None, ...]:
    """Draw what each target bills; None for those whose price nobody knows."""
    if die.random() < 0.3:
        return (None,) * count
    return tuple(
        PricePlan(
            round(10 ** die.uniform(-1, 1), 3),
            round(10 ** die.uniform(-0.5, 1.5), 3),
            die.choice((0.0, 0.0, 0.001)),
        )
        for _ in range(count)
    )


def draw_purse(die: Random, prices: Sequence[PricePlan | None]) -> PurseHolder:
    """Draw what a feature may spend and be asked, near to what it will."""
    limits = [
        (name, round(10 ** die.uniform(1, 2.3)) * (50 if "tokens" in name else 1))
        for name in LIMITS
        if die.random() < 0.06
    ]
    known = [each for each in prices if each is not None]
    budgets: list[tuple[str, float]] = []
    if len(known) == len(prices) and die.random() < 0.6:
        typical = max(price.pico(40, 20) for price in known) / 1e12
        worst = max(price.pico(120, MOST_TOKENS) for price in known) / 1e12
        for name in ("usd_day", "usd_month", "key_usd_day", "user_usd_day"):
            if die.random() < 0.4:
                dollars = typical * 10 ** die.uniform(0.5, 2.3) + worst * die.choice((0, 1, 3))
                budgets.append((name, round(dollars, 9)))
    return PurseHolder(tuple(budgets), tuple(limits))


def draw_caller(die: Random, keys: Sequence[KeyPlan]) -> tuple[str, str, str]:
    """Draw who asks: the name of a key, a user, and how much it matters."""
    key = die.choice(keys).id if keys else ""
    if keys and die.random() < 0.05:
        key = die.choice((NOBODY, ""))
    return key, die.choice(USERS), die.choice(CLASSES)
