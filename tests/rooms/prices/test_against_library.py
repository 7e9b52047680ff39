"""The price list that is shipped, held against the library that it was made from."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest

from seatrial.prices import Wanted, find_cards
from seatrial.prices.reading import SHIPPED
from seatrial.reliability.costs import cost
from seatrial.values.chat import Usage
from seatrial.values.prices import PriceCard

library = pytest.importorskip("genai_prices", reason="genai-prices is not installed")
LISTED: Final = SHIPPED.read_text(encoding="utf-8").partition("\n")[0]

pytestmark = pytest.mark.skipif(
    f'genai-prices {importlib.metadata.version("genai-prices")}"' not in LISTED,
    reason="another version of genai-prices is installed than the list was made from",
)

MOMENTS: Final = [
    datetime(2023, 6, 1, 12, tzinfo=UTC),
    datetime(2025, 1, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2025, 2, 20, 3, tzinfo=UTC),  # inside hours of lower prices
    datetime(2025, 10, 1, 17, tzinfo=UTC),
    datetime(2026, 11, 22, 2, tzinfo=UTC),  # inside hours of higher prices
    datetime(2026, 11, 22, 7, tzinfo=UTC),
    datetime(2026, 11, 22, 20, tzinfo=UTC),
    datetime(2027, 3, 1, 12, tzinfo=UTC),
]

USAGES: Final = [
    Usage(input_tokens=1_234, output_tokens=567),
    Usage(input_tokens=100_000, cached_tokens=90_000, output_tokens=11),
    Usage(input_tokens=1, cached_tokens=271_999, output_tokens=9),  # right at a bound
    Usage(input_tokens=2, cached_tokens=271_999, output_tokens=9),
    Usage(input_tokens=600_000, cache_write_tokens=50, cache_write_1h_tokens=70, output_tokens=1),
    Usage(input_tokens=10, reasoning_tokens=1_000, output_tokens=4, web_searches=3),
    Usage(input_tokens=10, input_audio_tokens=500, output_audio_tokens=300, output_tokens=1),
    Usage(input_tokens=10, input_image_tokens=500, output_image_tokens=300, output_tokens=1),
    Usage(input_tokens=10, file_searches=2, output_tokens=1),
]


def in_its_words(usage: Usage) -> Any:
    """The library counts classes inside each other."""
    told = {
        "input_tokens": usage.all_input_tokens,
        "cache_read_tokens": usage.all_cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "input_audio_tokens": usage.input_audio_tokens,
        "input_image_tokens": usage.input_image_tokens,
        "output_tokens": usage.all_output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
        "output_audio_tokens": usage.output_audio_tokens,
        "output_image_tokens": usage.output_image_tokens,
        "web_searches": usage.web_searches,
        "storage_searches": usage.file_searches,
    }
    return library.Usage(**{name: each for name, each in told.items() if each})


@cache
def models() -> list[tuple[Any, Any, str]]:
    """Every model by every name that it goes by."""
    from genai_prices.data_snapshot import get_snapshot

    found = []
    for provider in get_snapshot().providers:
        for model in provider.models:
            names = {model.id}
            clauses = [model.match, *getattr(model.match, "or_", ())]
            names |= {each.equals for each in clauses if hasattr(each, "equals")}
            found += [(provider, model, name) for name in sorted(names)]
    return found


@cache
def cards() -> dict[str, PriceCard | None]:
    """Our card for each of them."""
    wanted = {
        f"{provider.id} {name}": Wanted(like=f"{provider.id}/{name}")
        for provider, _, name in models()
    }
    return find_cards(wanted)


def test_the_list_is_what_make_prices_writes() -> None:
    """Nobody edited it by hand."""
    from seatrial.prices.making import price_list

    assert SHIPPED.read_text(encoding="utf-8") == price_list()


def test_every_model_is_found_where_the_library_finds_it() -> None:
    """By every name, with its times; the first match of a provider wins, as there."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    compared = 0
    for provider, _, name in models():
        try:
            _, found = snapshot.find_provider_model(name, None, provider.id, None)
        except LookupError:
            assert cards()[f"{provider.id} {name}"] is None
            continue
        card = cards()[f"{provider.id} {name}"]
        if card is not None:
            compared += 1
            assert card.listed[0].price.endswith(f"/{found.id}"), (provider.id, name)
    assert compared > 3_000


def test_every_model_costs_what_the_library_says() -> None:
    """At every time, in every class, on both sides of the bounds; or it is said to be unknown."""
    same = unknown = 0
    for provider, model, name in models():
        if name != model.id:
            continue
        card = cards()[f"{provider.id} {name}"]
        # Prices without times are the same at all of them.
        for moment in MOMENTS if isinstance(model.prices, list) else MOMENTS[-2:-1]:
            for usage in USAGES:
                ours = cost(usage, card, at=moment.timestamp())
                if ours.total is None:
                    unknown += 1
                    continue
                try:
                    theirs = library.calc_price(
                        in_its_words(usage),
                        model_ref=name,
                        provider_id=provider.id,
                        genai_request_timestamp=moment,
                    ).total_price
                except ValueError:
                    continue  # it wants classes that nobody reports
                # Some of its prices are floats' rests, such as 0.18000000000000002.
                assert abs(ours.total - theirs) < Decimal("1e-10"), (provider.id, name, usage)
                same += 1
    assert same > 20_000
    assert unknown < same


def test_other_speeds_cost_what_the_library_says() -> None:
    """Where it has a price for them."""
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    compared = 0
    for provider, model, name in models():
        card = cards()[f"{provider.id} {name}"]
        for variant in model.price_variants or ():
            ((kind, speed),) = variant.when.items()
            if kind not in {"service_tier", "speed"} or card is None:
                continue
            usage = Usage(
                input_tokens=1_000, cached_tokens=300_000, output_tokens=7, service_tier=speed
            )
            theirs = library.calc_price(
                in_its_words(usage),
                model_ref=name,
                provider_id=provider.id,
                genai_request_timestamp=moment,
                price_context=variant.when,
            ).total_price
            assert theirs == cost(usage, card, at=moment.timestamp()).total, (name, speed)
            compared += 1
    assert compared > 50


def test_a_model_is_unknown_only_for_a_reason() -> None:
    """No chat model with prices for reading and writing is left out."""
    for provider, model, name in models():
        if name != model.id or cards()[f"{provider.id} {name}"] is not None:
            continue
        if provider.find_model(name) is model:
            prices = model.get_prices(MOMENTS[-2])
            assert prices.input_mtok is None, (provider.id, name)
            assert not name.endswith(":free")
