"""Checks of answers on a request's way: fallback, repair, streams, and the record."""

from __future__ import annotations

import asyncio
from typing import Any

from seatrial.engine.answer import answer
from seatrial.reliability.settings import Policy
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, ToolFragment
from seatrial.values.checks import PASSED, CheckRecord, Says, Verdict
from seatrial.values.decisions import Answered, HandedOff, Kind, Refused
from tests.rooms.engine.checks import PRICE, Checker, only, outputs, said
from tests.rooms.engine.stage import GOOD, HANG, Reader, Stage, Target, play, spoken

# --- what goes out ------------------------------------------------------------------------


def test_bad_answer_falls_back() -> None:
    """The record tells which answer failed which check."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("Cheap!")]]), "small": Target([[Answer('{"price": 3}')]])},
            output=outputs(shape=PRICE),
        )
        settled = await stage.ask()

        assert isinstance(settled.decision, Answered)
        assert ("small", Kind.DEGRADED) == (settled.decision.target, settled.decision.kind)
        refused = next(each for each in only(stage).checks if each.verdict == "refuse")
        assert ("schema", "output", 0) == (refused.check, refused.side, refused.attempt)

    play(scene())


def test_repair_is_told_what_was_wrong() -> None:
    """It is an attempt of its own in the record, and a mended answer is whole."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer('{"price": "much"}')], [Answer('{"price": 3}')]])},
            policy=Policy(deadline_s=10.0, repairs=1),
            output=outputs(shape=PRICE),
        )
        settled = await stage.ask()

        assert isinstance(settled.decision, Answered)
        assert '{"price": 3}' == settled.decision.answer.text
        _, call = stage.targets["large"].calls
        roles = [message["role"] for message in call.body["messages"]]
        assert ["user", "assistant", "user"] == roles
        assert "price should be a number" in call.body["messages"][-1]["content"]
        assert ["", "repair"] == [each.purpose for each in only(stage).attempts]

    play(scene())


def test_repair_that_did_not_arrive_is_tried_with_the_same_words() -> None:
    """The answer that was refused is still in it: the failed try in between said nothing."""

    async def scene() -> None:
        lost = Failure(Cause.UNREACHABLE, sent=False)
        stage = Stage(
            {"large": Target([[Answer("Cheap!")], [lost], [Answer('{"price": 3}')]])},
            policy=Policy(deadline_s=10.0, repairs=1),
            output=outputs(shape=PRICE),
        )
        settled = await stage.ask()

        assert isinstance(settled.decision, Answered)
        _, first, again = stage.targets["large"].calls
        assert "Cheap!" == again.body["messages"][-2]["content"]
        assert first.body == again.body

    play(scene())


def test_repair_that_nobody_waited_for_is_told_as_one() -> None:
    """A caller who leaves meanwhile leaves a record that says what the target was doing."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("Cheap!")], [HANG]])},
            policy=Policy(deadline_s=10.0, repairs=1),
            output=outputs(shape=PRICE),
        )
        asking = asyncio.create_task(stage.ask())
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

        left = stage.recorder.put_aside[0].attempts[-1]
        assert ("caller_left", "repair") == (left.cause, left.purpose)

    play(scene())


def test_repair_that_fails_too_ends_the_target() -> None:
    """The record has both refusals."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("Cheap!")]])},
            policy=Policy(deadline_s=10.0, repairs=1),
            output=outputs(shape=PRICE),
        )
        settled = await stage.ask()

        assert isinstance(settled.decision, Refused)
        refused = [each.attempt for each in only(stage).checks if each.verdict == "refuse"]
        assert [0, 1] == refused

    play(scene())


def test_person_sees_what_a_check_hands_off() -> None:
    """The caller reads the text of the hand-off."""

    async def scene() -> None:
        unsure = Checker(Verdict(Says.HAND_OFF, "unsure", "A person should see this."))
        stage = Stage(
            {"large": Target([[GOOD]])}, output=outputs(checks=("own",)), checkers={"own": unsure}
        )
        settled = await stage.ask("Where?")

        assert HandedOff("Later.", "human", 0, "A person should see this.") == settled.decision
        text, known = unsure.told[0]
        assert (GOOD.text, GOOD.text, "Where?") == (text, known["answer"], known["question"])

    play(scene())


