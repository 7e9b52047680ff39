"""Shared counters whose server hangs, dies, forgets: what holds, and what nobody waits for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from seatrial.app.wiring import LiveClock
from seatrial.counters import open_counters
from seatrial.counters.local_shares import LEASED_SHARE, LocalShares
from seatrial.counters.valkey import LIMIT_S, ValkeyCounters
from seatrial.counters.wire import Wire
from seatrial.errors import CountersUnavailable, StartRefused
from seatrial.ports import Ask, Short
from tests.conformance.own_valkey import OwnValkey
from tests.patience import soon, until

pytestmark = [pytest.mark.anyio, pytest.mark.needs_valkey]

LEASE_S = 30.0
SOON_S = 0.2  # nobody waits longer for a hung server: 50 ms, and a second time if we lagged
PATIENT_S = 10.0  # for a server that is there, on a busy machine


@pytest.fixture
def server() -> Iterator[OwnValkey]:
    """A server to do harm to."""
    with OwnValkey() as own:
        yield own


@pytest.fixture
async def shared(server: OwnValkey) -> AsyncIterator[ValkeyCounters]:
    """Counters on it, as they are in service."""
    opened = ValkeyCounters(server.address, limit_s=PATIENT_S)
    yield opened
    await opened.close()


@pytest.fixture
async def shares(server: OwnValkey) -> AsyncIterator[list[LocalShares]]:
    """Three replicas that have heard of each other."""
    three = [
        LocalShares(ValkeyCounters(server.address, limit_s=PATIENT_S), LiveClock())
        for _ in range(3)
    ]
    try:
        for _ in range(2):
            for each in three:
                await each.beat()
        yield three
    finally:
        server.resume()
        for each in three:
            await each.close()


def hang(server: OwnValkey, *those: LocalShares | ValkeyCounters) -> None:
    """Stop the server without a word; nobody waits for it longer than in service."""
    server.hang()
    for wire in wires(*those):
        wire._limit_s = LIMIT_S


async def resume(server: OwnValkey, *those: LocalShares | ValkeyCounters) -> None:
    """Let the server go on, and wait until it is asked again."""
    server.resume()
    for wire in wires(*those):
        wire._limit_s = PATIENT_S
        await until(lambda wire=wire: not wire.resting)


def wires(*those: LocalShares | ValkeyCounters) -> list[Wire]:
    """Return the ways to the server."""
    return [(each._shared if isinstance(each, LocalShares) else each)._wire for each in those]


def money(amount: int, ceiling: int = 1000) -> Ask:
    """Ask a month's budget."""
    return Ask("usd:feature:support:2026-11", amount, ceiling, ends_at=time.time() + 3600)


def requests(amount: int = 1, ceiling: int = 30) -> Ask:
    """Ask a limit per minute."""
    return Ask("requests:default:support:minute", amount, ceiling, refill_s=60.0)


def today(amount: int = 1, ceiling: int = 30) -> Ask:
    """Ask a limit per day."""
    account = "requests:default:support:2026-11-22"
    return Ask(account, amount, ceiling, ends_at=time.time() + 3600)


async def rested(shares: LocalShares) -> None:
    """Beat until the server is reached again; the test fails when that takes long."""
    for _ in range(100):
        try:
            await shares.beat()
        except CountersUnavailable:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the counters did not come back")


async def spend(shares: LocalShares, amount: int, ceiling: int = 1000) -> int:
    """Reserve and settle the same; return what was granted."""
    held_id = uuid4().hex
    if await shares.reserve(held_id, [money(amount, ceiling)], lease_s=LEASE_S):
        return 0
    await shares.settle(held_id, [amount])
    return amount


async def test_a_hung_server_hangs_nobody(server: OwnValkey, shared: ValkeyCounters) -> None:
    """While it is stopped every call ends soon, two hundred at once too, and most at once."""
    assert await shared.reserve("before", [money(1)], lease_s=LEASE_S) is None
    hang(server, shared)

    async def call(number: int) -> None:
        with pytest.raises(CountersUnavailable):
            await shared.reserve(f"c{number}", [money(1)], lease_s=LEASE_S)

    crowd = [asyncio.ensure_future(call(number)) for number in range(200)]
    assert await soon(lambda: all(each.done() for each in crowd), within_s=SOON_S)
    await asyncio.gather(*crowd)
    waited = 0
    for number in range(50):
        one = asyncio.ensure_future(call(1000 + number))
        await asyncio.sleep(0)
        waited += not one.done()
        await one
    assert waited < 5, "the server is tried again, ever more seldom"


