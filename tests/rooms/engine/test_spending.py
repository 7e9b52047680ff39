"""Money on a request's way: reserved before an attempt, settled after it, never passed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from seatrial.engine.answer import answer
from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Short
from seatrial.reliability.budgets import BudgetSettings, Payer, asks_for
from seatrial.reliability.forecast import Thrift
from seatrial.reliability.settings import Policy
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Answered, Refused
from seatrial.values.prices import FREE, MILLION, PriceCard, PriceSpan, Rate, rate
from tests.rooms.engine.stage import WALL_S, Reader, Stage, Target, play, spoken

USED = Usage(input_tokens=1_000, output_tokens=100, raw={})
SAID = Answer("Yours is on its way.", usage=USED)
# 1 dollar per million read, 10 per million written: the answer above costs 0.002 dollars.
RATES = {
    "input_tokens": Rate(rate(Decimal(1), per=MILLION)),
    "output_tokens": Rate(rate(Decimal(10), per=MILLION)),
}
CARD = PriceCard(listed=(PriceSpan("test", RATES),))
COST = Decimal("0.002")


def stage(
    targets: dict[str, Target],
    *,
    usd_day: float | None = 1.0,
    prices: dict[str, PriceCard] | None = None,
    **more: Any,
) -> Stage:
    """Return a stage where every target has prices and the feature has a budget."""
    made = Stage(targets, **more)
    cards = dict.fromkeys(targets, CARD) if prices is None else prices
    budgets = {} if usd_day is None else {"support": BudgetSettings(usd_day=usd_day)}
    made.known = replace(made.known, prices=cards, budgets=budgets)
    return made


async def held(made: Stage, usd_day: float = 1.0) -> Decimal:
    """Return what the feature's account of the day holds, in dollars."""
    asks = asks_for(BudgetSettings(usd_day=usd_day), Payer("support"), pico=1, at=WALL_S + 100)
    (pico,) = await made.world.counters.used(asks)
    return Decimal(pico) / 10**12


def test_cost_stands_in_the_record_and_is_settled() -> None:
    """Per attempt and in all; the account holds exactly that."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]])})
        await made.ask()

        (record,) = made.recorder.records
        assert (COST, 0, COST, "test") == (
            record.cost_usd,
            record.unpriced,
            record.attempts[0].cost_usd,
            record.attempts[0].price,
        )
        assert await held(made) == COST

    play(scene())


def test_unknown_price_is_no_zero() -> None:
    """It is told as unknown."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]])}, prices={}, usd_day=None)
        await made.ask()

        (record,) = made.recorder.records
        assert (None, 1) == (record.cost_usd, record.unpriced)

    play(scene())


def test_model_without_a_price_is_not_asked_under_a_budget() -> None:
    """Nobody could say whether the ceiling holds."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]]), "small": Target([[SAID]])}, prices={"small": CARD})
        settled = await made.ask()

        assert [] == made.targets["large"].calls
        assert "small" == settled.head.target
        assert Cause.OVER_BUDGET.value == made.recorder.records[0].attempts[0].cause

    play(scene())


def test_worst_case_that_does_not_fit_is_not_sent() -> None:
    """The chain goes on with a cheaper target, and says why."""

    async def scene() -> None:
        made = stage(
            {"large": Target([[SAID]]), "small": Target([[SAID]])},
            usd_day=0.01,
            prices={"large": CARD, "small": FREE},
        )
        settled = await made.ask()

        assert [] == made.targets["large"].calls
        assert isinstance(settled.decision, Answered)
        assert "large would cost more than may still be spent" == settled.decision.reason
        assert 0 == await held(made)

    play(scene())


def test_a_dearer_speed_is_reserved_at_its_price() -> None:
    """What fits at the usual speed need not fit at the one that was asked for."""
    dear = PriceSpan("dear", {name: Rate(each.base * 10) for name, each in RATES.items()})
    card = replace(CARD, tiers={"priority": (dear,)})

    async def scene() -> None:
        for speed, asked in (("default", 1), ("priority", 0), ("unheard_of", 0)):
            made = stage({"large": Target([[SAID]])}, usd_day=0.1, prices={"large": card})
            request = made.request()
            body = {**request.body, "service_tier": speed}
            request = msgspec.structs.replace(request, body=body)
            await answer(request, made.known, world=made.world)

            assert asked == len(made.targets["large"].calls), speed

    play(scene())


def test_spent_budget_is_an_error_that_needs_no_retry() -> None:
    """As OpenAI's clients know it."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]])}, usd_day=0.01)
        settled = await made.ask()

        assert isinstance(settled.decision, Refused)
        assert ("budget_spent", None) == (settled.decision.code, settled.decision.retry_after_s)

    play(scene())


