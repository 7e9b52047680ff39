"""Checks of inputs on a request's way: what they stop, change and leave in the record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from seatrial.engine.world import LONG_CHECKS
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment
from seatrial.values.checks import Says, Verdict
from seatrial.values.decisions import Answered, Kind, Refused
from seatrial.values.sealing import seal
from tests.rooms.engine.checks import MAIL, Checker, inputs, only, outputs, said
from tests.rooms.engine.stage import GOOD, HANG, Reader, Stage, Target, play, spoken

# --- what comes in ------------------------------------------------------------------------


def test_refused_input_reaches_nobody() -> None:
    """No target hears of it, and the record names the check."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, input=inputs(max_chars=5))
        settled = await stage.ask("Where is it?")

        assert isinstance(settled.decision, Refused)
        assert "input_refused" == settled.decision.code
        assert [] == stage.targets["large"].calls
        assert [("size", "input", "refuse")] == said(only(stage))
        assert only(stage).attempts == ()

    play(scene())


def test_flag_stands_in_the_record_alone() -> None:
    """The answer is the answer."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, input=inputs(personal_data="flag"))
        settled = await stage.ask(f"I am {MAIL}.")

        assert Kind.ANSWER is settled.decision.kind
        (check,) = only(stage).checks
        assert ("personal_data", "flag", {"email": 1}) == (
            check.check,
            check.verdict,
            check.counts,
        )

    play(scene())


def test_personal_data_is_neither_sent_nor_stored() -> None:
    """In messages, in variables and in the prompt that is made of them."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("Hello [EMAIL_1].")]])},
            prompt="You talk to {{who}}.",
            input=inputs(personal_data="redact"),
        )
        settled = await stage.ask(f"I am {MAIL}.", variables={"who": MAIL})

        (call,) = stage.targets["large"].calls
        sent = msgspec.json.encode([call.body, call.variables])
        assert MAIL.encode() not in sent
        assert b"You talk to [EMAIL_1]." in sent
        assert MAIL.encode() not in seal(only(stage))
        assert isinstance(settled.decision, Answered)
        assert "Hello [EMAIL_1]." == settled.decision.answer.text

    play(scene())


def test_marks_are_turned_back_for_the_caller_alone() -> None:
    """Record and cache keep the marks."""

    async def scene() -> None:
        calls = (ToolCall("c1", "mail", '{"to": "[EMAIL_1]"}'),)
        given_by = Answer(
            "Hello [EMAIL_1].", tool_calls=calls, body=b"{}", value={"to": "[EMAIL_1]"}
        )
        stage = Stage(
            {"large": Target([[given_by]])}, input=inputs(personal_data="redact", restore=True)
        )
        settled = await stage.ask(f"I am {MAIL}.")

        assert isinstance(settled.decision, Answered)
        given = settled.decision.answer
        assert f"Hello {MAIL}." == given.text
        assert f'{{"to": "{MAIL}"}}' == given.tool_calls[0].arguments
        assert {"to": MAIL} == given.value
        assert b"" == given.body
        assert MAIL.encode() not in seal(only(stage))

    play(scene())


def test_marks_are_turned_back_in_a_stream() -> None:
    """Also where a mark is split over pieces, and where it is the last thing said."""

    async def scene() -> None:
        words = ("Hello [EM", "AIL_", "1], ", "is it [EMAIL_1]")
        stage = Stage(
            {"large": Target([spoken(words=words)])},
            input=inputs(personal_data="redact", restore=True),
        )
        reader = Reader()
        settled = await stage.listen(reader, f"I am {MAIL}.")

        text = reader.text + "".join(piece.text for piece in settled.tail)
        assert f"Hello {MAIL}, is it {MAIL}" == text
        assert all(piece.data == b"" for piece in reader.pieces)
        assert "stop" in {piece.finish_reason for piece in settled.tail}
        assert MAIL.encode() not in seal(only(stage))

    play(scene())


def test_marks_are_turned_back_in_streamed_tool_calls() -> None:
    """Their arguments are JSON in pieces, and what was held back comes before the end."""

    async def scene() -> None:
        parts = [
            Piece(tools=(ToolFragment(0, "c1", "mail", '{"to": "[EMA'),)),
            Piece(tools=(ToolFragment(0, arguments='IL_1]"}'),)),
        ]
        script = [0.1, *parts, Piece(finish_reason="tool_calls"), *spoken()[-1:]]
        stage = Stage(
            {"large": Target([script])}, input=inputs(personal_data="redact", restore=True)
        )
        reader = Reader()
        settled = await stage.listen(reader, f"I am {MAIL}.")

        pieces = [*reader.pieces, *settled.tail]
        said = "".join(part.arguments for piece in pieces for part in piece.tools)
        assert f'{{"to": "{MAIL}"}}' == said

    play(scene())


