"""From a decision to OpenAI's bytes: whole answers, chunks, errors and the headers beside them."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from seatrial.gateway.faults import Shown
from seatrial.gateway.scopes import Headers
from seatrial.values.chat import Answer, Piece, ToolCall, Usage
from seatrial.values.decisions import Answered, Decision, HandedOff, Head, Kind

encode: Final = msgspec.json.Encoder().encode

JSON_TYPE: Final = (b"content-type", b"application/json")
STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
DONE: Final = b"data: [DONE]\n\n"
PING: Final = b": ping\n\n"

_DECISIONS: Final = {kind: (b"seatrial-decision", kind.value.encode()) for kind in Kind}
_ANSWER: Final = Kind.ANSWER  # members of an enum are slow to reach, and this is every request
_PLAIN: Final = _DECISIONS[_ANSWER]
_TIERS: Final = tuple((b"seatrial-tier", b"%d" % tier) for tier in range(16))
_LONGEST_REASON: Final = 300
_LONGEST_WAIT_S: Final = 60.0  # clients give up on, or ignore, longer waits


def labels(head: Head, decision: Decision | None = None) -> Headers:
    """Return the headers that say what the answer is and where its record lies."""
    record_id = head.record_id.encode("ascii")
    tier = head.tier
    out = [
        (b"x-request-id", record_id),
        (b"seatrial-record", record_id),
        _PLAIN if head.kind is _ANSWER else _DECISIONS[head.kind],
        _TIERS[tier] if tier < len(_TIERS) else (b"seatrial-tier", b"%d" % tier),
    ]
    if head.release:
        out.append((b"seatrial-release", head.release.encode("ascii", "replace")))
    if decision is not None and head.kind is not _ANSWER:
        _explain(decision, out)
    return out


def _explain(decision: Decision, out: Headers) -> None:
    """Add why it is no plain answer, and how old a cached one is."""
    match decision:
        case Answered(answer=answer, reason=reason):
            if answer.age_s is not None:
                out.append((b"seatrial-age", b"%d" % max(0, int(answer.age_s))))
        case HandedOff(reason=reason):
            pass
        case _:
            return
    if reason:
        out.append((b"seatrial-reason", plain(reason)))


def plain(text: str) -> bytes:
    """Return text that is safe in a header: printable ASCII, not too long.

    >>> plain(f"large{chr(13)}{chr(10)}set-cookie: é")
    b'large  set-cookie: ?'
    """
    cut = text[:_LONGEST_REASON].encode("ascii", "replace").decode("ascii")
    return "".join(sign if sign.isprintable() else " " for sign in cut).strip().encode("ascii")


# --- whole answers ------------------------------------------------------------------------


def whole(answer: Answer, head: Head, *, created: int, feature: str) -> bytes:
    """Return the `chat.completion` JSON: as it came, or written."""
    if answer.body:
        return answer.body
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{head.record_id}",
        "object": "chat.completion",
        "created": created,
        "model": answer.model or head.model or feature,
        "choices": [
            {
                "index": 0,
                "message": _message(answer),
                "logprobs": None,
                "finish_reason": answer.finish_reason,
            }
        ],
    }
    if answer.usage is not None:
        completion["usage"] = usage_json(answer.usage)
    return encode(completion)


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text,
        "refusal": answer.refusal,
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [_tool(call) for call in answer.tool_calls]
    return message


def _tool(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return OpenAI's usage object, whose totals include what ours keeps apart."""
    prompt, completion = usage.all_input_tokens, usage.all_output_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.all_cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


# --- chunks -------------------------------------------------------------------------------


class Chunks:
    """Writes the chunks of one stream: same id, time and model in all of them.

    Args:
        id, created, model: as the first chunk has them.
        usage: whether every chunk says `usage: null` until the last.
    """

    __slots__ = ("_created", "_id", "_model", "_usage", "role_sent")

    def __init__(self, id: str, created: int, model: str, *, usage: bool) -> None:
        self._id = id
        self._created = created
        self._model = model
        self._usage = usage
        self.role_sent = False

    def adopt(self, first: bytes) -> None:
        """Take id, time and model from a chunk that is passed on, so that ours match it."""
        try:
            seen = msgspec.json.decode(first, type=_Seen)
        except msgspec.MsgspecError:
            return
        self._id = seen.id or self._id
        self._created = seen.created or self._created
        self._model = seen.model or self._model
        self.role_sent = any(choice.delta.get("role") for choice in seen.choices)

    def name(self, model: str) -> None:
        """Take the model as served, before the first chunk."""
        self._model = model

    def role(self) -> bytes:
        """Return the event that opens the answer."""
        self.role_sent = True
        return self._event({"role": "assistant", "content": ""}, None)

    def piece(self, piece: Piece) -> bytes:
        """Return the event for a piece that came without JSON of its own."""
        delta: dict[str, Any] = {}
        if not self.role_sent:
            self.role_sent = True
            delta["role"] = "assistant"
        if piece.text:
            delta["content"] = piece.text
        if piece.refusal:
            delta["refusal"] = piece.refusal
        if piece.reasoning:
            delta["reasoning_content"] = piece.reasoning
        if piece.tools:
            delta["tool_calls"] = [
                {
                    "index": part.index,
                    **({"id": part.id, "type": "function"} if part.id is not None else {}),
                    "function": {
                        **({"name": part.name} if part.name is not None else {}),
                        "arguments": part.arguments,
                    },
                }
                for part in piece.tools
            ]
        return self._event(delta, piece.finish_reason)

    def usage(self, usage: Usage) -> bytes:
        """Return the extra event that reports the usage."""
        return self._data([], usage_json(usage))

    def answer(self, answer: Answer) -> bytes:
        """Return a whole answer as events, without the usage."""
        tools = [{"index": index, **_tool(call)} for index, call in enumerate(answer.tool_calls)]
        delta: dict[str, Any] = {}
        if answer.reasoning:
            delta["reasoning_content"] = answer.reasoning
        if answer.text:
            delta["content"] = answer.text
        if answer.refusal is not None:
            delta["refusal"] = answer.refusal
        if tools:
            delta["tool_calls"] = tools
        said = self._event(delta, None) if delta else b""
        return self.role() + said + self._event({}, answer.finish_reason)

    def _event(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._data([choice], None)

    def _data(self, choices: list[Any], usage: dict[str, Any] | None) -> bytes:
        chunk: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        if self._usage or usage is not None:
            chunk["usage"] = usage
        return b"data: %b\n\n" % encode(chunk)


class _SeenChoice(msgspec.Struct):
    delta: dict[str, Any] = {}


class _Seen(msgspec.Struct):
    id: str = ""
    created: int = 0
    model: str = ""
    choices: list[_SeenChoice] = []


# --- errors -------------------------------------------------------------------------------


def error_body(shown: Shown, request_id: str) -> bytes:
    """Return the error object, with our extras beside the four keys that clients read."""
    error = shown.error
    return encode(
        {
            "error": {
                "message": error.message,
                "type": error.type,
                "param": error.param,
                "code": error.code,
                "request_id": request_id,
                "retryable": shown.again,
            }
        }
    )


def error_headers(shown: Shown) -> Headers:
    """Return the hints on retries."""
    out = [(b"x-should-retry", b"true" if shown.again else b"false")]
    if shown.again and shown.retry_after_s is not None:
        wait_s = min(_LONGEST_WAIT_S, max(0.0, shown.retry_after_s))
        out.append((b"retry-after", b"%d" % math.ceil(wait_s)))
        out.append((b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)))
    return out
