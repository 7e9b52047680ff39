"""The limits of an attempt: each fires at its time, with its cause, and at nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.reliability.settings import Policy, RetrySettings, TargetRules, TimerSettings
from seatrial.values.chat import Answer, Piece
from tests.rooms.engine.stage import GOOD, HANG, Reader, Stage, Target, now, play, spoken

TIMERS = TimerSettings(first_byte_s=2.0, first_token_s=4.0, gap_s=3.0, total_s=20.0)


def stage_of(target: Target, timers: TimerSettings = TIMERS, **policy: Any) -> Stage:
    """Return a stage with one target that is tried once, and a text behind it."""
    rules = TargetRules("large", timers=timers, retry=RetrySettings(tries=1))
    policy = {"deadline_s": 60.0, **policy}
    return Stage({"large": target}, rules={"large": rules}, policy=Policy(**policy), ends=["say"])


ping = Piece()
role = Piece(model="m-1")
thought = Piece(reasoning="Hm.")


@pytest.mark.parametrize(
    ("target", "policy", "cause", "after_s"),
    [
        (Target([["Yes"]], first_byte_s=HANG), {}, "first_byte_timeout", 2.0),
        (Target([[role, HANG]], first_byte_s=1.5), {}, "first_token_timeout", 4.0),
        (Target([[role, *[0.5, ping] * 20]]), {}, "first_token_timeout", 4.0),
        (Target([[1.0, "Yes", HANG]]), {"buffer_tokens": 2}, "gap_timeout", 4.0),
        (Target([[1.0, thought, *[0.5, ping] * 20]]), {"buffer_tokens": 2}, "gap_timeout", 4.0),
        (Target([[2.5, thought] * 9]), {"buffer_tokens": 99}, "too_slow", 12.5),
        (
            Target([[*["Yes "] * 99, *[2.5, "yes "] * 9]]),
            {"buffer_tokens": 200},
            "total_timeout",
            20.0,
        ),
    ],
    ids=[
        "no headers",
        "no token",
        "pings are no tokens",
        "a gap",
        "pings fill no gap",
        "below the floor",
        "too long in all",
    ],
)
def test_limit_of_a_stream_passes(
    target: Target, policy: dict[str, Any], cause: str, after_s: float
) -> None:
    """Before the commit the route goes on, at the right moment and with the right cause."""

    async def scene() -> None:
        stage = stage_of(target, **policy)
        reader = Reader()
        settled = await stage.listen(reader)
        attempt = stage.recorder.appended[0].attempts[0]
        assert (cause, after_s) == (attempt.cause, attempt.took_s)
        assert "say" == settled.head.target
        assert [] == reader.came_at
        assert [100.0 + after_s] == target.cancelled_at + target.closed_at
        stage.check_at_rest()

    play(scene())


def test_limit_of_a_whole_answer_passes() -> None:
    """There is one: the whole.  Headers and first tokens of a whole answer come at its end."""

    async def scene() -> None:
        target = Target([[HANG, GOOD]])
        stage = stage_of(target)
        await stage.ask()
        attempt = stage.recorder.appended[0].attempts[0]
        assert ("total_timeout", 20.0) == (attempt.cause, attempt.took_s)
        assert "after 20.0 s" == attempt.reason
        assert [120.0] == target.cancelled_at
        stage.check_at_rest()

    play(scene())


def test_short_gap_is_noticed_although_more_time_was_given_for_the_headers() -> None:
    """The first token moves the alarm forward when a gap is shorter than what was waited for."""

    async def scene() -> None:
        target = Target([[1.0, "Yes", HANG]])
        timers = TimerSettings(first_byte_s=10.0, first_token_s=15.0, gap_s=2.0)
        stage = stage_of(target, timers, buffer_tokens=2)
        await stage.listen(Reader())
        attempt = stage.recorder.appended[0].attempts[0]
        assert ("gap_timeout", 3.0) == (attempt.cause, attempt.took_s)

    play(scene())


def test_begun_stream_has_all_the_time_that_is_left() -> None:
    """After the commit nothing is kept for other targets: only the deadline bounds it."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken(pause_s=1.5)]), "small": Target([spoken()])})
        reader = Reader()
        settled = await stage.listen(reader)
        assert ("large", GOOD.text) == (settled.head.target, reader.text)
        assert 107.5 == now()

    play(scene())


