"""What attempts cost, and can cost at most: exact, and unknown where it is unknown."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.costs import (
    NOTHING,
    UNBILLED,
    Cost,
    cost,
    cost_of_failure,
    span_at,
    worst_case,
    worst_case_pico,
)
from seatrial.values.attempts import Cause
from seatrial.values.chat import Usage
from seatrial.values.prices import (
    CLASSES,
    FREE,
    MILLION,
    READ,
    REQUESTS,
    TOOLS,
    WRITTEN,
    PriceCard,
    PriceSpan,
    Rate,
    dollars,
    exactly,
    pico_of,
    rate,
)

DAY = 86_400.0


def mtok(usd: str) -> Rate:
    """Price a million tokens."""
    return Rate(rate(Decimal(usd), per=MILLION))


def span(name: str = "list", **prices: str) -> PriceSpan:
    """Price classes per million tokens, and tools and requests by the piece."""
    by_the_piece = (*TOOLS, REQUESTS)
    return PriceSpan(
        name,
        {
            each: Rate(rate(Decimal(usd))) if each in by_the_piece else mtok(usd)
            for each, usd in prices.items()
        },
    )


def card(**prices: str) -> PriceCard:
    """A card of one list of prices."""
    return PriceCard((span(**prices),))


def reported(**counts: int) -> Usage:
    """What a provider reported."""
    return Usage(**counts, raw={})  # type: ignore[arg-type]  # counts are no raw report


def test_classes_are_priced_apart() -> None:
    """Each at its own price, and the parts are told."""
    prices = card(input_tokens="3", cached_tokens="0.3", output_tokens="15", web_searches="0.01")
    usage = reported(input_tokens=1_000, cached_tokens=500, output_tokens=200, web_searches=2)

    found = cost(usage, prices, at=0.0)

    # 1000 x 3e-6 + 500 x 0.3e-6 + 200 x 15e-6 + 2 x 0.01 = 0.003 + 0.00015 + 0.003 + 0.02
    assert Decimal("0.02615") == found.total
    assert [3_000_000_000, 150_000_000, 3_000_000_000, 20_000_000_000] == list(found.parts.values())
    assert ("list", (), False) == (found.price, found.unknown, found.estimated)


def test_a_class_without_a_price_of_its_own_costs_what_its_kind_costs() -> None:
    """Reasoning as output, what is cached as input: never nothing."""
    prices = card(input_tokens="1", output_tokens="2")
    for name in READ:
        assert Decimal("0.000010") == cost(reported(**{name: 10}), prices, at=0.0).total
    for name in WRITTEN:
        assert Decimal("0.000020") == cost(reported(**{name: 10}), prices, at=0.0).total


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_was_used_and_has_no_price_makes_the_cost_unknown(name: str) -> None:
    """Whatever is known of the rest."""
    others = [each for each in CLASSES if (each in WRITTEN) != (name in WRITTEN)]
    prices = card(**{each: "1" for each in others if each not in TOOLS})

    found = cost(reported(**{name: 1, others[0]: 1}), prices, at=0.0)

    assert (None, None, (name,)) == (found.total, found.pico, found.unknown)
    assert {others[0]: 1_000_000} == found.parts


def test_what_nobody_reported_is_unknown() -> None:
    """No report, no card, or none that holds yet: unknown, never 0."""
    early = PriceCard(own=(PriceSpan("own", {"input_tokens": mtok("1")}, since=10.0),))

    assert Cost(None, unknown=("usage",)) == cost(None, card(input_tokens="1"), at=0.0)
    assert Cost(None, unknown=("usage",)) == cost(None, None, at=0.0)
    assert Cost(None, unknown=("price",)) == cost(reported(), None, at=0.0)
    assert cost(reported(input_tokens=1), early, at=9.9).total is None
    assert Decimal("0.000001") == cost(reported(input_tokens=1), early, at=10.0).total


def test_estimates_say_so() -> None:
    """A cost of estimated tokens is an estimate."""
    assert cost(Usage(input_tokens=1), card(input_tokens="1"), at=0.0).estimated
    assert cost(Usage(input_tokens=1), None, at=0.0).estimated


def test_free_is_zero_and_says_why() -> None:
    """A server of one's own costs nothing, searches included, whether it reports or not."""
    silent = cost(None, FREE, at=0.0)
    assert (Decimal(0), "free") == (silent.total, silent.price)
    found = cost(reported(**dict.fromkeys(CLASSES, 7)), FREE, at=0.0)

    assert (Decimal(0), "free") == (found.total, found.price)
    assert Decimal(0) == worst_case(FREE, prompt_tokens=10**6, max_output_tokens=10**6, at=0.0)


