"""From OpenAI's chat request to Anthropic's Messages.

What only nudges the model and has no counterpart (`seed`, penalties, `user` marks of
storage) is left out, so that a route may mix dialects; what would change the shape or the
meaning of the answer (`n`, `logprobs`, audio) is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.values.attempts import Cause, ErrorBody, Failure
from seatrial.values.chat import content_text

DEFAULT_MAX_TOKENS: Final = 4_096

# Fields of OpenAI's request; what else `parameters` hold is Anthropic's own and passes.
_OPENAI_FIELDS: Final = frozenset(
    "anthropic messages model stream stream_options n logprobs top_logprobs audio modalities"
    " functions function_call tools tool_choice parallel_tool_calls response_format max_tokens"
    " max_completion_tokens temperature top_p stop user safety_identifier seed logit_bias"
    " frequency_penalty presence_penalty metadata store prediction prompt_cache_key"
    " reasoning_effort verbosity web_search_options".split()
)
_THEIRS: Final = ("thinking", "top_k")
_ANYTHING: Final = {"type": "object"}
_JSON_ONLY: Final = "Answer with one JSON object and nothing else."


class Unmappable(Exception):
    """A field of the request has no counterpart; `param` names it."""

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(reason)
        self.param = param
        self.reason = reason

    def failure(self) -> Failure:
        """Return it as the failure that the caller sees."""
        error = ErrorBody(
            self.reason, type="invalid_request_error", param=self.param, code="unsupported_value"
        )
        return Failure(
            Cause.BAD_REQUEST, "The request cannot be put to this target.", error=error, sent=False
        )


def to_anthropic(
    body: Mapping[str, Any], *, model: str | None, defaults: Mapping[str, Any], stream: bool
) -> dict[str, Any]:
    """Return the request in Anthropic's shape; raise `Unmappable`.

    Args:
        body: the chat request in OpenAI's shape.
        model: as the provider calls it.
        defaults: the target's `parameters`; the caller's own values win.
        stream: whether pieces are wanted.
    """
    asked = {**defaults, **{name: value for name, value in body.items() if value is not None}}
    _refuse_strange(asked)
    made: dict[str, Any] = {
        name: value for name, value in defaults.items() if name not in _OPENAI_FIELDS
    }
    if model:
        made["model"] = model
    made["max_tokens"] = (
        asked.get("max_completion_tokens") or asked.get("max_tokens") or DEFAULT_MAX_TOKENS
    )
    system, made["messages"] = _conversation(asked.get("messages") or [])
    system += _format(asked.get("response_format"), made)
    if system:
        made["system"] = "\n\n".join(system)
    if isinstance(asked.get("temperature"), int | float):
        made["temperature"] = min(asked["temperature"], 1)  # theirs ends where OpenAI's is middling
    if "top_p" in asked:
        made["top_p"] = asked["top_p"]
    stop = asked.get("stop")
    if stop:
        made["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    user = asked.get("safety_identifier") or asked.get("user")
    if user:
        made["metadata"] = {"user_id": user}
    _tools(asked, made)
    _pass_theirs(asked.get("anthropic"), made)
    if stream:
        made["stream"] = True
    return made


def _pass_theirs(theirs: Any, made: dict[str, Any]) -> None:
    """Pass what a caller of Anthropic's own door asked for, and nothing that could steer us."""
    if isinstance(theirs, dict):
        made.update((name, theirs[name]) for name in _THEIRS if name in theirs)


def _refuse_strange(asked: Mapping[str, Any]) -> None:
    if asked.get("n", 1) != 1:
        raise Unmappable("n", "This target gives one choice: leave `n` out.")
    for name in ("logprobs", "top_logprobs", "audio", "logit_bias"):
        if asked.get(name):
            raise Unmappable(name, f"This target has no `{name}`: leave it out.")
    if asked.get("modalities", ["text"]) not in (["text"], []):
        raise Unmappable("modalities", "This target answers in text only.")
    for name in ("functions", "function_call"):
        if asked.get(name):
            raise Unmappable(name, f"Use `tools` and `tool_choice` instead of `{name}`.")


