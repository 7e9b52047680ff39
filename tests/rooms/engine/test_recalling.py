"""Kept answers on a request's way: for the same request, and for one that is much like it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from seatrial.engine import recalling
from seatrial.engine.answer import answer
from seatrial.engine.similar import SimilarQuestions
from seatrial.reliability.budgets import BudgetSettings
from seatrial.reliability.checks.incoming import InputPlan
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import InputSettings, OutputSettings
from seatrial.reliability.settings import Plan, TargetRules
from seatrial.reliability.similarity import CachePlan, CacheSettings
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer
from seatrial.values.decisions import Kind, Refused
from seatrial.values.prices import FREE
from seatrial.values.requests import Caller
from seatrial.values.vectors import pack
from tests.rooms.engine.meaning import (
    DOWN,
    WHERE,
    WHERE_ELSE,
    Embedder,
    embedder_of,
    stage,
    text_of,
)
from tests.rooms.engine.stage import GOOD, Reader, play, spoken


def test_similar_question_gets_the_kept_answer() -> None:
    """When the targets are down: degraded, with its age and how alike the questions are."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        await made.ask(WHERE)
        await asyncio.sleep(30.0)
        settled = await made.ask(WHERE_ELSE)

        assert (GOOD.text, Kind.DEGRADED) == (text_of(settled), settled.decision.kind)
        record = made.recorder.records[1]
        assert ("cache", 1, "degraded") == (record.target, record.tier, record.decision)
        assert 30.0 == pytest.approx(record.cached_age_s, abs=1.0)
        embed, cache = record.attempts[-2:]
        assert ("embedder", "embed") == (embed.target, embed.purpose)
        assert embed.usage is not None
        assert 7 == embed.usage["input_tokens"]
        assert "0.985" in cache.reason
        assert "" == record.cache_key, "what was recalled is not kept as new"
        made.check_at_rest()

    play(scene())


@pytest.mark.parametrize("question", ["How do I cook rice?", "What of my parcel?"])
def test_question_below_the_bar_is_no_match(question: str) -> None:
    """However near it comes."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        await made.ask(WHERE)
        settled = await made.ask(question)

        assert isinstance(settled.decision, Refused)
        assert Cause.NOT_CACHED.value == made.recorder.records[1].attempts[-1].cause

    play(scene())


def test_same_question_needs_no_vectors() -> None:
    """Nobody is asked for them; nor where nothing could be found."""

    async def scene() -> None:
        made = stage(DOWN, GOOD, DOWN)
        await made.ask(WHERE)
        await made.ask(WHERE)
        settled = await made.ask(WHERE)

        assert GOOD.text == text_of(settled)
        assert [] == embedder_of(made).asked
        assert settled.decision.answer.similarity is None  # type: ignore[union-attr]

    play(scene())


def test_question_that_was_lost_is_kept_again() -> None:
    """Answers survive a restart and their questions do not; asked again, they are back."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        await made.ask(WHERE)
        held = made.world.similar
        made.world = replace(made.world, similar=SimilarQuestions())
        assert isinstance((await made.ask(WHERE_ELSE)).decision, Refused)
        await made.ask(WHERE)

        assert GOOD.text == text_of(await made.ask(WHERE_ELSE))
        assert (1, 1) == (len(held), len(made.world.similar))

    play(scene())


def test_vectors_of_kept_questions_are_asked_for_once() -> None:
    """Along with the first question that may be like them."""

    async def scene() -> None:
        made = stage(GOOD, GOOD, DOWN)
        await made.ask(WHERE)
        await made.ask("How do I cook rice?")
        await made.ask(WHERE_ELSE)
        await made.ask("What of my parcel?")

        assert [
            [WHERE_ELSE, "How do I cook rice?", WHERE],
            ["What of my parcel?"],
        ] == embedder_of(made).asked

    play(scene())


