"""What targets cost, as the file says it; and budgets that need to know."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import jsonschema_rs

from seatrial.config import Config, load
from seatrial.config.show import schema, show
from seatrial.reliability.costs import cost, worst_case
from seatrial.values.chat import Usage
from seatrial.values.prices import FREE

Write = Callable[..., Path]

OWN = """
[targets.free]
base_url = "http://127.0.0.1:1/v1"
price = 0

[targets.unknown]
base_url = "http://127.0.0.1:2/v1"
model = "gpt-5.1"

[targets.proxied]
base_url = "http://127.0.0.1:3/v1"
price.like = "openai/gpt-5.1"

[targets.ours]
base_url = "http://127.0.0.1:4/v1"
[targets.ours.price]
input_usd_mtok = 0.1
output_usd_mtok = 1
cached_usd_mtok = 0.025
valid_from = 2026-01-01

[targets.rules]
provider = "python"
call = "math:sqrt"
price.request_usd = 0.001

[features.support]
route = ["free", "proxied", "ours", "rules"]
budgets = { usd_day = 0.5, user_usd_month = 1 }

[features.other]
route = ["unknown"]
"""


def test_known_models_have_their_price(example: Config) -> None:
    """By the provider's own address and the model."""
    used = Usage(input_tokens=1_000_000, raw={})
    large, small = (cost(used, example.cards[name], at=1.79e9) for name in ("large", "small"))

    assert (Decimal("1.25"), Decimal(1)) == (large.total, small.total)
    assert large.price.endswith(" openai/gpt-5.1")


def test_an_operator_says_what_the_list_does_not_know(write: Write) -> None:
    """Free, like another, or in figures; what nobody says stays unknown."""
    config = load(write(OWN), environ={})

    assert {"free", "proxied", "ours", "rules"} == set(config.cards)
    assert FREE is config.cards["free"]
    used = Usage(cached_tokens=40, output_tokens=1, raw={})
    # 40 x 0.025 + 1 x 1 per million.
    assert Decimal("0.000002") == cost(used, config.cards["ours"], at=1.79e9).total
    assert cost(used, config.cards["ours"], at=1.7e9).total is None
    assert "openai/gpt-5.1" in cost(used, config.cards["proxied"], at=1.79e9).price
    assert (0.5, 1) == (
        config.features["support"].budgets.usd_day,
        config.features["support"].budgets.user_usd_month,
    )


def test_the_speed_that_a_target_is_asked_for_counts(write: Write) -> None:
    """Its worst case is that of its speed; a server of one's own has none."""
    text = """
[targets.quick]
model = "gpt-5.1"
api_key = "env:KEY"
parameters.service_tier = "priority"

[targets.fast]
provider = "anthropic"
model = "claude-opus-5"
api_key = "env:KEY"
parameters.speed = "fast"

[targets.own]
base_url = "http://127.0.0.1:1/v1"
parameters.service_tier = "priority"
price = 0

[features.support]
route = ["quick", "fast", "own"]
"""
    cards = load(write(text), environ={"KEY": "k"}).cards

    assert ["priority", "fast", ""] == [cards[name].asked for name in ("quick", "fast", "own")]
    worst = worst_case(cards["quick"], prompt_tokens=1_000, max_output_tokens=500, at=1.795e9)
    # 1000 x 2.5 + 500 x 20 per million.
    assert Decimal("0.0125") == worst


def test_prices_and_budgets_are_shown_with_their_origin(write: Write) -> None:
    """A price of 0 as free."""
    rows = {row.path: row for row in show(load(write(OWN), environ={}))}

    assert ("true", "seatrial.toml:4") == (
        rows["targets.free.price.free"].value,
        rows["targets.free.price.free"].origin,
    )
    assert "2026-01-01" == rows["targets.ours.price.valid_from"].value
    assert "seatrial.toml:29" == rows["features.support.budgets.usd_day"].origin


def test_editors_take_a_price_of_nothing() -> None:
    """The schema knows `price = 0` beside the table."""
    validator = jsonschema_rs.validator_for(schema())

    def fits(price: object) -> bool:
        return validator.is_valid({"targets": {"a": {"price": price}}})

    assert fits(0)
    assert fits({"input_usd_mtok": 1})
    assert not fits(5)
    assert not fits({"input": 1})
