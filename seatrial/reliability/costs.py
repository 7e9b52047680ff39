"""What an attempt cost, and what it can cost at most: exact, and unknown where it is unknown.

Pure functions over disjoint classes of tokens.  A class that was used and has no price makes the
whole cost unknown; nothing is taken for free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final

from seatrial.values.attempts import Cause
from seatrial.values.chat import Usage
from seatrial.values.prices import (
    CLASSES,
    FREE,
    MILLION,
    READ,
    REQUESTS,
    WRITTEN,
    PriceCard,
    PriceSpan,
    Rate,
    dollars,
)

# Names under which providers report their usual speed.
USUAL: Final = frozenset({"", "default", "standard", "auto", "on_demand"})
# An attempt may begin under one price and end under the next; lists change on the hour.
STRADDLE_S: Final = 3_600.0

# The target said no, or never heard of it, before it worked: it bills nothing.
UNBILLED: Final = frozenset(
    {
        Cause.UNREACHABLE,
        Cause.CONNECT_TIMEOUT,
        Cause.SERVER_ERROR,
        Cause.OVERLOADED,
        Cause.RATE_LIMITED,
        Cause.KEY_REFUSED,
        Cause.TARGET_GONE,
        Cause.BAD_REQUEST,
    }
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt cost.

    Args:
        pico: in 1e-12 dollars; None when it is unknown.
        parts: the same by class of tokens, of those whose price is known.
        unknown: the classes that were used and have no known price; `usage` when nothing is
            known of what was used.
        price: which price list it rests on; empty when there was none.
        estimated: whether the tokens were estimated, not reported.
    """

    pico: int | None
    parts: dict[str, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    price: str = ""
    estimated: bool = False

    @property
    def total(self) -> Decimal | None:
        """The cost in dollars; None when it is unknown."""
        return None if self.pico is None else dollars(self.pico)


NOTHING: Final = Cost(0, price="not billed")
FREE_OF_CHARGE: Final = Cost(0, price="free")
UNTOLD: Final = Cost(None, unknown=("usage",))
UNPRICED: Final = Cost(None, unknown=("price",))
GUESSED: Final = Cost(None, unknown=("price",), estimated=True)


def cost(usage: Usage | None, card: PriceCard | None, *, at: float) -> Cost:
    """Return what an attempt cost.

    Args:
        usage: what the target reported; None when it reported nothing.
        card: its prices; None when they are not known.
        at: when the attempt began, wall clock, seconds.

    >>> from seatrial.values.prices import PriceSpan, rate
    >>> prices = {"input_tokens": Rate(rate(Decimal("0.15"), per=MILLION))}
    >>> cost(Usage(input_tokens=1_000), PriceCard((PriceSpan("2026", prices),)), at=0.0).total
    Decimal('0.00015')
    """
    if usage is None:
        return FREE_OF_CHARGE if card is FREE else UNTOLD
    span = span_at(card, at, tier=usage.service_tier) if card is not None else None
    if span is None:
        return GUESSED if usage.raw is None else UNPRICED
    read = usage.all_input_tokens
    parts: dict[str, int] = {}
    unknown: list[str] = []
    for name in CLASSES:
        if not (count := getattr(usage, name)):
            continue
        if (price := span.rates.get(name)) is None:
            unknown.append(name)
        else:
            parts[name] = count * price.of(read) // MILLION  # down: no part passes the worst case
    if fee := span.rates.get(REQUESTS):
        parts[REQUESTS] = fee.of(read) // MILLION
    total = None if unknown else sum(parts.values())
    return Cost(total, parts, tuple(unknown), span.price, usage.estimated)


def cost_of_failure(
    cause: Cause, usage: Usage | None, card: PriceCard | None, *, at: float
) -> Cost:
    """Return what a failed attempt cost.

    One that the target declined is not billed; any other may have been, and without a report
    of its usage its cost is unknown.
    """
    if usage is None and cause in UNBILLED:
        return NOTHING
    return cost(usage, card, at=at)


def worst_case(
    card: PriceCard | None,
    *,
    prompt_tokens: int,
    max_output_tokens: int,
    at: float,
    tier: str = "",
) -> Decimal | None:
    """Return the most that an attempt can cost, in dollars; None when that is unknown.

    The dearest class, hour and speed count, and prices that begin within the next hour or two.
    The provider's own tools are left out: how often a model calls them has no bound.

    Args:
        card: the target's prices; None when they are not known.
        prompt_tokens: how many it may read, estimated from above.
        max_output_tokens: how many it may write.
        at: when it would begin, wall clock, seconds.
        tier: the provider's speed that the caller asks for; empty when none, and then what the
            operator asks for counts.
    """
    pico = worst_case_pico(
        card, prompt_tokens=prompt_tokens, max_output_tokens=max_output_tokens, at=at, tier=tier
    )
    return None if pico is None else dollars(pico)


def worst_case_pico(
    card: PriceCard | None,
    *,
    prompt_tokens: int,
    max_output_tokens: int,
    at: float,
    tier: str = "",
) -> int | None:
    """Return the same in 1e-12 dollars, as counters take it."""
    if card is None:
        return None
    worst: int | None = None
    for steps in _steps(card, at // STRADDLE_S, tier or card.asked):
        read, written, fee = next(rates for above, rates in steps if prompt_tokens > above)
        if (read is None and prompt_tokens) or (written is None and max_output_tokens):
            return None
        atto = prompt_tokens * (read or 0) + max_output_tokens * (written or 0) + fee
        worst = max(worst or 0, -(-atto // MILLION))
    return worst


def span_at(card: PriceCard, at: float, *, tier: str = "") -> PriceSpan | None:
    """Return the prices that hold at a wall-clock time; None when they are unknown.

    A speed that the price list does not know has no known price.
    """
    spans = card.tiers.get(tier)
    if spans is None and tier in USUAL:
        spans = card.listed
    return _last(card.own, at) or _last(spans or (), at)


def _last(spans: Iterable[PriceSpan], at: float) -> PriceSpan | None:
    found = None
    for span in spans:
        if span.holds(at):
            found = span
    return found


Rates = tuple[int | None, int | None, int]
"""The dearest of what is read and of what is written, None where unknown; and the fee."""


@lru_cache(maxsize=4_096)
def _steps(card: PriceCard, hour: float, tier: str) -> tuple[tuple[tuple[int, Rates], ...], ...]:
    """Return the dearest rates under each span that may apply, by the length of the prompt.

    Longest first: each pair holds for prompts of more tokens than its number.  Worked out once
    per card and hour.
    """
    found = []
    for span in _possible(card, hour * STRADDLE_S, tier):
        bounds = {above for price in span.rates.values() for above, _ in price.tiers}
        found.append(
            tuple(
                (
                    above,
                    (
                        _dearest(span, READ, above + 1),
                        _dearest(span, WRITTEN, above + 1),
                        _dearest(span, (REQUESTS,), above + 1) or 0,
                    ),
                )
                for above in sorted({-1, *bounds}, reverse=True)
            )
        )
    return tuple(found)


def _possible(card: PriceCard, at: float, tier: str) -> list[PriceSpan]:
    """Return every span under which an attempt that begins in the hour after `at` may be billed."""
    found: list[PriceSpan] = []
    for moment in (at, at + STRADDLE_S, at + 2 * STRADDLE_S):
        spans = _on(card.own, moment)
        if not any(span.hours is None for span in spans):
            if tier not in USUAL and tier not in card.tiers:
                return []
            # A provider may serve a dearer speed at its usual one, and then bills that.
            spans += _on(card.listed, moment) + _on(card.tiers.get(tier, ()), moment)
        found += [span for span in spans if not any(span is each for each in found)]
    return found


def _on(spans: tuple[PriceSpan, ...], at: float) -> list[PriceSpan]:
    """Return the last span that holds all day, and those of single hours after it."""
    found: list[PriceSpan] = []
    for span in spans:
        if span.holds_on(at):
            found = [*found, span] if span.hours is not None else [span]
    return found


def _dearest(span: PriceSpan, names: tuple[str, ...], read_tokens: int) -> int | None:
    """Return the dearest rate of some classes, for any prompt of up to so many tokens."""
    rates = [span.rates[name] for name in names if name in span.rates]
    return max((_most(price, read_tokens) for price in rates), default=None)


def _most(price: Rate, read_tokens: int) -> int:
    return max(price.base, *(dearer for above, dearer in price.tiers if read_tokens > above), 0)