def _conversation(messages: list[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Split the instructions off, and put what one side says in a row into one message."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if not isinstance(message, dict):
            raise Unmappable(where, "A message is an object with `role` and `content`.")
        role, content = message.get("role"), message.get("content")
        if role in {"system", "developer"}:
            system += [text] if (text := content_text(content)) else []
            continue
        match role:
            case "user":
                side, blocks = "user", _blocks(content, where)
            case "assistant":
                side, blocks = "assistant", _said(message, where)
            case "tool":
                side, blocks = "user", [_tool_result(message, where)]
            case _:
                raise Unmappable(where, f"This target knows no role {role!r:.40}.")
        if not blocks:
            continue
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": side, "content": blocks})
    return system, turns


def _blocks(content: Any, where: str) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for part in _listed(content, where) if (block := _block(part, where)) is not None]


def _block(part: Any, where: str) -> dict[str, Any] | None:
    kind = part.get("type") if isinstance(part, dict) else None
    match kind:
        case "text" | "refusal":
            text = part.get(kind)
            return {"type": "text", "text": text} if text else None
        case "image_url":
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, dict) else image
            return {"type": "image", "source": _source(url, where)}
        case "file":
            file = part.get("file")
            data = file.get("file_data") if isinstance(file, dict) else None
            return {"type": "document", "source": _source(data, where)}
    raise Unmappable(where, f"This target takes no content of type {kind!r:.40}.")


def _source(url: Any, where: str) -> dict[str, Any]:
    if isinstance(url, str) and url.startswith("data:"):
        kind, comma, data = url[5:].partition(",")
        media, _, coding = kind.partition(";")
        if comma and coding.endswith("base64"):
            return {"type": "base64", "media_type": media, "data": data}
    elif isinstance(url, str) and url.startswith("https://"):
        return {"type": "url", "url": url}
    raise Unmappable(where, "Give images and files as base64 data URLs, or as https addresses.")


def _said(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    blocks = _blocks(message.get("content"), where)
    if not blocks and message.get("refusal"):
        blocks = [{"type": "text", "text": message["refusal"]}]
    for call in _listed(message.get("tool_calls"), where):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise Unmappable(where, "This target takes calls of functions only.")
        arguments = function.get("arguments") or "{}"
        try:
            given = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, RecursionError, TypeError) as error:
            raise Unmappable(where, "The arguments of a tool call are no JSON.") from error
        block = {"type": "tool_use", "id": call.get("id"), "name": function.get("name")}
        blocks.append({**block, "input": given if isinstance(given, dict) else {"value": given}})
    return blocks


def _listed(value: Any, where: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Unmappable(where, "This target takes a list here.")
    return value or []


def _tool_result(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    content = _blocks(message.get("content"), where)
    return {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id"),
        **({"content": content} if content else {}),
    }


def _format(wanted: Any, made: dict[str, Any]) -> list[str]:
    """Ask for the wanted form of the answer; return what must be said in words.

    A schema goes as `output_config.format`: the answer stays text, streams, and may stand
    beside tools, which the older trick with a forced tool allows none of.
    """
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        form = wanted.get("json_schema")
        schema = form.get("schema") if isinstance(form, dict) else None
        given = made.get("output_config") or {}
        made["output_config"] = {
            **given,
            "format": {"type": "json_schema", "schema": schema or _ANYTHING},
        }
    return [_JSON_ONLY] if kind == "json_object" else []


def _tools(asked: Mapping[str, Any], made: dict[str, Any]) -> None:
    tools = _listed(asked.get("tools"), "tools")
    if not tools:
        return
    made["tools"] = [_tool(each, place) for place, each in enumerate(tools)]
    choice = _choice(asked.get("tool_choice"))
    if asked.get("parallel_tool_calls") is False:
        choice = {"disable_parallel_tool_use": True, **(choice or {"type": "auto"})}
        if choice["type"] == "none":
            del choice["disable_parallel_tool_use"]
    if choice is not None:
        made["tool_choice"] = choice


def _tool(tool: Any, place: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise Unmappable(f"tools[{place}]", "This target takes tools of type `function` only.")
    made = {
        "name": function.get("name"),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("strict"):
        made["strict"] = True
    return made


def _choice(wanted: Any) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if isinstance(wanted, str) and wanted in {"auto", "none", "required"}:
        return {"type": "any" if wanted == "required" else wanted}
    function = wanted.get("function") if isinstance(wanted, dict) else None
    if isinstance(function, dict):
        return {"type": "tool", "name": function.get("name")}
    raise Unmappable("tool_choice", "Use `auto`, `none`, `required` or one function's name.")
