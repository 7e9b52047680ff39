"""Reads a provider's own report of usage once more, from what a record keeps of it."""

from __future__ import annotations

import msgspec

from seatrial.values.chat import Usage


def usage_again(provider: str, stored: Usage) -> Usage:
    """Return the usage as it is read today; as it was stored where nothing tells more.

    An older version may have told fewer classes apart.

    Args:
        provider: the dialect of the target, as in `TargetSettings`.
        stored: with the raw report, if that was kept.
    """
    found: Usage | None = None
    if provider == "openai":
        from seatrial.providers.openai_usage import usage_of

        found = usage_of(stored.raw)
    elif provider == "anthropic":
        from seatrial.providers.anthropic_reply import usage_of as anthropic_usage_of

        found = anthropic_usage_of(stored.raw)
    if found is None:
        return stored
    tier = found.service_tier or stored.service_tier
    return msgspec.structs.replace(found, service_tier=tier)