def test_failed_redaction_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed: no target, and no word of the input in the record."""
    monkeypatch.setattr("seatrial.reliability.checks.incoming.rewrite_body", lambda *_: 1 / 0)

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, input=inputs(personal_data="redact"))
        settled = await stage.ask(f"I am {MAIL}.")

        assert isinstance(settled.decision, Refused)
        assert [] == stage.targets["large"].calls
        assert only(stage).input is None
        assert "redaction_failed" == only(stage).checks[0].code

    play(scene())


def test_caller_who_leaves_during_the_checks_leaves_no_raw_text() -> None:
    """Nothing is stored before personal data is out of it."""

    async def scene() -> None:
        slow = Checker(takes_s=5.0)
        stage = Stage(
            {"large": Target([[GOOD]])},
            input=inputs(personal_data="redact", checks=("own",), check_s=10.0),
            checkers={"own": slow},
        )
        asking = asyncio.ensure_future(stage.ask(f"I am {MAIL}."))
        await asyncio.sleep(1.0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        assert "abandoned" == only(stage).decision
        assert MAIL.encode() not in seal(only(stage))
        assert "I am [EMAIL_1]." == slow.told[0][0]

    play(scene())


def test_duplicate_is_noticed() -> None:
    """The same of the same caller, within the time that the feature names."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[GOOD]])}, input=inputs(duplicates="refuse", duplicate_s=60.0)
        )
        first, second = await stage.ask("Again?"), await stage.ask("Again?")
        other = await stage.ask("Something else?")
        await asyncio.sleep(61.0)
        later = await stage.ask("Again?")

        kinds = [each.decision.kind for each in (first, second, other, later)]
        assert [Kind.ANSWER, Kind.REFUSED, Kind.ANSWER, Kind.ANSWER] == kinds

    play(scene())


def test_long_texts_are_checked_beside_the_loop() -> None:
    """Both sides: the loop must not be held."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[GOOD]])}, input=inputs(max_chars=10**6), output=outputs(max_chars=99)
        )
        await stage.ask("word " * 10)
        assert 0 == stage.aside
        await stage.ask("word " * 10_000)
        assert 2 <= stage.aside

    play(scene())


def slow_aside(stage: Stage, takes_s: float) -> list[int]:
    """Let long work take its time; return how many were under way, whenever one more was."""
    under_way: list[int] = [0]

    async def aside(work: Any) -> Any:
        under_way.append(under_way[-1] + 1)
        await asyncio.sleep(takes_s)
        under_way.append(under_way[-1] - 1)
        return work()

    stage.world = replace(stage.world, off_loop=aside)
    return under_way


def test_few_long_texts_are_checked_at_once() -> None:
    """Each holds the interpreter up; the others wait, and all are answered."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, input=inputs(max_chars=10**6))
        under_way = slow_aside(stage, 1.0)
        settled = await asyncio.gather(*(stage.ask("word " * 10_000) for _ in range(9)))

        assert {Kind.ANSWER} == {each.decision.kind for each in settled}
        assert (LONG_CHECKS, 0) == (max(under_way), under_way[-1])

    play(scene())


def test_long_check_ends_with_the_deadline() -> None:
    """The caller hears in time, and what was not searched to its end is not stored."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, input=inputs(personal_data="redact"))
        under_way = slow_aside(stage, 60.0)
        began = asyncio.get_running_loop().time()
        text = f"{MAIL} " * 5_000
        asked = [stage.ask(text, deadline_s=3.0) for _ in range(3)]
        settled = await asyncio.gather(*asked)

        assert 3.0 == pytest.approx(asyncio.get_running_loop().time() - began)
        assert [Kind.REFUSED] * 3 == [each.decision.kind for each in settled]
        assert LONG_CHECKS == under_way[-1]
        assert [] == stage.targets["large"].calls
        assert MAIL not in str(stage.recorder.records)
        await asyncio.sleep(61.0)
        assert 0 == under_way[-1]
        assert not stage.world.few.locked()

    play(scene())


def test_long_check_of_an_answer_ends_with_the_deadline() -> None:
    """It counts as failed."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[Answer("word " * 10_000)]])}, output=outputs(max_chars=10**6)
        )
        slow_aside(stage, 60.0)
        settled = await stage.ask(deadline_s=3.0)

        assert Kind.REFUSED is settled.decision.kind
        assert any("check_late" in each.code for each in only(stage).checks)

    play(scene())


# --- functions of the user's own ----------------------------------------------------------


def test_own_checks_are_asked_in_their_order() -> None:
    """Up to the first that refuses; each is told the text and the rest by name."""

    async def scene() -> None:
        first, second = Checker(Verdict(Says.FLAG, "odd")), Checker(Verdict(Says.REFUSE, "no"))
        third = Checker()
        stage = Stage(
            {"large": Target([[GOOD]])},
            input=inputs(checks=("a", "b", "c")),
            checkers={"a": first, "b": second, "c": third},
        )
        settled = await stage.ask("Hi", variables={"order": "17"})

        assert Kind.REFUSED is settled.decision.kind
        assert [("a", "input", "flag"), ("b", "input", "refuse")] == said(only(stage))
        assert [] == third.told
        text, known = first.told[0]
        assert ("Hi", "17", "Hi") == (text, known["order"], known["question"])

    play(scene())


def test_late_check_refuses() -> None:
    """When its time is over nobody waits for it."""

    async def scene() -> None:
        stage = Stage(
            {"large": Target([[GOOD]])},
            input=inputs(checks=("slow",), check_s=0.5),
            checkers={"slow": Checker(takes_s=HANG)},
        )
        settled = await stage.ask()

        assert Kind.REFUSED is settled.decision.kind
        (check,) = only(stage).checks
        assert ("check_late", 0.5) == (check.code, check.took_s)

    play(scene())


def test_check_that_is_not_loaded_refuses() -> None:
    """A missing check lets nothing through."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, output=outputs(checks=("gone",)))
        settled = await stage.ask()

        assert Kind.REFUSED is settled.decision.kind
        assert "check_failed" == only(stage).checks[-1].code

    play(scene())
