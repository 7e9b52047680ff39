"""In and out of the engine: a place, then the limits, and everything back at the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from seatrial.counters import MemoryCounters
from seatrial.engine.admission import Admission, Limiter
from seatrial.engine.gate import Gate, Pass
from seatrial.ports import Ask, Counters, Short
from seatrial.reliability.limits import LimitSettings
from seatrial.testing.clock import run
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller, Request
from tests.rooms.engine.test_admission import Away, LoopClock

FREE = None
TOKENS = LimitSettings(tokens_minute=1000)
ONCE = LimitSettings(requests_minute=1)


def gate_of(places: int = 2, counters: Counters | None = None) -> Gate:
    """Open a gate with so many places."""
    clock = LoopClock()
    ids = (f"r{number}" for number in itertools.count())
    return Gate(
        Admission(clock, lambda: 0.5, max_in_flight=places),
        Limiter(counters or MemoryCounters(clock), clock, ids.__next__),
        clock,
    )


def request(key: str = "k", criticality: Criticality = Criticality.DEFAULT) -> Request:
    """Ask something of a hundred tokens."""
    body = {"messages": [{"role": "user", "content": "x" * 400}]}
    deadline = asyncio.get_running_loop().time() + 10.0
    caller = Caller(key_id=key)
    return Request("id", "f", body, deadline, caller=caller, criticality=criticality)


async def enter(gate: Gate, settings: LimitSettings | None = FREE) -> Pass:
    """Enter; the test fails when that is refused."""
    passed = await gate.enter(request(), settings)
    assert isinstance(passed, Pass)
    return passed


def test_a_pass_is_a_place_until_it_is_given_back() -> None:
    """Without limits nothing else is taken, and counters are not asked."""

    async def main() -> None:
        gate = gate_of(1, Away())
        passed = await enter(gate)
        assert 1 == gate.admission.in_flight
        assert {} == await gate.headers(passed)
        waiting = asyncio.ensure_future(gate.enter(request(), FREE))
        await asyncio.sleep(1.0)
        await gate.leave(passed, tokens=9)
        assert isinstance(await waiting, Pass)
        assert isinstance(await gate.enter(request(criticality=Criticality.SHADOW), FREE), Refused)
        assert 0 == gate.limiter.uncounted
        await gate.leave(await waiting, tokens=9)
        assert isinstance(await gate.enter(request(), LimitSettings()), Pass)

    run(main())


def test_who_is_over_a_limit_takes_no_place() -> None:
    """A refusal by a limit leaves everything as it was."""

    async def main() -> None:
        gate = gate_of()
        first = await enter(gate, ONCE)
        refused = await gate.enter(request(), ONCE)
        assert isinstance(refused, Refused)
        assert "rate_limited" == refused.code
        assert 1 == gate.admission.in_flight
        assert "0" == (await gate.headers(first))["x-ratelimit-remaining-requests"]

    run(main())


def test_answers_teach_what_to_expect() -> None:
    """At first a long answer is reserved for; after short ones as many more requests fit."""

    async def main() -> None:
        gate = gate_of(100)
        taken = [await gate.enter(request(), TOKENS) for _ in range(5)]
        assert 2 == sum(isinstance(each, Pass) for each in taken)
        for each in taken:
            if isinstance(each, Pass):
                await gate.leave(each, tokens=110, written=10)
        for _ in range(200):
            await asyncio.sleep(60.0)
            await gate.leave(await enter(gate, TOKENS), tokens=110, written=10)
        await asyncio.sleep(60.0)
        taken = [await gate.enter(request(), TOKENS) for _ in range(20)]
        assert 8 == sum(isinstance(each, Pass) for each in taken)

    run(main())


def test_what_nobody_knows_stays_reserved() -> None:
    """Without a report the expected tokens count."""

    async def main() -> None:
        gate = gate_of()
        passed = await enter(gate, TOKENS)
        await gate.leave(passed, tokens=None)
        assert "516" == (await gate.headers(passed))["x-ratelimit-remaining-tokens"]
        assert 0 == gate.admission.in_flight

    run(main())


@dataclass
class Slow(Away):
    """Counters that take a second."""

    asked: list[str] = field(default_factory=list)

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        self.asked.append(id)
        await asyncio.sleep(1.0)
        return None


def test_who_leaves_while_it_is_counted_takes_no_place_along() -> None:
    """Cancelled at the counters: the place is free again."""

    async def main() -> None:
        counters = Slow()
        gate = gate_of(1, counters)
        task = asyncio.ensure_future(gate.enter(request(), ONCE))
        await asyncio.sleep(0.5)
        assert 1 == gate.admission.in_flight
        task.cancel()
        await asyncio.wait({task})
        assert ["r0"] == counters.asked
        assert 0 == gate.admission.in_flight

    run(main())


def test_what_a_limit_refuses_is_counted() -> None:
    """It leaves no record; the door refuses by the same key as the way in."""

    async def main() -> None:
        gate = gate_of(1)
        await enter(gate, ONCE)
        assert gate.shed(Caller(key_id="k"), Criticality.DEFAULT) is None
        assert isinstance(gate.shed(Caller(key_id="k"), Criticality.SHADOW), Refused)
        assert {"overloaded": 1} == gate.admission.view().refused
        again = gate_of(2)
        await enter(again, ONCE)
        assert isinstance(await again.enter(request(), ONCE), Refused)
        assert {"rate_limited": 1} == again.admission.view().refused

    run(main())
