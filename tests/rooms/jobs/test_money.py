"""Between requests: counters learn from the ledger, and forecasts say who must save."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from seatrial.counters import MemoryCounters
from seatrial.jobs.money import look_after_money
from seatrial.reliability.budgets import BudgetSettings, Payer, asks_for
from seatrial.reliability.forecast import Thrift
from seatrial.values.criticality import Criticality
from seatrial.values.ledger import Booked, CostQuery

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC).timestamp()
DOLLAR = 10**12


class NoonClock:
    """It is noon, always."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return NOON

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


class Books:
    """A ledger of what the test says; it notes what it was asked."""

    def __init__(self, *rows: Booked) -> None:
        self.rows = list(rows)
        self.asked: list[CostQuery] = []

    def costs(self, query: CostQuery) -> list[Booked]:
        self.asked.append(query)
        return self.rows if query.tenant == "default" else []


async def inline(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Carry out work at once."""
    return work(*given, **named)


def look(
    books: Books, budgets: Mapping[str, BudgetSettings], now: Mapping[str, Thrift] | None = None
) -> tuple[dict[str, Thrift], MemoryCounters]:
    """Look after the money once."""
    clock = NoonClock()
    counters = MemoryCounters(clock)
    found = asyncio.run(
        look_after_money(
            budgets,
            ledger=books,
            counters=counters,
            clock=clock,
            off_loop=inline,
            now=now or {},
            tenants=("default", "acme"),
        )
    )
    return found, counters


def held(counters: MemoryCounters, settings: BudgetSettings, payer: Payer) -> list[int]:
    """Return what the accounts of a payer hold."""
    return asyncio.run(counters.used(asks_for(settings, payer, pico=1, at=NOON)))


def days(pico: int) -> list[Booked]:
    """Return ten days of the same cost."""
    return [Booked((f"2026-11-{day:02d}", "support"), cost_pico=pico) for day in range(1, 11)]


def test_nothing_bounded_reads_nothing() -> None:
    """Without budgets the ledger is left alone."""
    books = Books()
    assert {} == look(books, {})[0]
    assert [] == books.asked


def test_counters_hold_what_the_ledger_does() -> None:
    """After a start: the month's and today's, of the feature, of keys and of users."""
    settings = BudgetSettings(usd_day=5, usd_month=99, key_usd_month=50, user_usd_day=5)
    books = Books(
        Booked(("2026-11-10", "support", "k1", "ann"), cost_pico=3 * DOLLAR),
        Booked(("2026-11-11", "support", "k1", "bob"), cost_pico=2 * DOLLAR),
    )
    _, counters = look(books, {"support": settings})

    assert ("day", "feature", "key", "user") == books.asked[0].by
    assert {"default", "acme"} == {query.tenant for query in books.asked}
    assert "2026-11-01" == books.asked[0].since
    of_bob = held(counters, settings, Payer("support", "k1", "bob"))
    assert [2 * DOLLAR, 5 * DOLLAR, 2 * DOLLAR, 5 * DOLLAR] == of_bob


def test_forecast_beyond_the_month_spares_what_matters_less() -> None:
    """10 dollars a day will be 300; shadow and batch save first."""
    found, _ = look(Books(*days(10 * DOLLAR)), {"support": BudgetSettings(usd_month=290)})

    assert {Criticality.SHADOW, Criticality.BATCH} == found["support"].classes
    assert "$290.00" in found["support"].reason


def test_enough_money_spares_nobody() -> None:
    """And a day's budget has no forecast."""
    rows = days(10 * DOLLAR)
    assert {} == look(Books(*rows), {"support": BudgetSettings(usd_month=400)})[0]
    assert {} == look(Books(*rows), {"support": BudgetSettings(usd_day=1)})[0]
