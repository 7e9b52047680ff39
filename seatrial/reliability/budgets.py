"""Budgets: which accounts an attempt's money comes from, and how much they may ever hold.

Every attempt asks for its worst case before it is sent; counters take all of it or nothing.  A
period is a day or a month of the calendar, UTC, and that of the *request's* start, so that accounts
and ledger never disagree about a midnight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from seatrial.ports import Ask
from seatrial.values.prices import DAY_S, exactly, pico_of

# What is settled late still finds its account.
GRACE_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What may be spent on targets, in US dollars; UTC calendar.  Left out is without bound.

    Args:
        usd_day: by the feature, per day.
        usd_month: by the feature, per month; `requirements.cost_usd_month` where that is less
            or this is left out.
        key_usd_day, key_usd_month: by each API key, of what it asks this feature.
        user_usd_day, user_usd_month: by each user, of what is asked of this feature for them.
    """

    usd_day: float | None = None
    usd_month: float | None = None
    key_usd_day: float | None = None
    key_usd_month: float | None = None
    user_usd_day: float | None = None
    user_usd_month: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether anything at all is bounded."""
        return any(ceiling is not None for _, _, ceiling in bounds_of(self))


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose account a request is.

    Args:
        feature: its name.
        key_id, user: who asked; empty when nobody is named, who has no account then.
        tenant: whose.
    """

    feature: str
    key_id: str = ""
    user: str = ""
    tenant: str = "default"

    def who(self, kind: str) -> str:
        """Return the name that an account of a kind is for; empty when there is none."""
        match kind:
            case "key":
                return self.key_id
            case "user":
                return self.user
            case _:
                return self.feature


@dataclass(frozen=True, slots=True)
class Spent:
    """What the ledger says that was spent on one day.

    Args:
        day: as `2026-11-22`.
        payer: by whom.
        pico: in 1e-12 dollars.
    """

    day: str
    payer: Payer
    pico: int


def asks_for(settings: BudgetSettings, payer: Payer, *, pico: int, at: float) -> list[Ask]:
    """Return what an attempt asks of the counters; nothing when no budget concerns it.

    Args:
        settings: the feature's budgets.
        payer: on whose account.
        pico: the attempt's worst case, in 1e-12 dollars; a free target asks for nothing.
        at: when the request began, wall clock, seconds.

    >>> asks_for(BudgetSettings(usd_day=2), Payer("support"), pico=5, at=0.0)[0].account
    'usd:feature:support:1970-01-01'
    """
    if pico <= 0:
        return []
    return [
        _ask(kind, period, payer, pico=pico, ceiling=ceiling, at=at)
        for kind, period, ceiling in bounds_of(settings)
        if ceiling is not None and payer.who(kind)
    ]


def lifts_for(
    budgets: Mapping[str, BudgetSettings], spent: Iterable[Spent], *, at: float
) -> list[Ask]:
    """Return what every account of the running day and month holds already: after a start.

    Args:
        budgets: by feature.
        spent: from the ledger, for the running month; order does not matter.
        at: now, wall clock, seconds.
    """
    today, month = period_of("day", at), period_of("month", at)
    held: dict[str, Ask] = {}
    for each in spent:
        for kind, period, ceiling in bounds_of(budgets.get(each.payer.feature, BudgetSettings())):
            running = each.day == today if period == "day" else each.day.startswith(month)
            if ceiling is None or not running or not each.payer.who(kind):
                continue
            ask = _ask(kind, period, each.payer, pico=each.pico, ceiling=ceiling, at=at)
            before = held.get(ask.account)
            held[ask.account] = _plus(ask, before.amount if before else 0)
    return list(held.values())


def with_month(settings: BudgetSettings, cost_usd_month: float | None) -> BudgetSettings:
    """Return the budgets with the requirement as the month's, where none or more is set."""
    if cost_usd_month is None or (
        settings.usd_month is not None and settings.usd_month <= cost_usd_month
    ):
        return settings
    return BudgetSettings(
        settings.usd_day,
        cost_usd_month,
        settings.key_usd_day,
        settings.key_usd_month,
        settings.user_usd_day,
        settings.user_usd_month,
    )


def account_of(kind: str, period: str, payer: Payer, *, at: float) -> str:
    """Return the name of an account.

    Args:
        kind: `feature`, `key` or `user`.
        period: `day` or `month`.
        payer: on whose account.
        at: wall clock, seconds.

    >>> account_of("user", "month", Payer("support", user="ann:b"), at=0.0)
    'usd:user:support:ann%3Ab:1970-01'
    """
    tenant = [] if payer.tenant == "default" else ["tenant", _plain(payer.tenant)]
    who = [] if kind == "feature" else [_plain(payer.who(kind))]
    return ":".join(["usd", *tenant, kind, payer.feature, *who, period_of(period, at)])


def period_of(period: str, at: float) -> str:
    """Return the day or month of a wall-clock time, UTC.

    >>> period_of("month", 0.0)
    '1970-01'
    """
    return _calendar(at // DAY_S)[period][0]


def ends_at(period: str, at: float) -> float:
    """Return when the day or month ends, wall clock, seconds.

    >>> ends_at("month", 0.0) / DAY_S
    31.0
    """
    return _calendar(at // DAY_S)[period][1]


@lru_cache(maxsize=64)
def _calendar(number: float) -> Mapping[str, tuple[str, float]]:
    """Return the name and the end of a day and of its month."""
    day = datetime.fromtimestamp(number * DAY_S, UTC)
    next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return {
        "day": (day.strftime("%Y-%m-%d"), (number + 1) * DAY_S),
        "month": (day.strftime("%Y-%m"), next_month.timestamp()),
    }


def _plain(name: str) -> str:
    """Return a name without colons, and no two names alike."""
    return name.replace("%", "%25").replace(":", "%3A")


def bounds_of(settings: BudgetSettings) -> tuple[tuple[str, str, float | None], ...]:
    """Return every bound with whom it is about and its period, the narrowest first."""
    return (
        ("user", "day", settings.user_usd_day),
        ("user", "month", settings.user_usd_month),
        ("key", "day", settings.key_usd_day),
        ("key", "month", settings.key_usd_month),
        ("feature", "day", settings.usd_day),
        ("feature", "month", settings.usd_month),
    )


def _ask(kind: str, period: str, payer: Payer, *, pico: int, ceiling: float, at: float) -> Ask:
    return Ask(
        account_of(kind, period, payer, at=at),
        pico,
        _pico(ceiling),
        ends_at=ends_at(period, at) + GRACE_S,
    )


@lru_cache(maxsize=1_024)
def _pico(usd: float) -> int:
    return pico_of(exactly(usd))


def _plus(ask: Ask, more: int) -> Ask:
    return Ask(ask.account, ask.amount + more, ask.ceiling, ask.refill_s, ask.ends_at)
