"""Counters in memory, in the test's own time: what buckets let through, and what is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.counters import MemoryCounters
from seatrial.counters.memory import KEPT_S
from seatrial.ports import Ask, Short

CEILING = 20
REFILL_S = 10.0


@dataclass
class Hands:
    """A clock in the test's hands."""

    at: float = 0.0
    ahead: float = 1_000_000.0  # of the wall clock

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def bucket(amount: int) -> Ask:
    """Ask a bucket."""
    return Ask("tokens", amount, CEILING, refill_s=REFILL_S)


STEPS = st.lists(
    st.tuples(
        st.integers(0, CEILING + 2),  # asked
        st.floats(0, 4),  # seconds before
        st.floats(0, 1),  # of it, the share really used
        st.integers(0, 6),  # settled after so many steps; 6 is never
    ),
    max_size=60,
)


# What has run out already must not make room once more when it turns out to be unused.
@example([(20, 0, 0.0, 4), (0, 4, 1, 6), (0, 4, 1, 6), (16, 0, 1, 6), (20, 0, 1, 6)])
@given(STEPS)
def test_no_window_holds_more_than_a_bucket_and_its_refill(
    steps: list[tuple[int, float, float, int]],
) -> None:
    """Whatever is reserved and given back, what is really used in any span is bounded."""
    clock = Hands()
    counters = MemoryCounters(clock)
    used: list[tuple[float, int]] = []

    async def main() -> None:
        due: list[tuple[int, str, int]] = []
        for number, (amount, pause_s, share, later) in enumerate(steps):
            clock.at += pause_s
            for _, id_, really in [each for each in due if each[0] <= number]:
                await counters.settle(id_, [really])
            due = [each for each in due if each[0] > number]
            short = await counters.reserve(f"r{number}", [bucket(amount)], lease_s=1000.0)
            if short is not None:
                assert amount > CEILING or (short.wait_s or 0) > 0
                continue
            really = int(amount * share) if later < 6 else amount
            used.append((clock.at, really))
            if later < 6:
                due.append((number + later, f"r{number}", really))

    asyncio.run(main())
    for first, (start, _) in enumerate(used):
        total = 0
        for at, amount in used[first:]:
            total += amount
            assert total <= CEILING * (1 + (at - start) / REFILL_S) + 1e-6


@given(st.integers(1, CEILING), st.integers(1, CEILING), st.floats(0, 5))
def test_the_wait_that_is_named_is_enough_and_not_too_long(
    first: int, second: int, pause_s: float
) -> None:
    """After it the same fits; a tenth of a unit's time before, it does not."""
    clock = Hands()
    counters = MemoryCounters(clock)

    async def ask(amount: int) -> Short | None:
        return await counters.reserve(f"{clock.at}{amount}", [bucket(amount)], lease_s=9.0)

    async def main() -> None:
        assert await ask(first) is None
        clock.at += pause_s
        short = await ask(second)
        if short is None:
            return
        assert short.wait_s is not None
        start = clock.at
        clock.at = start + short.wait_s - REFILL_S / CEILING / 10
        if clock.at > start:
            assert await ask(second) is not None
        clock.at = start + short.wait_s + 1e-6
        assert await ask(second) is None

    asyncio.run(main())


def test_a_wall_clock_that_jumps_changes_no_bucket_and_ends_no_month() -> None:
    """An hour forth and back: what was counted stays counted, once."""
    clock = Hands()
    counters = MemoryCounters(clock)
    month = Ask("usd", 10, 10, ends_at=clock.wall() + 600.0)

    async def main() -> None:
        await counters.reserve("r", [month, bucket(CEILING)], lease_s=9.0)
        for jump in (3600.0, -7200.0, 3600.0):
            clock.ahead += jump
            assert [10, CEILING] == await counters.used([month, bucket(0)])
            assert await counters.reserve("s", [month], lease_s=9.0)

    asyncio.run(main())


def test_what_is_over_is_forgotten() -> None:
    """Accounts and reservations of a thousand users leave nothing behind."""
    clock = Hands()
    counters = MemoryCounters(clock)

    async def main() -> None:
        for number in range(1000):
            asks = [
                Ask(f"requests:{number}", 1, 5, refill_s=REFILL_S),
                Ask(f"tokens:{number}", 1, 5, ends_at=clock.wall() + 60.0),
            ]
            await counters.reserve(f"r{number}", asks, lease_s=9.0)
            clock.at += 1.0
        clock.at += 2 * KEPT_S
        for number in range(3000):
            await counters.settle(f"x{number}", [])

    asyncio.run(main())
    assert "MemoryCounters(0 accounts, 0 reservations)" == repr(counters)


def test_the_tables_are_bounded() -> None:
    """With more accounts than may be, those that end soonest are forgotten."""
    clock = Hands()
    counters = MemoryCounters(clock, most_accounts=100)

    async def main() -> None:
        month = Ask("usd", 7, 10, ends_at=clock.wall() + 1e6)
        await counters.reserve("month", [month], lease_s=9.0)
        for number in range(1000):
            ask = Ask(f"requests:{number}", 1, 5, refill_s=REFILL_S)
            await counters.reserve(f"r{number}", [ask], lease_s=9.0)
        assert [7] == await counters.used([month])

    asyncio.run(main())
    assert len(counters._accounts) <= 101