def test_stream_is_held_back_until_its_check_has_passed() -> None:
    """Nothing of a bad answer reaches the caller; the target is asked for a whole one."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("Cheap!")]]), "small": Target([[Answer('{"price": 3}')]])},
            output=outputs(shape=PRICE),
        )
        reader = Reader()
        settled = await stage.listen(reader)

        assert reader.head is None
        assert not settled.began
        assert isinstance(settled.decision, Answered)
        assert "small" == settled.decision.target
        assert not stage.targets["large"].calls[0].stream
        assert only(stage).stream

    play(scene())


def test_stream_that_nothing_can_refuse_flows() -> None:
    """Flags need not hold it back; they stand in the record."""

    async def scene() -> None:
        words = ("I'm sorry, ", "but I can't ", "help with that.")
        stage = Stage({"large": Target([spoken(words=words)])}, output=outputs())
        reader = Reader()
        await stage.listen(reader)

        assert "I'm sorry, but I can't help with that." == reader.text
        assert [("refusal", "output", "flag")] == said(only(stage))

    play(scene())


def test_feature_may_check_after_the_stream() -> None:
    """What has left is not taken back; the record says that a check refused it."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([spoken()])},
            output=outputs(max_chars=3, stream="check_after"),
            ends=("cache",),
        )
        reader = Reader()
        settled = await stage.listen(reader)

        assert "Yours is on its way." == reader.text
        assert Kind.ANSWER is settled.decision.kind
        record = only(stage)
        assert ("size", "output", "refuse") in said(record)
        assert "" == record.cache_key

    play(scene())


def test_bad_answer_is_not_kept_for_later() -> None:
    """The cache only has what passed."""

    async def scene() -> None:
        bad = Checker(lambda text: Verdict(Says.REFUSE, "no") if "way" in text else PASSED)
        stage = Stage(
            {"large": Target([[GOOD], [Failure(Cause.OVERLOADED)]])},
            output=outputs(checks=("own",)),
            checkers={"own": bad},
            ends=("cache",),
        )
        first, second = await stage.ask(), await stage.ask()

        assert Kind.REFUSED is first.decision.kind
        assert Kind.REFUSED is second.decision.kind

    play(scene())


def test_refusal_in_words_goes_on_where_the_feature_says_so() -> None:
    """`on_refusal` hears it, whether the provider marks it or not."""

    async def scene() -> None:
        no = Answer("I'm sorry, but I can't help with that.")
        stage = Stage(
            {"large": Target([[no]]), "small": Target([[GOOD]])},
            policy=Policy(deadline_s=10.0, on_refusal="next"),
        )
        settled = await stage.ask()

        assert isinstance(settled.decision, Answered)
        assert "small" == settled.decision.target

    play(scene())


def test_every_verdict_is_dated() -> None:
    """How long each took, and which attempt it judged."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[GOOD]])},
            output=outputs(checks=("own",)),
            checkers={"own": Checker(takes_s=0.25)},
        )
        await stage.ask()

        assert CheckRecord("own", "output", attempt=0, took_s=0.25) == only(stage).checks[-1]

    play(scene())


TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
    },
}


def calling(arguments: str) -> list[Any]:
    """Return the script of a stream that calls a tool, in two parts."""
    return [
        0.1,
        Piece(tools=(ToolFragment(0, "c1", "look", arguments[:5]),)),
        0.1,
        Piece(tools=(ToolFragment(0, arguments=arguments[5:]),)),
        Piece(finish_reason="tool_calls"),
        *spoken()[-1:],
    ]


def test_streamed_tool_call_is_checked_before_it_leaves() -> None:
    """A stream that only calls tools is read to its end first: a bad call reaches nobody."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([calling('{"id": "x"}')]), "small": Target([calling('{"id": 7}')])},
            output=outputs(tools="refuse"),
        )
        reader = Reader()
        request = stage.request(stream=True)
        request.body["tools"] = [TOOL]
        settled = await answer(request, stage.known, world=stage.world, sink=reader)

        said = "".join(part.arguments for piece in reader.pieces for part in piece.tools)
        assert ('{"id": 7}', "small", True) == (said, settled.head.target, settled.began)
        assert ["check_failed", ""] == [each.cause for each in only(stage).attempts]
        stage.check_at_rest()

    play(scene())


def test_offered_tools_do_not_hold_back_text() -> None:
    """Words flow while nothing could refuse them."""

    async def scene() -> None:
        stage = Stage({"large": Target([spoken(pause_s=1.0)])}, output=outputs(tools="refuse"))
        reader = Reader()
        request = stage.request(stream=True)
        request.body["tools"] = [TOOL]
        await answer(request, stage.known, world=stage.world, sink=reader)

        assert 101.0 == reader.came_at[0]
        assert 105.0 == reader.came_at[-1]

    play(scene())


def test_streamed_refusal_in_words_goes_on_where_the_feature_says_so() -> None:
    """Enough of the text is read first to tell."""

    async def scene() -> None:
        words = ("I'm sorry, ", "but I can't ", "help with that.")
        stage = Stage(
            {"large": Target([spoken(words=words)]), "small": Target([spoken()])},
            policy=Policy(deadline_s=10.0, on_refusal="next"),
        )
        reader = Reader()
        settled = await stage.listen(reader)

        assert ("Yours is on its way.", "small") == (reader.text, settled.head.target)
        stage.check_at_rest()

    play(scene())
