"""Costs worked out by hand, against what the code says."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from seatrial.prices import PriceSettings, Wanted, card_of, find_cards
from seatrial.providers import anthropic_reply, openai_usage
from seatrial.reliability.costs import Cost, cost, worst_case
from seatrial.values.chat import Usage
from seatrial.values.prices import PriceCard

CASES: Final[list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("examples.toml").read_text(encoding="utf-8")
)["case"]
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESSES: Final = {
    "anthropic": "https://api.anthropic.com",
    "azure": "https://ours.openai.azure.com/openai/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "cohere": "https://api.cohere.ai/compatibility/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "perplexity": "https://api.perplexity.ai",
    "x-ai": "https://api.x.ai/v1",
}


def card_for(case: dict[str, Any]) -> PriceCard | None:
    """Find the prices as a configuration would."""
    home, model = case["model"].split(" ")
    settings = PriceSettings(**case.get("price", {}))
    address = ADDRESSES.get(home, home)
    wanted = Wanted(like=settings.like) if settings.like else Wanted(address, model)
    return card_of(settings, find_cards({"target": wanted})["target"])


def usage_in(case: dict[str, Any]) -> Usage | None:
    """Read the report as the provider's adapter does."""
    raw = case.get("usage")
    if case["model"].startswith("anthropic "):
        return anthropic_reply.usage_of(raw)
    return openai_usage.usage_of(raw, service_tier=case.get("tier"))


def moment(case: dict[str, Any]) -> float:
    """When it happened."""
    at: datetime = case.get("at", NOON)
    return at.timestamp()


def by_hand(terms: str) -> Fraction:
    """Work out a sum of products: per million tokens, or per call."""
    total = Fraction(0)
    for term in terms.split("+"):
        count, price = term.split(" x ")
        number, _, unit = count.strip().partition(" ")
        assert unit in {"", "calls"}
        total += Fraction(number) * Fraction(price.strip()) / (1 if unit else 1_000_000)
    return total


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_the_cost_is_what_it_is_by_hand(case: dict[str, Any]) -> None:
    """To the last decimal; or unknown, with what is missing, and never 0 instead."""
    usage = usage_in(case)
    found: Cost = cost(usage, card_for(case), at=moment(case))

    if "unknown" in case:
        assert found.total is None
        assert tuple(case["unknown"]) == found.unknown
        return
    assert Fraction(case["usd"]) == by_hand(case["sum"]), "the hand is wrong"
    assert Decimal(case["usd"]) == found.total
    assert found.price
    assert not found.estimated
    assert found.pico == sum(found.parts.values())


@pytest.mark.parametrize(
    "case", [case for case in CASES if "usd" in case], ids=lambda case: case["what"]
)
def test_the_worst_case_is_no_less(case: dict[str, Any]) -> None:
    """Of as many tokens, searches of the provider's own apart."""
    usage = usage_in(case)
    assert usage is not None
    found = cost(usage, card_for(case), at=moment(case))

    worst = worst_case(
        card_for(case),
        prompt_tokens=usage.all_input_tokens,
        max_output_tokens=usage.all_output_tokens,
        at=moment(case),
        tier=usage.service_tier,
    )

    assert worst is not None
    assert found.total is not None
    searches = Decimal(found.parts.get("web_searches", 0)) / 10**12
    assert worst >= found.total - searches


def test_there_are_enough_of_them() -> None:
    """Sixty, of a dozen providers, and only those that must be are unknown or nothing."""
    names = [case["what"] for case in CASES]

    assert len(set(names)) == len(names) >= 60
    assert 12 <= len({case["model"].split(" ")[0] for case in CASES} & ADDRESSES.keys())
    assert ["OpenRouter: a model that is free by name", "A server of one's own costs nothing"] == [
        case["what"] for case in CASES if case.get("usd") == "0"
    ]