def test_two_who_look_at_once_ask_for_different_vectors() -> None:
    """The second does not pay for the first one's questions again."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, embedder=Embedder(takes_s=0.1))
        await made.ask(WHERE)
        await asyncio.gather(made.ask(WHERE_ELSE), made.ask("What of my parcel?"))

        assert [2, 1] == sorted(map(len, embedder_of(made).asked), reverse=True)

    play(scene())


def test_claim_of_one_who_leaves_is_given_back() -> None:
    """Whoever looks next asks for the same vectors."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, embedder=Embedder(takes_s=0.5))
        await made.ask(WHERE)
        leaving = asyncio.ensure_future(made.ask(WHERE_ELSE))
        await asyncio.sleep(0.2)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        settled = await made.ask(WHERE_ELSE)

        assert GOOD.text == text_of(settled)
        assert {"embedder": 0} == made.world.beside
        made.check_at_rest()

    play(scene())


ANN: dict[str, Any] = {"variables": {"who": "Ann"}}
OTHERS: dict[str, dict[str, Any]] = {
    "tenant": {"caller": Caller(tenant="other")},
    "scope": {"caller": Caller(key_scope="other")},
    "prompt": {"variables": {"who": "Bob"}},
}


@pytest.mark.parametrize("other", OTHERS)
def test_nobody_elses_answer_is_given(other: str) -> None:
    """Not of another tenant or key scope, nor under another prompt: nobody is even asked."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, prompt="You talk to {{who}}.")
        await made.ask(WHERE, variables={"who": "Ann"})
        settled = await made.ask(WHERE_ELSE, **(ANN | OTHERS[other]))

        assert isinstance(settled.decision, Refused)
        assert [] == embedder_of(made).asked

    play(scene())


def test_another_prompt_or_model_of_vectors_starts_anew() -> None:
    """After a reload, what was kept before is not compared."""

    async def scene(change: Mapping[str, Any]) -> None:
        made = stage(GOOD, DOWN)
        await made.ask(WHERE)
        plan: Plan = replace(made.known.plans["support"], **change)
        made.known = replace(made.known, plans={"support": plan})
        settled = await made.ask(WHERE_ELSE)

        assert isinstance(settled.decision, Refused)

    cache = CachePlan(CacheSettings(similar=0.95), TargetRules("embedder"), "m-2")
    play(scene({"prompt_version": "p2"}))
    play(scene({"cache": cache}))


def test_what_tells_questions_apart_is_not_overridden() -> None:
    """The same meaning to the model of vectors, and another number."""

    async def scene() -> None:
        same = {"Send 50 euros": 0.0, "Send 500 euros": 0.0}
        made = stage(GOOD, DOWN, embedder=Embedder(meaning=same))
        await made.ask("Send 50 euros")
        settled = await made.ask("Send 500 euros")

        assert isinstance(settled.decision, Refused)

    play(scene())


@pytest.mark.parametrize(
    ("bar", "hit"), [("0.99", False), ("0.98", True), ("0.1", True), ("-1", True), ("?", True)]
)
def test_caller_can_only_raise_the_bar(bar: str, hit: bool) -> None:
    """A lower one, or what is no number, changes nothing."""

    async def scene(bar: str, meaning: float, expected: bool) -> None:
        made = stage(GOOD, DOWN, embedder=Embedder(meaning={WHERE: 0, WHERE_ELSE: meaning}))
        await made.ask(WHERE)
        settled = await made.ask(WHERE_ELSE, variables={"cache_similarity": bar})

        assert expected == (text_of(settled) == GOOD.text)

    play(scene(bar, 10, hit))
    play(scene(bar, 30, False))


@pytest.mark.parametrize(
    "embedder",
    [
        Embedder(fails=DOWN),
        Embedder(takes_s=5.0),
        Embedder(meaning={}, fails=Failure(Cause.RAISED)),
    ],
)
def test_late_or_broken_embeddings_find_nothing(embedder: Embedder) -> None:
    """The request goes on as if nothing were kept, at the latest after their own time."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, embedder=replace(embedder, asked=[]))
        await made.ask(WHERE)
        started = asyncio.get_running_loop().time()
        settled = await made.ask(WHERE_ELSE)

        assert isinstance(settled.decision, Refused)
        assert asyncio.get_running_loop().time() - started < 2.0
        embed = made.recorder.records[1].attempts[-2]
        assert ("embed", True) == (embed.purpose, embed.cause != "")
        made.check_at_rest()

    play(scene())


