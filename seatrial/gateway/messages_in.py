"""From Anthropic's message request to OpenAI's chat, which is what the engine takes.

Images and documents stay data: nothing is fetched.  What only Anthropic's targets know
(`thinking`, `top_k`) travels under `anthropic` in the body; other targets leave it out.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

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
)
from seatrial.gateway.settings import DoorSettings

_STANDARD: Final = frozenset(
    "cache_control container context_management inference_geo max_tokens mcp_servers messages "
    "metadata model output_config output_format service_tier speed stop_sequences stream system "
    "temperature thinking tool_choice tools top_k top_p".split()
)
_THEIRS: Final = ("thinking", "top_k")
# They ask the other side to keep something for the caller, or to reach out by itself.
_UNSUPPORTED: Final = ("container", "mcp_servers")
_MEDIA: Final = frozenset({"text", "image", "document"})


def read_messages(raw: bytes, settings: DoorSettings) -> Ask:
    """Return the message request in `raw`.

    Raises:
        Fault: it is not well formed, or asks for what we do not do; `param` names the part.
    """
    given = read_object(raw, settings, _STANDARD)
    feature = take_feature(given)
    for name in _UNSUPPORTED:
        if given.get(name):
            raise unsupported(name, f"'{name}' is not served here. Leave it out.")
    stream = flag(given, "stream")
    variables, user = _metadata(given)
    messages = _system(given.get("system"))
    _read_conversation(given.get("messages"), messages)
    body: Json = {name: each for name, each in given.items() if name not in _STANDARD}
    body["messages"] = messages
    body["max_completion_tokens"] = _max_tokens(given)
    for name in ("temperature", "top_p"):
        if given.get(name) is not None:
            body[name] = given[name]
    if given.get("stop_sequences"):
        body["stop"] = given["stop_sequences"]
    if user:
        body["user"] = user
    _read_tools(given, body)
    _read_format(given, body)
    theirs = {name: given[name] for name in _THEIRS if given.get(name) is not None}
    if _answers_tools(given["messages"]):
        theirs.pop("thinking", None)  # it would need their signed thoughts, which we do not keep
    if theirs:
        body["anthropic"] = theirs
    return Ask(
        feature=feature,
        body=body,
        stream=stream,
        include_usage=True,
        variables=variables,
        user=user,
    )


def _max_tokens(given: Json) -> int:
    value = given.get("max_tokens")
    if type(value) is not int or value < 1:
        raise bad("max_tokens", "'max_tokens' must be a whole number from 1.")
    return value


def _metadata(given: Json) -> tuple[dict[str, str], str]:
    """Return values for the prompt, and the user: Anthropic's one key among them."""
    metadata = given.get("metadata")
    if type(metadata) is dict and metadata.get("user_id", "") is None:
        given["metadata"] = {name: each for name, each in metadata.items() if name != "user_id"}
    variables = metadata_of(given)
    user = variables.get("user_id", "")
    return variables, user if len(user) <= LONGEST_NAME else user[:LONGEST_NAME]


def _system(system: object) -> list[Json]:
    if system is None or system == "":
        return []
    if type(system) is str:
        return [{"role": "system", "content": system}]
    if type(system) is not list:
        raise bad("system", "'system' must be a string or a list of text blocks.")
    parts = [_part(block, f"system[{place}]") for place, block in enumerate(system)]
    if any(part["type"] != "text" for part in parts):
        raise bad("system", "'system' takes blocks of type 'text' only.")
    return [{"role": "system", "content": _joined(parts)}] if parts else []


def _read_conversation(messages: object, made: list[Json]) -> None:
    """Append the conversation to `made`."""
    if type(messages) is not list or not messages:
        raise bad("messages", "'messages' must be a list of at least one message.")
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if type(message) is not dict:
            raise bad(where, f"'{where}' must be an object.")
        role, content = message.get("role"), message.get("content")
        if type(content) is str:
            blocks: list[Any] = [{"type": "text", "text": content}]
        elif type(content) is list:
            blocks = content
        else:
            raise bad(f"{where}.content", f"'{where}.content' must be a string or a list.")
        match role:
            case "user":
                _read_user(blocks, f"{where}.content", made)
            case "assistant":
                _read_assistant(blocks, f"{where}.content", made)
            case "system":
                made.append({"role": "system", "content": _content(blocks, f"{where}.content")})
            case _:
                raise bad(f"{where}.role", f"'{where}.role' must be 'user' or 'assistant'.")


def _read_user(blocks: list[Any], where: str, made: list[Json]) -> None:
    """Append what a user says; results of tools are messages of their own in OpenAI's shape."""
    said: list[Any] = []
    for place, block in enumerate(blocks):
        here = f"{where}[{place}]"
        if _kind(block, here) != "tool_result":
            said.append(_part(block, here))
            continue
        if said:
            made.append({"role": "user", "content": _joined(said)})
            said = []
        made.append(
            {
                "role": "tool",
                "tool_call_id": _name(block, "tool_use_id", here),
                "content": _result(block.get("content"), f"{here}.content"),
            }
        )
    if said or not blocks:
        made.append({"role": "user", "content": _joined(said)})


def _result(content: object, where: str) -> Any:
    if content is None or content == []:
        return ""
    if type(content) is str:
        return content
    if type(content) is not list:
        raise bad(where, f"'{where}' must be a string or a list of blocks.")
    return _content(content, where)


def _content(blocks: list[Any], where: str) -> Any:
    return _joined([_part(block, f"{where}[{place}]") for place, block in enumerate(blocks)])