async def test_what_was_given_up_is_given_back(server: OwnValkey, shared: ValkeyCounters) -> None:
    """A reservation whose reply never came is undone, in whatever order things arrive."""
    assert await shared.reserve("before", [money(1)], lease_s=LEASE_S) is None
    hang(server, shared)
    with pytest.raises(CountersUnavailable):
        await shared.reserve("lost", [money(500)], lease_s=LEASE_S)
    await resume(server, shared)
    await shared.beat()

    assert [1] == await shared.used([money(0)])
    assert await shared.reserve("lost", [money(500)], lease_s=LEASE_S) is None
    assert [1] == await shared.used([money(0)]), "a late arrival takes nothing"


async def test_a_caller_who_leaves_takes_nothing_along(shared: ValkeyCounters) -> None:
    """A cancelled reservation is undone."""
    await shared.beat()
    task = asyncio.ensure_future(shared.reserve("gone", [money(500)], lease_s=LEASE_S))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await shared.beat()

    assert [0] == await shared.used([money(0)])


async def test_an_empty_server_is_told_what_was_seen(
    server: OwnValkey, shared: ValkeyCounters
) -> None:
    """After a restart that lost everything the level is put back, and money waits a moment."""
    assert await shared.reserve("before", [money(700)], lease_s=LEASE_S) is None
    server.kill()
    server.start()
    await asyncio.sleep(0.05)

    for _ in range(40):
        try:
            short = await shared.reserve(uuid4().hex, [money(1)], lease_s=LEASE_S)
        except CountersUnavailable:
            await asyncio.sleep(0.1)
        else:
            break
    else:
        raise AssertionError("it never came back")

    assert short is None
    assert [701] == await shared.used([money(0)])
    assert Short(0, 299) == await shared.reserve("much", [money(300)], lease_s=LEASE_S)


