"""Calls made beside the answer itself: judges and embeddings.

They have a share of a target's places of their own, so that they cannot crowd out the answers;
each is an attempt in the record, with its purpose and its price.  What goes wrong in one never
fails the request.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.engine.attempt import Reading, attempt
from seatrial.engine.spending import GRACE_S, reserve, settle
from seatrial.engine.trail import Trail
from seatrial.engine.world import World
from seatrial.ports import Provider
from seatrial.reliability.flow import Attempt
from seatrial.reliability.settings import TargetRules
from seatrial.values.attempts import Cause, Failure, Result, Timers
from seatrial.values.requests import CHAT

SHARE: Final = 0.25  # of a target's places
LEAST_S: Final = 0.02  # with less time left no call is made
_CONNECT_S: Final = 2.0
_WHOLE: Final = Reading(1)


async def call_beside(
    target: TargetRules,
    body: dict[str, Any],
    trail: Trail,
    world: World,
    *,
    purpose: str,
    limit_s: float,
    kind: str = CHAT,
) -> Result:
    """Ask a target once, within its own time and within what may be spent.

    Args:
        target: who is asked.
        body: what.
        trail: of the request on whose behalf; the attempt is noted there.
        world: clock, health, counters.
        purpose: as records have it: `judge` or `embed`.
        limit_s: the call ends after this, and never after the deadline.
        kind: of the call.
    """
    started = world.clock.now()
    limit_s = min(limit_s, trail.request.deadline - started)
    timers = Timers(min(_CONNECT_S, limit_s), limit_s, limit_s, limit_s, limit_s)
    step = Attempt(target, 0, 0, timers, purpose=purpose)
    result: Result | None = None
    try:
        result = await _guarded(step, body, trail, world, kind)
    finally:
        trail.note(step, result, at=started, ended=world.clock.now())
    await settle(trail, world)
    return result


async def _guarded(
    step: Attempt, body: dict[str, Any], trail: Trail, world: World, kind: str
) -> Result:
    name, now, busy = step.target.name, world.clock.now(), world.beside
    provider = trail.known.providers.get(name)
    if provider is None:
        failure = Failure(Cause.TARGET_GONE, "its function is not loaded here", sent=False)
        return Result(at=now, failure=failure)
    if step.timers.total_s < LEAST_S:
        return Result(at=now, failure=Failure(Cause.NO_TIME, sent=False))
    if busy.get(name, 0) >= max(1, int(step.target.concurrency * SHARE)):
        reason = f"{busy[name]} calls beside answers in flight"
        return Result(at=now, failure=Failure(Cause.POOL_FULL, reason, sent=False))
    busy[name] = busy.get(name, 0) + 1
    try:
        return await _call(step, body, trail, world, provider, kind)
    except Exception as error:  # noqa: BLE001 - the answer itself must not suffer from it
        failure = Failure(Cause.RAISED, f"a {type(error).__name__} that nobody expected")
        return Result(at=world.clock.now(), failure=failure, sent=True)
    finally:
        busy[name] -= 1


async def _call(
    step: Attempt,
    body: dict[str, Any],
    trail: Trail,
    world: World,
    provider: Provider,
    kind: str,
) -> Result:
    purse = await reserve(step, trail, body, world)
    if isinstance(purse, Failure):
        return Result(at=world.clock.now(), failure=purse)
    trail.purse = purse
    grant = await world.grants.take(
        f"{trail.request.id}.{len(trail.attempts)}",
        step.target,
        body,
        outlets=len(provider.outlets),
        lease_s=step.timers.total_s + GRACE_S,
    )
    if isinstance(grant, Failure):
        return Result(at=world.clock.now(), failure=grant)
    request = msgspec.structs.replace(
        trail.request, body=body, kind=kind, stream=False, variables={}, arguments=None
    )
    result, _ = await attempt(
        step,
        request,
        purse.body,
        provider,
        stream=False,
        task=trail.task,
        health=world.health,
        reading=_WHOLE,
    )
    if grant is not None:
        await world.grants.settle(grant, result.usage, sent=result.sent)
    return result
