"""Checks on a request's way: what they stop, what they change, and what the record keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from seatrial.reliability.checks.incoming import InputPlan
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import InputSettings, OutputSettings
from seatrial.reliability.checks.shape import compile_shape
from seatrial.reliability.settings import Policy
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment
from seatrial.values.checks import PASSED, CheckRecord, Says, Verdict
from seatrial.values.decisions import Answered, HandedOff, Kind, Refused
from seatrial.values.records import Record
from seatrial.values.sealing import seal
from tests.rooms.engine.stage import GOOD, HANG, Reader, Stage, Target, play, spoken

MAIL = "ann@example.org"
PRICE = compile_shape({"type": "object", "properties": {"price": {"type": "number"}}})


def inputs(**settings: Any) -> InputPlan:
    """Return checks of inputs, the usual ones switched off."""
    return InputPlan(InputSettings(**{"injection": "off", **settings}))


def outputs(**settings: Any) -> OutputPlan:
    """Return checks of answers, the usual ones switched off."""
    shape = settings.pop("shape", None)
    return OutputPlan(OutputSettings(**{"leaks": "off", "tools": "off", **settings}), shape)


@dataclass
class Checker:
    """A check of the user's own that says what the test says; it notes what it was told."""

    verdict: Verdict | Callable[[str], Verdict] = PASSED
    takes_s: float = 0.0
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask(self, text: str, known: Mapping[str, Any]) -> Verdict:
        self.told.append((text, known))
        await asyncio.sleep(self.takes_s)
        return self.verdict(text) if callable(self.verdict) else self.verdict

    async def close(self) -> None:
        """Nothing to give back."""


def only(stage: Stage) -> Record:
    """Return the one record."""
    (record,) = stage.recorder.records
    return record


def said(record: Record) -> list[tuple[str, str, str]]:
    """Return what each check said, as the record keeps it."""
    return [(each.check, each.side, each.verdict) for each in record.checks]


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
        answer = Answer("Hello [EMAIL_1].", tool_calls=calls, body=b"{}", value={"to": "[EMAIL_1]"})
        stage = Stage(
            {"large": Target([[answer]])}, input=inputs(personal_data="redact", restore=True)
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
