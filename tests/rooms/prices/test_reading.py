"""Finding a target's card in a list, and the operator's own prices over it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from seatrial.prices import PriceSettings, Wanted, card_of, find_cards
from seatrial.reliability.costs import cost
from seatrial.values.chat import Usage
from seatrial.values.prices import FREE, PriceCard

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
ONE = Usage(input_tokens=1_000_000, raw={})


def price(card: PriceCard | None, *, at: float = NOON) -> Decimal | None:
    """What a million tokens read cost."""
    return cost(ONE, card, at=at).total


def write(file: Path, *lines: dict[str, object]) -> Path:
    """Write a list."""
    file.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines))
    return file


def model(of: str, name: str, usd: str, *clause: object) -> dict[str, object]:
    """A model of a list, with the price of what is read."""
    match = clause or ("equals", name)
    return {
        "of": of,
        "model": name,
        "match": match,
        "prices": [{"rates": {"input_tokens": usd}}],
    }


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A list of two providers, one of which offers the other's models."""
    return write(
        tmp_path / "list.jsonl",
        {"list": "test 1", "sha256": "0123456789"},
        {"provider": "maker", "address": "https://api\\.maker\\.example"},
        {"provider": "cloud", "address": "https://.*\\.cloud\\.example", "others": ["maker"]},
        model("maker", "big", "1", "or", ["equals", "big"], ["starts_with", "big-"]),
        model("maker", "big-dated", "2", "equals", "big-2026-01-02"),
        model("maker", "odd", "5", "and", ["contains", "x"], ["ends_with", "y"]),
        model("maker", "late", "6", "regex", "^late-2026-0[12]-03$"),
        model("maker", "two-20260103", "7"),
        model("cloud", "two-2026-01-03", "8"),
        model("cloud", "small", "3"),
        {"of": "cloud", "model": "gift", "match": ["equals", "gift"], "prices": [{"free": True}]},
        {"of": "cloud", "model": "dark", "match": ["equals", "dark"], "prices": [{"rates": {}}]},
    )


@pytest.mark.parametrize(
    ("address", "name", "usd"),
    [
        ("https://api.maker.example/v1", "big", "1"),
        ("https://api.maker.example/v1", "BIG-2026-01-02", "1"),  # the first one in the list
        ("https://api.maker.example/v1", "small", None),
        ("https://eu.cloud.example", "small", "3"),
        ("https://eu.cloud.example", "big", "1"),  # the maker's price
        ("https://eu.cloud.example", "gift", "0"),
        ("https://eu.cloud.example", "dark", None),
        ("https://api.maker.example", "wxyy", "5"),
        ("https://api.maker.example", "wxyz", None),
        ("https://api.maker.example", "late-20260103", "6"),
        ("https://eu.cloud.example", "two-2026-01-03", "8"),
        ("https://eu.cloud.example", "two-20260103", "7"),  # as it is written comes first
        ("https://api.maker.example", "", None),
        ("http://127.0.0.1:8000/v1", "big", None),  # a name alone says nothing of who bills
    ],
)
def test_the_address_and_the_model_decide(
    small: Path, address: str, name: str, usd: str | None
) -> None:
    """What is not in the list has no known price."""
    card = find_cards({"t": Wanted(address, name)}, source=small)["t"]

    assert (None if usd is None else Decimal(usd)) == price(card)


def test_a_target_may_have_the_price_of_another(small: Path) -> None:
    """For a gateway whose address the list does not know."""
    wanted = {
        "good": Wanted("http://proxy:4000", "big", like="cloud/small"),
        "bad": Wanted("http://proxy:4000", "big", like="nobody/small"),
        "worse": Wanted(like="small"),
    }
    found = find_cards(wanted, source=small)

    assert Decimal(3) == price(found["good"])
    assert (None, None) == (found["bad"], found["worse"])


def test_a_price_is_named_by_its_list(small: Path) -> None:
    """Its version, its hash, the provider and the model."""
    card = find_cards({"t": Wanted(like="cloud/small")}, source=small)["t"]

    assert "test 1 01234567 cloud/small" == cost(ONE, card, at=NOON).price


def test_what_is_no_list_is_said_to_be_none(tmp_path: Path) -> None:
    """A list of another program, an odd clause, an empty file."""
    head = {"list": "x"}, {"provider": "p", "address": "http://p"}
    odd = write(tmp_path / "odd", *head, model("p", "m", "1", "sounds_like", "m"))
    text = tmp_path / "text"
    text.write_text("hello\n")
    empty = tmp_path / "empty"
    empty.touch()

    for file in (odd, text):
        with pytest.raises(ValueError, match="no list of prices"):
            find_cards({"t": Wanted("http://p", "m")}, source=file)
    assert {"t": None} == find_cards({"t": Wanted("http://p", "m")}, source=empty)
    assert {} == find_cards({}, source=tmp_path / "absent")
    with pytest.raises(OSError, match="absent"):
        find_cards({"t": Wanted()}, source=tmp_path / "absent")


def test_the_operator_knows_better_than_the_list(small: Path) -> None:
    """Only while their prices hold; both days are included."""
    listed = find_cards({"t": Wanted(like="cloud/small")}, source=small)["t"]
    mine = PriceSettings(
        input_usd_mtok=0.1, valid_from=date(2026, 11, 22), valid_until=date(2026, 11, 30)
    )
    card = card_of(mine, listed)

    def on(*moment: int) -> Decimal | None:
        return price(card, at=datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]

    assert Decimal(3) == on(2026, 11, 21, 23, 59, 59)
    assert Decimal("0.1") == on(2026, 11, 22) == on(2026, 11, 30, 23, 59, 59)
    assert Decimal(3) == on(2026, 12, 1)
    assert price(card_of(mine, None), at=0.0) is None


def test_every_setting_prices_its_class() -> None:
    """Exactly as it was written, per million tokens or per call."""
    settings = PriceSettings(
        input_usd_mtok=0.1,
        cached_usd_mtok=0.2,
        cache_write_usd_mtok=0.3,
        cache_write_1h_usd_mtok=0.4,
        output_usd_mtok=0.5,
        reasoning_usd_mtok=0.6,
        input_audio_usd_mtok=0.7,
        output_audio_usd_mtok=0.8,
        request_usd=0.001,
        web_search_usd=0.01,
    )
    usage = Usage(
        input_tokens=10,
        cached_tokens=10,
        cache_write_tokens=10,
        cache_write_1h_tokens=10,
        output_tokens=10,
        reasoning_tokens=10,
        input_audio_tokens=10,
        output_audio_tokens=10,
        web_searches=1,
    )

    found = cost(usage, card_of(settings, None), at=NOON)

    # 10 x (0.1 + 0.2 + … + 0.8) per million, 0.001 for the call and 0.01 for the search.
    assert Decimal("0.011036") == found.total
    other = cost(usage, card_of(PriceSettings(input_usd_mtok=0.1), None), at=NOON)
    assert found.price.startswith("own ")
    assert found.price != other.price


def test_free_and_unset() -> None:
    """Free is free; nothing said is what the list says."""
    assert FREE is card_of(PriceSettings(free=True), None)
    assert card_of(PriceSettings(), None) is None
    assert FREE is card_of(PriceSettings(like="a/b"), FREE)
