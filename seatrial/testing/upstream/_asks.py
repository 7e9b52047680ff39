"""From a request's bytes to what was asked, and from that to the good answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from seatrial.testing.upstream._answers import (
    JSON_END,
    JSON_START,
    answer_tokens,
    question_digest,
)
from seatrial.testing.upstream._plan import ANTHROPIC, OPENAI, Ask, Reply, ToolCall

PATHS = {"/v1/chat/completions": OPENAI, "/v1/messages": ANTHROPIC}


def key_digest(headers: Mapping[str, str]) -> str:
    """Give twelve hex digits that stand for the caller's credential; empty without one."""
    bearer = headers.get("authorization", "").partition(" ")[2]
    key = bearer or headers.get("x-api-key", "") or headers.get("api-key", "")
    return hashlib.sha256(key.encode()).hexdigest()[:12] if key else ""


def read_ask(path: str, body: bytes, *, key: str) -> Ask | str:
    """Give what was asked, or a sentence saying why that is not clear."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "The body is not JSON."
    if not isinstance(data, dict):
        return "The body must be an object."
    messages, model = data.get("messages"), data.get("model")
    if not isinstance(model, str) or not model:
        return "`model` must be a string."
    if not isinstance(messages, list) or not messages:
        return "`messages` must be a list with at least one message."
    dialect = PATHS[path]
    if dialect == ANTHROPIC and not isinstance(data.get("max_tokens"), int):
        return "`max_tokens` is required."
    users = [part for part in messages if isinstance(part, dict) and part.get("role") == "user"]
    last = messages[-1] if isinstance(messages[-1], dict) else {}
    options = data.get("stream_options")
    answered = last.get("role") == "tool" or _holds_result(last.get("content"))
    limit = data.get("max_tokens") or data.get("max_completion_tokens")
    return Ask(
        dialect=dialect,
        path=path,
        model=model,
        question=_text(users[-1].get("content")) if users else "",
        streamed=data.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        structured=_wants_json(data),
        tools=() if answered or data.get("tool_choice") == "none" else _tools(data.get("tools")),
        max_tokens=limit if isinstance(limit, int) else None,
        prompt_tokens=max(1, len(body) // 4),
        key=key,
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def _holds_result(content: object) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") == "tool_result" for part in content
    )


def _wants_json(data: Mapping[str, object]) -> bool:
    config = data.get("output_config")  # Anthropic's word for it
    form = config.get("format") if isinstance(config, dict) else data.get("response_format")
    return isinstance(form, dict) and form.get("type") in {"json_object", "json_schema"}


def _tools(tools: object) -> tuple[str, ...]:
    if not isinstance(tools, list):
        return ()
    inner = (tool.get("function", tool) for tool in tools if isinstance(tool, dict))
    names = (tool.get("name") for tool in inner if isinstance(tool, dict))
    return tuple(name for name in names if isinstance(name, str))


def good_reply(ask: Ask, *, reply_id: str, words: int, created: int) -> Reply:
    """Give what a sound model would: signed text, or a call of the first tool offered."""
    tokens = answer_tokens(reply_id, question_digest(ask.question), words)
    reply = Reply(id=reply_id, model=ask.model, created=created, tokens=tokens)
    if ask.tools:
        call = ToolCall(f"call_{reply_id}", ask.tools[0], (JSON_START, *tokens, JSON_END))
        reply = replace(reply, calls=(call,), finish="tool_calls")
    elif ask.structured:
        reply = replace(reply, tokens=(JSON_START, *tokens, JSON_END))
    spoken = len(reply.tokens or ())
    if ask.max_tokens is not None and ask.max_tokens < spoken and not reply.calls:
        kept = (reply.tokens or ())[: ask.max_tokens]
        reply, spoken = replace(reply, tokens=kept, finish="length"), len(kept)
    return replace(reply, usage={"input": ask.prompt_tokens, "output": spoken})
