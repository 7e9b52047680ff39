"""Streams: nothing before the first useful token, after it only the truth."""

from __future__ import annotations

import asyncio

import pytest

from seatrial.ports import Ended
from seatrial.reliability.settings import Policy, TargetRules, TimerSettings
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, ToolFragment, Usage
from seatrial.values.decisions import Kind, Refused
from tests.rooms.engine.stage import (
    GOOD,
    HANG,
    WORDS,
    Reader,
    Recorder,
    Stage,
    Target,
    now,
    play,
    spoken,
)

LOST = Failure(Cause.CONNECTION_LOST)
STOP = Piece(finish_reason="stop")


def test_stream_is_passed_on_as_it_comes() -> None:
    """Each piece leaves when it is there; the head says who answers."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken(pause_s=0.5)])})
        reader = Reader()
        settled = await stage.listen(reader)
        assert [0.5, 0.5, 0.5, 1.0, 1.5, 2.0, 2.5] == [at - 100.0 for at in reader.came_at]
        assert ["", *WORDS] == [piece.text for piece in reader.pieces]
        assert (Kind.ANSWER, "large", 0) == (
            reader.head.kind,
            reader.head.target,
            reader.head.tier,
        )
        record = stage.recorder.appended[0]
        assert (0.5, 2.5, 6, True) == (
            record.first_token_s,
            record.took_s,
            record.sent_pieces,
            record.stream,
        )
        assert settled.began
        stage.check_at_rest()

    play(scene())


def test_last_pieces_wait_for_the_record() -> None:
    """Finish and usage reach the caller only with the settled decision, once it is durable."""

    async def scene() -> None:
        recorder = Recorder(takes_s=2.0)
        stage = Stage({"large": Target([spoken(pause_s=0.1)])}, recorder=recorder)
        reader = Reader()
        settled = await stage.listen(reader)
        assert (STOP, Piece(bare_usage=True)) == settled.tail
        assert not any(piece.finish_reason or piece.bare_usage for piece in reader.pieces)
        assert [102.5] == [round(at, 6) for at in recorder.durable_at]
        assert now() >= recorder.durable_at[0]

    play(scene())


def test_words_that_come_with_the_finish_wait_as_well() -> None:
    """Some providers end with a word: it is part of the last piece, and of the record."""

    async def scene() -> None:
        last = Piece(text="way.", finish_reason="stop")
        stage = Stage({"large": Target([["Any", last, Ended()]])})
        reader = Reader()
        settled = await stage.listen(reader)
        assert ("Any", (last,)) == (reader.text, settled.tail)
        assert "Anyway." == stage.recorder.appended[0].output["text"]

    play(scene())


@pytest.mark.parametrize(
    "script",
    [
        [LOST],
        [Piece(model="m-1"), LOST],
        [Piece(model="m-1"), Piece(), Ended()],
        [Piece(model="m-1"), STOP, Ended()],
        [Piece(model="m-1"), Failure(Cause.OVERLOADED, status=200)],
        [Piece(text="Yes", finish_reason="eos"), Ended()],
        [Piece(tools=(ToolFragment(0, "1", "f", "{"),), finish_reason="tool_calls"), Ended()],
        [HANG],
    ],
    ids=[
        "lost at once",
        "lost after the role",
        "ended with nothing",
        "stopped with nothing",
        "error in the stream",
        "ends for an unknown reason",
        "broken tool call",
        "silent",
    ],
)
def test_faults_before_the_first_useful_token_are_invisible(script: list[object]) -> None:
    """Promise 5: the next target answers, and the caller sees a clean stream of it."""

    async def scene() -> None:
        large = Target([script])
        stage = Stage({"large": large, "small": Target([spoken()])})
        reader = Reader()
        settled = await stage.listen(reader)
        assert (Kind.DEGRADED, "small") == (settled.head.kind, settled.head.target)
        assert (Kind.DEGRADED, "small", 1) == (
            reader.head.kind,
            reader.head.target,
            reader.head.tier,
        )
        assert GOOD.text == reader.text
        assert 2 <= len(stage.recorder.appended[0].attempts)
        stage.check_at_rest()

    play(scene())


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (["Yes", 0.1, " and", LOST], "connection_lost"),
        (["Yes", 0.1, " and", HANG], "gap_timeout"),
        (["Yes", 0.1, " and", Failure(Cause.SERVER_ERROR)], "server_error"),
        (["Yes", 0.1, " and", Ended()], "invalid_answer"),
        (["Yes", 0.1, " and", Piece(finish_reason="eos"), Ended()], "invalid_answer"),
        (["Yes", *[10.0, " and"] * 9], "total_timeout"),
    ],
    ids=["lost", "silent", "error", "no finish", "unknown finish", "endless"],
)
def test_faults_after_the_commit_are_told(script: list[object], cause: str) -> None:
    """Promises 2 and 4: no other target, no proper end, and the record says `cut`."""

    async def scene() -> None:
        large, small = Target([script]), Target([spoken()])
        stage = Stage({"large": large, "small": small}, policy=Policy(deadline_s=60.0))
        reader = Reader()
        settled = await stage.listen(reader)
        assert isinstance(settled.decision, Refused)
        assert ("stream_cut", True) == (settled.decision.code, settled.decision.cut)
        assert (True, ()) == (settled.began, settled.tail)
        assert [] == small.calls
        assert reader.text.startswith("Yes and")
        record = stage.recorder.appended[0]
        assert ("refused", "stream_cut", True, len(reader.pieces)) == (
            record.decision,
            record.code,
            record.cut,
            record.sent_pieces,
        )
        assert [cause] == [attempt.cause for attempt in record.attempts]
        assert reader.text == record.output["text"]
        assert now() <= 160.25
        stage.check_at_rest()

    play(scene())


@pytest.mark.parametrize("goodbye", [[LOST], [HANG], [Ended()]], ids=["lost", "silent", "proper"])
@pytest.mark.parametrize("buffer_tokens", [1, 9])
def test_answer_that_lost_only_its_goodbye_is_whole(
    goodbye: list[object], buffer_tokens: int
) -> None:
    """After the piece that ends it nothing more can be missing but figures."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([["Yes", 0.1, " indeed.", STOP, *goodbye]])},
            policy=Policy(deadline_s=60.0, buffer_tokens=buffer_tokens),
        )
        reader = Reader()
        settled = await stage.listen(reader)
        if goodbye == [HANG] and buffer_tokens == 9:
            return  # nothing has left: it is tried again
        assert Kind.ANSWER is settled.head.kind
        assert "Yes indeed." == settled.decision.answer.text
        assert (STOP,) == settled.tail
        assert not stage.recorder.appended[0].cut

    play(scene())


