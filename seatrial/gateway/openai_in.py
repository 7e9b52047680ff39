"""From a chat request's body to what the engine takes.  It knows OpenAI's shape, no feature."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.gateway.bounds import decode
from seatrial.gateway.faults import Fault
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

# Other gateways let a caller choose the upstream, its key or the fallbacks by these.  Here only
# the configuration does, and a caller who tries should learn it.
DENIED: Final = frozenset(
    "allowed_models api_base api_key api_type api_version authorization base_model base_url "
    "caching_groups cert client client_id client_secret config content_policy_fallbacks "
    "context_window_fallbacks credentials custom_host custom_llm_provider default_headers "
    "deployment_id endpoint extra_body extra_headers extra_query fallback fallbacks "
    "forward_headers gateway_url headers hf_token http_client llm_provider load_balance "
    "max_retries mock_response mock_timeout mock_tool_calls model_list models num_retries "
    "openai_api_key organization override_params passthrough project provider provider_options "
    "providers proxies proxy region_name retry_policy route router router_settings ssl_verify "
    "strategy target targets token upstream upstream_url url variant_name virtual_key "
    "wire_api".split()
)
_DENIED_PREFIXES: Final = (
    "anthropic_api_",
    "aws_",
    "azure_",
    "litellm_",
    "mock_testing_",
    "portkey",
    "seatrial",
    "tensorzero::",
    "vertex_",
    "watsonx_",
    "x-portkey",
)

_ROLES: Final = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
# A message of these says something by other means than its content.
_NULL_WITH: Final = ("tool_calls", "function_call", "refusal", "audio")
_MOST_PAIRS: Final = 16
_LONGEST_NAME: Final = 256


class Ask(msgspec.Struct, frozen=True):
    """A chat request, read and checked.

    Args:
        feature: which feature `model` names.
        body: everything else, as the caller sent it.
        stream: whether the caller wants pieces.
        include_usage: whether a streaming caller wants the usage event.
        variables: `metadata`.
        user: `safety_identifier`, else `user`.
    """

    feature: str
    body: dict[str, Any]
    stream: bool
    include_usage: bool
    variables: dict[str, str]
    user: str


def read_chat(raw: bytes, settings: DoorSettings) -> Ask:
    """Return the chat request in `raw`.

    Raises:
        Fault: it is not well formed; `param` names the offending part.
    """
    body = decode(raw, settings)
    if type(body) is not dict:
        raise Fault("invalid_json", "The body must be a JSON object.")
    _deny(body)
    feature = body.pop("model", None)
    if type(feature) is not str or not 0 < len(feature) <= _LONGEST_NAME:
        raise _bad("model", "'model' must be a string that names a feature.")
    _check_messages(body.get("messages"))
    stream = body.get("stream")
    if stream is not None and type(stream) is not bool:
        raise _bad("stream", "'stream' must be true or false.")
    return Ask(
        feature=feature,
        body=body,
        stream=stream or False,
        include_usage=_wants_usage(body, stream=stream or False),
        variables=_variables(body),
        user=_user(body),
    )


def _deny(body: dict[str, Any]) -> None:
    """Refuse fields that would steer a gateway or carry credentials."""
    unknown = body.keys() - _STANDARD
    for name in sorted(unknown):
        if name.lower() in DENIED or name.lower().startswith(_DENIED_PREFIXES):
            raise Fault(
                "field_not_allowed",
                f"The field {name!r} is not taken from callers: targets, keys and routes come "
                "from the gateway's configuration alone. Leave it out.",
                param=name,
            )


def _check_messages(messages: object) -> None:
    if type(messages) is not list or not messages:
        raise _bad("messages", "'messages' must be a list of at least one message.")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise _bad(f"messages[{index}]", f"'messages[{index}]' must be an object.")
        role = message.get("role")
        # Unhashable values, such as lists, are no roles either.
        if type(role) is not str or role not in _ROLES:
            names = ", ".join(sorted(_ROLES))
            raise _bad(
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
        raise _bad(path, f"'{path}' is missing.")
    if type(content) is not list or not content:
        raise _bad(path, f"'{path}' must be a string or a list of parts.")
    for place, part in enumerate(content):
        here = f"{path}[{place}]"
        if type(part) is not dict or type(part.get("type")) is not str:
            raise _bad(here, f"'{here}' must be an object with a 'type'.")
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise _bad(f"{here}.text", f"'{here}.text' must be a string.")


def _wants_usage(body: dict[str, Any], *, stream: bool) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if type(options) is not dict:
        raise _bad("stream_options", "'stream_options' must be an object.")
    if not stream:
        raise _bad("stream_options", "'stream_options' is only allowed when 'stream' is true.")
    wanted = options.get("include_usage")
    if wanted is not None and type(wanted) is not bool:
        raise _bad(
            "stream_options.include_usage", "'stream_options.include_usage' must be true or false."
        )
    return wanted or False


def _variables(body: dict[str, Any]) -> dict[str, str]:
    metadata = body.get("metadata")
    if metadata is None:
        return {}
    if type(metadata) is not dict:
        raise _bad("metadata", "'metadata' must be an object of strings.")
    if len(metadata) > _MOST_PAIRS:
        raise _bad(
            "metadata", f"'metadata' has {len(metadata)} pairs; at most {_MOST_PAIRS} are taken."
        )
    for name, value in metadata.items():
        if type(value) is not str:
            raise _bad(f"metadata.{name[:64]}", f"'metadata.{name[:64]}' must be a string.")
    return metadata


def _user(body: dict[str, Any]) -> str:
    for name in ("safety_identifier", "user"):
        value = body.get(name)
        if value is None:
            continue
        if type(value) is not str or len(value) > _LONGEST_NAME:
            raise _bad(name, f"'{name}' must be a string of at most {_LONGEST_NAME} characters.")
        if value:
            return value
    return ""


def _bad(param: str, message: str) -> Fault:
    return Fault("invalid_request", message, param=param)
