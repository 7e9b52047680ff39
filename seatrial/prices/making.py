"""Write the price list that is shipped, from the data inside the `genai-prices` wheel.

Run by `make prices`, in development alone: importing that library takes 0.38 s of CPU and 96 MB,
which a serving process would keep.  What is written is lines of JSON: one that says what it is,
one per provider, one per model.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seatrial.prices.reading import SHIPPED

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# What a list prices, in our classes.  What is not here (hours, pages, characters) no chat is
# billed by: such a model has no known price.
NAMES: Final = {
    "input_mtok": "input_tokens",
    "cache_read_mtok": "cached_tokens",
    "cache_write_mtok": "cache_write_tokens",
    "cache_write_1h_mtok": "cache_write_1h_tokens",
    "input_audio_mtok": "input_audio_tokens",
    "cache_audio_read_mtok": "cached_audio_tokens",
    "input_image_mtok": "input_image_tokens",
    "cache_image_read_mtok": "cached_image_tokens",
    "output_mtok": "output_tokens",
    "output_reasoning_mtok": "reasoning_tokens",
    "output_audio_mtok": "output_audio_tokens",
    "output_image_mtok": "output_image_tokens",
    "web_searches_kcount": "web_searches",
    "storage_searches_kcount": "file_searches",
    "requests_kcount": "requests",
}


def main() -> None:
    """Write the list where it is shipped."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    target.write_text(price_list(), encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes")  # noqa: T201 - a tool of development


def price_list() -> str:
    """Return the list's text, from the library that is installed."""
    from genai_prices.data_snapshot import get_snapshot

    providers = get_snapshot().providers
    lines = [_line(_provider(each)) for each in providers]
    lines += [_line(_model(provider, model)) for provider in providers for model in provider.models]
    body = "".join(lines)
    about = {
        "list": f"genai-prices {importlib.metadata.version('genai-prices')}",
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
        "licence": "MIT, see genai-prices.LICENSE",
    }
    return _line(about) + body


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "provider": provider.id,
        "address": provider.api_pattern,
        "others": list(provider.fallback_model_providers or ()),
    }


def _model(provider: Provider, model: ModelInfo) -> dict[str, Any]:
    found: dict[str, Any] = {
        "of": provider.id,
        "model": model.id,
        "match": _clause(model.match),
        "prices": list(_conditions(model)),
    }
    if tiers := _tiers(model):
        found["tiers"] = tiers
    return found


def _clause(clause: Any) -> list[Any]:
    """Return a clause as its kind and its text, or the clauses inside."""
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        if hasattr(clause, kind):
            return [kind, getattr(clause, kind).lower()]
    if hasattr(clause, "regex"):
        return ["regex", clause.regex]
    kind = "or" if hasattr(clause, "or_") else "and"
    return [kind, *(_clause(each) for each in getattr(clause, f"{kind}_"))]


def _conditions(model: ModelInfo) -> Iterator[dict[str, Any]]:
    """Return the prices with their times, those that win last."""
    from genai_prices.types import ModelPrice

    if isinstance(model.prices, ModelPrice):
        yield _prices(model, model.prices)
        return
    if any(each.constraint is not None for each in model.prices[:1]):
        raise ValueError(f"{model.id}: the first price holds at a time only")
    for each in model.prices:
        yield _times(each.constraint) | _prices(model, each.prices)


def _tiers(model: ModelInfo) -> dict[str, list[dict[str, Any]]]:
    """Return the prices of other speeds, whole; those of other contexts cannot be asked for."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(_speeds(model)):
        moments = _moments(model, name)
        found[name] = [
            ({"since": _seconds(day)} if day else {})
            | _prices(model, _at(model, name, day or date(2000, 1, 1)))
            for day in moments
        ]
    return found


def _speeds(model: ModelInfo) -> set[str]:
    return {
        speed
        for variant in model.price_variants or ()
        if (speed := _speed_of(variant.when)) and speed != "default"
    }


def _speed_of(when: dict[str, str]) -> str:
    """Return which speed a variant is for; empty when it is about something else."""
    if len(when) != 1:
        return ""
    ((name, value),) = when.items()
    return value if name in {"service_tier", "speed"} else ""


def _moments(model: ModelInfo, speed: str) -> Iterable[date | None]:
    """Return the days from which the prices of a speed change; first of all those before."""
    from genai_prices.types import ModelPrice

    variants = [each for each in model.price_variants or () if _speed_of(each.when) == speed]
    standard = [] if isinstance(model.prices, ModelPrice) else model.prices
    starts = [_start(each.constraint) for each in variants]
    days = {*starts, *(_start(each.constraint) for each in standard)}
    # Before a speed has a price of its own its price is unknown.
    first = min(starts, default=date.min)
    return [None if first == date.min else first, *sorted(day for day in days if day > first)]


def _start(constraint: Any) -> date:
    found = getattr(constraint, "start_date", date.min)
    assert isinstance(found, date)  # noqa: S101 - the library's type
    return found


def _at(model: ModelInfo, speed: str, day: date) -> ModelPrice:
    """Return the prices of a speed on a day, by the library's own rule."""
    moment = datetime.combine(day, time(12), UTC)
    for name in ("service_tier", "speed"):
        context = {name: speed}
        if any(variant.when == context for variant in model.price_variants or ()):
            return model.get_prices(moment, context)
    raise ValueError(f"{model.id}: no variant for {speed}")


def _times(constraint: Any) -> dict[str, Any]:
    if constraint is None:
        return {}
    if hasattr(constraint, "start_date"):
        return {"since": _seconds(constraint.start_date)}
    return {"hours": [_second(constraint.start_time), _second(constraint.end_time)]}


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _second(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _prices(model: ModelInfo, prices: ModelPrice) -> dict[str, Any]:
    """Return dollars by class, per million tokens or per call; a list where there are tiers."""
    known = {
        NAMES[name]: _rate(name, price)
        for name, price in prices.__dict__.items()
        if price is not None and name in NAMES
    }
    # Where a list gives no price, only a name says whether there is none to pay.
    if not known and model.id.endswith(":free"):
        return {"free": True}
    return {"rates": {name: known[name] for name in NAMES.values() if name in known}}


def _rate(name: str, price: Any) -> str | list[Any]:
    if isinstance(price, Decimal):
        return _usd(name, price)
    tiers = [[tier.start, _usd(name, tier.price)] for tier in price.tiers]
    return [_usd(name, price.base), *tiers]


def _usd(name: str, price: Decimal) -> str:
    """Return the price as it stands in the list: per million tokens, but per single call."""
    usd = price if name.endswith("_mtok") else price / 1_000
    return f"{usd.normalize():f}"


if __name__ == "__main__":
    main()
