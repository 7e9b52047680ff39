"""Under which key a good answer may be served again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.reliability.checks.refusals import declines
from seatrial.values.chat import Answer

# Fields that do not change what a good answer says.
IGNORED: Final = frozenset({"stream", "stream_options", "user", "metadata", "safety_identifier"})


def cache_key(
    secret: bytes,
    *,
    tenant: str,
    scope: str,
    feature: str,
    prompt_version: str,
    body: Mapping[str, Any],
) -> str:
    """Return the key of a request: equal only within one tenant, feature and prompt version.

    Args:
        secret: of this installation, so that keys tell nothing about inputs.
        tenant: whose cache it is.
        scope: what the caller's API key may see; keys of different scope never share.
        feature: its name.
        prompt_version: of the system prompt, empty without one.
        body: the chat request in OpenAI's shape.
    """
    asked = {name: value for name, value in body.items() if name not in IGNORED}
    parts = msgspec.json.encode(
        [tenant, scope, feature, prompt_version, asked], order="deterministic"
    )
    return hmac.new(secret, parts, hashlib.sha256).hexdigest()


def may_keep(answer: Answer) -> bool:
    """Whether an answer may be served again: whole, declining nothing, and calling no tools."""
    return (
        answer.finish_reason == "stop"
        and not declines(answer)
        and not answer.tool_calls
        and bool(answer.text or answer.vectors)
        and answer.age_s is None
    )
