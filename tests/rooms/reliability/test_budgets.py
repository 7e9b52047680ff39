"""Budgets: accounts, their names and periods, and what an attempt asks of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.reliability.budgets import (
    GRACE_S,
    BudgetSettings,
    Payer,
    Spent,
    account_of,
    asks_for,
    ends_at,
    lifts_for,
    period_of,
    with_month,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
ALL = BudgetSettings(1.0, 20.0, 0.3, 4.0, 0.1, 2.0)
ANN = Payer("support", key_id="k1", user="ann")


def test_an_attempt_asks_every_account_that_concerns_it() -> None:
    """User, key and feature, for the day and the month, the narrowest first."""
    asks = asks_for(ALL, ANN, pico=7, at=NOON)

    assert [
        ("usd:user:support:ann:2026-11-22", 7, 100_000_000_000),
        ("usd:user:support:ann:2026-11", 7, 2_000_000_000_000),
        ("usd:key:support:k1:2026-11-22", 7, 300_000_000_000),
        ("usd:key:support:k1:2026-11", 7, 4_000_000_000_000),
        ("usd:feature:support:2026-11-22", 7, 1_000_000_000_000),
        ("usd:feature:support:2026-11", 7, 20_000_000_000_000),
    ] == [(ask.account, ask.amount, ask.ceiling) for ask in asks]
    midnight = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    assert midnight + GRACE_S == asks[0].ends_at
    assert datetime(2026, 12, 1, tzinfo=UTC).timestamp() + GRACE_S == asks[1].ends_at


def test_who_is_not_named_has_no_account() -> None:
    """Without a user and a key only the feature pays; without a bound nobody asks."""
    assert ["usd:feature:support:2026-11"] == [
        ask.account
        for ask in asks_for(
            BudgetSettings(usd_month=5, user_usd_day=1), Payer("support"), pico=1, at=NOON
        )
    ]
    assert [] == asks_for(BudgetSettings(), ANN, pico=1, at=NOON)


def test_a_free_target_asks_for_nothing() -> None:
    """A budget that is used up does not stop what costs nothing."""
    assert [] == asks_for(ALL, ANN, pico=0, at=NOON)


def test_bounded_says_whether_anything_is() -> None:
    """One bound is enough."""
    assert not BudgetSettings().bounded
    assert BudgetSettings(key_usd_month=1).bounded


def test_the_requirement_is_the_months_budget() -> None:
    """Unless a smaller budget of its own is set for the month: a requirement always holds."""
    assert 500 == with_month(ALL.__class__(usd_day=3), 500).usd_month
    assert 3 == with_month(BudgetSettings(usd_day=3), 500).usd_day
    assert 20.0 == with_month(ALL, 500).usd_month
    assert 15.0 == with_month(ALL, 15).usd_month
    assert BudgetSettings() == with_month(BudgetSettings(), None)


@pytest.mark.parametrize(
    ("payers", "same"),
    [
        ((Payer("f", user="a:b"), Payer("f", user="a%3Ab")), False),
        ((Payer("f", user="a"), Payer("f", user="a", tenant="acme")), False),
        ((Payer("f", user="a"), Payer("g", user="a")), False),
        ((Payer("f", user="a", key_id="k"), Payer("f", user="a", key_id="other")), True),
    ],
)
def test_no_two_payers_share_an_account(payers: tuple[Payer, Payer], same: bool) -> None:
    """Signs inside a name cannot make it look like another; tenants are never mixed."""
    one, other = (account_of("user", "day", payer, at=NOON) for payer in payers)
    assert same == (one == other)


def test_days_and_months_are_those_of_utc() -> None:
    """The last second of a year is its own; the next one belongs to the next."""
    end = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()

    assert ("2026-12-31", "2026-12") == (period_of("day", end), period_of("month", end))
    assert ("2027-01-01", "2027-01") == (period_of("day", end + 1), period_of("month", end + 1))
    assert end + 1 == ends_at("day", end) == ends_at("month", end)
    leap = datetime(2028, 2, 3, tzinfo=UTC).timestamp()
    assert datetime(2028, 3, 1, tzinfo=UTC).timestamp() == ends_at("month", leap)


def test_after_a_start_the_accounts_hold_what_the_ledger_says() -> None:
    """Days of the month add up, other days count for the month only, strangers for nothing."""
    other = Payer("support", key_id="k2")
    spent = [
        Spent("2026-11-22", ANN, 5),
        Spent("2026-11-21", ANN, 40),
        Spent("2026-11-22", other, 300),
        Spent("2026-10-31", ANN, 7_000),
        Spent("2026-11-22", Payer("unbounded", key_id="k1"), 90_000),
    ]

    lifts = lifts_for({"support": BudgetSettings(10, 90, key_usd_day=1)}, spent, at=NOON)

    assert {
        "usd:key:support:k1:2026-11-22": 5,
        "usd:key:support:k2:2026-11-22": 300,
        "usd:feature:support:2026-11-22": 305,
        "usd:feature:support:2026-11": 345,
    } == {ask.account: ask.amount for ask in lifts}
