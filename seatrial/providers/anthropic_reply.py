"""From Anthropic's messages and events to answers and pieces."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.providers.openai_usage import MAX_TIER_CHARS, count
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment, Usage

# What is not listed (`pause_turn`) is no end of an answer, and passes as it is.
FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class WireBlock(msgspec.Struct):
    """A block of content, whole or at its start."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class WireReply(msgspec.Struct):
    """A `message`, whole or at its start."""

    type: str = ""
    content: list[WireBlock] | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Any = None
    error: Any = None


class WireChange(msgspec.Struct):
    """The `delta` of an event."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class WireEvent(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    delta: WireChange | None = None
    content_block: WireBlock | None = None
    message: WireReply | None = None
    usage: Any = None
    error: Any = None


def answer_of(wire: WireReply) -> Answer:
    """Return a whole message as an answer."""
    blocks = wire.content or []
    texts = [each.text for each in blocks if each.type == "text" and each.text is not None]
    thoughts = [each.thinking for each in blocks if each.type == "thinking" and each.thinking]
    return Answer(
        text="".join(texts) if texts else None,
        tool_calls=tuple(
            ToolCall(each.id or "", each.name or "", bytes(each.input).decode())
            for each in blocks
            if each.type == "tool_use"
        ),
        finish_reason=finish_of(wire.stop_reason) or "",
        model=wire.model or "",
        usage=usage_of(wire.usage),
        reasoning="".join(thoughts) or None,
    )


def finish_of(stop_reason: str | None) -> str | None:
    """Return the reason of the end in OpenAI's words."""
    return None if stop_reason is None else FINISH.get(stop_reason, stop_reason)


def usage_of(raw: object) -> Usage | None:
    """Return the report in disjoint classes, or None when it makes no sense."""
    if not isinstance(raw, dict):
        return None
    read, written = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    if read is None or written is None:
        return None
    stored = count(raw.get("cache_creation_input_tokens")) or 0
    lasting = min(_inner(raw, "cache_creation", "ephemeral_1h_input_tokens"), stored)
    reasoned = min(_inner(raw, "output_tokens_details", "thinking_tokens"), written)
    return Usage(
        input_tokens=read,
        cached_tokens=count(raw.get("cache_read_input_tokens")) or 0,
        cache_write_tokens=stored - lasting,
        output_tokens=written - reasoned,
        reasoning_tokens=reasoned,
        raw=raw,
        cache_write_1h_tokens=lasting,
        web_searches=_inner(raw, "server_tool_use", "web_search_requests"),
        service_tier=_tier(raw),
    )


def _inner(raw: dict[str, Any], name: str, inner: str) -> int:
    details = raw.get(name)
    return (count(details.get(inner)) or 0) if isinstance(details, dict) else 0


def _tier(raw: dict[str, Any]) -> str:
    if raw.get("speed") == "fast":
        return "fast"
    tier = raw.get("service_tier")
    return tier[:MAX_TIER_CHARS] if isinstance(tier, str) else ""


class Pieces:
    """Turns the events of one stream into pieces, in order."""

    __slots__ = ("_tools", "_usage", "finished", "stopped")

    def __init__(self) -> None:
        self._tools: dict[int, int] = {}  # a block's index -> the tool call's
        self._usage: dict[str, Any] = {}
        self.finished = False
        self.stopped = False

    def piece(self, wire: WireEvent) -> Piece | None:
        """Return what an event adds; None for what adds nothing."""
        match wire.type:
            case "content_block_delta":
                return self._changed(wire.index, wire.delta)
            case "content_block_start":
                return self._started(wire.index, wire.content_block)
            case "message_start":
                message = wire.message or WireReply()
                self._report(message.usage)
                return Piece(model=message.model or "")
            case "message_delta":
                self._report(wire.usage)
                finish = finish_of(wire.delta.stop_reason) if wire.delta else None
                self.finished = self.finished or finish is not None
                return None if finish is None else Piece(finish_reason=finish)
            case "message_stop":
                self.stopped = True
        return None

    def usage(self) -> Piece | None:
        """Return the event that reports the usage, when there is a report."""
        usage = usage_of(self._usage)
        return None if usage is None else Piece(usage=usage, bare_usage=True)

    def _report(self, usage: object) -> None:
        if isinstance(usage, dict):  # later reports are totals, and may leave out what stays
            self._usage.update({name: each for name, each in usage.items() if each is not None})

    def _started(self, index: int, block: WireBlock | None) -> Piece | None:
        if block is None:
            return None
        if block.type == "tool_use":
            place = self._tools.setdefault(index, len(self._tools))
            return Piece(tools=(ToolFragment(place, block.id or "", block.name or ""),))
        if block.text or block.thinking:
            return Piece(block.text or "", reasoning=block.thinking or "")
        return None

    def _changed(self, index: int, delta: WireChange | None) -> Piece | None:
        if delta is None:
            return None
        match delta.type:
            case "text_delta":
                return Piece(delta.text or "")
            case "thinking_delta":
                return Piece(reasoning=delta.thinking or "")
            case "input_json_delta":
                place = self._tools.setdefault(index, len(self._tools))
                return Piece(tools=(ToolFragment(place, arguments=delta.partial_json or ""),))
        return None