def test_embeddings_are_paid_from_the_budget() -> None:
    """Where nobody knows what they cost, they are not asked."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        made.known = replace(
            made.known, prices={"large": FREE}, budgets={"support": BudgetSettings(usd_day=1.0)}
        )
        await made.ask(WHERE)
        await made.ask(WHERE_ELSE)

        assert [] == embedder_of(made).asked
        embed = made.recorder.records[1].attempts[-2]
        assert ("embed", Cause.OVER_BUDGET.value) == (embed.purpose, embed.cause)

    play(scene())


def test_old_answers_are_not_given_again() -> None:
    """Neither to the same question nor to a similar one, and the similar one is forgotten."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, max_age_s=60.0)
        await made.ask(WHERE)
        await asyncio.sleep(50.0)
        assert GOOD.text == text_of(await made.ask(WHERE_ELSE))
        await asyncio.sleep(20.0)

        assert isinstance((await made.ask(WHERE)).decision, Refused)
        assert isinstance((await made.ask(WHERE_ELSE)).decision, Refused)
        assert 0 == len(made.world.similar)

    play(scene())


def test_only_whole_checked_answers_are_kept() -> None:
    """One that a check refused after it had left leaves nothing to be found."""

    async def scene() -> None:
        output = OutputPlan(OutputSettings(forbidden=("on its way",), stream="check_after"))
        made = stage(DOWN, output=output)
        made.targets["large"].script = [spoken(), [DOWN]]
        await made.listen(Reader(), WHERE)

        assert isinstance((await made.ask(WHERE_ELSE)).decision, Refused)
        assert 0 == len(made.world.similar)

    play(scene())


def test_recalled_answer_is_checked_like_any_other() -> None:
    """What a check refuses today is not given, whatever it said when it was kept."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        await made.ask(WHERE)
        output = OutputPlan(OutputSettings(forbidden=("on its way",)))
        plan = replace(made.known.plans["support"], output=output)
        made.known = replace(made.known, plans={"support": plan})
        settled = await made.ask(WHERE_ELSE)

        assert isinstance(settled.decision, Refused)

    play(scene())


def test_questions_with_marks_are_never_compared() -> None:
    """The same mark may stand for somebody else."""

    async def scene() -> None:
        redact = InputPlan(InputSettings(personal_data="redact", injection="off"))
        made = stage(GOOD, DOWN, input=redact)
        await made.ask("I am ann@example.org, where is it?")
        await made.ask("I am bob@example.org; where is it?")

        assert [] == embedder_of(made).asked
        assert 0 == len(made.world.similar)

    play(scene())


def test_vectors_themselves_are_not_compared() -> None:
    """A request for embeddings uses the exact cache alone."""

    async def scene() -> None:
        vectors = Answer(None, vectors=(pack([1.0]),))
        made = stage(vectors, DOWN)
        await made.ask(texts=["a"])
        settled = await made.ask(texts=["b"])

        assert isinstance(settled.decision, Refused)
        assert [] == embedder_of(made).asked

    play(scene())


def test_requests_that_cannot_be_written_are_not_kept() -> None:
    """No key can be made of them."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        request = made.request(WHERE)
        request.body["odd"] = object()
        await answer(request, made.known, world=made.world)

        assert (0, 0) == (len(made.world.similar), len(made.world.cache))

    play(scene())


def test_batch_of_vectors_is_bounded() -> None:
    """The rest waits for the next who looks."""

    async def scene() -> None:
        made = stage(GOOD, DOWN)
        for number in range(recalling.BATCH + 10):
            inquiry = f"why {'so ' * number}?"
            made.targets["large"].script = [[GOOD]]
            await made.ask(inquiry)
        made.targets["large"].script = [[DOWN]]
        await made.ask(WHERE_ELSE)
        await made.ask(WHERE_ELSE)

        assert [recalling.BATCH + 1, 11] == [len(texts) for texts in embedder_of(made).asked]

    play(scene())
