"""Who is let in: at once, after a short wait, or not; in hours of overload in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from seatrial.counters import MemoryCounters
from seatrial.engine.admission import (
    LEAST_IN_FLIGHT,
    MOST_IN_FLIGHT,
    Admission,
    Limiter,
    Place,
    Reserved,
    resident_bytes,
)
from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Short
from seatrial.reliability.limits import LimitSettings
from seatrial.testing.clock import run
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

INTERACTIVE, DEFAULT, BATCH, SHADOW = Criticality
SOON = 60.0


class LoopClock:
    """The loop's own time, leaping or not."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_790_000_000.0 + self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def admission_of(places: int | None, *, memory: int | None = None) -> Admission:
    """Open the doors with so many places."""
    return Admission(
        LoopClock(), random.Random(3).random, max_in_flight=places, max_memory_bytes=memory
    )


def enter(admission: Admission, key: str = "k", criticality: Criticality = DEFAULT) -> Place:
    """Enter at once; the test fails otherwise."""
    place = admission.enter(key, criticality)
    assert isinstance(place, Place)
    return place


async def ask(
    admission: Admission,
    key: str = "k",
    criticality: Criticality = DEFAULT,
    *,
    patience_s: float = SOON,
) -> Place | Refused:
    """Enter, or wait."""
    found = admission.enter(key, criticality)
    if found is None:
        deadline = asyncio.get_running_loop().time() + patience_s
        found = await admission.wait(key, criticality, deadline=deadline)
    return found


async def waiting(admission: Admission, *args: object) -> asyncio.Task[Place | Refused]:
    """Start to ask; the test fails when that does not lead to a wait."""
    task = asyncio.ensure_future(ask(admission, *args))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_without_pressure_nobody_waits() -> None:
    """A place is taken and given back, once however often."""

    async def main() -> None:
        admission = admission_of(2)
        places = [enter(admission), enter(admission)]
        assert 2 == admission.in_flight
        for _ in range(2):
            admission.leave(places[0])
        assert 1 == admission.in_flight
        enter(admission)

    run(main())


def test_who_comes_to_a_full_house_waits_for_a_place() -> None:
    """The next place that is given back is theirs, first come first served."""

    async def main() -> None:
        admission = admission_of(1)
        place = enter(admission)
        first, second = await waiting(admission), await waiting(admission)
        assert 2 == admission.view().queued
        admission.leave(place)
        granted = await first
        assert isinstance(granted, Place)
        assert not second.done()
        admission.leave(granted)
        assert isinstance(await second, Place)
        assert (1, 0) == (admission.in_flight, admission.view().queued)

    run(main())


def test_nobody_overtakes_those_who_wait() -> None:
    """While somebody waits a newcomer waits behind them, even if a place is free."""

    async def main() -> None:
        admission = admission_of(1)
        place = enter(admission, "a")
        task = await waiting(admission, "a", INTERACTIVE)
        admission.leave(place)
        assert admission.enter("a", DEFAULT) is None
        assert isinstance(await task, Place)

    run(main())


def test_a_caller_who_leaves_gives_up_its_place() -> None:
    """Cancelled while waiting, or in the moment in which it was let in: no place is lost."""

    async def main() -> None:
        admission = admission_of(1)
        place = enter(admission)
        gone, lucky = await waiting(admission), await waiting(admission)
        gone.cancel()
        await asyncio.wait({gone})
        assert 1 == admission.view().queued
        admission.leave(place)
        lucky.cancel()
        await asyncio.wait({lucky})
        assert (0, 0) == (admission.in_flight, admission.view().queued)
        enter(admission)

    run(main())


def test_who_cannot_be_answered_in_time_is_told_so() -> None:
    """After half of the time that is left a wait ends in a refusal that says when to return."""

    async def main() -> None:
        admission = admission_of(1)
        enter(admission)
        refused = await ask(admission, patience_s=8.0)
        assert isinstance(refused, Refused)
        assert "overloaded" == refused.code
        assert 1.0 <= (refused.retry_after_s or 0) <= 3.0
        assert 4.0 == pytest.approx(asyncio.get_running_loop().time())

    run(main())


def test_a_full_queue_refuses_at_once() -> None:
    """Whoever matters less, or holds more, leaves for a newcomer; else the newcomer goes."""

    async def main() -> None:
        admission = admission_of(8)
        for _ in range(8):
            enter(admission, "a")
        batch = [await waiting(admission, "a", BATCH) for _ in range(8)]
        refused = admission.enter("a", BATCH)
        assert isinstance(refused, Refused)
        assert "overloaded" == refused.code
        await waiting(admission, "a", INTERACTIVE)
        assert "overloaded" == getattr(await batch[-1], "code", "")
        await waiting(admission, "new", BATCH)
        assert "rate_limited" == getattr(await batch[-2], "code", "")
        assert {"overloaded": 2, "rate_limited": 1} == admission.view().refused

    run(main())


def test_shadows_never_wait() -> None:
    """Nobody reads their answers: they take a free place or none."""

    async def main() -> None:
        admission = admission_of(1)
        place = enter(admission, "k", SHADOW)
        assert isinstance(admission.enter("k", SHADOW), Refused)
        admission.leave(place)
        enter(admission, "k", SHADOW)

    run(main())