def _joined(parts: list[Json]) -> Any:
    """Return one text as a string, as most callers and all targets write it."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _read_assistant(blocks: list[Any], where: str, made: list[Json]) -> None:
    texts: list[str] = []
    calls: list[Json] = []
    for place, block in enumerate(blocks):
        here = f"{where}[{place}]"
        match _kind(block, here):
            case "text":
                texts.append(_part(block, here)["text"])
            case "tool_use":
                calls.append(_call(block, here))
            case "thinking" | "redacted_thinking":
                pass  # signed by whoever wrote it, for nobody else
            case kind:
                raise unsupported(here, f"Blocks of type {kind!r:.60} are not taken back.")
    message: Json = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    elif not texts:
        return  # it only thought
    else:
        message["content"] = "".join(texts)
    made.append(message)


def _call(block: Json, where: str) -> Json:
    given = block.get("input", {})
    if type(given) is not dict:
        raise bad(f"{where}.input", f"'{where}.input' must be an object.")
    function = {
        "name": _name(block, "name", where),
        "arguments": msgspec.json.encode(given).decode(),
    }
    return {"id": _name(block, "id", where), "type": "function", "function": function}


def _name(block: Json, name: str, where: str) -> str:
    value = block.get(name)
    if type(value) is not str or not value:
        raise bad(f"{where}.{name}", f"'{where}.{name}' must be a string.")
    return value


def _kind(block: object, where: str) -> str:
    kind = block.get("type") if type(block) is dict else None
    if type(kind) is not str:
        raise bad(where, f"'{where}' must be an object with a 'type'.")
    return kind


def _part(block: Any, where: str) -> Json:
    """Return a block as a part of OpenAI's content."""
    match _kind(block, where):
        case "text":
            if type(block.get("text")) is not str:
                raise bad(f"{where}.text", f"'{where}.text' must be a string.")
            return {"type": "text", "text": block["text"]}
        case "image":
            return {"type": "image_url", "image_url": {"url": _address(block, where)}}
        case "document":
            return _document(block, where)
        case kind:
            known = ", ".join(sorted(_MEDIA))
            raise unsupported(where, f"Blocks of type {kind!r:.60} are not served: use {known}.")


def _document(block: Json, where: str) -> Json:
    source = block.get("source")
    if type(source) is dict and source.get("type") == "text":
        if type(source.get("data")) is not str:
            raise bad(f"{where}.source.data", f"'{where}.source.data' must be a string.")
        return {"type": "text", "text": source["data"]}
    title = block.get("title")
    name = title if type(title) is str and title else "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _address(block, where)}}


def _address(block: Json, where: str) -> str:
    """Return where the data is, as an address: its own bytes, mostly."""
    source = block.get("source")
    where = f"{where}.source"
    if type(source) is not dict:
        raise bad(where, f"'{where}' must be an object.")
    match source.get("type"):
        case "base64":
            media, data = source.get("media_type"), source.get("data")
            if type(media) is str and type(data) is str:
                return f"data:{media};base64,{data}"
            raise bad(where, f"'{where}' needs 'media_type' and 'data'.")
        case "url":
            if type(source.get("url")) is str:
                return str(source["url"])
            raise bad(f"{where}.url", f"'{where}.url' must be a string.")
    raise unsupported(where, "Give images and documents as base64 data or by an address.")


def _answers_tools(messages: list[Any]) -> bool:
    """Whether the last message brings results of tools."""
    content = messages[-1].get("content")
    return type(content) is list and any(each.get("type") == "tool_result" for each in content)


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
    if type(choice) is not dict:
        raise bad("tool_choice", "'tool_choice' must be an object.")
    if choice.get("disable_parallel_tool_use") is True:
        body["parallel_tool_calls"] = False
    match choice.get("type"):
        case "auto" | "none" as word:
            body["tool_choice"] = word
        case "any":
            body["tool_choice"] = "required"
        case "tool":
            function = {"name": _name(choice, "name", "tool_choice")}
            body["tool_choice"] = {"type": "function", "function": function}
        case _:
            raise bad("tool_choice.type", "'tool_choice.type' must be auto, any, tool or none.")


def _tool(tool: Any, where: str) -> Json:
    if type(tool) is not dict:
        raise bad(where, f"'{where}' must be an object.")
    if tool.get("type", "custom") not in ("custom", None):
        raise unsupported(f"{where}.type", "Tools that the provider runs itself are not served.")
    schema = tool.get("input_schema")
    if type(schema) is not dict:
        raise bad(f"{where}.input_schema", f"'{where}.input_schema' must be an object.")
    function: Json = {"name": _name(tool, "name", where), "parameters": schema}
    if type(tool.get("description")) is str:
        function["description"] = tool["description"]
    if type(tool.get("strict")) is bool:
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def _read_format(given: Json, body: Json) -> None:
    """Ask for the wanted form of the answer; `output_format` is its older name."""
    config = given.get("output_config")
    if config is not None and type(config) is not dict:
        raise bad("output_config", "'output_config' must be an object.")
    where = "output_config.format" if config else "output_format"
    wanted = (config or {}).get("format") or given.get("output_format")
    if wanted is None:
        return
    schema = wanted.get("schema") if type(wanted) is dict else None
    if type(schema) is not dict or wanted.get("type") != "json_schema":
        raise bad(where, f"'{where}' must have the type 'json_schema' and a 'schema'.")
    form = {"name": "answer", "schema": schema, "strict": True}
    body["response_format"] = {"type": "json_schema", "json_schema": form}
