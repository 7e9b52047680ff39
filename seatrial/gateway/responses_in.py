"""From a request of OpenAI's Responses to OpenAI's chat, which is what the engine takes.

Nothing is kept between requests: what would need that is refused by name.
"""

from __future__ import annotations

from typing import Any, Final

from seatrial.gateway.fields import (
    LONGEST_NAME,
    Ask,
    Json,
    bad,
    flag,
    metadata_of,
    read_object,
    take_feature,
    unsupported,
    user_of,
)
from seatrial.gateway.settings import DoorSettings

_STANDARD: Final = frozenset(
    "background context_management conversation include input instructions max_output_tokens "
    "max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt "
    "prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store stream "
    "stream_options temperature text tool_choice tools top_logprobs top_p truncation user".split()
)
# They mean the same in OpenAI's chat.
_SAME: Final = (
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "temperature",
    "top_p",
    "user",
)
_WHOLE: Final = "Send the whole conversation in 'input'."
_UNSUPPORTED: Final = {
    "previous_response_id": f"Responses are not kept here. {_WHOLE}",
    "conversation": f"Conversations are not kept here. {_WHOLE}",
    "background": "Answers are not made in the background. Leave 'background' out.",
    "top_logprobs": "Log probabilities are only served at /v1/chat/completions.",
}
# What the answer repeats, as it was asked.
_ECHOED: Final = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
)
_ROLES: Final = frozenset({"user", "assistant", "system", "developer"})
_LOGPROBS: Final = "message.output_text.logprobs"


def read_responses(raw: bytes, settings: DoorSettings) -> Ask:
    """Return the request in `raw`.

    Raises:
        Fault: it is not well formed, or asks for what we do not do; `param` names the part.
    """
    given = read_object(raw, settings, _STANDARD)
    for name, why in _UNSUPPORTED.items():
        if given.get(name):
            raise unsupported(name, why)
    version, named, variables = _prompt(given)
    if given.get("model") is None and named:
        given["model"] = named
    feature = take_feature(given)
    if named and named != feature:
        raise bad("prompt.id", "'prompt.id' must be the name of the feature, as 'model' is.")
    _refuse_odd(given)
    stream = flag(given, "stream")
    metadata = metadata_of(given)
    user = user_of(given)
    body: Json = {name: each for name, each in given.items() if name not in _STANDARD}
    body["messages"] = _instructions(given.get("instructions")) + _conversation(given)
    body.update((name, given[name]) for name in _SAME if given.get(name) is not None)
    if given.get("max_output_tokens") is not None:
        body["max_completion_tokens"] = given["max_output_tokens"]
    _read_reasoning(given, body)
    _read_text(given, body)
    _read_tools(given, body)
    return Ask(
        feature=feature,
        body=body,
        stream=stream,
        include_usage=True,
        variables={**metadata, **variables},
        user=user,
        prompt_version=version,
        echo={name: given[name] for name in _ECHOED if given.get(name) is not None},
    )


def _refuse_odd(given: Json) -> None:
    """Refuse what would quietly do something else than it says."""
    for name in ("store", "background"):
        flag(given, name)
    include = given.get("include")
    if include is not None and type(include) is not list:
        raise bad("include", "'include' must be a list.")
    if _LOGPROBS in (include or ()):
        raise unsupported("include", _UNSUPPORTED["top_logprobs"])
    if given.get("truncation") not in (None, "disabled"):
        raise unsupported(
            "truncation", "Conversations are not shortened here: 'truncation' must be 'disabled'."
        )
    options = given.get("stream_options")
    if options is not None and type(options) is not dict:
        raise bad("stream_options", "'stream_options' must be an object.")


