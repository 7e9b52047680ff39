"""Tool calls against the schemas that their tools declare."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.reliability.checks.structured import Shapes
from seatrial.reliability.checks.tools import check_tools, offers_tools
from seatrial.values.chat import ToolCall
from seatrial.values.checks import PASSED, Says

TIDE = {
    "type": "object",
    "required": ["port"],
    "properties": {"port": {"type": "string"}, "day": {"type": "integer"}},
    "additionalProperties": False,
}
BODY: dict[str, Any] = {
    "tools": [
        {"type": "function", "function": {"name": "tide", "parameters": TIDE}},
        {"type": "function", "function": {"name": "now"}},
        {"type": "custom", "custom": {"name": "say", "parameters": TIDE}},
        "odd",
    ]
}


def judge(name: str, arguments: str, body: dict[str, Any] = BODY, then: Any = "refuse") -> str:
    """Return the code of the verdict about one call."""
    return check_tools([ToolCall("1", name, arguments)], body, Shapes(), then=then).code


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("tide", '{"port": "Barry"}', ""),
        ("tide", '{"port": "Barry", "day": 3}', ""),
        ("tide", "{}", "tool_arguments"),
        ("tide", "", "tool_arguments"),
        ("tide", '{"port": 3}', "tool_arguments"),
        ("tide", '{"port": "Barry", "hour": 3}', "tool_arguments"),
        ("tide", '{"port": "Bar', "tool_arguments"),
        ("now", "anything", ""),
        ("say", "free words", ""),
        ("rain", "{}", "unknown_tool"),
    ],
)
def test_calls_are_held_to_the_schema_of_their_tool(name: str, arguments: str, code: str) -> None:
    """Without a schema there is nothing to hold them to."""
    assert code == judge(name, arguments)


def test_the_reason_names_the_rule_and_not_the_value() -> None:
    """What the model wrote stays out of the reason."""
    calls = [ToolCall("1", "tide", '{"port": {"hunter2": 1}}')]

    verdict = check_tools(calls, BODY, Shapes(), then="refuse")

    assert "port should be text" in verdict.reason
    assert "hunter2" not in verdict.reason


def test_the_setting_says_what_follows() -> None:
    """A misfit is flagged, refused or not looked for."""
    calls = [ToolCall("1", "tide", "{}")]

    assert Says.FLAG is check_tools(calls, BODY, Shapes(), then="flag").says
    assert Says.REFUSE is check_tools(calls, BODY, Shapes(), then="refuse").says
    assert PASSED == check_tools(calls, BODY, Shapes(), then="off")


@pytest.mark.parametrize(
    "tools",
    [[], None, [{"type": "web_search"}], [{"type": 7}], [{"type": "function", "function": {}}]],
)
def test_tools_of_an_unknown_kind_may_have_any_name(tools: object) -> None:
    """What cannot be read cannot be held against a call."""
    assert "" == judge("whatever", "{}", {"tools": tools})
    if isinstance(tools, list) and tools:
        assert "" == judge("whatever", "{}", {"tools": [*tools, BODY["tools"][0]]})


def test_the_old_functions_are_read_as_well() -> None:
    """`functions` came before `tools`."""
    body = {"functions": [{"name": "tide", "parameters": TIDE}]}

    assert "tool_arguments" == judge("tide", "{}", body)
    assert "" == judge("rain", "{}", {"functions": [{"name": 3}]})


def test_an_unusable_schema_is_flagged_and_the_others_still_hold() -> None:
    """A tool whose schema cannot be used does not spoil the check of the next call."""
    odd = {"type": "function", "function": {"name": "odd", "parameters": {"type": "strange"}}}
    body = {"tools": [odd, *BODY["tools"]]}
    both = [ToolCall("1", "odd", "{}"), ToolCall("2", "tide", "{}")]

    assert "unusable_schema" == judge("odd", "{}", body)
    assert "tool_arguments" == check_tools(both, body, Shapes(), then="refuse").code


def test_tools_are_seen() -> None:
    """Either list counts when something is in it."""
    assert offers_tools(BODY)
    assert offers_tools({"functions": [{}]})
    assert not offers_tools({"tools": []})