def test_a_lagging_loop_lets_nobody_wait_and_no_batch_in() -> None:
    """At a lag of the event loop people are still served while there are places."""

    async def main() -> None:
        admission = admission_of(2)
        for _ in range(2):
            admission.beat(0.15, 0)
        enter(admission)
        assert isinstance(admission.enter("k", BATCH), Refused)
        enter(admission)
        assert isinstance(admission.enter("k", INTERACTIVE), Refused)
        for _ in range(4):
            admission.beat(0.0, 0)
        assert admission.enter("k", BATCH) is None

    run(main())


def test_a_lag_that_is_over_at_the_next_beat_is_no_load() -> None:
    """A busy machine holds us up now and then: nobody is refused for that."""

    async def main() -> None:
        admission, learns = admission_of(1), admission_of(None)
        for lag_s in (0.0, 0.5, 0.0, 0.4, 0.05, 0.3):
            admission.beat(lag_s, 0)
            learns.beat(lag_s, 0)
        enter(admission)
        assert admission.enter("k", BATCH) is None
        assert MOST_IN_FLIGHT == learns.view().capacity
        assert 0.5 > admission.view().lag_s >= 0.4

    run(main())


def test_a_lagging_loop_lowers_what_is_in_flight_if_that_is_not_set() -> None:
    """The learnt capacity falls with each lag, to what surely is no load, and comes back."""

    async def main() -> None:
        learns, fixed = admission_of(None), admission_of(2000)
        places = [enter(learns) for _ in range(400)]
        for _ in range(20):
            learns.beat(0.2, 0)
            fixed.beat(0.2, 0)
            await asyncio.sleep(0.25)
        assert LEAST_IN_FLIGHT == learns.view().capacity
        assert 2000 == fixed.view().capacity
        for each in places:
            learns.leave(each)
        for _ in range(4):
            learns.beat(0.0, 0)
        for _ in range(200):
            crowd = [enter(learns) for _ in range(60)]
            for each in crowd:
                learns.leave(each)
        assert LEAST_IN_FLIGHT < learns.view().capacity <= MOST_IN_FLIGHT

    run(main())


def test_above_the_bound_of_memory_nobody_is_let_in() -> None:
    """Until memory is below it again."""

    async def main() -> None:
        admission = admission_of(8, memory=1000)
        admission.beat(0.0, 1001)
        assert isinstance(admission.enter("k", INTERACTIVE), Refused)
        admission.beat(0.0, 1000)
        enter(admission)

    run(main())


def test_settings_are_taken_up_while_it_runs() -> None:
    """More places let those in who wait, at the next beat."""

    async def main() -> None:
        admission = admission_of(1)
        enter(admission)
        task = await waiting(admission)
        admission.adjust(max_in_flight=2, max_memory_bytes=None)
        admission.beat(0.0, 0)
        assert isinstance(await task, Place)

    run(main())


def test_the_memory_of_this_process_is_known() -> None:
    """Some megabytes on Linux; 0 where the system does not say."""
    assert resident_bytes() == 0 or resident_bytes() > 10_000_000


# --- limits --------------------------------------------------------------------------------


class Away:
    """Counters that cannot be reached."""

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        raise CountersUnavailable("away")

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        raise CountersUnavailable("away")

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        raise CountersUnavailable("away")

    async def lift(self, asks: Sequence[Ask]) -> None:
        raise CountersUnavailable("away")

    async def close(self) -> None:
        pass


async def reserve(limiter: Limiter, tokens: int, settings: LimitSettings) -> object:
    """Ask a limit as ann."""
    return await limiter.reserve(settings, Caller(user="ann"), "f", tokens=tokens, lease_s=60.0)


def test_a_request_takes_what_it_expects_and_pays_what_it_used() -> None:
    """Tokens that were not used are there for the next; the headers say how many."""

    async def main() -> None:
        clock = LoopClock()
        limiter = Limiter(MemoryCounters(clock), clock, iter(f"r{i}" for i in range(99)).__next__)
        settings = LimitSettings(tokens_minute=1000, user_requests_day=2)
        one = await reserve(limiter, 900, settings)
        assert isinstance(one, Reserved)
        refused = await reserve(limiter, 200, settings)
        assert isinstance(refused, Refused)
        assert "rate_limited" == refused.code
        await limiter.settle(one, tokens=100)
        shown = await limiter.headers(one)
        assert "900" == shown["x-ratelimit-remaining-tokens"]
        assert "1" == shown["x-ratelimit-remaining-requests"]
        assert isinstance(await reserve(limiter, 200, settings), Reserved)
        refused = await reserve(limiter, 1, settings)
        assert isinstance(refused, Refused)
        assert "insufficient_quota" == refused.code

    run(main())


def test_no_limit_costs_nothing() -> None:
    """Without settings nothing is asked of the counters."""
    assert run(reserve(Limiter(Away(), LoopClock(), str), 9, LimitSettings())) is None


def test_limits_are_no_reason_for_an_outage() -> None:
    """When nothing can be counted requests pass, and it is known how many."""

    async def main() -> None:
        limiter = Limiter(Away(), LoopClock(), lambda: "id")
        assert await reserve(limiter, 9, LimitSettings(requests_minute=1)) is None
        reserved = Reserved("id", [Ask("requests:default:f:minute", 1, 1, refill_s=60.0)])
        await limiter.settle(reserved, tokens=1)
        assert {} == await limiter.headers(reserved)
        assert 2 == limiter.uncounted

    run(main())
