"""What every `Counters` does, in memory and in Valkey."""

from __future__ import annotations

import asyncio
import random
import time
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.ports import Ask, Counters, Short

pytestmark = pytest.mark.anyio

LEASE_S = 30.0
BIG = 9_000_000_123_456_789_012_345  # nine thousand million dollars, in 1e-12


def money(amount: int, ceiling: int = 100, account: str = "usd:feature:support:2026-11") -> Ask:
    """Ask an account that only its end empties."""
    return Ask(account, amount, ceiling, ends_at=time.time() + 3600)


def tokens(amount: int, ceiling: int = 100, refill_s: float = 60.0) -> Ask:
    """Ask a bucket."""
    return Ask("tokens:default:support:minute", amount, ceiling, refill_s=refill_s)


async def take(counters: Counters, *asks: Ask, lease_s: float = LEASE_S) -> str:
    """Reserve under a fresh id; the test fails when it does not fit."""
    held_id = uuid4().hex
    assert await counters.reserve(held_id, asks, lease_s=lease_s) is None
    return held_id


async def test_what_is_reserved_counts_as_used(counters: Counters) -> None:
    """A reservation that nobody settles stays."""
    await take(counters, money(60))

    assert [60] == await counters.used([money(0)])
    assert Short(0, 40) == await counters.reserve("late", [money(41)], lease_s=LEASE_S)
    assert await counters.reserve("fits", [money(40)], lease_s=LEASE_S) is None


async def test_a_reservation_is_all_or_nothing(counters: Counters) -> None:
    """When one ask does not fit, none is taken."""
    await take(counters, tokens(90))

    short = await counters.reserve("id", [money(10), tokens(11)], lease_s=LEASE_S)

    assert short is not None
    assert (1, 10) == (short.index, short.left)
    assert [0, 90] == await counters.used([money(0), tokens(0)])


async def test_settling_puts_what_was_used(counters: Counters) -> None:
    """Less gives room back; more is counted, also beyond the ceiling."""
    first = await take(counters, money(60))
    await counters.settle(first, [25])
    assert [25] == await counters.used([money(0)])

    second = await take(counters, money(75))
    await counters.settle(second, [80])
    assert [105] == await counters.used([money(0)])
    assert Short(0, 0) == await counters.reserve("late", [money(1)], lease_s=LEASE_S)


async def test_an_id_is_settled_once(counters: Counters) -> None:
    """A second settlement and one of an unknown id change nothing."""
    held_id = await take(counters, money(60))
    await counters.settle(held_id, [10])
    await counters.settle(held_id, [0])
    await counters.settle("unknown", [0])

    assert [10] == await counters.used([money(0)])


async def test_an_id_is_reserved_once(counters: Counters) -> None:
    """Asking again with an id that holds something takes nothing more."""
    for _ in range(3):
        assert await counters.reserve("twin", [money(60)], lease_s=LEASE_S) is None

    assert [60] == await counters.used([money(0)])


async def test_a_lapsed_lease_stays_used(counters: Counters) -> None:
    """After its lease a reservation can be settled no more, and still counts."""
    held_id = await take(counters, money(60), lease_s=0.05)
    await asyncio.sleep(0.15)
    await counters.settle(held_id, [0])

    assert [60] == await counters.used([money(0)])


async def test_a_bucket_refills(counters: Counters) -> None:
    """It empties evenly, by its ceiling in its time; the wait that is named is enough."""
    await take(counters, tokens(100, refill_s=2.0))

    short = await counters.reserve("soon", [tokens(20, refill_s=2.0)], lease_s=LEASE_S)

    assert short is not None
    assert short.wait_s is not None
    assert 0.2 < short.wait_s <= 0.4
    await asyncio.sleep(short.wait_s + 0.01)
    assert await counters.reserve("now", [tokens(20, refill_s=2.0)], lease_s=LEASE_S) is None
    assert await counters.reserve("more", [tokens(20, refill_s=2.0)], lease_s=LEASE_S)


async def test_a_bucket_is_not_given_back_what_time_has_emptied(counters: Counters) -> None:
    """Unused tokens that have run out already make no second room for others."""
    early = await take(counters, tokens(30, refill_s=1.0))
    await asyncio.sleep(0.35)
    await take(counters, tokens(60, refill_s=1.0))
    await counters.settle(early, [0])

    (held,) = await counters.used([tokens(0, refill_s=1.0)])
    assert held >= 35  # 60 less what a busy machine needs to look


