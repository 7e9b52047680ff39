"""Two targets at once: the faster one answers, and nothing becomes worse for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from seatrial.engine.answer import answer
from seatrial.reliability.budgets import BudgetSettings, Payer, asks_for
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import OutputSettings
from seatrial.reliability.hedging import HedgeSettings
from seatrial.reliability.settings import Policy, RetrySettings, TargetRules
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.decisions import Answered, Refused, Settled
from seatrial.values.prices import MILLION, PriceCard, PriceSpan, Rate, rate
from tests.rooms.engine.stage import GOOD, HANG, WALL_S, Reader, Stage, Target, now, play, spoken

USUAL_S = 1.0
OTHER = Answer("It is on its way.")
DOWN = Failure(Cause.SERVER_ERROR)
ONCE = {name: TargetRules(name, retry=RetrySettings(tries=1)) for name in ("large", "small")}
CARD = PriceCard(
    listed=(
        PriceSpan(
            "test",
            {
                "input_tokens": Rate(rate(Decimal(1), per=MILLION)),
                "output_tokens": Rate(rate(Decimal(1), per=MILLION)),
            },
        ),
    )
)


def stage(large: list[Any], small: list[Any], *, share: float = 1.0, **more: Any) -> Stage:
    """Return a stage where the first target usually takes a second."""
    made = Stage(
        {"large": Target(large), "small": Target(small)},
        hedge=HedgeSettings(share=share),
        **more,
    )
    learnt = made.health._target("large")
    learnt.whole.typical_s = learnt.streamed.typical_s = USUAL_S
    return made


def said(settled: Settled) -> tuple[str | None, str, int]:
    """Return the text, the target and its tier."""
    decision = settled.decision
    assert isinstance(decision, Answered), decision
    return decision.answer.text, decision.target, decision.tier


def told(made: Stage, at: int = 0) -> list[tuple[str, str, str]]:
    """Return target, purpose and cause of every attempt of a record."""
    return [(each.target, each.purpose, each.cause) for each in made.recorder.records[at].attempts]


def test_quick_target_is_asked_alone() -> None:
    """Nobody else hears of it."""

    async def scene() -> None:
        made = stage([[0.9, GOOD]], [[OTHER]])

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert [("large", "", "")] == told(made)
        made.check_at_rest()

    play(scene())


def test_faster_one_answers() -> None:
    """It is labelled with its tier and the reason; the other one is cancelled and told."""

    async def scene() -> None:
        made = stage([[5.0, GOOD]], [[0.2, OTHER]])
        started = now()
        settled = await made.ask()

        assert (OTHER.text, "small", 1) == said(settled)
        assert now() - started == pytest.approx(1.2, abs=0.05)
        assert "large was slower than another target" == made.recorder.records[0].reason
        assert [("small", "hedge", ""), ("large", "", "overtaken")] == told(made)
        assert 1 == len(made.targets["large"].cancelled_at)
        made.check_at_rest()

    play(scene())


def test_first_may_still_win() -> None:
    """Then the second is the one that is cancelled."""

    async def scene() -> None:
        made = stage([[1.5, GOOD]], [[3.0, OTHER]])

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert [("large", "", ""), ("small", "hedge", "overtaken")] == told(made)
        assert 1 == len(made.targets["small"].cancelled_at)
        made.check_at_rest()

    play(scene())


@pytest.mark.parametrize("bad", [DOWN, Failure(Cause.BAD_REQUEST), Answer(""), ValueError("a bug")])
def test_failed_second_changes_nothing(bad: Any) -> None:
    """The first one is waited for as ever."""

    async def scene() -> None:
        made = stage([[2.0, GOOD]], [[0.1, bad]])

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert ["large", "small"] == [target for target, *_ in told(made)]
        made.check_at_rest()

    play(scene())


@pytest.mark.parametrize("cause", [Cause.SERVER_ERROR, Cause.OVERLOADED, Cause.KEY_REFUSED])
def test_second_has_a_head_start_when_the_first_fails(cause: Cause) -> None:
    """The plan goes on to the very call that is on its way."""

    async def scene() -> None:
        made = stage([[2.0, Failure(cause)]], [[2.0, OTHER]], rules=ONCE)
        started = now()

        assert (OTHER.text, "small", 1) == said(await made.ask())
        assert now() - started == pytest.approx(3.0, abs=0.1)
        assert 1 == len(made.targets["small"].calls)
        assert [("large", "", cause.value), ("small", "hedge", "")] == told(made)
        made.check_at_rest()

    play(scene())


def test_second_that_failed_before_is_asked_afresh() -> None:
    """Its turn comes as it would have without a hedge."""

    async def scene() -> None:
        made = stage([[3.0, DOWN]], [[0.1, DOWN], [OTHER]], rules=ONCE)

        assert (OTHER.text, "small", 1) == said(await made.ask())
        assert 2 == len(made.targets["small"].calls)
        made.check_at_rest()

    play(scene())


def test_first_is_retried_while_the_second_runs() -> None:
    """As ever; whoever is on its way meanwhile is stopped once there is an answer."""

    async def scene() -> None:
        made = stage([[1.5, DOWN], [0.1, GOOD]], [[HANG]])

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert [
            ("large", "", "server_error"),
            ("large", "", ""),
            ("small", "hedge", "overtaken"),
        ] == told(made)
        made.check_at_rest()

    play(scene())


def test_final_failure_of_the_first_is_final() -> None:
    """The caller hears it, and the second is stopped."""

    async def scene() -> None:
        made = stage([[1.5, Failure(Cause.BAD_REQUEST)]], [[HANG]])
        settled = await made.ask()

        assert isinstance(settled.decision, Refused)
        assert "invalid_request" == settled.decision.code
        assert [("large", "", "bad_request"), ("small", "hedge", "overtaken")] == told(made)
        made.check_at_rest()

    play(scene())


@pytest.mark.parametrize("says", ["refuse", "hand_off"])
def test_refused_answer_of_the_second_leaves_the_first_in_place(says: str) -> None:
    """It was not stopped, and is waited for."""

    async def scene() -> None:
        output = OutputPlan(OutputSettings(forbidden=("it is",)))
        policy = Policy(deadline_s=10.0)
        if says == "hand_off":
            output, policy = OutputPlan(OutputSettings()), replace(policy, on_refusal="hand_off")
        bad = OTHER if says == "refuse" else Answer("", refusal="No.", finish_reason="stop")
        made = stage([[3.0, GOOD]], [[0.1, bad]], output=output, policy=policy)
        started = now()

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert now() - started == pytest.approx(3.0, abs=0.1)
        assert 1 == len(made.targets["large"].calls)
        made.check_at_rest()

    play(scene())


def test_share_is_kept() -> None:
    """Of twenty slow requests with a share of a tenth, two have a second call."""

    async def scene() -> None:
        made = stage([[3.0, GOOD]], [[0.1, OTHER]], share=0.1)
        for _ in range(20):
            await made.ask()

        assert 2 == len(made.targets["small"].calls)
        made.check_at_rest()

    play(scene())


@pytest.mark.parametrize("settings", [HedgeSettings(), HedgeSettings(share=1.0)])
def test_request_with_tools_has_no_second_call(settings: HedgeSettings) -> None:
    """Nor has any where hedging is off; a tool might be called twice."""

    async def scene() -> None:
        made = stage([[3.0, GOOD]], [[0.1, OTHER]])
        plan = replace(made.known.plans["support"], hedge=settings)
        known = replace(made.known, plans={"support": plan})
        request = made.request()
        tool = {"type": "function", "function": {"name": "pay"}}
        request = replaced(request, body={**request.body, "tools": [tool]})
        settled = await answer(request, known, world=made.world)

        assert (GOOD.text, "large", 0) == said(settled)
        assert [] == made.targets["small"].calls

    play(scene())


def test_caller_leaves_both() -> None:
    """Both are stopped, and both are told."""

    async def scene() -> None:
        made = stage([[HANG]], [[HANG]])
        task = asyncio.ensure_future(made.ask())
        await asyncio.sleep(2.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert {("large", "", "caller_left"), ("small", "hedge", "caller_left")} == set(told(made))
        assert [1, 1] == [len(each.cancelled_at) for each in made.targets.values()]
        made.check_at_rest()

    play(scene())


def test_mistake_of_the_first_is_told_as_ever() -> None:
    """What nobody expected is raised, and the second is stopped."""

    async def scene() -> None:
        made = stage([[1.5, ValueError("a bug")]], [[HANG]])
        with pytest.raises(ValueError, match="a bug"):
            await made.ask()

        assert ("large", "", "raised") in told(made)
        made.check_at_rest()

    play(scene())


def test_target_that_is_not_loaded_is_no_second() -> None:
    """The first is waited for."""

    async def scene() -> None:
        made = stage([[2.0, GOOD]], [[OTHER]])
        made.known = replace(made.known, providers={"large": made.targets["large"]})

        assert (GOOD.text, "large", 0) == said(await made.ask())
        assert ("small", "hedge", "target_gone") in told(made)

    play(scene())


def test_both_are_paid() -> None:
    """The cancelled one stays booked at its worst case: what it cost is unknown."""

    async def scene() -> None:
        used = Usage(input_tokens=1_000, output_tokens=100, raw={})
        made = stage([[5.0, GOOD]], [[0.1, replaced(OTHER, usage=used)]])
        made.known = replace(
            made.known,
            prices={"large": CARD, "small": CARD},
            budgets={"support": BudgetSettings(usd_day=1.0)},
        )
        await made.ask()

        (record,) = made.recorder.records
        assert (Decimal("0.0011"), 1) == (record.cost_usd, record.unpriced)
        asks = asks_for(BudgetSettings(usd_day=1.0), Payer("support"), pico=1, at=WALL_S + 100)
        (held,) = await made.world.counters.used(asks)
        assert held > 1_100_000_000 + 4_000_000_000, "the other one may write 4,096 tokens"

    play(scene())


def test_what_answered_is_settled() -> None:
    """In a task of its own or not: the account holds what it cost."""

    async def scene() -> None:
        used = Usage(input_tokens=1_000, output_tokens=100, raw={})
        made = stage([[0.5, replaced(GOOD, usage=used)]], [[OTHER]])
        made.known = replace(
            made.known,
            prices={"large": CARD, "small": CARD},
            budgets={"support": BudgetSettings(usd_day=1.0)},
        )
        await made.ask()

        asks = asks_for(BudgetSettings(usd_day=1.0), Payer("support"), pico=1, at=WALL_S + 100)
        assert [1_100_000_000] == await made.world.counters.used(asks)

    play(scene())


# --- streams ------------------------------------------------------------------------------


def test_stream_that_begins_first_is_handed_over() -> None:
    """Whole, with its own timers, and the other one is stopped at once."""

    async def scene() -> None:
        made = stage([[5.0, *spoken()]], [spoken()])
        reader = Reader()
        settled = await made.listen(reader)

        assert (1, "Yours is on its way.") == (settled.head.tier, reader.text)
        assert [("small", "hedge", ""), ("large", "", "overtaken")] == told(made)
        (record,) = made.recorder.records
        assert record.first_token_s == pytest.approx(1.1, abs=0.05)
        (closed,) = made.targets["large"].closed_at or made.targets["large"].cancelled_at
        assert closed <= reader.came_at[1]
        made.check_at_rest()

    play(scene())


def test_handed_over_stream_is_still_timed() -> None:
    """A gap ends it, although the task that began it has ended."""

    async def scene() -> None:
        made = stage([[HANG]], [["Yours ", HANG]])
        settled = await made.listen(Reader())

        assert isinstance(settled.decision, Refused)
        assert settled.decision.cut
        assert ("small", "hedge", "gap_timeout") in told(made) or (
            "small",
            "hedge",
            "total_timeout",
        ) in told(made)
        made.check_at_rest()

    play(scene())


def test_stream_that_began_in_vain_is_closed() -> None:
    """The first was tried again and began after all: nobody needs the second."""

    async def scene() -> None:
        made = stage([[DOWN], spoken()], [[0.5, *spoken()]])
        made.targets["large"].first_byte_s = 1.2
        reader = Reader()
        settled = await made.listen(reader)

        assert (0, "Yours is on its way.") == (settled.head.tier, reader.text)
        assert ("small", "hedge", "overtaken") in told(made)
        made.check_at_rest()

    play(scene())


def test_stream_of_the_first_goes_on_when_the_second_declines() -> None:
    """Both had begun: the first is taken up again, and nothing of the second was sent."""

    async def scene() -> None:
        refusal = [0.1, Piece(refusal="I will not."), Piece(finish_reason="stop"), 5.0]
        policy = Policy(deadline_s=10.0, on_refusal="next")
        made = stage([[2.0, *spoken()]], [refusal], policy=policy)
        reader = Reader()
        settled = await made.listen(reader)

        assert (0, "Yours is on its way.") == (settled.head.tier, reader.text)
        assert 1 == len(made.targets["large"].calls)
        made.check_at_rest()

    play(scene())


OUTCOMES = st.sampled_from(
    [
        GOOD,
        OTHER,
        DOWN,
        Answer(""),
        Answer("forbidden"),
        Answer("", refusal="No."),
        Failure(Cause.OVERLOADED),
        Failure(Cause.KEY_REFUSED),
        Failure(Cause.RATE_LIMITED, retry_after_s=1.0),
    ]
)
ACTS = st.tuples(st.sampled_from([0.1, 0.9, 1.1, 2.0, 4.0, 6.0, 9.5, HANG]), OUTCOMES)


@given(ACTS, ACTS, ACTS, st.sampled_from(["return", "next"]))
def test_nothing_that_would_have_been_answered_fails(
    large: Any, small: Any, third: Any, on_refusal: Any
) -> None:
    """Whatever each target does every time it is asked: with a hedge it is no worse."""

    async def scene(hedge: HedgeSettings | None) -> tuple[bool, float]:
        targets = {"large": large, "small": small, "third": third}
        made = Stage(
            {name: Target([list(act)]) for name, act in targets.items()},
            policy=Policy(deadline_s=10.0, on_refusal=on_refusal),
            output=OutputPlan(OutputSettings(forbidden=("forbidden",))),
            hedge=hedge,
        )
        for name in ("large", "small"):
            made.health._target(name).whole.typical_s = USUAL_S
        started = now()
        settled = await made.ask()
        made.check_at_rest()
        return isinstance(settled.decision, Answered), now() - started

    alone, alone_s = play(scene(None))
    hedged, hedged_s = play(scene(HedgeSettings(share=1.0)))

    assert hedged >= alone
    if alone:
        assert hedged_s <= alone_s + 0.01
