"""What servers of OpenAI's dialect report about tokens, in disjoint classes.

They agree on the totals and differ in what these hold: OpenAI counts reasoning among what was
written, xAI and Gemini beside it; Perplexity reports what it read and searched on its own account.
"""

from __future__ import annotations

from typing import Any, Final

from seatrial.values.chat import Usage

# More than any model can have read or written at once: such a report is none.
MAX_TOKENS: Final = 100_000_000
MAX_TIER_CHARS: Final = 32
_SUMS: Final = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
_DETAILS: Final = frozenset({"prompt_tokens_details", "completion_tokens_details"})


def usage_of(raw: object, *, service_tier: object = None) -> Usage | None:
    """Return the report in disjoint classes, or None when it makes no sense.

    Args:
        raw: the `usage` object.
        service_tier: as it stands beside it in the answer.
    """
    if not isinstance(raw, dict):
        return None
    read, written = count(raw.get("prompt_tokens")), count(raw.get("completion_tokens"))
    if read is None or written is None:
        return None
    if _is_plain(raw) and raw.get("total_tokens") == read + written:
        tier = service_tier[:MAX_TIER_CHARS] if isinstance(service_tier, str) else ""
        return Usage(read, 0, 0, written, 0, raw, service_tier=tier)
    into, out = _details(raw, "prompt_tokens_details"), _details(raw, "completion_tokens_details")
    hits = into.get("cached_tokens")
    if count(hits) is None:
        hits = raw.get("prompt_cache_hit_tokens")  # as DeepSeek says it
    cached = min(_tokens(hits), read)
    stored = min(_tokens(into.get("cache_write_tokens")), read - cached)
    heard_again = min(_tokens(_details(into, "cached_tokens_details").get("audio_tokens")), cached)
    fresh = read - cached - stored
    heard = min(max(_tokens(into.get("audio_tokens")) - heard_again, 0), fresh)
    seen = min(_tokens(into.get("image_tokens")), fresh - heard)
    reasoned, written = _reasoned(raw, read, written, _tokens(out.get("reasoning_tokens")))
    spoken = min(_tokens(out.get("audio_tokens")), written - reasoned)
    drawn = min(_tokens(out.get("image_tokens")), written - reasoned - spoken)
    tier = service_tier if isinstance(service_tier, str) else ""
    return Usage(
        # Billed by Perplexity like what it read.
        input_tokens=fresh - heard - seen + _tokens(raw.get("citation_tokens")),
        cached_tokens=cached - heard_again,
        cache_write_tokens=stored,
        output_tokens=written - reasoned - spoken - drawn,
        reasoning_tokens=reasoned,
        raw=raw,
        input_audio_tokens=heard,
        cached_audio_tokens=heard_again,
        input_image_tokens=seen,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
        web_searches=_tokens(raw.get("num_search_queries")),
        service_tier=tier[:MAX_TIER_CHARS],
    )


def _is_plain(raw: dict[str, Any]) -> bool:
    """Whether nothing is told but the sums, as in most reports: the rest is absent or zero."""
    if len(raw) == len(_SUMS):
        return raw.keys() == _SUMS
    if raw.keys() - _SUMS - _DETAILS:
        return False
    for name in _DETAILS:
        details = raw.get(name)
        if isinstance(details, dict) and any(details.values()):
            return False
    return True


def count(value: object) -> int | None:
    """Return a number of tokens as it can be; None for anything else."""
    if type(value) is int and 0 <= value <= MAX_TOKENS:  # truth values are no numbers
        return value
    return None


def _reasoned(raw: dict[str, Any], read: int, written: int, reasoned: int) -> tuple[int, int]:
    """Return the tokens of reasoning, and all that were written, those of reasoning included."""
    if alone := _tokens(raw.get("reasoning_tokens")):
        return alone, written + alone
    # The total holds what neither part does: reasoning that was counted beside them.
    if beside := max(_tokens(raw.get("total_tokens")) - read - written, 0):
        return min(max(reasoned, beside), written + beside), written + beside
    return min(reasoned, written), written


def _details(raw: dict[str, Any], name: str) -> dict[str, Any]:
    details = raw.get(name)
    return details if isinstance(details, dict) else {}


def _tokens(value: object) -> int:
    """Return a number of tokens as it can be; 0 for anything else."""
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else 0