def _prompt(given: Json) -> tuple[str, str, dict[str, str]]:
    """Return the version, the name and the variables of `prompt`."""
    prompt = given.get("prompt")
    if prompt is None:
        return "", "", {}
    if type(prompt) is not dict:
        raise bad("prompt", "'prompt' must be an object.")
    name, version = prompt.get("id"), prompt.get("version")
    if type(name) is not str or not name:
        raise bad("prompt.id", "'prompt.id' must be the name of a feature.")
    if version is not None and (type(version) is not str or len(version) > LONGEST_NAME):
        raise bad("prompt.version", "'prompt.version' must be a string.")
    variables = prompt.get("variables")
    if variables is not None and type(variables) is not dict:
        raise bad("prompt.variables", "'prompt.variables' must be an object.")
    values = {each: _value(value, each) for each, value in (variables or {}).items()}
    return version or "", name, values


def _value(value: object, name: str) -> str:
    if type(value) is dict and value.get("type") == "input_text":
        value = value.get("text")
    if type(value) is not str:
        where = f"prompt.variables.{name[:64]}"
        raise bad(where, f"'{where}' must be a string: only texts can stand in a prompt.")
    return value


def _instructions(instructions: object) -> list[Json]:
    if instructions is None or instructions == "":
        return []
    if type(instructions) is not str:
        raise bad("instructions", "'instructions' must be a string.")
    return [{"role": "system", "content": instructions}]


def _conversation(given: Json) -> list[Json]:
    """Return `input` as messages."""
    asked = given.get("input")
    if type(asked) is str:
        return [{"role": "user", "content": asked}]
    if type(asked) is not list or not asked:
        if asked is None and given.get("prompt") is not None:
            return []
        raise bad("input", "'input' must be a string or a list of at least one item.")
    messages: list[Json] = []
    for place, item in enumerate(asked):
        _read_item(item, f"input[{place}]", messages)
    return messages


def _read_item(item: Any, where: str, messages: list[Json]) -> None:
    if type(item) is not dict:
        raise bad(where, f"'{where}' must be an object.")
    match item.get("type", "message"):
        case "message" | None:
            messages.append(_message(item, where))
        case "function_call":
            _add_call(item, where, messages)
        case "function_call_output":
            call_id = _name(item, "call_id", where)
            output = _output(item.get("output"), f"{where}.output")
            messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
        case "reasoning":
            if item.get("encrypted_content"):
                raise unsupported(
                    f"{where}.encrypted_content",
                    "Encrypted reasoning belongs to the account that made it, and the next answer "
                    "may come from another. Leave the item out.",
                )
        case "item_reference":
            raise unsupported(where, f"Items are not kept here. {_WHOLE}")
        case kind:
            raise unsupported(where, f"Items of type {kind!r:.60} are not served.")


def _message(item: Json, where: str) -> Json:
    role, content = item.get("role"), item.get("content")
    if type(role) is not str or role not in _ROLES:
        raise bad(f"{where}.role", f"'{where}.role' must be one of {', '.join(sorted(_ROLES))}.")
    if type(content) is str:
        return {"role": role, "content": content}
    where = f"{where}.content"
    if type(content) is not list:
        raise bad(where, f"'{where}' must be a string or a list of parts.")
    parts = [_part(part, f"{where}[{place}]") for place, part in enumerate(content)]
    if role != "assistant":
        return {"role": role, "content": _joined(parts)}
    refusals = [part["refusal"] for part in parts if part["type"] == "refusal"]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    message: Json = {"role": role, "content": "".join(texts)}
    if refusals:
        message["refusal"] = "".join(refusals)
    return message