async def test_replicas_know_how_many_they_are(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """Each counts the others' signs of life, and no longer those who left."""
    assert [3, 3, 3] == [each.replicas for each in shares]
    await shares[2].close()
    await shares[0].beat()

    assert 2 == shares[0].replicas


async def test_limits_go_on_by_shares(server: OwnValkey, shares: list[LocalShares]) -> None:
    """While the server is away each of three grants a third of a minute's and a day's limit."""
    for each in shares:
        assert await each.reserve(uuid4().hex, [today()], lease_s=LEASE_S) is None
    await shares[0].reserve(uuid4().hex, [today()], lease_s=LEASE_S)
    hang(server, *shares)

    minute = [
        [await each.reserve(uuid4().hex, [requests()], lease_s=LEASE_S) for _ in range(20)]
        for each in shares
    ]
    assert [10, 10, 10] == [granted.count(None) for granted in minute]
    day = [await shares[0].reserve(uuid4().hex, [today()], lease_s=LEASE_S) for _ in range(20)]
    assert (30 - 4) // 3 == day.count(None)


async def test_a_large_ask_passes_alone(server: OwnValkey, shares: list[LocalShares]) -> None:
    """More than a share and less than the whole is granted once; more than all never."""
    server.kill()

    assert await shares[0].reserve("a", [requests(25)], lease_s=LEASE_S) is None
    assert await shares[0].reserve("b", [requests(25)], lease_s=LEASE_S) is not None
    never = await shares[1].reserve("c", [requests(31)], lease_s=LEASE_S)
    assert never is not None
    assert never.wait_s is None


async def test_money_is_closed_without_a_lease(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """A replica that never saw an account spends nothing from it while the server is away."""
    hang(server, *shares)

    assert Short(0, 0) == await shares[0].reserve("id", [money(1)], lease_s=LEASE_S)


async def test_money_goes_on_by_leases_that_were_put_aside(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """What is spent while the server is away was left for it, and is told afterwards."""
    for each in shares:
        assert 100 == await spend(each, 100)
        await each.beat()
    hang(server, *shares)
    alone = [sum([await spend(each, 1) for _ in range(200)]) for each in shares]

    assert all(10 < each < 1000 * LEASED_SHARE / 2 for each in alone)
    await resume(server, *shares)
    for each in shares:
        await rested(each)
    assert [300 + sum(alone)] == await shares[0].used([money(0)])


async def test_a_lease_is_left_for_whom_it_was_put_aside(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """One replica alone is cut off: others spend all but its lease, and it no more than that."""
    cut, other = shares[0], shares[1]
    for each in shares:
        assert 1 == await spend(each, 1)
        await each.beat()
    cut._shared._wire._rests_until = float("inf")

    theirs = sum([await spend(other, 1) for _ in range(1000)])
    own = sum([await spend(cut, 1) for _ in range(1000)])

    assert own > 50
    assert 3 + theirs + own <= 1000
    cut._shared._wire._rests_until = 0.0
    await cut.beat()
    assert [3 + theirs + own] == await other.used([money(0)])


async def test_a_lease_is_spent_once(server: OwnValkey, shares: list[LocalShares]) -> None:
    """After what was spent of it is told, it is measured anew before more is spent."""
    one = shares[0]
    assert 1 == await spend(one, 1)
    await one.beat()
    hang(server, one)
    first = sum([await spend(one, 1) for _ in range(1000)])
    await resume(server, one)
    await one._repay()
    hang(server, one)

    assert first > 50
    assert 0 == sum([await spend(one, 1) for _ in range(20)])


async def test_what_is_settled_while_it_is_told_is_counted_once(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """A reservation made alone may end in the moment in which it is told."""
    one = shares[0]
    assert 1 == await spend(one, 1)
    await one.beat()
    hang(server, one)
    assert await one.reserve("alone", [money(50)], lease_s=LEASE_S) is None
    await resume(server, one)
    telling = asyncio.ensure_future(one._repay())
    await asyncio.sleep(0)
    await one.settle("alone", [3])
    await telling
    await one.beat()

    assert [1 + 3] == await one.used([money(0)])


async def test_what_is_spent_alone_is_told_whatever_was_given_up(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """A reservation given up in the shared counters and made alone instead is not taken back."""
    one = shares[0]
    assert 1 == await spend(one, 1)
    await one.beat()
    hang(server, one)
    assert await one.reserve("given up", [money(50)], lease_s=LEASE_S) is None
    await resume(server, one)
    await rested(one)
    assert [1 + 50] == await one.used([money(0)])
    await one.settle("given up", [20])

    assert [1 + 20] == await one.used([money(0)])


async def test_no_debt_is_paid_twice(server: OwnValkey, shares: list[LocalShares]) -> None:
    """What is reserved, settled and settled late around an outage is counted once."""
    one = shares[0]
    assert 100 == await spend(one, 100)
    await one.beat()
    assert await one.reserve("before", [money(50)], lease_s=LEASE_S) is None
    hang(server, one)
    await one.settle("before", [20])  # cannot be told now
    assert await one.reserve("within", [money(8)], lease_s=LEASE_S) is None
    assert await one.reserve("across", [money(9)], lease_s=LEASE_S) is None
    await one.settle("within", [5])
    await resume(server, one)
    await rested(one)
    await one.settle("across", [7])
    for _ in range(2):
        await one.beat()

    assert [100 + 20 + 5 + 7] == await one.used([money(0)])
    assert 10 == await spend(one, 10)


async def test_the_ceiling_holds_while_the_server_comes_and_goes(
    server: OwnValkey, shares: list[LocalShares]
) -> None:
    """Three replicas spend to the edge around a server that hangs again and again: no excess."""
    dice = random.Random(5)
    ceiling = 3000
    spent = most = 0
    started = asyncio.get_running_loop().time()

    def is_over() -> bool:
        """Whether the troubles are, and the budget is; in any case at last."""
        took_s = asyncio.get_running_loop().time() - started
        return (took_s > 5.0 and spent > 0.95 * ceiling) or took_s > 60.0

    async def replica(each: LocalShares) -> None:
        nonlocal spent, most
        while not is_over():
            held_id, amount = uuid4().hex, dice.randint(1, 9)
            if await each.reserve(held_id, [money(amount, ceiling)], lease_s=LEASE_S) is None:
                spent += amount
                most = max(most, spent)
                await asyncio.sleep(dice.random() / 100)
                used = dice.randint(0, amount)
                spent -= amount - used
                await each.settle(held_id, [used])
            await asyncio.sleep(0.002)

    async def beats(each: LocalShares) -> None:
        while not is_over():
            with suppress(CountersUnavailable):
                await each.beat()
            await asyncio.sleep(0.1)

    async def trouble() -> None:
        while asyncio.get_running_loop().time() < started + 4.0:
            await asyncio.sleep(dice.random() / 2)
            hang(server, *shares)
            await asyncio.sleep(dice.random() / 2)
            server.resume()
        await resume(server, *shares)

    await asyncio.gather(
        *(replica(each) for each in shares for _ in range(5)),
        *(beats(each) for each in shares),
        trouble(),
    )
    for each in shares:
        await rested(each)
    await shares[0].beat()

    (held,) = await shares[0].used([money(0, ceiling)])
    assert most <= ceiling
    assert spent <= held <= ceiling, "what is not known to be free stays used"
    assert spent > 0.8 * ceiling


async def test_counters_are_opened_by_their_address() -> None:
    """No address is this process alone; a wrong one is refused without showing it."""
    assert "MemoryCounters" in repr(open_counters("", LiveClock()))
    with pytest.raises(StartRefused) as caught:
        open_counters("http://me:word@host", LiveClock())
    assert "word" not in str(caught.value)
