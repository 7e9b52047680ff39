"""From a chat request's body to what the engine takes.  It knows OpenAI's shape, no feature."""

from __future__ import annotations

from typing import Any, Final

from seatrial.gateway.fields import Ask, bad, flag, metadata_of, read_object, take_feature, user_of
from seatrial.gateway.settings import DoorSettings

# Fields of OpenAI's chat request.  Others pass through as data, unless they could steer a
# gateway or carry credentials: those are named below.
_STANDARD: Final = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens messages metadata modalities model moderation n parallel_tool_calls prediction "
    "presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format "
    "safety_identifier seed service_tier stop store stream stream_options temperature tool_choice "
    "tools top_logprobs top_p user verbosity web_search_options".split()
)

_ROLES: Final = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
# A message of these says something by other means than its content.
_NULL_WITH: Final = ("tool_calls", "function_call", "refusal", "audio")


def read_chat(raw: bytes, settings: DoorSettings) -> Ask:
    """Return the chat request in `raw`.

    Raises:
        Fault: it is not well formed; `param` names the offending part.
    """
    body = read_object(raw, settings, _STANDARD)
    feature = take_feature(body)
    _check_messages(body.get("messages"))
    stream = flag(body, "stream")
    return Ask(
        feature=feature,
        body=body,
        stream=stream,
        include_usage=_wants_usage(body, stream=stream) if "stream_options" in body else False,
        variables=metadata_of(body) if "metadata" in body else {},
        user=user_of(body),
    )


def _check_messages(messages: object) -> None:
    if type(messages) is not list or not messages:
        raise bad("messages", "'messages' must be a list of at least one message.")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise bad(f"messages[{index}]", f"'messages[{index}]' must be an object.")
        role = message.get("role")
        # Unhashable values, such as lists, are no roles either.
        if type(role) is not str or role not in _ROLES:
            names = ", ".join(sorted(_ROLES))
            raise bad(
                f"messages[{index}].role", f"'messages[{index}].role' must be one of {names}."
            )
        content = message.get("content")
        if type(content) is not str:
            _check_content(content, message, index)


def _check_content(content: object, message: dict[str, Any], index: int) -> None:
    """Check what is no string: a list of typed parts, or null where something else speaks."""
    path = f"messages[{index}].content"
    if content is None:
        role = message["role"]
        if role == "function" or (role == "assistant" and any(map(message.get, _NULL_WITH))):
            return
        raise bad(path, f"'{path}' is missing.")
    if type(content) is not list or not content:
        raise bad(path, f"'{path}' must be a string or a list of parts.")
    for place, part in enumerate(content):
        here = f"{path}[{place}]"
        if type(part) is not dict or type(part.get("type")) is not str:
            raise bad(here, f"'{here}' must be an object with a 'type'.")
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise bad(f"{here}.text", f"'{here}.text' must be a string.")


def _wants_usage(body: dict[str, Any], *, stream: bool) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if type(options) is not dict:
        raise bad("stream_options", "'stream_options' must be an object.")
    if not stream:
        raise bad("stream_options", "'stream_options' is only allowed when 'stream' is true.")
    wanted = options.get("include_usage")
    if wanted is not None and type(wanted) is not bool:
        raise bad(
            "stream_options.include_usage", "'stream_options.include_usage' must be true or false."
        )
    return wanted or False
