"""What the fields of a request's body have in common, whatever its dialect."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.gateway.bounds import decode
from seatrial.gateway.faults import Fault
from seatrial.gateway.settings import DoorSettings
from seatrial.values.requests import CHAT

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

_MOST_PAIRS: Final = 16
LONGEST_NAME: Final = 256

Json = dict[str, Any]


class Ask(msgspec.Struct, frozen=True):
    """A request, read and checked.

    Args:
        feature: which feature `model` names.
        body: everything else, in the shape of OpenAI's chat.
        stream: whether the caller wants pieces.
        include_usage: whether a streaming caller wants the usage event.
        variables: values for the prompt's `{{names}}`.
        user: as the body names them.
        prompt_version: the one that the caller expects; empty for whichever is live.
        kind: what is wanted, as `Request` has it.
        echo: what the answer repeats of the request, in the caller's dialect.
    """

    feature: str
    body: Json
    stream: bool
    include_usage: bool
    variables: dict[str, str]
    user: str
    prompt_version: str = ""
    echo: Json = {}
    kind: str = CHAT


def bad(param: str, message: str) -> Fault:
    """Return the fault of a field; `param` is its path."""
    return Fault("invalid_request", message, param=param)


def unsupported(param: str, message: str) -> Fault:
    """Return the fault of a field that is well formed and asks for what we do not do."""
    return Fault("unsupported", message, param=param)


def read_object(raw: bytes, settings: DoorSettings, standard: frozenset[str]) -> Json:
    """Return the object in `raw`, without anything in it that could steer a gateway.

    Args:
        raw: the body.
        settings: its limits.
        standard: fields that the dialect defines; others are looked at.

    Raises:
        Fault: it is no object, or a field would choose a target or carry a credential.
    """
    body = decode(raw, settings)
    if type(body) is not dict:
        raise Fault("invalid_json", "The body must be a JSON object.")
    unknown = body.keys() - standard
    for name in sorted(unknown):
        if name.lower() in DENIED or name.lower().startswith(_DENIED_PREFIXES):
            raise Fault(
                "field_not_allowed",
                f"The field {name!r} is not taken from callers: targets, keys and routes come "
                "from the gateway's configuration alone. Leave it out.",
                param=name,
            )
    return body


def take_feature(body: Json) -> str:
    """Take `model` out of a body: it names the feature."""
    feature = body.pop("model", None)
    if type(feature) is not str or not 0 < len(feature) <= LONGEST_NAME:
        raise bad("model", "'model' must be a string that names a feature.")
    return feature


def flag(body: Json, name: str) -> bool:
    """Return a field that is true or false; false where it is not given."""
    value = body.get(name)
    if value is not None and type(value) is not bool:
        raise bad(name, f"'{name}' must be true or false.")
    return value or False


def metadata_of(body: Json) -> dict[str, str]:
    """Return `metadata`: at most sixteen pairs of strings."""
    metadata = body.get("metadata")
    if metadata is None:
        return {}
    if type(metadata) is not dict:
        raise bad("metadata", "'metadata' must be an object of strings.")
    if len(metadata) > _MOST_PAIRS:
        raise bad(
            "metadata", f"'metadata' has {len(metadata)} pairs; at most {_MOST_PAIRS} are taken."
        )
    for name, value in metadata.items():
        if type(value) is not str:
            raise bad(f"metadata.{name[:64]}", f"'metadata.{name[:64]}' must be a string.")
    return metadata


def user_of(body: Json) -> str:
    """Return who asks: `safety_identifier`, else the older `user`."""
    for name in ("safety_identifier", "user"):
        value = body.get(name)
        if value is None:
            continue
        if type(value) is not str or len(value) > LONGEST_NAME:
            raise bad(name, f"'{name}' must be a string of at most {LONGEST_NAME} characters.")
        if value:
            return value
    return ""
