"""All checks of an answer together."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.reliability.checks.outgoing import (
    OutputPlan,
    examine_output,
    output_checks,
    repair_note,
)
from seatrial.reliability.checks.settings import OutputSettings
from seatrial.reliability.checks.shape import compile_shape
from seatrial.reliability.checks.told import Told
from seatrial.values.chat import Answer, ToolCall
from seatrial.values.checks import PASSED, Says, Verdict, strictest

ASKED = Told({"messages": [{"role": "user", "content": "When is low tide at Barry Docks?"}]})
NO = "I'm sorry, but I can't help with that."
WELSH = "Bydd y llanw isel am naw o'r gloch yn y bore yng Nghaerdydd yfory."
JSON = {"response_format": {"type": "json_object"}}
TOOLS = {
    "tools": [
        {
            "type": "function",
            "function": {"name": "tide", "parameters": {"type": "object", "required": ["port"]}},
        }
    ]
}


def identify(text: str) -> tuple[str, float]:
    """Tell Welsh by its commonest words, Danish and Norwegian by one, all else as English."""
    if " llanw " in text:
        return "cy", 0.99
    if " Lavvann " in f" {text}":
        return "da", 0.99
    return ("no", 0.99) if " lavvann " in text else ("en", 0.99)


def judge(settings: OutputSettings, answer: Answer | str, told: Told = ASKED) -> Verdict:
    """Return the strictest verdict about an answer."""
    whole = Answer(answer) if isinstance(answer, str) else answer
    plan = OutputPlan(settings, identify=identify)
    return strictest(verdict for _, verdict in examine_output(plan, whole, told))


def test_by_default_an_answer_passes() -> None:
    """Only leaks and refusals are looked for."""
    said = examine_output(OutputPlan(), Answer("At nine."), ASKED)

    assert [("refusal", PASSED), ("leaks", PASSED)] == said


@pytest.mark.parametrize(
    ("settings", "text", "code"),
    [
        (OutputSettings(max_chars=80), "At nine. " * 9, "too_long"),
        (OutputSettings(min_chars=50), "At nine.", "too_short"),
        (OutputSettings(forbidden=("ten",)), "At ten.", "forbidden"),
        (OutputSettings(leaks="refuse", canaries=("bluebell-7",)), "Bluebell-7", "leak"),
        (OutputSettings(empty_phrases="refuse"), "Great question!", "empty_phrases"),
        (OutputSettings(language="refuse"), WELSH, "language"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_each_setting_refuses_what_it_is_for(
    settings: OutputSettings, text: str, code: str
) -> None:
    """And passes an answer without that fault."""
    good = "Low tide is at 9:12 tomorrow, and at half past nine the day after it."

    assert (Says.REFUSE, code) == (judge(settings, text).says, judge(settings, text).code)
    assert PASSED == judge(settings, good)


def test_grounding_is_looked_for_last() -> None:
    """With context, what it does not hold is refused; without, it is flagged."""
    settings = OutputSettings(grounding="refuse")
    told = Told(ASKED.body, variables={"context": "Low tide is at 9:12."})

    assert "ungrounded" == judge(settings, "It is at 10:30.", told).code
    assert PASSED == judge(settings, "It is at 9:12.", told)
    assert (Says.FLAG, "no_context") == (
        judge(settings, "At 9:12.").says,
        judge(settings, "At 9:12.").code,
    )


def test_the_features_schema_holds_for_every_answer() -> None:
    """It is compiled with the plan."""
    plan = OutputPlan(shape=compile_shape({"type": "object"}))

    assert ("schema", PASSED) in examine_output(plan, Answer("{}"), ASKED)
    assert "no_json" == examine_output(plan, Answer("Nine."), ASKED)[-1][1].code


def test_the_callers_schema_holds_for_theirs() -> None:
    """Without any setting."""
    told = Told({**ASKED.body, **JSON})

    assert "no_json" == judge(OutputSettings(), "At nine.", told).code
    assert PASSED == judge(OutputSettings(), '{"at": 9}', told)


def test_an_answer_cut_by_its_limit_is_flagged_and_no_more() -> None:
    """The caller set the limit and is told `length`: that JSON breaks off there is honest."""
    told = Told({**JSON, **TOOLS})
    text = Answer('{"at": ', finish_reason="length")
    calls = Answer(None, tool_calls=(ToolCall("1", "tide", '{"po'),), finish_reason="length")

    assert "cut_short" == judge(OutputSettings(), text, told).code
    assert "cut_short" == judge(OutputSettings(), calls, told).code


def test_tool_calls_are_held_to_their_schemas() -> None:
    """And no text is asked of them."""
    call = Answer(None, tool_calls=(ToolCall("1", "tide", "{}"),), finish_reason="tool_calls")
    strict = OutputSettings(min_chars=9, empty_phrases="refuse", grounding="refuse")

    assert "tool_arguments" == judge(OutputSettings(), call, Told(TOOLS)).code
    assert PASSED == judge(OutputSettings(tools="off", leaks="off"), call, Told({**TOOLS, **JSON}))
    good = Answer(None, tool_calls=(ToolCall("1", "tide", '{"port": 1}'),))
    assert PASSED == judge(strict, good, Told(TOOLS))


@pytest.mark.parametrize("answer", [Answer(NO), Answer(None, refusal="No.")])
def test_who_declines_is_flagged_and_never_failed_for_it(answer: Answer) -> None:
    """A refusal is neither JSON nor grounded nor long, and need not be."""
    settings = OutputSettings(
        min_chars=100, grounding="refuse", empty_phrases="refuse", language="refuse"
    )
    plan = OutputPlan(settings, shape=compile_shape({"type": "object"}), identify=identify)
    told = Told({**ASKED.body, **JSON})

    said = examine_output(plan, answer, told)

    assert (Says.FLAG, "refusal") == (said[0][1].says, said[0][1].code)
    assert ["size", "leaks"] == [name for name, _ in said[1:]]
    assert all(PASSED == verdict for _, verdict in said[1:])


def test_a_refusal_must_not_leak_either() -> None:
    """What must never leave is looked for in every word that leaves."""
    settings = OutputSettings(forbidden=("bluebell",), max_chars=20)

    assert "forbidden" == judge(settings, Answer(None, refusal="No bluebell.")).code
    assert "too_long" == judge(settings, NO).code


def test_what_leaves_beside_the_text_is_looked_at() -> None:
    """Reasoning and the arguments of tool calls go out as well."""
    settings = OutputSettings(forbidden=("bluebell",), tools="off")
    calls = Answer(None, tool_calls=(ToolCall("1", "tide", '{"port": "Bluebell"}'),))

    assert "forbidden" == judge(settings, Answer("Nine.", reasoning="A bluebell?")).code
    assert "forbidden" == judge(settings, calls).code


def test_the_first_refusal_ends_the_examination() -> None:
    """Nothing dearer is asked after it."""
    settings = OutputSettings(max_chars=3, forbidden=("nine",))

    said = examine_output(OutputPlan(settings), Answer("At nine."), ASKED)

    assert ["refusal", "size"] == [name for name, _ in said]


def test_languages_are_compared_when_both_are_sure() -> None:
    """Kindred ones pass for each other; without an identifier nothing is compared."""
    settings = OutputSettings(language="refuse")
    danish = Told({"messages": [{"role": "user", "content": "Lavvann is what they say it is."}]})
    short = Told({"messages": [{"role": "user", "content": "Tide?"}]})
    plain = [name for name, _ in output_checks(OutputPlan(settings), Answer(WELSH), ASKED)]

    assert PASSED == judge(settings, "We call it lavvann here, all of us do.", danish)
    assert PASSED == judge(settings, WELSH, short)
    assert "language" not in plain


@pytest.mark.parametrize(
    ("settings", "body", "any_text"),
    [
        (OutputSettings(), {}, False),
        (OutputSettings(), JSON, True),
        (OutputSettings(max_chars=5), {}, True),
        (OutputSettings(min_chars=5), {}, True),
        (OutputSettings(forbidden=("x",)), {}, True),
        (OutputSettings(leaks="refuse"), {}, True),
        (OutputSettings(empty_phrases="refuse"), {}, True),
        (OutputSettings(grounding="refuse"), {}, True),
        (OutputSettings(language="refuse"), {}, True),
        (OutputSettings(checks=("shop:fine",)), {}, True),
        (OutputSettings(grounding="flag", language="flag", empty_phrases="flag"), {}, False),
    ],
)
def test_streams_are_held_back_when_a_check_could_refuse(
    settings: OutputSettings, body: dict[str, Any], any_text: bool
) -> None:
    """A flag holds nothing back."""
    plan = OutputPlan(settings, identify=identify)

    assert any_text is plan.can_refuse(body)
    assert any_text is plan.can_refuse_text(body)


def test_tools_alone_hold_back_no_text() -> None:
    """What the model says may go out until it begins to call."""
    assert OutputPlan().can_refuse(TOOLS)
    assert not OutputPlan().can_refuse_text(TOOLS)
    assert not OutputPlan(OutputSettings(tools="flag")).can_refuse(TOOLS)
    assert not OutputPlan(OutputSettings(language="refuse")).can_refuse({})
    assert OutputPlan(shape=compile_shape({})).can_refuse({})


def test_the_note_gives_each_reason_once_and_nothing_else() -> None:
    """Flags are no reason to ask again; a function without a reason is told by its code."""
    note = repair_note(
        [
            Verdict(Says.REFUSE, "too_long", "It is too long."),
            Verdict(Says.REFUSE, "too_long", "It is\n too long."),
            Verdict(Says.FLAG, "leak", "It leaks."),
            Verdict(Says.REFUSE, "unknown_product"),
            Verdict(Says.REFUSE, "wordy", "x" * 10_000),
        ]
    )

    assert 1 == note.count("It is too long.")
    assert "leak" not in note
    assert "- unknown_product" in note
    assert len(note) < 2_500
