"""Asks a judge: a target whose word can make a verdict stricter, and never milder."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from seatrial.engine.beside import call_beside
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.reliability.checks.texts import Spoken
from seatrial.reliability.judging import Judge, body_of
from seatrial.values.checks import Verdict

_FENCE_DIGITS: Final = 20


async def ask_judge(
    judge: Judge, spoken: Sequence[Spoken], trail: Trail, world: World, *, side: str
) -> Verdict:
    """Return what a judge says of some texts, and note it; late or broken changes nothing.

    Args:
        judge: who is asked what.
        spoken: the texts, as they may be sent.
        trail: of the request.
        world: clock, health, counters.
        side: `input` or `output`.
    """
    started = world.clock.now()
    body = body_of(judge.question, spoken, fence=_fence(trail.request.id, world.secret))
    result = await call_beside(
        judge.target, body, trail, world, purpose="judge", limit_s=judge.limit_s
    )
    verdict = judge.weigh(result.answer.text or "" if result.answer else None)
    trail.say(judge.question.check, side, verdict, world.clock.now() - started)
    return verdict


def _fence(request_id: str, secret: bytes) -> str:
    """Return a mark that only this installation can make, another one for each request."""
    digest = hmac.new(secret, b"fence " + request_id.encode(), hashlib.sha256).hexdigest()
    return f"[[{digest[:_FENCE_DIGITS]}]]"