def test_held_back_tokens_stay_back_until_there_are_enough() -> None:
    """With a buffer of three nothing has left when the stream breaks after two."""

    async def scene() -> None:
        large = Target([["Yes", " and", LOST]])
        stage = Stage(
            {"large": large, "small": Target([spoken()])}, policy=Policy(10.0, buffer_tokens=3)
        )
        reader = Reader()
        await stage.listen(reader)
        assert GOOD.text == reader.text
        stage.check_at_rest()

    play(scene())


def test_usage_of_a_stream_is_recorded() -> None:
    """What the provider reports at the end belongs to the attempt."""

    async def scene() -> None:
        usage = Usage(input_tokens=3, output_tokens=2, raw={})
        script = ["Yes", STOP, Piece(usage=usage, bare_usage=True), Ended()]
        stage = Stage({"large": Target([script])})
        await stage.listen(Reader())
        attempt = stage.recorder.appended[0].attempts[0]
        assert (3, 2) == (attempt.usage["input_tokens"], attempt.usage["output_tokens"])

    play(scene())


# --- readers --------------------------------------------------------------------------------


@pytest.mark.parametrize("begins_s", [0.0, 20.0])
def test_slow_reader_is_not_the_target_s_fault(begins_s: float) -> None:
    """A caller who takes longer than any gap for each piece still gets the whole."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken()])}, policy=Policy(deadline_s=600.0))
        reader = Reader(takes_s=20.0, begins_s=begins_s)
        settled = await stage.listen(reader)
        assert Kind.ANSWER is settled.head.kind
        assert GOOD.text == reader.text

    play(scene())


def test_reader_who_never_ends_is_left_at_the_deadline() -> None:
    """It ends in time, as a cut that blames nobody but the reader, whoever often it happens."""

    async def scene() -> None:
        target = Target([spoken()])
        stage = Stage({"large": target})
        for turn in range(1, 9):
            settled = await stage.listen(Reader(takes_s=HANG))
            assert "the caller read too slowly" in settled.decision.message
            assert now() == pytest.approx(100.0 + 10.0 * turn)
        assert "slow_reader" == stage.recorder.appended[0].attempts[0].cause
        assert ["closed"] == [view.state for view in stage.health.views()]
        assert 8 == len(target.calls)
        stage.check_at_rest()

    play(scene())


def test_target_that_stops_behind_a_slow_reader_is_found_out() -> None:
    """The gap is timed from the moment the reader is ready again."""

    async def scene() -> None:
        timers = TimerSettings(gap_s=3.0)
        stage = Stage(
            {"large": Target([["Yes", 0.1, " and", HANG]])},
            rules={"large": TargetRules("large", timers=timers)},
            policy=Policy(deadline_s=60.0),
        )
        await stage.listen(Reader(takes_s=7.0))
        attempt = stage.recorder.appended[0].attempts[0]
        assert ("gap_timeout", 17.1) == (attempt.cause, attempt.took_s)

    play(scene())


def test_pieces_come_in_order_and_none_twice() -> None:
    """Fifty streams at once, with readers of every speed: each gets its own words."""

    async def scene() -> None:
        words = [[f"{turn}-{word} " for word in range(20)] for turn in range(50)]
        scripts = [spoken(pause_s=0.01 * (turn % 7), words=words[turn]) for turn in range(50)]
        stage = Stage({"large": Target(scripts)}, policy=Policy(deadline_s=600.0))
        readers = [Reader(takes_s=0.02 * (turn % 5)) for turn in range(50)]
        await asyncio.gather(*(stage.listen(reader) for reader in readers))
        assert ["".join(each) for each in words] == [reader.text for reader in readers]
        stage.check_at_rest()

    play(scene())


# --- refusals -------------------------------------------------------------------------------


REFUSING = [
    [Piece(refusal="I cannot."), STOP, Ended()],
    [Piece(model="m-1"), Piece(finish_reason="content_filter"), Ended()],
]


@pytest.mark.parametrize("script", REFUSING, ids=["words", "filter"])
def test_streamed_refusal_is_an_answer(script: list[object]) -> None:
    """By default it reaches the caller as it came, and speaks against nobody."""

    async def scene() -> None:
        small = Target([spoken()])
        stage = Stage({"large": Target([script]), "small": small})
        settled = await stage.listen(Reader())
        assert (Kind.ANSWER, True) == (settled.head.kind, settled.decision.answer.refused)
        assert [] == small.calls
        stage.check_at_rest()

    play(scene())


@pytest.mark.parametrize("script", REFUSING, ids=["words", "filter"])
def test_streamed_refusal_may_lead_on(script: list[object]) -> None:
    """With `next` not a word of it has left when the next target is asked."""

    async def scene() -> None:
        large = Target([script])
        stage = Stage(
            {"large": large, "small": Target([spoken()])}, policy=Policy(10.0, on_refusal="next")
        )
        reader = Reader()
        settled = await stage.listen(reader)
        assert ("small", GOOD.text) == (settled.head.target, reader.text)
        assert 1 == len(large.closed_at)
        stage.check_at_rest()

    play(scene())


def test_streamed_refusal_may_be_handed_off() -> None:
    """With `hand_off` the stream is dropped, and a person will answer."""

    async def scene() -> None:
        stage = Stage({"large": Target([REFUSING[0]])}, policy=Policy(10.0, on_refusal="hand_off"))
        settled = await stage.listen(Reader())
        assert (Kind.HANDED_OFF, False) == (settled.head.kind, settled.began)
        stage.check_at_rest()

    play(scene())


def test_refused_whole_answer_is_an_answer_too() -> None:
    """The same holds for whole answers."""

    async def scene() -> None:
        declined = Answer(None, refusal="I cannot.")
        stage = Stage({"large": Target([[declined]]), "small": Target([[GOOD]])})
        assert declined is (await stage.ask()).decision.answer
        assert ["closed"] == [view.state for view in stage.health.views()]

    play(scene())


def test_caller_who_leaves_while_a_stream_is_let_go() -> None:
    """The attempt is settled once, and nobody else is asked."""

    async def scene() -> None:
        large, small = Target([REFUSING[0]], closes_s=1.0), Target([spoken()])
        stage = Stage({"large": large, "small": small}, policy=Policy(10.0, on_refusal="next"))
        asking = asyncio.create_task(stage.listen(Reader()))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert [] == small.calls
        assert "abandoned" == stage.recorder.put_aside[0].decision
        stage.check_at_rest()

    play(scene())


def test_stream_without_a_reader_is_a_mistake_of_ours() -> None:
    """A door that forgot its side gets an error; the stream is let go, and there is a record."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken()])})
        with pytest.raises(RuntimeError):
            await stage.ask(stream=True)
        assert "internal_error" == stage.recorder.put_aside[0].code
        stage.check_at_rest()

    play(scene())
