"""Each dialect's words for the same things."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.conformance.scripted_wire import FakeReply


def sse(*events: object) -> bytes:
    """Write events; bytes stay as they are."""
    return b"".join(
        each if isinstance(each, bytes) else b"data: " + msgspec.json.encode(each) + b"\n\n"
        for each in events
    )


@dataclass(frozen=True)
class Dialect:
    """One dialect's words for the same things."""

    name: str
    whole: Callable[..., dict[str, Any]]
    opening: list[object]
    says: Callable[[str], object]
    ending: list[object]
    goodbye: list[object]
    tool: list[object]
    tool_ending: list[object]

    def reply(self, *events: object) -> FakeReply:
        """Write a stream."""
        return FakeReply(sse(*events), kind="text/event-stream; charset=utf-8")

    def good(self, text: str = "Hello") -> list[object]:
        """Return the events of a good stream, a word each."""
        said = [self.says(letter) for letter in text]
        return [*self.opening, *said, *self.ending, *self.goodbye]


def _openai_whole(text: str | None = "Hello", **message: object) -> dict[str, Any]:
    finish = message.pop("finish", "stop")
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    return {
        "id": "c1",
        "object": "chat.completion",
        "model": "m-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": message.pop("usage", usage),
    }


def _delta(**delta: object) -> dict[str, Any]:
    return {"id": "c1", "model": "m-1", "choices": [{"index": 0, "delta": delta}]}


def _tool(index: int, **function: str) -> dict[str, Any]:
    head = {"id": "t1", "type": "function"} if "name" in function else {}
    return _delta(tool_calls=[{"index": index, **head, "function": function}])


def _finish(reason: str) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


OPENAI = Dialect(
    name="openai",
    whole=_openai_whole,
    opening=[_delta(role="assistant", content="")],
    says=lambda text: _delta(content=text),
    ending=[_finish("stop")],
    goodbye=[
        {"model": "m-1", "choices": [], "usage": _openai_whole()["usage"]},
        b"data: [DONE]\n\n",
    ],
    tool=[
        _tool(0, name="look", arguments=""),
        _tool(0, arguments='{"a"'),
        _tool(0, arguments=":1}"),
    ],
    tool_ending=[_finish("tool_calls")],
)


def _anthropic_whole(text: str | None = "Hello", **message: object) -> dict[str, Any]:
    finish = {"stop": "end_turn", "length": "max_tokens"}.get(
        str(message.get("finish")), "end_turn"
    )
    usage = {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 7}
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": finish,
        "usage": message.get("usage", usage),
    }


def _block(kind: str, **delta: object) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 1, "delta": {"type": kind, **delta}}


def _stop(reason: str) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason},
        "usage": {"output_tokens": 7},
    }


ANTHROPIC = Dialect(
    name="anthropic",
    whole=_anthropic_whole,
    opening=[
        {
            "type": "message_start",
            "message": {
                "type": "message",
                "model": "m-1",
                "content": [],
                "usage": {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 1},
            },
        },
        {"type": "ping"},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    ],
    says=lambda text: _block("text_delta", text=text),
    ending=[{"type": "content_block_stop", "index": 1}, _stop("end_turn")],
    goodbye=[{"type": "message_stop"}],
    tool=[
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
        },
        _block("input_json_delta", partial_json='{"a"'),
        _block("input_json_delta", partial_json=":1}"),
    ],
    tool_ending=[_stop("tool_use")],
)
