"""What a caller asks, once a door has read it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.values.criticality import Criticality

# What a request wants; providers go by it.
CHAT: Final = "chat"
EMBED: Final = "embed"


class Caller(msgspec.Struct, frozen=True):
    """Who asks.

    Args:
        tenant: whose keys, records, caches and limits these are.
        key_id: the public part of the API key; empty when none is needed.
        user, session: as the caller names them; empty when unknown.
        tags: the caller's own marks, for search.
        call_site: file, line and function of a decorated function's caller.
        key_scope: what the key may see; callers of different scope never share a cache.
    """

    tenant: str = "default"
    key_id: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()
    call_site: str = ""
    key_scope: str = ""

    @property
    def unit(self) -> str:
        """What sticks to an arm: the user, else the session; empty when neither is known."""
        return self.user or self.session


class Request(msgspec.Struct, frozen=True):
    """One request, parsed and authenticated.

    Args:
        id: its record's id, also the caller's request id.
        feature: which feature is asked.
        body: the chat request in OpenAI's shape, as the caller sent it, without `model`.
        deadline: when the caller must have the last word, on the monotonic clock.
        stream: whether the caller wants pieces.
        include_usage: whether a streaming caller wants the usage event.
        variables: values for the prompt's `{{names}}`.
        caller: who asks.
        arguments: what a decorated function was called with: `(args, kwargs)`.
        kind: `chat`, or `embed` for vectors; its body then has `input` in place of `messages`.
        prompt_version: the one that the caller expects of the feature's prompt, or the first
            digits of it; empty for whichever is live.
        criticality: how much it matters, as its caller says.
        idempotency_key: requests with the same one get the same result; empty without one.
        fingerprint: with a key, a digest of what was asked (`idempotency.fingerprint_of`).
        created: with a key, the Unix time that its answer names.
    """

    id: str
    feature: str
    body: dict[str, Any]
    deadline: float
    stream: bool = False
    include_usage: bool = False
    variables: dict[str, str] = {}
    caller: Caller = Caller()
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    kind: str = CHAT
    prompt_version: str = ""
    criticality: Criticality = Criticality.DEFAULT
    idempotency_key: str = ""
    fingerprint: str = ""
    created: int = 0

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, in order; empty where none is wanted."""
        messages: list[dict[str, Any]] = self.body.get("messages", [])
        return messages
