"""Between requests: counters learn what the ledger knows, and forecasts say who must save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from seatrial.engine.world import OffLoop
from seatrial.ports import Clock, Counters, Ledger
from seatrial.reliability.budgets import BudgetSettings, Payer, Spent, lifts_for, period_of
from seatrial.reliability.forecast import PLENTY, WEEK, Forecast, Thrift, forecast, thrift
from seatrial.values.ledger import Booked, CostQuery
from seatrial.values.prices import exactly, pico_of


async def look_after_money(
    budgets: Mapping[str, BudgetSettings],
    *,
    ledger: Ledger,
    counters: Counters,
    clock: Clock,
    off_loop: OffLoop,
    now: Mapping[str, Thrift],
    tenants: Iterable[str] = ("default",),
) -> dict[str, Thrift]:
    """Return who makes do with less, by feature; counters hold at least what the ledger does.

    Args:
        budgets: by feature; those without are not looked at.
        ledger: what was spent.
        counters: of this process or of all.
        clock: wall time tells day and month.
        off_loop: carries out the reading.
        now: who makes do with less so far.
        tenants: whose money it is.

    Raises:
        StoreUnavailable: the ledger cannot be read.
        CountersUnavailable: the counters did not answer.
    """
    if not budgets:
        return {}
    at = clock.wall()
    found: dict[str, Thrift] = {}
    for tenant in tenants:
        spent: list[Spent] = await off_loop(read_spent, ledger, budgets, at, tenant)
        await counters.lift(lifts_for(budgets, spent, at=at))
        for feature, settings in budgets.items():
            foreseen = foresee(feature, spent, at=at)
            ceiling = ceiling_of(settings)
            saved = thrift(foreseen, ceiling, now=now.get(feature, PLENTY).classes)
            if len(saved.classes) > len(found.get(feature, PLENTY).classes):
                found[feature] = saved
    return found


def read_spent(
    ledger: Ledger, budgets: Mapping[str, BudgetSettings], at: float, tenant: str = "default"
) -> list[Spent]:
    """Return what was spent in the running month, and in the week before.

    Args:
        ledger: where it is booked.
        budgets: by feature; keys and users are told apart only where they have budgets.
        at: now, wall clock, seconds.
        tenant: whose money it is.

    Raises:
        StoreUnavailable: the ledger cannot be read.
    """
    query = CostQuery(by=_dimensions(budgets), tenant=tenant, since=_first_day(at))
    return [_spent(query.by, row, tenant) for row in ledger.costs(query)]


def foresee(feature: str, spent: Iterable[Spent], *, at: float) -> Forecast:
    """Return what a feature's month will cost.

    Args:
        feature: its name.
        spent: see `read_spent`.
        at: now, wall clock, seconds.
    """
    by_day: dict[str, int] = {}
    for each in spent:
        if each.payer.feature == feature:
            by_day[each.day] = by_day.get(each.day, 0) + each.pico
    return forecast(by_day, at=at)


def ceiling_of(settings: BudgetSettings) -> int | None:
    """Return the month's ceiling in 1e-12 dollars; None when there is none."""
    return None if settings.usd_month is None else pico_of(exactly(settings.usd_month))


def _dimensions(budgets: Mapping[str, BudgetSettings]) -> tuple[str, ...]:
    """Return by what the ledger is asked: keys and users only where they have budgets."""
    keys = any(each.key_usd_day or each.key_usd_month for each in budgets.values())
    users = any(each.user_usd_day or each.user_usd_month for each in budgets.values())
    return ("day", "feature", *(("key",) if keys else ()), *(("user",) if users else ()))


def _first_day(at: float) -> str:
    """Return the first day that matters: of the month, or of the week before now."""
    week_ago = datetime.fromtimestamp(at, UTC) - timedelta(days=WEEK)
    return min(f"{period_of('month', at)}-01", week_ago.strftime("%Y-%m-%d"))


def _spent(by: tuple[str, ...], row: Booked, tenant: str) -> Spent:
    named = dict(zip(by, row.names, strict=True))
    payer = Payer(named["feature"], named.get("key", ""), named.get("user", ""), tenant)
    return Spent(named["day"], payer, row.cost_pico)
