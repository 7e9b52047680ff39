"""Do tool calls fit the schemas that their tools declare?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.reliability.checks.settings import OnOutput
from seatrial.reliability.checks.shape import NotJson, read_json, told
from seatrial.reliability.checks.structured import MOST_REASON, Shapes
from seatrial.values.chat import ToolCall
from seatrial.values.checks import PASSED, Says, Verdict


def check_tools(
    calls: Sequence[ToolCall], body: Mapping[str, Any], shapes: Shapes, *, then: OnOutput
) -> Verdict:
    """Judge whether each call names a declared tool, with arguments that fit its schema.

    Args:
        calls: of the answer.
        body: the request, whose `tools` (or `functions`) declare the schemas.
        shapes: compiled ones.
        then: what follows when one does not.  A schema that cannot be used is flagged.
    """
    if then == "off" or not calls:
        return PASSED
    declared = _declared(body)
    if not declared:
        return PASSED
    unusable = 0
    for call in calls:
        if call.name not in declared:
            reason = "A tool call names no tool that was offered."
            return Verdict(Says(then), "unknown_tool", reason)
        schema = declared[call.name]
        if schema is None:
            continue
        shape = shapes.of(schema)
        if isinstance(shape, str):
            unusable += 1
            continue
        try:
            arguments = read_json(call.arguments) if call.arguments.strip() else {}
        except NotJson as error:
            reason = f"The arguments for {call.name} should be JSON: {error}."
            return Verdict(Says(then), "tool_arguments", reason)
        misfits = shape.misfits(arguments)
        if misfits:
            reason = f"The arguments for {call.name} do not fit: {told(misfits)}"[:MOST_REASON]
            return Verdict(Says(then), "tool_arguments", reason, {"misfits": len(misfits)})
    if unusable:
        reason = "The schema of a tool cannot be checked."
        return Verdict(Says.FLAG, "unusable_schema", reason, {"tools": unusable})
    return PASSED


def offers_tools(body: Mapping[str, Any]) -> bool:
    """Whether a request lets the model call tools."""
    return bool(body.get("tools") or body.get("functions"))


def _declared(body: Mapping[str, Any]) -> dict[str, object] | None:
    """Return the schema of each tool by name, None where it has none.

    None when one of them is of a kind that we do not know: any name may then be right.
    """
    declared: dict[str, object] = {}
    for tool in _listed(body.get("tools")):
        kind = tool.get("type", "function")
        inner = tool.get(kind) if isinstance(kind, str) else None
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            return None
        declared[inner["name"]] = inner.get("parameters") if kind == "function" else None
    for tool in _listed(body.get("functions")):
        if not isinstance(tool.get("name"), str):
            return None
        declared[tool["name"]] = tool.get("parameters")
    return declared


def _listed(tools: object) -> list[dict[str, Any]]:
    return [each for each in tools if isinstance(each, dict)] if isinstance(tools, list) else []
