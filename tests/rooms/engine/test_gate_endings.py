"""However a request ends, its place is free again."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest

from seatrial.counters import MemoryCounters
from seatrial.engine.admission import Admission, Limiter
from seatrial.engine.answer import answer
from seatrial.engine.gate import Gate
from seatrial.engine.idempotency import Twins
from seatrial.reliability.limits import LimitSettings
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Piece
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Answered, Refused, Settled
from seatrial.values.requests import Caller
from tests.rooms.engine.stage import GOOD, HANG, LoopClock, Reader, Stage, Target, play, spoken
from tests.rooms.engine.test_idempotency import Claims

CUT = Failure(Cause.CONNECTION_LOST)


def narrow(stage: Stage, places: int, limits: LimitSettings | None = None) -> Gate:
    """Give a stage so few places."""
    clock = LoopClock()
    ids = (f"r{number}" for number in itertools.count())
    gate = Gate(
        Admission(clock, random.Random(5).random, max_in_flight=places),
        Limiter(MemoryCounters(clock), clock, ids.__next__),
        clock,
    )
    stage.world = replace(stage.world, gate=gate)
    if limits is not None:
        stage.known.limits["support"] = limits  # type: ignore[index]
    return gate


def check_empty(gate: Gate) -> None:
    """Nobody is in, nobody waits, no key holds anything."""
    view = gate.admission.view()
    assert (0, 0) == (view.in_flight, view.queued)
    shares = gate.admission._shares
    assert ({}, {}) == (shares.in_flight, shares.queued)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after_s", [0.0, 0.5, 3.0])
def test_whoever_leaves_while_it_waits_or_is_answered_leaves_its_place(
    stream: bool, after_s: float
) -> None:
    """One in the house and one in the queue, both gone."""

    async def scene() -> None:
        stage = Stage({"large": Target([["Yes", HANG]] if stream else [[HANG, GOOD]])})
        gate = narrow(stage, 1)
        asking = [
            asyncio.create_task(stage.listen(Reader()) if stream else stage.ask()) for _ in range(2)
        ]
        await asyncio.sleep(after_s)
        for task in reversed(asking):
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        check_empty(gate)

    play(scene())


@pytest.mark.parametrize("act", [[ZeroDivisionError("oh")], [Failure(Cause.SERVER_ERROR)], [GOOD]])
def test_mistakes_failures_and_answers_leave_their_place(act: list[Any]) -> None:
    """Whole answers, however they end."""

    async def scene() -> None:
        stage = Stage({"large": Target([act])})
        gate = narrow(stage, 2, LimitSettings(tokens_minute=10_000))
        await asyncio.gather(*(stage.ask() for _ in range(4)), return_exceptions=True)
        check_empty(gate)

    play(scene())


@pytest.mark.parametrize("end", [[CUT], [ZeroDivisionError("oh")]])
def test_cut_streams_leave_their_place(end: list[Any]) -> None:
    """After the first words have left."""

    async def scene() -> None:
        stage = Stage({"large": Target([[*spoken()[:5], *end]])})
        gate = narrow(stage, 1)
        reader = Reader()
        await asyncio.gather(stage.listen(reader), return_exceptions=True)
        assert reader.pieces
        check_empty(gate)

    play(scene())


def test_twins_take_one_place_and_refused_ones_leave_no_record() -> None:
    """Ten with one key: one is answered; where none is let in, none has a record."""

    async def scene() -> None:
        stage = Stage({"large": Target([[1.0, GOOD]])})
        gate = narrow(stage, 1)
        twins = Twins(Claims(), stage.world)
        tasks = [asyncio.create_task(keyed(stage, twins, "k")) for _ in range(10)]
        await asyncio.sleep(0.5)
        assert 1 == gate.admission.in_flight
        settled = await asyncio.gather(*tasks)
        assert 1 == sum(not each.replayed for each in settled)
        assert 1 == len(stage.recorder.records)

        gate.admission.beat(0.0, 0)
        gate.admission.adjust(max_in_flight=1, max_memory_bytes=1)
        gate.admission.beat(0.0, 2)
        tasks = [asyncio.create_task(keyed(stage, twins, "other")) for _ in range(10)]
        settled = await asyncio.gather(*tasks)
        assert {"overloaded"} == {
            each.decision.code for each in settled if isinstance(each.decision, Refused)
        }
        assert not any(each.let_in or isinstance(each.decision, Answered) for each in settled)
        assert 10 == len({each.head.record_id for each in settled})
        assert 1 == len(stage.recorder.records)
        await twins.close(5.0)
        check_empty(gate)

    play(scene())


async def keyed(stage: Stage, twins: Twins, key: str) -> Settled:
    """Ask with a key."""
    request = msgspec.structs.replace(stage.request(), idempotency_key=key, fingerprint="same")
    work = partial(answer, request, stage.known, world=stage.world)
    return await twins.answer(request, stage.known, work)


def test_no_place_is_lost_in_a_thousand_mixed_requests() -> None:
    """Streams and whole, greedy and modest, cut, failed, mistaken, left at any moment."""

    async def scene() -> None:
        dice = random.Random(7)
        acts: list[list[Any]] = [
            [0.05, GOOD],
            [0.2, Failure(Cause.SERVER_ERROR)],
            [0.1, ZeroDivisionError("oh")],
            [HANG, GOOD],
        ]
        streams: list[list[Any]] = [spoken(), [*spoken()[:5], CUT], [0.1, Piece(text="a"), HANG]]
        whole = Stage({"large": Target([dice.choice(acts) for _ in range(2000)])})
        streamed = Stage({"large": Target([dice.choice(streams) for _ in range(2000)])})
        gate = narrow(whole, 8, LimitSettings(key_requests_minute=400))
        streamed.world = replace(streamed.world, gate=gate)

        async def one(number: int) -> None:
            await asyncio.sleep(number / 50)
            stage = dice.choice([whole, streamed])
            request = msgspec.structs.replace(
                stage.request(stream=stage is streamed, deadline_s=dice.uniform(0.5, 5.0)),
                caller=Caller(key_id=dice.choice("aaaaabc")),
                criticality=dice.choice(list(Criticality)),
            )
            sink = Reader() if stage is streamed else None
            task = asyncio.create_task(answer(request, stage.known, world=stage.world, sink=sink))
            if dice.random() < 0.4:
                await asyncio.sleep(dice.uniform(0.0, 1.0))
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*(one(number) for number in range(1000)))
        assert sum(gate.admission.view().refused.values()) > 50
        assert len(whole.recorder.records) + len(streamed.recorder.records) > 300
        check_empty(gate)

    play(scene())