def test_throughput_floor_may_be_switched_off() -> None:
    """With 0 a stream may be as slow as its gaps allow."""

    async def scene() -> None:
        slow = TimerSettings(gap_s=3.0, total_s=60.0, floor_tokens_s=0.0)
        stage = stage_of(Target([[2.5, thought] * 9 + spoken()]), slow, buffer_tokens=12)
        reader = Reader()
        settled = await stage.listen(reader)
        assert "large" == settled.head.target
        assert GOOD.text == reader.text

    play(scene())


def test_answers_just_within_their_limits_pass() -> None:
    """Nothing fires a moment early."""

    async def scene() -> None:
        target = Target([[1.9, "Yes", *[2.9, " yes"] * 3, Piece(finish_reason="stop"), 0.1]])
        target.script[0] += spoken()[-1:]
        target.first_byte_s = 1.9
        stage = stage_of(target)
        reader = Reader()
        settled = await stage.listen(reader)
        assert "large" == settled.head.target
        assert "Yes yes yes yes" == reader.text
        whole = stage_of(Target([[19.9, GOOD]]))
        assert "large" == (await whole.ask()).head.target

    play(scene())


def test_hung_primary_is_answered_for_within_six_tenths_of_the_deadline() -> None:
    """Promise 6: the reserve leaves the fallback its time, streamed and whole."""

    async def scene() -> None:
        for stream in (False, True):
            for deadline_s in (2.0, 10.0, 60.0):
                hung = Target([[HANG, GOOD]], first_byte_s=HANG)
                small = Target([[0.1 * deadline_s, GOOD]], first_byte_s=0.1 * deadline_s)
                small.script = [[GOOD]] if stream else small.script
                stage = Stage({"large": hung, "small": small}, policy=Policy(deadline_s=deadline_s))
                started = now()
                settled = await (stage.listen(Reader()) if stream else stage.ask())
                assert "small" == settled.head.target
                assert now() - started <= 0.6 * deadline_s + 1e-6
                stage.check_at_rest()

    play(scene())


def test_everything_hung_ends_by_the_deadline() -> None:
    """Promise 1: one final word in time, however many targets hang."""

    async def scene() -> None:
        for stream in (False, True):
            targets = {
                name: Target([[HANG, GOOD]], first_byte_s=HANG) for name in ("a", "b", "c", "d")
            }
            stage = Stage(targets, policy=Policy(deadline_s=8.0))
            started = now()
            settled = await (stage.listen(Reader()) if stream else stage.ask())
            assert "no_target_left" == settled.decision.code
            assert now() - started <= 8.25
            stage.check_at_rest()

    play(scene())


def test_first_token_limit_follows_what_was_learnt() -> None:
    """After a few hundred quick answers a target that goes silent is left after 3 s, not 15."""

    async def scene() -> None:
        target = Target([spoken(pause_s=0.05)])
        stage = Stage({"large": target}, policy=Policy(deadline_s=60.0), ends=["say"])
        for _ in range(250):
            await stage.listen(Reader())
        target.script = [[HANG]]
        settled = await stage.listen(Reader())
        attempt = stage.recorder.appended[-1].attempts[0]
        assert ("first_token_timeout", 3.0) == (attempt.cause, attempt.took_s)
        assert "say" == settled.head.target

    play(scene())


def test_whole_answer_from_a_stream_call_is_timed_as_one() -> None:
    """A function that does not yield gives it whole, within the limits of its headers."""

    async def scene() -> None:
        stage = stage_of(Target([[Answer("At once.")]], first_byte_s=1.0))
        reader = Reader()
        settled = await stage.listen(reader)
        assert (False, "large") == (settled.began, settled.head.target)
        assert 1.0 == stage.recorder.appended[0].first_token_s

    play(scene())
