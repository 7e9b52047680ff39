"""Under pressure: who is refused at the door, who may wait even so, and what is told of it."""

from __future__ import annotations

import pytest

from seatrial.engine.admission import Place
from seatrial.testing.clock import run
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused
from tests.rooms.engine.test_admission import admission_of, enter, waiting

INTERACTIVE, DEFAULT, BATCH, SHADOW = Criticality


def test_a_lag_takes_no_share_from_those_who_hold_little() -> None:
    """While the loop lags a key below its share may wait for a place; one above may not."""

    async def main() -> None:
        admission = admission_of(8)
        greedy = [enter(admission, "greedy") for _ in range(7)]
        enter(admission, "modest")
        for _ in range(2):
            admission.beat(0.15, 0)
        assert isinstance(admission.enter("greedy", DEFAULT), Refused)
        task = await waiting(admission, "modest")
        admission.leave(greedy[0])
        assert isinstance(await task, Place)

    run(main())


def test_at_the_door_those_are_refused_who_would_be_refused_inside() -> None:
    """What is told at the door takes no place, and everybody else passes it."""

    async def main() -> None:
        admission = admission_of(8)
        assert admission.shed("a", SHADOW) is None
        for _ in range(8):
            enter(admission, "a")
        assert admission.shed("a", DEFAULT) is None
        assert isinstance(admission.shed("a", SHADOW), Refused)
        batch = [await waiting(admission, "a", BATCH) for _ in range(8)]
        assert isinstance(admission.shed("a", BATCH), Refused)
        assert admission.shed("a", INTERACTIVE) is None  # somebody who waits would yield
        assert 8 == admission.view().queued
        assert not any(task.done() for task in batch)
        assert (8, {"overloaded": 2}) == (admission.in_flight, admission.view().refused)

    run(main())


def test_how_long_refusals_took_is_told() -> None:
    """Nearly all of the latest within so long, and how many there were by code."""

    async def main() -> None:
        admission = admission_of(8)
        assert 0.0 == admission.view().refusal_p99_s
        for _ in range(1000):
            admission.told(0.001)
        admission.count_refused("rate_limited")
        assert 0.001 == pytest.approx(admission.view().refusal_p99_s, rel=0.05)
        assert {"rate_limited": 1} == admission.view().refused
        assert not admission.overloaded
        for _ in range(2):
            admission.beat(0.2, 0)
        assert admission.overloaded
        assert admission.view().overloaded

    run(main())
