"""Twins share one result, and what stands between the first one and the store is told honestly."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec
import pytest

from seatrial.engine.idempotency import AT_ONCE
from seatrial.ports import Claim
from seatrial.reliability.idempotency import place_of
from seatrial.testing.clock import LeapingLoop
from seatrial.values.decisions import Decision, HandedOff, Head, Kind, Refused, Settled
from seatrial.values.requests import Caller
from tests.rooms.engine.stage import now, play
from tests.rooms.engine.twins import YES, Claims, Scene


def code(settled: Settled) -> str:
    """Return the code of a refusal."""
    assert isinstance(settled.decision, Refused)
    return settled.decision.code


def test_twins_share_one_result() -> None:
    """One call of the store and one of the work, however many ask, before and after."""

    async def scene() -> None:
        scene = Scene()
        twins = [scene.start() for _ in range(200)]
        settled = [await twin for twin in twins]
        settled.append(await scene.ask())

        first, *others = settled
        assert 1 == scene.worked
        assert (False, YES, "r1") == (first.replayed, first.decision, first.head.record_id)
        for other in others:
            assert (True, YES, first.head, 8) == (
                other.replayed,
                other.decision,
                other.head,
                other.created,
            )
        assert ["claim", "finish", "claim"] == scene.claims.asked
        assert not scene.stage.recorder.records
        await scene.at_rest()

    play(scene())


def test_the_result_is_stored_before_anybody_has_it() -> None:
    """The first one's last byte and its twins' wait for the store."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.5))
        twins = [scene.start(), scene.start()]
        await asyncio.sleep(1.9)  # claimed at 0.5, done at 1.5, stored at 2.0
        assert not any(twin.done() for twin in twins)
        standing = scene.standing()
        assert standing is not None
        assert standing.result is None
        await asyncio.sleep(0.2)
        assert all(twin.done() for twin in twins)
        await scene.at_rest()

    play(scene())


def test_another_process_is_told_to_wait() -> None:
    """And reads the same result later; with another body it is told so at once."""

    async def scene() -> None:
        claims = Claims()
        here, there = Scene(claims), Scene(claims)
        first = here.start()
        await asyncio.sleep(0.5)
        waiting, other = await there.ask(), await there.ask("c")
        assert ("idempotency_running", "idempotency_key_reused") == (code(waiting), code(other))
        assert isinstance(waiting.decision, Refused)
        assert 5.0 == waiting.decision.retry_after_s
        answered, later = await first, await there.ask()
        assert (answered.head, answered.decision, True) == (
            later.head,
            later.decision,
            later.replayed,
        )
        assert (1, 0) == (here.worked, there.worked)
        codes = [record.code for record in there.stage.recorder.records]
        assert ["idempotency_running", "idempotency_key_reused"] == codes
        await here.at_rest()
        await there.at_rest()

    play(scene())


def test_a_dead_process_is_succeeded_after_its_lease() -> None:
    """Two seconds behind its deadline."""

    async def scene() -> None:
        claims = Claims()
        dead, heir = Scene(claims, takes_s=1e5), Scene(claims)
        dying = dead.start(deadline_s=3.0)
        await asyncio.sleep(4.9)
        assert "idempotency_running" == code(await heir.ask())
        await asyncio.sleep(0.2)
        assert YES == (await heir.ask()).decision
        dying.cancel()
        await dead.at_rest()

    play(scene())


@pytest.mark.parametrize(
    "decision",
    [
        HandedOff("Somebody will answer."),
        Refused("no_target_left", "All failed.", retry_after_s=3.0),
        Refused("stream_cut", "Cut.", cut=True),
    ],
)
def test_every_last_word_is_replayed(decision: Decision) -> None:
    """Hand-offs and errors of the server too, here and in another process."""

    async def scene() -> None:
        scene = Scene(decision=decision)
        settled = [await scene.ask(), await scene.ask(), await Scene(scene.claims).ask()]
        assert [decision] * 3 == [each.decision for each in settled]
        assert [False, True, True] == [each.replayed for each in settled]
        assert 1 == scene.worked

    play(scene())


@pytest.mark.parametrize("refusal", ["overloaded", "rate_limited", "input_refused"])
def test_what_was_turned_away_may_be_asked_again_at_once(refusal: str) -> None:
    """Also with another body; twins who waited are turned away on their own account."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.1), decision=Refused(refusal, "Not now."))
        twins = [scene.start() for _ in range(3)]
        settled = [await twin for twin in twins]
        assert [refusal] * 3 == [code(each) for each in settled]
        assert 3 == len({each.head.record_id for each in settled})
        assert not any(each.replayed for each in settled)
        assert 1 == scene.worked
        scene.decision = YES
        assert YES == (await scene.ask("c")).decision

    play(scene())


def test_the_next_twin_is_asked_when_the_first_left() -> None:
    """And nothing of the first is kept, not even when the store is slow."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.3))
        first = scene.start()
        await asyncio.sleep(0.8)
        twins = [scene.start() for _ in range(5)]
        await asyncio.sleep(0.1)
        first.cancel()
        settled = [await twin for twin in twins]
        assert 2 == scene.worked
        assert 1 == len({each.head.record_id for each in settled})
        assert 4 == sum(each.replayed for each in settled)
        assert first.cancelled()
        await scene.at_rest()

    play(scene())


def test_a_loop_that_lags_is_no_delay_of_the_store() -> None:
    """What could not run for five seconds gets its time afterwards."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=5.5))
        twins = [scene.start() for _ in range(3)]
        await asyncio.sleep(0.1)
        cast(LeapingLoop, asyncio.get_running_loop()).leap(5.0)
        assert {Kind.ANSWER} == {(await twin).decision.kind for twin in twins}
        await scene.at_rest()

    play(scene())


def test_who_leaves_while_the_store_is_asked_gives_the_key_back() -> None:
    """Whatever the store says later."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.5))
        first = scene.start()
        await asyncio.sleep(0.2)
        first.cancel()
        await scene.at_rest()
        assert (None, 0) == (scene.standing(), scene.worked)

    play(scene())


