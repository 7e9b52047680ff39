"""Read a price list: which card a target has, by its address and its model.

The list is read line by line, and only the lines of the providers in use are parsed: looking up a
handful of targets takes some ten milliseconds, and nothing of it stays in memory but their cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from seatrial.values.prices import FREE, MILLION, PriceCard, PriceSpan, Rate, rate

SHIPPED: Final = Path(__file__).with_name("list.jsonl")
HASH_CHARS: Final = 8  # of the list's hash, in what records say of a price

# `gpt-5.2-20251211` is how some gateways write `gpt-5.2-2025-12-11`.
_COMPACT_DATE: Final = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Wanted(msgspec.Struct, frozen=True):
    """Which price is looked for.

    Args:
        address: the provider's, as `https://api.openai.com/v1`.
        model: as the provider calls it.
        like: a provider and a model of the list, as `openai/gpt-5.1`, which then count instead.
    """

    address: str = ""
    model: str = ""
    like: str = ""


class _Line(msgspec.Struct):
    """One line of a list: about the list, a provider, or a model."""

    list: str = ""
    sha256: str = ""
    provider: str = ""
    address: str = ""
    others: tuple[str, ...] = ()
    of: str = ""
    model: str = ""
    match: Any = None
    prices: tuple[dict[str, Any], ...] = ()
    tiers: dict[str, tuple[dict[str, Any], ...]] = {}


@dataclass(slots=True)
class _Search:
    """One price that is looked for, and the best match so far.

    Args:
        homes: the providers that may have it, the first one first.
        names: the model's, as it is and as it may be written too.
        best: the place of the provider and name that matched; the smallest wins.
    """

    homes: tuple[str, ...]
    names: tuple[str, ...]
    best: tuple[int, int] | None = None
    card: PriceCard | None = None


def find_cards(
    wanted: Mapping[str, Wanted], *, source: Path = SHIPPED
) -> dict[str, PriceCard | None]:
    """Return the card of each target; None where its price is not known.

    Args:
        wanted: by target.
        source: the list.

    Raises:
        OSError: the list cannot be read.
        ValueError: it is no list.
    """
    if not wanted:
        return {}
    with source.open("rb") as lines:
        try:
            return _find(wanted, lines)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{source} is no list of prices: {error}") from error


def _find(wanted: Mapping[str, Wanted], lines: Iterator[bytes]) -> dict[str, PriceCard | None]:
    about = _decode(next(lines, b"{}"))
    name = f"{about.list} {about.sha256[:HASH_CHARS]}"
    providers: list[_Line] = []
    searches: dict[str, _Search] = {}
    homes: tuple[bytes, ...] = ()
    for line in lines:
        if line.startswith(b'{"provider"'):
            providers.append(_decode(line))
            continue
        if not searches:
            searches = {target: _search(each, providers) for target, each in wanted.items()}
            homes = tuple(
                b'{"of":"%s"' % home.encode()
                for home in {home for each in searches.values() for home in each.homes}
            )
        if homes and line.startswith(homes):
            _weigh(_decode(line), searches.values(), name)
    return {target: searches[target].card if target in searches else None for target in wanted}


_decode: Final = msgspec.json.Decoder(_Line).decode


def _search(wanted: Wanted, providers: Sequence[_Line]) -> _Search:
    if wanted.like:
        home, _, model = wanted.like.partition("/")
        found = [each for each in providers if each.provider == home]
    else:
        model = wanted.model
        found = [each for each in providers if re.match(each.address, wanted.address)]
    homes = (found[0].provider, *found[0].others) if found and model else ()
    lower = model.lower()
    return _Search(homes, tuple(dict.fromkeys((lower, _COMPACT_DATE.sub(r"-\1-\2-\3", lower)))))


def _weigh(line: _Line, searches: Any, name: str) -> None:
    """Keep a model's prices where it is what is looked for, and none better came before."""
    card: PriceCard | None = None
    for search in searches:
        if line.of not in search.homes:
            continue
        home = search.homes.index(line.of)
        for place, model in enumerate(search.names):
            # Names as they are come first, in every provider; the first model wins.
            rank = (place, home)
            if (search.best is None or rank < search.best) and matches(line.match, model):
                card = card or _card(line, name)
                search.best, search.card = rank, card


def matches(clause: Sequence[Any], model: str) -> bool:
    """Return whether a model's name, in small letters, is what a clause is about.

    >>> matches(["or", ["equals", "gpt-5"], ["starts_with", "gpt-5-2025"]], "gpt-5-2025-08-07")
    True
    """
    kind, *inner = clause
    match kind:
        case "equals":
            return bool(model == inner[0])
        case "starts_with":
            return model.startswith(inner[0])
        case "ends_with":
            return model.endswith(inner[0])
        case "contains":
            return inner[0] in model
        case "regex":
            return re.search(inner[0], model) is not None
        case "or":
            return any(matches(each, model) for each in inner)
        case "and":
            return all(matches(each, model) for each in inner)
        case _:
            raise msgspec.ValidationError(f"unknown clause {kind!r}")


def _card(line: _Line, name: str) -> PriceCard | None:
    """Return a model's card; None when the list has it without a price."""
    price = f"{name} {line.of}/{line.model}"
    listed = _spans(line.prices, price)
    if not any(span.rates for span in listed):
        return None
    return PriceCard(
        listed, {speed: _spans(prices, f"{price}@{speed}") for speed, prices in line.tiers.items()}
    )


def _spans(prices: Sequence[dict[str, Any]], price: str) -> tuple[PriceSpan, ...]:
    return tuple(
        PriceSpan(
            price,
            FREE.own[0].rates if each.get("free") else _rates(each.get("rates", {})),
            since=each.get("since"),
            hours=tuple(each["hours"]) if "hours" in each else None,
        )
        for each in prices
    )


def _rates(rates: Mapping[str, Any]) -> dict[str, Rate]:
    found = {}
    for name, price in rates.items():
        base, *tiers = price if isinstance(price, list) else [price]
        dearer = tuple((int(above), _rate(name, usd)) for above, usd in tiers)
        found[name] = Rate(_rate(name, base), dearer)
    return found


def _rate(name: str, usd: str) -> int:
    return rate(Decimal(usd), per=MILLION if name.endswith("_tokens") else 1)