def test_answers_are_bounded_so_that_the_worst_case_is_known() -> None:
    """The caller's own bound stays; else one is sent along, and only under a budget."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]])})
        await made.ask()
        assert 4096 == made.targets["large"].calls[0].body["max_completion_tokens"]

        free = stage({"large": Target([[SAID]])}, usd_day=None)
        await free.ask()
        assert "max_completion_tokens" not in free.targets["large"].calls[0].body

        capped = stage({"large": Target([[SAID]])})
        capped.known = replace(capped.known, caps={"large": 100})
        await capped.ask()
        assert "max_completion_tokens" not in capped.targets["large"].calls[0].body

    play(scene())


@pytest.mark.parametrize(
    ("cause", "booked"), [(Cause.OVERLOADED, False), (Cause.CONNECTION_LOST, True)]
)
def test_failed_attempt_frees_what_it_cannot_have_cost(cause: Cause, booked: bool) -> None:
    """What may have been billed stays booked at its worst case."""

    async def scene() -> None:
        made = stage(
            {"large": Target([[Failure(cause, status=529)]]), "small": Target([[SAID]])},
            prices={"large": CARD, "small": FREE},
        )
        await made.ask()

        assert booked == (await held(made) > 0)
        (record,) = made.recorder.records
        assert booked == (record.unpriced > 0)

    play(scene())


def test_stream_is_settled_at_its_end() -> None:
    """By the usage that it reports."""

    async def scene() -> None:
        script = spoken()
        script[-2] = Piece(bare_usage=True, usage=USED)
        made = stage({"large": Target([script])})
        await made.listen(Reader())

        assert await held(made) == COST
        assert made.recorder.records[0].cost_usd == COST

    play(scene())


def test_stream_that_an_error_broke_off_may_have_cost_the_worst() -> None:
    """The same error before a word is free; after some, nobody knows what they cost."""

    async def scene() -> None:
        lost = Failure(Cause.OVERLOADED, status=529)
        made = stage({"large": Target([[*spoken()[:5], lost]])})
        settled = await made.listen(Reader())

        assert settled.began
        assert await held(made) > 0
        assert 1 == made.recorder.records[0].unpriced

    play(scene())


def test_caller_who_leaves_may_have_cost_the_worst() -> None:
    """Nobody knows what was written until then."""

    async def scene() -> None:
        made = stage({"large": Target([[5.0, SAID]])})
        asking = asyncio.ensure_future(made.ask())
        await asyncio.sleep(1.0)
        before = await held(made)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        assert 0 < before == await held(made)
        assert 1 == made.recorder.records[0].unpriced

    play(scene())


def test_repairs_are_booked_as_well() -> None:
    """Every attempt has its own cost."""

    async def scene() -> None:
        from seatrial.reliability.checks.outgoing import OutputPlan
        from seatrial.reliability.checks.settings import OutputSettings

        made = stage(
            {"large": Target([[Answer("x" * 99, usage=USED)], [SAID]])},
            policy=Policy(deadline_s=10.0, repairs=1),
            output=OutputPlan(OutputSettings(max_chars=50)),
        )
        await made.ask()

        (record,) = made.recorder.records
        assert [("", COST), ("repair", COST)] == [
            (each.purpose, each.cost_usd) for each in record.attempts
        ]
        assert 2 * COST == record.cost_usd == await held(made)

    play(scene())


def test_ceiling_is_never_passed_by_many_at_once() -> None:
    """A thousand callers at the edge: the account never holds more than its ceiling."""

    async def scene() -> None:
        made = stage({"large": Target([[0.5, SAID]])}, usd_day=1.0)
        highest = Decimal(0)

        async def watch() -> None:
            nonlocal highest
            for _ in range(40):
                highest = max(highest, await held(made))
                await asyncio.sleep(0.02)

        watching = asyncio.ensure_future(watch())
        await asyncio.gather(*(made.ask(f"Question {i}") for i in range(1_000)))
        await watching

        spent = sum((each.cost_usd or Decimal(0)) for each in made.recorder.records)
        assert spent == await held(made)
        assert 0 < highest <= 1
        assert len(made.targets["large"].calls) < 1_000

    play(scene())


class Away:
    """Counters that do not answer."""

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        raise CountersUnavailable("The counters are away.")

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        raise CountersUnavailable("The counters are away.")


def test_money_is_not_spent_uncounted() -> None:
    """A hard ceiling holds while nobody can count."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]])})
        made.world = replace(made.world, counters=Away())  # type: ignore[arg-type]
        settled = await made.ask()

        assert [] == made.targets["large"].calls
        assert isinstance(settled.decision, Refused)

    play(scene())


def test_what_matters_less_begins_at_a_cheaper_tier() -> None:
    """While the forecast passes the month's budget; what matters stays with the first."""

    async def scene() -> None:
        made = stage({"large": Target([[SAID]]), "small": Target([[SAID]])})
        made.world.thrift["support"] = Thrift(frozenset({Criticality.DEFAULT}), "It is dear.")
        settled = await made.ask()

        assert isinstance(settled.decision, Answered)
        assert ("small", 1) == (settled.decision.target, settled.decision.tier)
        assert "large was spared: the month will cost more than its budget" == (
            settled.decision.reason
        )
        made.world.thrift["support"] = Thrift(frozenset({Criticality.BATCH}), "It is dear.")
        assert "large" == (await made.ask()).head.target

    play(scene())