async def test_a_bucket_gets_back_what_was_not_used(counters: Counters) -> None:
    """Tokens that were reserved and not used are free at once."""
    held_id = await take(counters, tokens(90, refill_s=600.0))
    await counters.settle(held_id, [10])

    (held,) = await counters.used([tokens(0, refill_s=600.0)])
    assert 9 <= held <= 10


@pytest.mark.parametrize("ask", [money(101), tokens(101), money(1, 0), tokens(1, 0)])
async def test_what_never_fits_names_no_wait(counters: Counters, ask: Ask) -> None:
    """More than the ceiling is refused for good."""
    short = await counters.reserve("id", [ask], lease_s=LEASE_S)

    assert Short(0, ask.ceiling) == short


async def test_nothing_always_fits(counters: Counters) -> None:
    """An ask of 0 passes where everything is used up: what is free costs nothing."""
    await take(counters, money(100))

    await take(counters, money(0))
    await take(counters, money(0, ceiling=50))


async def test_one_account_asked_twice_is_counted_twice(counters: Counters) -> None:
    """Two asks of one reservation do not look past each other."""
    assert Short(1, 40) == await counters.reserve("id", [money(60), money(60)], lease_s=LEASE_S)
    held_id = await take(counters, money(60), money(40))
    await counters.settle(held_id, [1, 2])

    assert [3] == await counters.used([money(0)])


async def test_lifting_only_raises(counters: Counters) -> None:
    """After a start the ledger's sum is put there, and never less than is held."""
    await counters.lift([money(70)])
    await counters.lift([money(30)])

    assert [70] == await counters.used([money(0)])
    assert Short(0, 30) == await counters.reserve("id", [money(31)], lease_s=LEASE_S)


async def test_unknown_accounts_hold_nothing(counters: Counters) -> None:
    """What nobody asked for is empty, and looking does not make it."""
    assert [0, 0] == await counters.used([money(5), tokens(5)])


async def test_money_is_exact_beyond_what_a_float_holds(counters: Counters) -> None:
    """The smallest unit is not lost beside the largest budget."""
    held_id = await take(counters, money(BIG, BIG + 1))
    assert [BIG] == await counters.used([money(0)])
    assert Short(0, 1) == await counters.reserve("two", [money(2, BIG + 1)], lease_s=LEASE_S)
    await take(counters, money(1, BIG + 1))

    await counters.settle(held_id, [BIG - 7])
    assert [BIG - 6] == await counters.used([money(0)])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 10**12 - 1, 10**12, 10**15 + 1, 10**21]),
            st.integers(0, 10**21),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(0, 3 * 10**21),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_money_adds_up(
    counters: Counters, steps: list[tuple[int, int, bool]], ceiling: int
) -> None:
    """Whatever is reserved and settled, the account holds the sum, and admits to the ceiling."""
    account = uuid4().hex
    sum_ = 0
    for amount, used, settles in steps:
        held_id = uuid4().hex
        ask = money(amount, ceiling, account)
        short = await counters.reserve(held_id, [ask], lease_s=LEASE_S)
        assert (short is None) == (sum_ + amount <= ceiling)
        if short is not None:
            assert max(0, ceiling - sum_) == short.left
            continue
        sum_ += amount
        if settles:
            await counters.settle(held_id, [used])
            sum_ += used - amount
    assert [sum_] == await counters.used([money(0, ceiling, account)])


async def test_a_thousand_at_the_edge_pass_it_by_nothing(counters: Counters) -> None:
    """A thousand callers at once, room for 137: exactly 137 are let through."""
    dice = random.Random(7)
    held = most = 0

    async def call(number: int) -> bool:
        nonlocal held, most
        await asyncio.sleep(dice.random() / 50)
        short = await counters.reserve(f"c{number}", [money(3, 411)], lease_s=LEASE_S)
        if short is None:
            held += 3
            most = max(most, held)
        return short is None

    passed = await asyncio.gather(*(call(number) for number in range(1000)))

    assert 137 == sum(passed)
    assert 411 == most
    assert [411] == await counters.used([money(0)])


async def test_settled_room_is_used_to_the_last_unit(counters: Counters) -> None:
    """Callers who use less than they reserve leave the rest to others, never more."""
    dice = random.Random(11)
    used = 0

    async def call(number: int) -> None:
        nonlocal used
        if await counters.reserve(f"c{number}", [money(10, 1000)], lease_s=LEASE_S) is None:
            await asyncio.sleep(dice.random() / 100)
            spent = dice.randrange(11)
            used += spent
            await counters.settle(f"c{number}", [spent])

    for wave in range(12):
        await asyncio.gather(*(call(wave * 200 + number) for number in range(200)))

    assert used <= 1000
    assert [used] == await counters.used([money(0)])
    assert used > 990
