"""OpenAI's chat on the wire: what is read of it, and what it becomes.

Only the fields that decide something are typed; where servers differ in harmless ways
(usage, reasoning, lists of parts) anything is read and the odd is left out.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from seatrial.providers.openai_usage import usage_of
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment, content_text


class WireFunction(msgspec.Struct, gc=False):
    """The function of a tool call, or a fragment of it."""

    name: str | None = None
    # Some servers send the arguments as an object.
    arguments: Any = None


class WireToolCall(msgspec.Struct):
    """A tool call, or a fragment of one."""

    function: WireFunction | None = None
    index: int | None = None
    id: str | None = None


class WireMessage(msgspec.Struct):
    """A message, or what an event adds to it."""

    content: str | list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[WireToolCall] | None = None
    function_call: WireFunction | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class WireChoice(msgspec.Struct):
    """One choice of a completion."""

    message: WireMessage | None = None
    index: int = 0
    finish_reason: str | None = None


class WireCompletion(msgspec.Struct):
    """A `chat.completion`."""

    choices: list[WireChoice] | None = None
    model: str | None = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


class WireDelta(msgspec.Struct):
    """One choice of an event."""

    delta: WireMessage | None = None
    index: int = 0
    finish_reason: str | None = None


class WireChunk(msgspec.Struct):
    """A `chat.completion.chunk`."""

    choices: list[WireDelta] | None = None
    model: str | None = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


_NOTHING: Final = WireMessage()


def answer_of(wire: WireCompletion, *, body: bytes, single: bool) -> Answer | None:
    """Return the first choice as an answer, or None when there is no choice.

    Args:
        wire: the body, read.
        body: as it came.
        single: whether one choice was asked for, so that the caller expects no other.
    """
    if not wire.choices:
        return None
    choice = wire.choices[0]
    if choice.index != 0:
        choice = next((each for each in wire.choices if each.index == 0), choice)
    odd = single and (choice.index != 0 or len(wire.choices) > 1)
    if odd or says_twice(body):
        body = b""  # the door writes what we read
    message = choice.message or _NOTHING
    calls: tuple[ToolCall, ...] = ()
    if message.tool_calls:
        calls = tuple(_tool_call(each) for each in message.tool_calls)
    if message.function_call is not None:
        calls += (_tool_call(WireToolCall(function=message.function_call)),)
    content = message.content
    shown = message.reasoning_content or message.reasoning
    # By position: by name it takes several times as long.
    return Answer(
        content if type(content) is str else _text(content),
        message.refusal or None,
        calls,
        choice.finish_reason or "",
        wire.model or "",
        usage_of(wire.usage, service_tier=wire.service_tier),
        _reasoning(message) or None if shown else None,
        body,
    )


def piece_of(wire: WireChunk, data: bytes, *, single: bool) -> Piece:
    """Return what one event adds to the first choice.

    Args:
        wire: the event, read.
        data: the event as it came.
        single: whether one choice was asked for, so that any choice is the first.
    """
    usage = None
    if wire.usage is not None:
        usage = usage_of(wire.usage, service_tier=wire.service_tier)
    model = wire.model or ""
    if not wire.choices:
        return Piece(usage=usage, model=model, data=data, bare_usage=wire.usage is not None)
    choice = wire.choices[0]
    if choice.index != 0 or len(wire.choices) > 1:
        found = next((each for each in wire.choices if each.index == 0), None)
        if found is None and not single:
            return Piece(usage=usage, model=model, data=data)
        if single:
            data = b""  # the door writes the one choice there is, as number 0
        choice = found or choice
    if says_twice(data):
        data = b""
    delta = choice.delta or _NOTHING
    tools: tuple[ToolFragment, ...] = ()
    if delta.tool_calls:
        tools = tuple(_fragment(each, place) for place, each in enumerate(delta.tool_calls))
    if delta.function_call is not None:
        tools += (_fragment(WireToolCall(function=delta.function_call), 0),)
    content = delta.content
    return Piece(
        content if isinstance(content, str) else _text(content) or "",
        delta.refusal or "",
        _reasoning(delta) if delta.reasoning_content or delta.reasoning else "",
        tools,
        choice.finish_reason,
        usage,
        model,
        data,
    )


def says_twice(data: bytes) -> bool:
    """Return whether an object has a key twice: the caller might read the other value of it.

    >>> says_twice(b'{"content": "Hi", "content": "Ho"}')
    True
    """
    # Quotes inside texts are escaped: what is counted are keys.  Looking closer is slow, and rare.
    if (
        data.count(b'"content"') < 2
        and data.count(b'"delta"') < 2
        and data.count(b'"choices"') < 2
        and data.count(b'"message"') < 2
    ):
        return False
    try:
        json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError


def _text(content: str | list[Any] | None) -> str | None:
    if content is None or isinstance(content, str):
        return content
    return content_text(content)


def _reasoning(message: WireMessage) -> str:
    for shown in (message.reasoning_content, message.reasoning):
        if shown and isinstance(shown, str):
            return shown
    return ""


def _arguments(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _tool_call(wire: WireToolCall) -> ToolCall:
    function = wire.function or WireFunction()
    return ToolCall(wire.id or "", function.name or "", _arguments(function.arguments))


def _fragment(wire: WireToolCall, place: int) -> ToolFragment:
    function = wire.function or WireFunction()
    index = place if wire.index is None else wire.index
    return ToolFragment(index, wire.id, function.name, _arguments(function.arguments))
