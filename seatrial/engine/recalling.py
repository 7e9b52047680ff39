"""Gives a kept answer again: to the same request, or to one that is much like it."""

from __future__ import annotations

import msgspec

from seatrial.engine.beside import call_beside
from seatrial.engine.similar import Kept
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.reliability.similarity import CachePlan, Inquiry, raised
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.chat import Answer
from seatrial.values.requests import EMBED

BATCH = 64  # kept questions whose vectors are asked for along with the caller's own
WANTED = "cache_similarity"  # the name of the caller's own bar in `metadata`
_USUAL = CachePlan()


async def recall(trail: Trail, world: World) -> Result:
    """Look for an answer among those that are kept."""
    plan = trail.plan.cache or _USUAL
    key = trail.cache_key(world.secret)
    found = _take(key, plan, world)
    if found is not None:
        remember(trail, key, world)  # after a restart the questions are not there any more
    elif plan.settings.similar is not None:
        found = await _most_similar(trail, plan, plan.settings.similar, world)
    missed = Failure(Cause.NOT_CACHED, sent=False) if found is None else None
    return Result(at=world.clock.now(), answer=found, failure=missed)


def remember(trail: Trail, key: str, world: World) -> None:
    """Keep the question whose answer has just been kept, so that similar ones find it."""
    inquiry = trail.inquiry(world.secret)
    if inquiry is not None:
        world.similar.keep(inquiry.partition, inquiry.text, key, inquiry.vector)


def _take(key: str, plan: CachePlan, world: World) -> Answer | None:
    """Return the answer under a key, while it is young enough."""
    kept = world.cache.get(key, now=world.clock.wall())
    return kept if kept is not None and plan.is_fresh(kept.age_s or 0.0) else None


async def _most_similar(
    trail: Trail, plan: CachePlan, setting: float, world: World
) -> Answer | None:
    inquiry, similar = trail.inquiry(world.secret), world.similar
    if inquiry is None or not similar.has_any(inquiry.partition):
        return None
    await _read(inquiry, trail, plan, world)
    if not inquiry.vector:
        return None
    at_least = raised(setting, trail.request.variables.get(WANTED))
    for alike, kept in similar.nearest(inquiry.partition, inquiry.vector, at_least=at_least):
        answer = _take(kept.key, plan, world)
        if answer is not None:
            return msgspec.structs.replace(answer, similarity=max(0.0, alike))
        similar.forget(inquiry.partition, kept)
    return None


async def _read(inquiry: Inquiry, trail: Trail, plan: CachePlan, world: World) -> None:
    """Ask for the vectors that are not known yet: of the question, and of some that are kept."""
    if plan.embeddings is None or inquiry.failed:
        return
    similar, partition = world.similar, inquiry.partition
    waiting = similar.unread(partition, BATCH)
    if inquiry.vector and not waiting:
        return
    vectors: tuple[bytes, ...] = ()
    try:
        vectors = await _ask(inquiry, waiting, plan, trail, world)
    finally:
        for kept, vector in zip(waiting, vectors[1:] or [b""] * len(waiting), strict=True):
            similar.learn(partition, kept, vector)
    inquiry.failed = not vectors
    inquiry.vector = vectors[0] if vectors else b""


async def _ask(
    inquiry: Inquiry, waiting: list[Kept], plan: CachePlan, trail: Trail, world: World
) -> tuple[bytes, ...]:
    assert plan.embeddings is not None  # noqa: S101 - asked for by `_read`
    result = await call_beside(
        plan.embeddings,
        {"input": [inquiry.text, *(kept.text for kept in waiting)]},
        trail,
        world,
        purpose="embed",
        limit_s=plan.settings.embed_s,
        kind=EMBED,
    )
    return result.answer.vectors if result.answer else ()
