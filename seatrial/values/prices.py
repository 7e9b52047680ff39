"""What a target costs: exact prices, by class of tokens, size of the prompt, day and hour.

Whole numbers all the way: a rate is in 1e-18 dollars for one token or call, so that a price per
million tokens is exact to 1e-12 dollars; a cost is in 1e-12 dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

MILLION: Final = 1_000_000
DAY_S: Final = 86_400

READ: Final = (
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cached_audio_tokens",
    "input_image_tokens",
    "cached_image_tokens",
)
WRITTEN: Final = (
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)
TOOLS: Final = ("web_searches", "file_searches")
CLASSES: Final = (*READ, *WRITTEN, *TOOLS)
"""What is billed by the piece; the names of the fields of `Usage`."""

REQUESTS: Final = "requests"
"""Billed once per attempt, where a provider does that."""

# What a class costs that has no price of its own; the first one that has a price.
INSTEAD: Final[Mapping[str, tuple[str, ...]]] = {
    "cached_tokens": ("input_tokens",),
    "cache_write_tokens": ("input_tokens",),
    "cache_write_1h_tokens": ("cache_write_tokens", "input_tokens"),
    "input_audio_tokens": ("input_tokens",),
    "cached_audio_tokens": ("input_audio_tokens", "cached_tokens", "input_tokens"),
    "input_image_tokens": ("input_tokens",),
    "cached_image_tokens": ("input_image_tokens", "cached_tokens", "input_tokens"),
    "reasoning_tokens": ("output_tokens",),
    "output_audio_tokens": ("output_tokens",),
    "output_image_tokens": ("output_tokens",),
}

_EXACT: Final = Context(prec=60)  # not the thread's own, which an application may have changed


@dataclass(frozen=True, slots=True)
class Rate:
    """What one token or call costs, in 1e-18 dollars.

    Args:
        base: for a short prompt.
        tiers: for all tokens once more than so many were read: pairs of that number and the
            rate, the number rising.
    """

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    def of(self, read_tokens: int) -> int:
        """Return the rate for an attempt that read so many tokens in all.

        >>> Rate(2, tiers=((200_000, 4),)).of(200_001)
        4
        """
        rate = self.base
        for above, dearer in self.tiers:
            if read_tokens > above:
                rate = dearer
        return rate


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """Prices for a time.

    Args:
        price: which list they are from, as records name it.
        rates: by class of `CLASSES`, and `REQUESTS`; what a list leaves open is filled in
            from `INSTEAD`, and what is then missing is unknown.
        since, until: wall clock, seconds; `until` exclusive; None for open ends.
        hours: seconds of the UTC day from and until which they hold, the end exclusive; it may
            lie past midnight; None for the whole day.
    """

    price: str
    rates: Mapping[str, Rate]
    since: float | None = None
    until: float | None = None
    hours: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Fill in what a class without a price of its own costs."""
        filled = dict(self.rates)
        for name, others in INSTEAD.items():
            found = next((self.rates[other] for other in others if other in self.rates), None)
            if name not in filled and found is not None:
                filled[name] = found
        object.__setattr__(self, "rates", filled)

    def holds(self, at: float) -> bool:
        """Return whether these prices hold at a wall-clock time."""
        return self.holds_on(at) and self._in_hours(at)

    def holds_on(self, at: float) -> bool:
        """Return the same, whatever the hour."""
        early = self.since is not None and at < self.since
        late = self.until is not None and at >= self.until
        return not (early or late)

    def _in_hours(self, at: float) -> bool:
        if self.hours is None:
            return True
        begins, ends = self.hours
        second = at % DAY_S
        if ends < begins:
            return second >= begins or second < ends
        return begins <= second < ends


@dataclass(frozen=True, slots=True, eq=False)
class PriceCard:
    """What a target costs.

    Two cards are equal only when they are one, so that what is worked out from a card can be kept.

    Args:
        listed: from a price list; of those that hold, the last one counts.
        tiers: the same for a provider's other speeds, by the name of `Usage.service_tier`.
        own: the operator's; one that holds wins over the list, at every speed.
        asked: the speed that the operator asks the target for; empty for the usual one.
    """

    listed: tuple[PriceSpan, ...] = ()
    tiers: Mapping[str, tuple[PriceSpan, ...]] = field(default_factory=dict)
    own: tuple[PriceSpan, ...] = ()
    asked: str = ""


FREE: Final = PriceCard(
    own=(PriceSpan("free", dict.fromkeys((*CLASSES, REQUESTS), Rate(0))),),
)
"""The card of a server of one's own, whose tokens cost nothing."""


def rate(usd: Decimal, *, per: int = 1) -> int:
    """Return a price in 1e-18 dollars for one, from a price in dollars for `per`.

    Finer prices are rounded; no list has one that was meant.

    >>> rate(Decimal("0.15"), per=1_000_000)
    150000000000
    """
    whole = _EXACT.multiply(usd, Decimal(10**18))
    return int(_EXACT.divide(whole, Decimal(per)).to_integral_value(ROUND_HALF_EVEN, _EXACT))


def dollars(pico: int) -> Decimal:
    """Return dollars from 1e-12 dollars, exactly and without idle zeros.

    >>> dollars(435_000_000)
    Decimal('0.000435')
    """
    whole, part = divmod(abs(pico), 10**12)
    digits = f"{part:012d}".rstrip("0")
    sign = "-" if pico < 0 else ""
    return Decimal(f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}")


def pico_of(usd: Decimal) -> int:
    """Return 1e-12 dollars from dollars; finer ones are rounded.

    >>> pico_of(Decimal("0.000435"))
    435000000
    """
    return int(_EXACT.multiply(usd, Decimal(10**12)).to_integral_value(ROUND_HALF_EVEN, _EXACT))


def exactly(number: float) -> Decimal:
    """Return the decimal number that somebody wrote, from what a parser made of it.

    >>> exactly(0.1)
    Decimal('0.1')
    """
    return Decimal(repr(number))