@pytest.mark.parametrize("cause", list(Cause))
def test_only_what_the_target_declined_is_free_without_a_report(cause: Cause) -> None:
    """A timeout may have been billed: its cost is unknown.  A report counts in any case."""
    prices = card(input_tokens="1")

    silent = cost_of_failure(cause, None, prices, at=0.0)

    assert (0 if cause in UNBILLED else None) == silent.pico
    assert (NOTHING == silent) == (cause in UNBILLED)
    told = cost_of_failure(cause, reported(input_tokens=5), prices, at=0.0)
    assert Decimal("0.000005") == told.total


def test_a_long_prompt_raises_the_price_of_every_token() -> None:
    """What counts is everything that was read, cached parts too; the bound itself is cheap."""
    tiers = {
        "input_tokens": Rate(2 * 10**12, ((200, 4 * 10**12), (500, 9 * 10**12))),
        "output_tokens": Rate(10**12, ((200, 3 * 10**12),)),
    }
    prices = PriceCard((PriceSpan("list", tiers),))

    def total(read: int, cached: int) -> Decimal | None:
        usage = reported(input_tokens=read, cached_tokens=cached, output_tokens=1)
        return cost(usage, prices, at=0.0).total

    assert Decimal("0.000401") == total(100, 100)  # 200 x 2 + 1 x 1, per million
    assert Decimal("0.000807") == total(100, 101)  # 201 x 4 + 1 x 3
    assert Decimal("0.004512") == total(501, 0)  # 501 x 9 + 1 x 3


def test_prices_change_by_date_and_by_the_hour() -> None:
    """The last one that holds counts; hours may pass midnight."""
    ones = [{"input_tokens": mtok(each)} for each in "12345"]
    prices = PriceCard(
        (
            PriceSpan("first", ones[0]),
            PriceSpan("second", ones[1], since=10 * DAY),
            PriceSpan("night", ones[2], since=20 * DAY, hours=(22 * 3600, 6 * 3600)),
            PriceSpan("noon", ones[3], since=20 * DAY, hours=(12 * 3600, 13 * 3600)),
        ),
        own=(PriceSpan("own", ones[4], since=30 * DAY, until=31 * DAY),),
    )

    def name(days: float, hours: float = 0.0) -> str:
        return cost(Usage(input_tokens=1), prices, at=days * DAY + hours * 3600).price

    assert ["first", "second", "second"] == [name(0), name(10), name(19, 12)]
    assert ["night", "night", "second"] == [name(20, 0), name(20, 5.99), name(20, 6)]
    assert ["noon", "second", "second"] == [name(20, 12), name(20, 13), name(20, 11.99)]
    assert ["night", "second"] == [name(20, 22), name(20, 21.99)]
    assert ["own", "own", "night"] == [name(30), name(30, 23.99), name(31)]


