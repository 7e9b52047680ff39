"""The leaping clock: hours pass at once, in order, and a deadlock is named."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest

from seatrial.testing.clock import AsleepForEver, LeapingLoop, run


def now_s() -> float:
    """Give the loop's time."""
    return asyncio.get_running_loop().time()


def test_a_day_passes_at_once() -> None:
    """Sleeping costs virtual time only, and lands exactly on the alarm."""

    async def days() -> float:
        await asyncio.sleep(86_400)
        await asyncio.sleep(0.1)
        return now_s()

    began_s = time.monotonic()

    assert 86_500.1 == run(days(), start=100.0)
    assert time.monotonic() - began_s < 1


def test_alarms_ring_late_in_time_too() -> None:
    """Seconds since 1970 are a start like any other, though their fractions are coarse."""

    async def naps() -> float:
        async with asyncio.timeout(3600):
            for _ in range(100):
                await asyncio.sleep(0.1)
        return now_s()

    assert run(naps(), start=1.8e9) == pytest.approx(1.8e9 + 10, abs=1e-3)


def test_sleepers_wake_in_the_order_of_their_alarms() -> None:
    """Whoever sleeps less wakes first, at the moment meant, whoever went to bed first."""
    woken: list[tuple[float, int]] = []

    async def sleeper(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((now_s(), number))

    async def night() -> None:
        await asyncio.gather(*(sleeper(n, s) for n, s in enumerate([3, 0.5, 7200, 0.1 + 0.2, 1])))

    run(night())

    assert [(0.1 + 0.2, 3), (0.5, 1), (1, 4), (3, 0), (7200, 2)] == woken


def test_time_stands_still_while_tasks_can_run() -> None:
    """Work without sleep takes no time, however many turns of the loop it needs."""

    async def busy() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return now_s()

    assert 0 == run(busy())


def test_timeouts_strike_in_virtual_time() -> None:
    """`asyncio.timeout` and `wait_for` are sleepers like others."""

    async def impatient() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 15)
        return now_s()

    assert 45 == run(impatient())


def test_a_deadlock_is_named_at_once() -> None:
    """If nobody can wake anybody, the error says who waits."""

    async def stuck() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the gate")

    began_s = time.monotonic()
    with pytest.raises(AsleepForEver, match="the gate"):
        run(stuck())

    assert time.monotonic() - began_s < 5


def test_the_loop_ends_cleanly_after_a_deadlock() -> None:
    """The tasks that were stuck are cancelled, and their `finally` runs."""
    mended: list[str] = []

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            mended.append("yes")

    with pytest.raises(AsleepForEver):
        run(stuck())

    assert ["yes"] == mended


def test_time_stands_still_while_a_thread_works() -> None:
    """An alarm an hour away does not overtake a thread that takes a blink."""

    def blink() -> str:
        time.sleep(0.05)
        return "done"

    async def threaded() -> tuple[str, float]:
        async with asyncio.timeout(3600):
            told = await asyncio.to_thread(blink)
        return told, now_s()

    assert ("done", 0) == run(threaded())


def test_a_strangers_thread_may_wake_the_loop() -> None:
    """`call_soon_threadsafe` from somebody's own thread is no deadlock."""

    async def woken() -> str:
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        timer = threading.Timer(0.05, lambda: loop.call_soon_threadsafe(news.set))
        timer.start()
        await news.wait()
        timer.join()
        return "woken"

    assert "woken" == run(woken())


def test_sockets_work_and_alarms_beside_them() -> None:
    """Bytes cross a real socket between two tasks of the loop while hours pass."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)
        writer.write(await reader.readexactly(5))
        writer.close()

    async def talk() -> tuple[bytes, float]:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            said = await reader.read()
            writer.close()
            return said, now_s()

    assert (b"hello", 3600) == run(talk())


def trace(seed: int) -> list[tuple[float, int]]:
    """Let fifty tasks sleep at random, and note who woke when."""
    seen: list[tuple[float, int]] = []

    async def wander(number: int, die: random.Random) -> None:
        for _ in range(5):
            await asyncio.sleep(die.choice([0, 0.5, 1, die.expovariate(1)]))
            seen.append((now_s(), number))

    async def crowd() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(wander(number, random.Random(f"{seed}/{number}")))

    run(crowd())
    return seen


def test_equal_seeds_give_equal_runs() -> None:
    """Nothing of the machine shows: the same tasks wake in the same order at the same time."""
    assert trace(1) == trace(1)
    assert trace(1) != trace(2)


def test_the_loop_leaps_fast_enough_for_days_of_traffic() -> None:
    """Ten thousand tasks of three sleeps each take about half a second, not more than two."""

    async def sleeper(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0.001 * number + 1)

    async def crowd() -> None:
        await asyncio.gather(*(sleeper(number) for number in range(10_000)))

    began_s = time.process_time()
    run(crowd())

    # Measured at 0.4 s on one core; the bound leaves room for a busy one.
    assert time.process_time() - began_s < 2


def test_a_loop_of_ones_own_can_be_started_anywhere_in_time() -> None:
    """`LeapingLoop` is an ordinary loop to its users."""
    loop = LeapingLoop(start=5)
    try:
        loop.run_until_complete(asyncio.sleep(2.5))

        assert 7.5 == loop.time()
    finally:
        loop.close()
