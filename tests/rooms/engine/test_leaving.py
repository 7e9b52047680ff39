"""Callers who leave and mistakes of ours: nothing stays in flight, and there is a record."""

from __future__ import annotations

import asyncio

import pytest

from seatrial.values.attempts import Cause, Failure
from tests.rooms.engine.stage import GOOD, HANG, Reader, Recorder, Stage, Target, play


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after_s", [0.0, 0.2, 3.0])
def test_caller_who_leaves_stops_the_target(stream: bool, after_s: float) -> None:
    """The call upstream ends at once, the record says so, and nothing stays in flight."""

    async def scene() -> None:
        target = Target([[HANG, GOOD]] if not stream else [["Yes", HANG]], first_byte_s=1.0)
        stage = Stage({"large": target, "small": Target([[GOOD]])})
        reader = Reader()
        asking = asyncio.create_task(stage.listen(reader) if stream else stage.ask())
        await asyncio.sleep(after_s)
        if not after_s:
            await asyncio.sleep(0)
        left_at = asyncio.get_running_loop().time()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert [left_at] == target.cancelled_at + target.closed_at
        record = stage.recorder.put_aside[0]
        assert ("abandoned", after_s) == (record.decision, record.took_s)
        assert "caller_left" == record.attempts[0].cause
        assert 1 == len(record.attempts)
        began = stream and after_s > 1
        assert (began, int(began)) == (record.cut, record.sent_pieces)
        stage.check_at_rest()

    play(scene())


def test_caller_who_leaves_says_nothing_about_the_target() -> None:
    """However many leave, its breaker stays closed."""

    async def scene() -> None:
        stage = Stage({"large": Target([[HANG, GOOD]])})
        for _ in range(30):
            asking = asyncio.create_task(stage.ask())
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert ["closed"] == [view.state for view in stage.health.views()]
        stage.check_at_rest()

    play(scene())


def test_caller_who_leaves_during_a_wait() -> None:
    """Between two tries there is nothing to stop; the record is there all the same."""

    async def scene() -> None:
        down = Failure(Cause.RATE_LIMITED, retry_after_s=5.0)
        stage = Stage({"large": Target([[down]])})
        asking = asyncio.create_task(stage.ask())
        await asyncio.sleep(1.0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert "abandoned" == stage.recorder.put_aside[0].decision
        stage.check_at_rest()

    play(scene())


@pytest.mark.parametrize("early", [True, False])
def test_caller_who_leaves_at_the_very_moment_of_a_timer(early: bool) -> None:
    """The caller wins: no second attempt is made for somebody who is gone."""

    async def scene() -> None:
        target, other = Target([[HANG, GOOD]]), Target([[GOOD]])
        stage = Stage({"large": target, "small": other})
        asking = asyncio.create_task(stage.ask())
        if early:
            await asyncio.sleep(0)
        limit_s = 5.0
        asyncio.get_running_loop().call_later(limit_s, asking.cancel)
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled()
        assert [] == other.calls
        assert "abandoned" == stage.recorder.put_aside[0].decision
        stage.check_at_rest()

    play(scene())


def test_caller_who_leaves_while_the_record_is_written() -> None:
    """The decision was made: there is one record, and it says so."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, recorder=Recorder(takes_s=5.0))
        asking = asyncio.create_task(stage.ask())
        await asyncio.sleep(1.0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert ["answer"] == [record.decision for record in stage.recorder.records]
        stage.check_at_rest()

    play(scene())


# --- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_mistake_in_a_provider_leaves_a_record(stream: bool) -> None:
    """What nobody expected is raised, recorded as what it was, and settles the attempt."""

    async def scene() -> None:
        stage = Stage({"large": Target([[ZeroDivisionError("oh")]])})
        with pytest.raises(ZeroDivisionError):
            await (stage.listen(Reader()) if stream else stage.ask())
        record = stage.recorder.put_aside[0]
        assert ("refused", "internal_error") == (record.decision, record.code)
        assert ["raised"] == [attempt.cause for attempt in record.attempts]
        stage.check_at_rest()

    play(scene())


def test_mistake_in_the_middle_of_a_stream_leaves_a_record() -> None:
    """Before and after the commit the stream is closed and the attempt settled."""

    async def scene() -> None:
        before = Stage({"large": Target([["", ZeroDivisionError("oh")]])})
        after = Stage({"large": Target([["Yes", ZeroDivisionError("oh")]])})
        for stage in (before, after):
            with pytest.raises(ZeroDivisionError):
                await stage.listen(Reader())
            assert "internal_error" == stage.recorder.put_aside[0].code
            stage.check_at_rest()
        assert after.recorder.put_aside[0].cut

    play(scene())