def test_a_speed_has_its_own_prices() -> None:
    """Unknown speeds have unknown prices, but an operator's own price holds at every speed."""
    prices = PriceCard(
        (span("usual", input_tokens="1"),), tiers={"priority": (span("fast", input_tokens="2"),)}
    )

    def total(speed: str, prices: PriceCard = prices) -> Decimal | None:
        return cost(Usage(input_tokens=1, service_tier=speed), prices, at=0.0).total

    assert Decimal("0.000001") == total("") == total("default") == total("standard")
    assert Decimal("0.000002") == total("priority")
    assert total("flex") is None
    mine = PriceCard(prices.listed, prices.tiers, own=(span("own", input_tokens="7"),))
    assert {Decimal("0.000007")} == {total(each, mine) for each in ("", "priority", "flex")}
    assert span_at(PriceCard(), 0.0) is None


def test_the_worst_case_is_the_dearest_of_everything() -> None:
    """The dearest class, tier, hour and the price that begins within the hour."""
    prices = PriceCard(
        (
            span("old", input_tokens="90", output_tokens="90"),
            PriceSpan(
                "new",
                {
                    "input_tokens": Rate(10**12, ((100, 3 * 10**12),)),
                    "cache_write_tokens": Rate(2 * 10**12),
                    "output_tokens": mtok("5"),
                    REQUESTS: Rate(rate(Decimal("0.005"))),
                },
                since=DAY,
            ),
            PriceSpan(
                "day",
                {"input_tokens": mtok("4"), "output_tokens": mtok("5")},
                since=DAY,
                hours=(0, 100),
            ),
        )
    )

    def worst(read: int, written: int, at: float, prices: PriceCard | None = prices) -> object:
        return worst_case(prices, prompt_tokens=read, max_output_tokens=written, at=at)

    # By night: 100 x 2 + 10 x 5 per million + 0.005; by day 100 x 4 + 10 x 5.
    assert Decimal("0.00525") == worst(100, 10, 2 * DAY)
    # The tier above 100: 2000 x 3 + 0.005 against 2000 x 4 by day.
    assert Decimal("0.011") == worst(2_000, 0, 2 * DAY)
    assert Decimal("0.08") == worst(20_000, 0, 2 * DAY)  # by day without the fee
    # The old price still holds now, the new one in an hour.
    assert Decimal("0.0099") == worst(100, 10, DAY - 1)
    assert worst(1, 1, 0.0, None) is None


@pytest.mark.parametrize(("begins_s", "worst"), [(0, 9), (3_599, 9), (3_600, 9), (7_201, 1)])
def test_a_price_that_soon_begins_counts_already(begins_s: int, worst: int) -> None:
    """An attempt may run into it."""
    dear = {"input_tokens": mtok("9"), "output_tokens": mtok("9")}
    prices = PriceCard(
        (span(input_tokens="1", output_tokens="1"), PriceSpan("new", dear, since=DAY + begins_s))
    )
    assert worst * 1_000_000 == worst_case_pico(
        prices, prompt_tokens=1, max_output_tokens=0, at=DAY
    )


def test_the_worst_case_of_a_speed() -> None:
    """The speed that was asked for counts, and so does the usual one it may fall back to."""
    prices = PriceCard(
        (span(input_tokens="2", output_tokens="2"),),
        tiers={
            "flex": (span(input_tokens="1", output_tokens="1"),),
            "priority": (span(input_tokens="4", output_tokens="4"),),
        },
    )

    def worst(speed: str, prices: PriceCard = prices) -> int | None:
        return worst_case_pico(prices, prompt_tokens=1, max_output_tokens=1, at=0.0, tier=speed)

    assert 4_000_000 == worst("")
    assert [4_000_000, 8_000_000, None] == [worst("flex"), worst("priority"), worst("other")]
    own = PriceCard(prices.listed, prices.tiers, own=(span(input_tokens="1", output_tokens="1"),))
    assert 2_000_000 == worst("priority", own) == worst("other", own)
    asked = PriceCard(prices.listed, prices.tiers, asked="priority")
    assert [8_000_000, 4_000_000] == [worst("", asked), worst("flex", asked)]


