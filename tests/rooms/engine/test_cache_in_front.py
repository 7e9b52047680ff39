"""Kept answers that are looked for before any target is asked."""

from __future__ import annotations

from dataclasses import replace

from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import OutputSettings
from seatrial.reliability.settings import TargetRules
from seatrial.values.chat import Answer
from tests.rooms.engine.meaning import (
    DOWN,
    WHERE,
    WHERE_ELSE,
    Embedder,
    embedder_of,
    stage,
    text_of,
)
from tests.rooms.engine.stage import GOOD, Reader, play


def test_cache_in_front_spares_the_target() -> None:
    """The answer is `answer` from `cache`, with its age."""

    async def scene() -> None:
        made = stage(GOOD, front=True, max_age_s=60.0)
        for question in (WHERE, WHERE, WHERE_ELSE):
            assert GOOD.text == text_of(await made.ask(question))

        assert 1 == len(made.targets["large"].calls)
        first, same, similar = made.recorder.records
        assert ("large", None, "not_cached") == (
            first.target,
            first.cached_age_s,
            first.attempts[0].cause,
        )
        for record in (same, similar):
            assert ("answer", "cache", 0) == (record.decision, record.target, record.tier)
            assert record.cached_age_s is not None
        assert ["embed", ""] == [each.purpose for each in similar.attempts]
        made.check_at_rest()

    play(scene())


def test_vector_of_a_miss_is_kept_with_the_answer() -> None:
    """Nobody asks for it again."""

    async def scene() -> None:
        made = stage(GOOD, front=True)
        for question in (WHERE, "How do I cook rice?", WHERE_ELSE):
            await made.ask(question)

        assert [
            ["How do I cook rice?", WHERE],
            [WHERE_ELSE],
        ] == embedder_of(made).asked

    play(scene())


def test_cache_in_front_and_behind_asks_for_one_vector() -> None:
    """What failed once is not tried again for the same request."""

    async def scene() -> None:
        made = stage(GOOD, DOWN, front=True, embedder=Embedder(fails=DOWN))
        plan = made.known.plans["support"]
        route = (*plan.route, TargetRules("cache", kind="cache"))
        made.known = replace(made.known, plans={"support": replace(plan, route=route)})
        await made.ask(WHERE)
        await made.ask(WHERE_ELSE)

        assert 1 == len(embedder_of(made).asked)

    play(scene())


def test_cache_in_front_gives_streams_whole() -> None:
    """A streaming caller gets the kept answer as it is."""

    async def scene() -> None:
        made = stage(GOOD, front=True)
        await made.ask(WHERE)
        settled = await made.listen(Reader(), WHERE)

        assert (GOOD.text, False) == (text_of(settled), settled.began)

    play(scene())


def test_refused_answer_in_front_lets_the_target_speak() -> None:
    """A kept answer that a check refuses now is none."""

    async def scene() -> None:
        made = stage(GOOD, Answer("Tomorrow."), front=True)
        await made.ask(WHERE)
        output = OutputPlan(OutputSettings(forbidden=("on its way",)))
        plan = replace(made.known.plans["support"], output=output)
        made.known = replace(made.known, plans={"support": plan})
        settled = await made.ask(WHERE)

        assert ("Tomorrow.", "large") == (text_of(settled), settled.head.target)
        assert made.recorder.records[1].cache_key

    play(scene())


def test_front_without_similarity_gives_equal_requests_their_answer() -> None:
    """And asks nobody for vectors."""

    async def scene() -> None:
        made = stage(GOOD, front=True, similar=None)
        await made.ask(WHERE)
        await made.ask(WHERE)
        await made.ask(WHERE_ELSE)

        assert 2 == len(made.targets["large"].calls)
        assert [] == embedder_of(made).asked

    play(scene())