def _joined(parts: list[Json]) -> Any:
    """Return one text as a string, as most callers and all targets write it."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _part(part: Any, where: str) -> Json:
    if type(part) is not dict:
        raise bad(where, f"'{where}' must be an object with a 'type'.")
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": _text(part, "text", where)}
        case "refusal":
            return {"type": "refusal", "refusal": _text(part, "refusal", where)}
        case "input_image":
            if part.get("file_id"):
                raise unsupported(f"{where}.file_id", "Files are not kept here: send the data.")
            image: Json = {"url": _text(part, "image_url", where)}
            if type(part.get("detail")) is str:
                image["detail"] = part["detail"]
            return {"type": "image_url", "image_url": image}
        case "input_file":
            if part.get("file_id") or part.get("file_url"):
                raise unsupported(where, "Files are not fetched or kept here: send 'file_data'.")
            file = {"file_data": _text(part, "file_data", where)}
            if type(part.get("filename")) is str:
                file["filename"] = part["filename"]
            return {"type": "file", "file": file}
        case "input_audio":
            audio = part.get("input_audio")
            if type(audio) is not dict:
                raise bad(f"{where}.input_audio", f"'{where}.input_audio' must be an object.")
            return {"type": "input_audio", "input_audio": audio}
        case None:
            raise bad(where, f"'{where}' must be an object with a 'type'.")
        case kind:
            raise unsupported(where, f"Parts of type {kind!r:.60} are not served.")


def _text(part: Json, name: str, where: str) -> str:
    value = part.get(name)
    if type(value) is not str:
        raise bad(f"{where}.{name}", f"'{where}.{name}' must be a string.")
    return value


def _name(item: Json, name: str, where: str) -> str:
    if not _text(item, name, where):
        raise bad(f"{where}.{name}", f"'{where}.{name}' must not be empty.")
    return str(item[name])


def _add_call(item: Json, where: str, messages: list[Json]) -> None:
    """Put a call with what the assistant said just before: one turn of the model is one message."""
    function = {
        "name": _name(item, "name", where),
        "arguments": _text(item, "arguments", where),
    }
    call = {"id": _name(item, "call_id", where), "type": "function", "function": function}
    if messages and messages[-1]["role"] == "assistant":
        messages[-1].setdefault("tool_calls", []).append(call)
        messages[-1]["content"] = messages[-1]["content"] or None
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _output(output: object, where: str) -> Any:
    if type(output) is str:
        return output
    if type(output) is not list:
        raise bad(where, f"'{where}' must be a string or a list of parts.")
    return _joined([_part(part, f"{where}[{place}]") for place, part in enumerate(output)])


def _read_reasoning(given: Json, body: Json) -> None:
    reasoning = given.get("reasoning")
    if reasoning is None:
        return
    if type(reasoning) is not dict:
        raise bad("reasoning", "'reasoning' must be an object.")
    if reasoning.get("effort") is not None:
        body["reasoning_effort"] = reasoning["effort"]


def _read_text(given: Json, body: Json) -> None:
    text = given.get("text")
    if text is None:
        return
    if type(text) is not dict:
        raise bad("text", "'text' must be an object.")
    if text.get("verbosity") is not None:
        body["verbosity"] = text["verbosity"]
    form = text.get("format")
    if form is None:
        return
    match form.get("type") if type(form) is dict else None:
        case "text":
            pass
        case "json_object":
            body["response_format"] = {"type": "json_object"}
        case "json_schema":
            schema = {name: each for name, each in form.items() if name != "type"}
            if type(schema.get("schema")) is not dict or type(schema.get("name")) is not str:
                raise bad("text.format", "'text.format' needs a 'name' and a 'schema'.")
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        case _:
            raise bad(
                "text.format.type", "'text.format.type' must be text, json_object or json_schema."
            )


def _read_tools(given: Json, body: Json) -> None:
    tools = given.get("tools")
    if not tools:
        return
    if type(tools) is not list:
        raise bad("tools", "'tools' must be a list.")
    body["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(tools)]
    choice = given.get("tool_choice")
    if choice is None:
        return
    if type(choice) is dict and choice.get("type") == "function":
        function = {"name": _name(choice, "name", "tool_choice")}
        body["tool_choice"] = {"type": "function", "function": function}
    elif type(choice) is str:
        body["tool_choice"] = choice
    else:
        raise unsupported("tool_choice", "Use 'auto', 'none', 'required' or one function's name.")


def _tool(tool: Any, where: str) -> Json:
    """Return a flat function as OpenAI's chat nests it."""
    if type(tool) is not dict:
        raise bad(where, f"'{where}' must be an object.")
    if tool.get("type") != "function":
        raise unsupported(
            f"{where}.type", "Only tools of type 'function' are served: nothing is run for callers."
        )
    _name(tool, "name", where)
    kept = ("name", "description", "parameters", "strict")
    function = {name: tool[name] for name in kept if tool.get(name) is not None}
    return {"type": "function", "function": function}
