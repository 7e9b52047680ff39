"""What each target costs, as the file and the price list say; and budgets that need to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any, Final

from seatrial.config.features import FeatureSettings
from seatrial.config.reading import Reading
from seatrial.config.toml import Path, dotted
from seatrial.config.wording import shown
from seatrial.prices import PriceSettings, Wanted, card_of, find_cards
from seatrial.prices.reading import SHIPPED
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.budgets import with_month
from seatrial.values.prices import FREE, PriceCard

FREE_TABLE: Final = {"free": True}


def plainly(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a target's section with `price = 0` as the table that it stands for."""
    price = raw.get("price")
    if isinstance(price, int | float) and not isinstance(price, bool) and price == 0:
        return {**raw, "price": FREE_TABLE}
    return raw


def read_prices(
    targets: Mapping[str, TargetSettings], prices: Mapping[str, PriceSettings], reading: Reading
) -> dict[str, PriceCard]:
    """Return the card of each target whose price is known, and report what is wrong.

    A function of one's own is in no list: what it costs is unknown until somebody says so.
    """
    listed = _listed(targets, prices, SHIPPED)
    cards = {}
    for name, settings in prices.items():
        _check(settings, listed[name], ("targets", name, "price"), reading)
        if (card := card_of(settings, listed[name])) is not None:
            cards[name] = _at_speed(card, targets[name])
    return cards


def cards_of(
    targets: Mapping[str, TargetSettings], prices: Mapping[str, PriceSettings], *, source: File
) -> dict[str, PriceCard]:
    """Return the same by another price list, which need not know every target.

    Raises:
        OSError: the list cannot be read.
        ValueError: it is none.
    """
    listed = _listed(targets, prices, source)
    found = {name: card_of(settings, listed[name]) for name, settings in prices.items()}
    return {name: card for name, card in found.items() if card is not None}


def check_budgets(
    features: Mapping[str, FeatureSettings],
    targets: Mapping[str, TargetSettings],
    cards: Mapping[str, PriceCard],
    reading: Reading,
) -> None:
    """Report budgets that cannot hold, since nobody knows what a target costs."""
    for name, settings in features.items():
        needs = settings.requirements
        if not with_month(settings.budgets, needs.cost_usd_month).bounded:
            continue
        at = _said_at(name, settings)
        for place in settings.asks:
            target = targets.get(place)
            if place in cards or target is None:
                continue
            if target.provider == "python":
                message = f"counts the function {place} as free: nobody says what it costs."
                reading.warn(at, message, f"Write [targets.{place}] price = 0, or its request_usd.")
                continue
            model = f"{target.model} at " if target.model else ""
            message = f"cannot hold: nobody knows what {place} costs ({model}{_address(target)})."
            section = dotted(("targets", place, "price"))
            hint = (
                f"Write [{section}] with input_usd_mtok and output_usd_mtok, or "
                f'like = "provider/model"; for a server of your own, price = 0 in '
                f"[{dotted(('targets', place))}]."
            )
            reading.report(at, message, hint)


def _said_at(feature: str, settings: FeatureSettings) -> Path:
    """Return where the budget stands."""
    if settings.budgets.bounded:
        return ("features", feature, "budgets")
    return ("features", feature, "requirements", "cost_usd_month")


def _listed(
    targets: Mapping[str, TargetSettings], prices: Mapping[str, PriceSettings], source: File
) -> dict[str, PriceCard | None]:
    wanted = {name: _wanted(target, prices[name]) for name, target in targets.items()}
    return find_cards(wanted, source=source)


def _at_speed(card: PriceCard, target: TargetSettings) -> PriceCard:
    """Return the card with the speed that the target is asked for."""
    speed = target.parameters.get("service_tier")
    if target.parameters.get("speed") == "fast":
        speed = "fast"
    return replace(card, asked=speed) if isinstance(speed, str) and card is not FREE else card


def _wanted(target: TargetSettings, price: PriceSettings) -> Wanted:
    if price.like:
        return Wanted(like=price.like)
    if target.provider == "python":
        return Wanted()
    return Wanted(_address(target), target.model or "")


def _address(target: TargetSettings) -> str:
    """Return where it is reached: several addresses are servers of one provider."""
    return next(iter(target.base_urls), "")


def _check(settings: PriceSettings, listed: PriceCard | None, at: Path, reading: Reading) -> None:
    """Report prices that say nothing, or two things at once."""
    said = settings.priced
    if settings.free and (said or settings.like):
        reading.report(at, "says free and a price.", "Keep one of the two.")
    if settings.like and listed is None:
        message = f"the price list has no {shown(settings.like)}, or no price for it."
        hint = 'Write a provider and a model of it, as "openai/gpt-5.1".'
        reading.report((*at, "like"), message, hint)
    for one, other in (
        ("input_usd_mtok", "output_usd_mtok"),
        ("output_usd_mtok", "input_usd_mtok"),
    ):
        if other in said and one not in said:
            hint = "Write it; 0 where it costs nothing."
            reading.report(at, f"{one} is missing beside {other}.", hint)
    begins, ends = settings.valid_from, settings.valid_until
    if (begins or ends) and not said:
        message = "does nothing: no price stands beside it."
        key = "valid_from" if begins else "valid_until"
        reading.report((*at, key), message, "Write the price, or take it out.")
    if begins and ends and ends < begins:
        message = f"is before valid_from ({begins})."
        reading.report((*at, "valid_until"), message, "Put it later.")
