"""Anthropic's spelling of messages: bodies, typed events, errors, rate headers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from seatrial.testing.upstream._plan import Ask, Event, Json, Reply, ToolCall

TYPES: Final = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "not_found_error", 410: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
STOPS: Final = {
    "stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use",
    "content_filter": "refusal", "refusal": "refusal",
}  # fmt: skip


class Anthropic:
    """The messages dialect."""

    name = "anthropic"
    text_key = "text"

    def whole(self, reply: Reply) -> Json:
        """Give the body of a message."""
        content: list[Json] = []
        for _ in range(reply.choices):
            if reply.refusal is not None:
                content.append({"type": "text", "text": reply.refusal})
            elif reply.calls:
                content += [_tool_block(call) for call in reply.calls]
            else:
                text = None if reply.tokens is None else "".join(reply.tokens)
                content.append({"type": "text", "text": text})
        made = self._message(reply, content)
        made["stop_reason"] = _stop(reply)
        if reply.usage is not None:
            made["usage"] = _usage(reply, first=False)
        return made

    def events(self, reply: Reply, ask: Ask) -> list[Event]:
        """Give the events of a message, `message_stop` last."""
        message = self._message(reply, [])
        if reply.usage is not None:
            message["usage"] = _usage(reply, first=True)
        made = [_event("message_start", message=message)]
        if reply.choices:
            made += self._blocks(reply)
        ending: Json = {} if reply.usage is None else {"usage": _usage(reply, first=False)}
        if reply.finish is not None:
            delta = {"stop_reason": _stop(reply), "stop_sequence": None}
            made.append(_event("message_delta", delta=delta, **ending))
        return [*made, _event("message_stop")]

    def empty_delta(self, reply: Reply) -> Event:
        """Give a delta whose text is empty."""
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": ""})

    def ping(self) -> bytes:
        """Give the ping event."""
        return b'event: ping\ndata: {"type": "ping"}\n\n'

    def error(self, status: int, message: str, code: str | None) -> Json:
        """Give the error envelope."""
        kind = TYPES.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error_event(self, status: int, message: str, code: str | None) -> Event:
        """Give the error event; the status shows only by its type."""
        return Event(self.error(status, message, code), name="error")

    def limit_headers(
        self, what: str, *, limit: int, remaining: int, reset_s: float, wall_s: float
    ) -> dict[str, str]:
        """Give `anthropic-ratelimit-*`; resets are RFC 3339 moments."""
        at = datetime.fromtimestamp(wall_s + reset_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            f"anthropic-ratelimit-{what}-limit": str(limit),
            f"anthropic-ratelimit-{what}-remaining": str(remaining),
            f"anthropic-ratelimit-{what}-reset": at,
        }

    def _message(self, reply: Reply, content: list[Json]) -> Json:
        return {
            "id": f"msg_{reply.id}",
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _blocks(self, reply: Reply) -> list[Event]:
        if reply.calls and reply.refusal is None:
            return [
                event
                for place, call in enumerate(reply.calls)
                for event in _tool_events(reply.index + place, call)
            ]
        texts: tuple[str | None, ...]
        if reply.refusal is not None:
            texts = (reply.refusal,)
        else:
            texts = (None,) if reply.tokens is None else reply.tokens
        at = reply.index
        opened = _event("content_block_start", index=at, content_block={"type": "text", "text": ""})
        deltas = [
            _event("content_block_delta", index=at, delta={"type": "text_delta", "text": text})
            for text in texts
        ]
        tokens = [Event(delta.data, name=delta.name, token=True) for delta in deltas]
        return [opened, *tokens, _event("content_block_stop", index=at)]


def _event(kind: str, **data: object) -> Event:
    return Event({"type": kind, **data}, name=kind)


def _stop(reply: Reply) -> str | None:
    if reply.refusal is not None:
        return "refusal"
    return None if reply.finish is None else STOPS.get(reply.finish, reply.finish)


def _tool_block(call: ToolCall) -> Json:
    text = "".join(call.pieces)
    try:
        made: object = json.loads(text)
    except ValueError:
        made = text  # a whole reply has no other way to carry broken arguments
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": made}


def _tool_events(place: int, call: ToolCall) -> list[Event]:
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    pieces = [
        _event(
            "content_block_delta",
            index=place,
            delta={"type": "input_json_delta", "partial_json": piece},
        )
        for piece in call.pieces
    ]
    return [
        _event("content_block_start", index=place, content_block=block),
        *[Event(piece.data, name=piece.name, token=True) for piece in pieces],
        _event("content_block_stop", index=place),
    ]


def _usage(reply: Reply, *, first: bool) -> Json:
    usage = reply.usage or {}
    return {
        "input_tokens": usage.get("input"),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 1 if first else usage.get("output"),
    }