def test_who_leaves_before_anybody_knows_who_was_first_leaves_a_record() -> None:
    """While the store is asked, and while a twin is waited for: each asked, and had no answer."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.5))
        first, second = scene.start(), scene.start()
        await asyncio.sleep(0.2)
        second.cancel()
        first.cancel()
        await scene.at_rest()
        told = [(each.id, each.decision) for each in scene.stage.recorder.records]
        assert [("r1", "abandoned"), ("r2", "abandoned")] == sorted(told)
        assert 0 == scene.worked

    play(scene())


def test_who_leaves_while_the_result_is_stored_leaves_it_to_its_twins() -> None:
    """It is done: nothing is carried out twice."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.5))
        first = scene.start()
        await asyncio.sleep(1.7)
        first.cancel()
        assert (True, YES) == ((again := await scene.ask()).replayed, again.decision)
        await scene.at_rest()
        assert YES == (await Scene(scene.claims).ask()).decision
        assert 1 == scene.worked

    play(scene())


def test_a_mistake_of_ours_is_not_made_twice() -> None:
    """The first one's exception goes to its door; twins get an error that says the same."""

    async def scene() -> None:
        scene = Scene(decision=RuntimeError("a mistake"))
        first, twin = scene.start(), scene.start()
        with pytest.raises(RuntimeError):
            await first
        assert "internal_error" == code(await twin)
        assert "internal_error" == code(await Scene(scene.claims).ask())
        assert 1 == scene.worked

    play(scene())


def test_an_absent_store_is_said_at_once() -> None:
    """And what a call may have done all the same is undone."""

    async def scene() -> None:
        scene = Scene(Claims(away=True))
        began = now()
        assert "idempotency_unavailable" == code(await scene.ask())
        assert now() == began
        await scene.at_rest()
        assert ["claim", "release"] == scene.claims.asked
        assert 0 == scene.worked

    play(scene())


def test_a_hung_store_is_said_soon_and_holds_few_threads() -> None:
    """A key that it takes late is given back late."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=30.0))
        began = now()
        asked = [scene.start(key=f"k{n}") for n in range(20)]
        codes = {code(await each) for each in asked}
        assert {"idempotency_unavailable"} == codes
        assert now() - began == pytest.approx(2.0)
        assert AT_ONCE == scene.claims.at_once
        await asyncio.sleep(1_000.0)
        assert not scene.claims.kept
        await scene.at_rest()

    play(scene())


def test_a_store_that_goes_away_stops_no_answer() -> None:
    """The answer leaves after a second, and the result follows once the store is back."""

    async def scene() -> None:
        scene = Scene()
        first = scene.start()
        await asyncio.sleep(0.5)
        scene.claims.away = True
        began = now()
        assert YES == (await first).decision
        assert 1.0 <= now() - began <= 2.0
        assert YES == (await scene.ask()).decision
        await asyncio.sleep(10.0)
        scene.claims.away = False
        await asyncio.sleep(6.0)
        standing = scene.standing()
        assert standing is not None
        assert standing.result is not None
        assert 1 == scene.worked
        await scene.at_rest()

    play(scene())


def test_a_store_that_stays_away_is_replaced_by_memory() -> None:
    """For this process; after a minute it tries no longer."""

    async def scene() -> None:
        scene = Scene()
        first = scene.start()
        await asyncio.sleep(0.5)
        scene.claims.away = True
        await first
        await scene.at_rest()
        assert (True, YES) == ((again := await scene.ask()).replayed, again.decision)
        assert "idempotency_key_reused" == code(await scene.ask("c"))
        assert 1 == scene.worked

    play(scene())


def test_closing_waits_for_what_is_on_its_way() -> None:
    """A moment; not for a store that is away."""

    async def scene() -> None:
        scene = Scene(Claims(takes_s=0.8))
        first = scene.start()
        await asyncio.sleep(2.0)
        first.cancel()
        await scene.twins.close(5.0)
        standing = scene.standing()
        assert standing is not None
        assert standing.result is not None
        hung = Scene(Claims(takes_s=1e5))
        left = hung.start()
        await asyncio.sleep(0.1)
        left.cancel()
        began = now()
        await hung.twins.close(5.0)
        assert 3.0 == pytest.approx(now() - began)
        await asyncio.sleep(0)
        await hung.at_rest()

    play(scene())


def test_a_result_that_cannot_be_read_is_not_carried_out_again() -> None:
    """A newer version may have written it."""

    async def scene() -> None:
        scene = Scene()
        place = place_of(scene.request())
        scene.claims.kept[place] = Claim("b", "r0", 0.0, b"\x00what")
        settled = await scene.ask()
        assert "idempotency_not_kept" == code(settled)
        assert isinstance(settled.decision, Refused)
        assert "r0" in settled.decision.message
        assert 0 == scene.worked

    play(scene())


def test_tenants_and_features_are_apart() -> None:
    """The same key of another tenant is another key."""

    async def scene() -> None:
        scene = Scene()
        request = scene.request()
        other = msgspec.structs.replace(request, caller=Caller("other"))

        async def work() -> Settled:
            scene.worked += 1
            return Settled(Head("x", "r1", Kind.ANSWER), YES)

        for each in (request, other):
            assert not (await scene.twins.answer(each, scene.known, work)).replayed
        assert 2 == scene.worked

    play(scene())
