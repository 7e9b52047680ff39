"""What an operator may say about a target's price."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, time
from typing import Final

from seatrial.values.prices import (
    FREE,
    MILLION,
    REQUESTS,
    PriceCard,
    PriceSpan,
    Rate,
    exactly,
    rate,
)

# Which class each setting prices.
_CLASSES: Final = {
    "input_usd_mtok": "input_tokens",
    "cached_usd_mtok": "cached_tokens",
    "cache_write_usd_mtok": "cache_write_tokens",
    "cache_write_1h_usd_mtok": "cache_write_1h_tokens",
    "output_usd_mtok": "output_tokens",
    "reasoning_usd_mtok": "reasoning_tokens",
    "input_audio_usd_mtok": "input_audio_tokens",
    "output_audio_usd_mtok": "output_audio_tokens",
    "request_usd": REQUESTS,
    "web_search_usd": "web_searches",
}


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """A section [targets.NAME.price]; `price = 0` says that the target is free.

    Args:
        like: a provider and a model of the price list, such as `openai/gpt-5.1`, whose price it
            has: for an address that the list does not know.
        input_usd_mtok: US dollars per million tokens read.
        cached_usd_mtok: of those, from the provider's prompt cache; left out, as read afresh.
        cache_write_usd_mtok: written to the prompt cache; left out, as read afresh.
        cache_write_1h_usd_mtok: the same, for an hour; left out, as for the usual time.
        output_usd_mtok: per million tokens written.
        reasoning_usd_mtok: of those, reasoning; left out, as the rest of what is written.
        input_audio_usd_mtok: audio read; left out, as text.
        output_audio_usd_mtok: audio written; left out, as text.
        request_usd: per call, whatever is read or written.
        web_search_usd: per search of the web by the provider.
        valid_from: the first day (UTC) on which these prices hold, as 2026-12-01; before it the
            price list does.
        valid_until: the last day on which they hold.
        free: whether the target costs nothing, as a server of your own.
    """

    like: str = ""
    input_usd_mtok: float | None = None
    cached_usd_mtok: float | None = None
    cache_write_usd_mtok: float | None = None
    cache_write_1h_usd_mtok: float | None = None
    output_usd_mtok: float | None = None
    reasoning_usd_mtok: float | None = None
    input_audio_usd_mtok: float | None = None
    output_audio_usd_mtok: float | None = None
    request_usd: float | None = None
    web_search_usd: float | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    free: bool = False

    @property
    def priced(self) -> dict[str, float]:
        """The prices that were set, by setting."""
        given = {name: getattr(self, name) for name in _CLASSES}
        return {name: usd for name, usd in given.items() if usd is not None}


@dataclass(frozen=True, slots=True)
class TargetPrice:
    """What a target's section says about its price.

    Args:
        price: what its tokens and calls cost; left out, what the price list says.
    """

    price: PriceSettings = PriceSettings()


def card_of(settings: PriceSettings, listed: PriceCard | None) -> PriceCard | None:
    """Return a target's card from what the operator says and what the list says.

    Args:
        settings: the operator's.
        listed: the list's card; None when the list does not know the target.

    Returns:
        The card, with the operator's prices over the list's while they hold; None when
        neither is known.
    """
    if settings.free:
        return FREE
    prices = settings.priced
    if not prices:
        return listed
    rates = {
        _CLASSES[name]: Rate(
            rate(exactly(usd), per=MILLION if name.endswith("_mtok") else 1),
        )
        for name, usd in prices.items()
    }
    span = PriceSpan(_name(settings), rates, *_validity(settings))
    base = listed or PriceCard()
    return PriceCard(base.listed, base.tiers, own=(span,))


def _validity(settings: PriceSettings) -> tuple[float | None, float | None]:
    begins, ends = settings.valid_from, settings.valid_until
    since = datetime.combine(begins, time(), UTC).timestamp() if begins else None
    until = datetime.combine(ends, time(), UTC).timestamp() + 86_400 if ends else None
    return since, until


def _name(settings: PriceSettings) -> str:
    """Return how records name these prices: another name for other prices."""
    said = [
        f"{field.name}={value}"
        for field, value in zip(fields(settings), astuple(settings), strict=True)
        if value is not None
    ]
    return f"own {hashlib.sha256(chr(10).join(said).encode()).hexdigest()[:8]}"