@pytest.mark.parametrize(
    ("prices", "read", "written", "known"),
    [
        (card(input_tokens="1"), 5, 0, True),
        (card(input_tokens="1"), 5, 1, False),
        (card(output_tokens="1"), 0, 5, True),
        (card(output_tokens="1"), 1, 5, False),
        (PriceCard(), 1, 1, False),
    ],
)
def test_the_worst_case_is_unknown_without_a_price(
    prices: PriceCard, read: int, written: int, known: bool
) -> None:
    """Tokens that may be used and have no price have no worst case."""
    found = worst_case(prices, prompt_tokens=read, max_output_tokens=written, at=0.0)
    assert known == (found is not None)


PRICES = st.decimals(0, 1_000, places=6).map(lambda usd: Rate(rate(usd, per=MILLION)))
TIERED = st.builds(
    lambda base, tiers: Rate(base.base, tuple(sorted((n, r.base) for n, r in tiers.items()))),
    PRICES,
    st.dictionaries(st.integers(0, 5_000), PRICES, max_size=3),
)
SPANS = st.builds(
    PriceSpan,
    price=st.just("list"),
    rates=st.dictionaries(st.sampled_from((*READ, *WRITTEN)), TIERED)
    .map(lambda rates: {"input_tokens": Rate(7), "output_tokens": Rate(3)} | rates)
    .flatmap(
        lambda rates: st.booleans().map(lambda fee: rates | ({REQUESTS: Rate(5)} if fee else {}))
    ),
    since=st.none() | st.integers(0, 4).map(lambda day: day * DAY),
    until=st.none() | st.integers(2, 6).map(lambda day: day * DAY),
    hours=st.none() | st.tuples(st.integers(0, 86_399), st.integers(0, 86_399)),
)
CARDS = st.builds(
    PriceCard,
    listed=st.lists(SPANS, max_size=4).map(tuple),
    tiers=st.dictionaries(st.just("priority"), st.lists(SPANS, max_size=2).map(tuple)),
    own=st.lists(SPANS, max_size=2).map(tuple),
)


@given(
    prices=CARDS,
    counts=st.dictionaries(st.sampled_from((*READ, *WRITTEN)), st.integers(0, 6_000)),
    speed=st.sampled_from(["", "priority"]),
    at=st.floats(0, 5 * DAY, allow_nan=False),
    later=st.sampled_from([0.0, 3_600.0]),
)
def test_no_attempt_costs_more_than_its_worst_case(
    prices: PriceCard, counts: dict[str, int], speed: str, at: float, later: float
) -> None:
    """Whatever the classes, hours and tiers: an unknown cost apart, which is never reserved."""
    usage = Usage(**counts, service_tier=speed)  # type: ignore[arg-type]  # counts are no report
    found = cost(usage, prices, at=at + later)

    worst = worst_case_pico(
        prices,
        prompt_tokens=usage.all_input_tokens,
        max_output_tokens=usage.all_output_tokens,
        at=at,
        tier=speed,
    )

    if worst is not None and found.pico is not None:
        assert found.pico <= worst
        assert found.pico == sum(found.parts.values())


@given(usd=st.decimals(-(10**6), 10**6, places=12))
def test_dollars_and_their_parts_are_the_same_number(usd: Decimal) -> None:
    """Exactly, with no idle zeros, in whatever precision the application calculates."""
    with decimal.localcontext(decimal.Context(prec=3)):
        pico = pico_of(usd)
        back = dollars(pico)
    assert Fraction(usd) == Fraction(back) == Fraction(pico, 10**12)
    assert not f"{back:f}".endswith("0") or "." not in f"{back:f}"


@given(text=st.decimals(0, 10**6, places=6).map(str))
def test_a_number_from_a_file_is_the_number_that_was_written(text: str) -> None:
    """A parser's float stands for the text that it was made of."""
    assert Decimal(text) == exactly(float(text))
    assert Decimal(text) * 10**12 == rate(exactly(float(text)), per=MILLION)
