"""The books of what was used and spent, as they are told."""

from __future__ import annotations

import msgspec


class CostQuery(msgspec.Struct, frozen=True):
    """Which costs to tell.

    Args:
        by: what to tell them by: any of `day`, `feature`, `key`, `user`, `target`, `purpose`
            and `release`; nothing for one total.
        tenant: whose.
        since, until: days as `2026-11-22`, UTC; `until` exclusive; empty for open ends.
        feature, key_id, user, target: filters, each optional.
    """

    by: tuple[str, ...] = ("feature",)
    tenant: str = "default"
    since: str = ""
    until: str = ""
    feature: str = ""
    key_id: str = ""
    user: str = ""
    target: str = ""


class Booked(msgspec.Struct, frozen=True):
    """What was used and spent.

    Args:
        names: by the dimensions of the query, in their order.
        requests: answered by the target, or refused where it is empty.
        attempts: that were sent.
        unpriced: of those, the ones whose cost is unknown.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens: as in
            `Usage`; audio and images with the rest of what was read or written.
        cost_pico: of all attempts whose cost is known, in 1e-12 dollars.
    """

    names: tuple[str, ...]
    requests: int = 0
    attempts: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
