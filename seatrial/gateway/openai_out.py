"""From a decision to OpenAI's bytes: whole answers, errors and the headers beside them."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from seatrial.gateway.faults import Shown
from seatrial.gateway.scopes import Headers
from seatrial.values.chat import Answer, ToolCall, Usage
from seatrial.values.decisions import Answered, Decision, HandedOff, Head, Kind

encode: Final = msgspec.json.Encoder().encode

JSON_TYPE: Final = (b"content-type", b"application/json")
REPLAYED: Final = (b"seatrial-replayed", b"true")
STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
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
    if head.rate:
        out.extend((name.encode(), value.encode()) for name, value in head.rate.items())
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


def error_headers(shown: Shown, *, replayed: bool = False) -> Headers:
    """Return the hints on retries; what is replayed stays as it is, however often it is asked."""
    again = shown.again and not replayed
    out = [(b"x-should-retry", b"true" if again else b"false")]
    if again and shown.retry_after_s is not None:
        wait_s = min(_LONGEST_WAIT_S, max(0.0, shown.retry_after_s))
        out.append((b"retry-after", b"%d" % math.ceil(wait_s)))
        out.append((b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)))
    return out
