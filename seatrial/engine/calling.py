"""One call of a target, within what may be spent and what its provider grants."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from seatrial.engine.attempt import Reading, attempt
from seatrial.engine.checking import repaired
from seatrial.engine.granting import Grant
from seatrial.engine.spending import GRACE_S, reserve, settle
from seatrial.engine.streaming import Begun
from seatrial.engine.trail import Purse, Trail
from seatrial.engine.world import World
from seatrial.ports import Provider
from seatrial.reliability.checks.refusals import HEAD_CHARS
from seatrial.reliability.flow import Attempt
from seatrial.reliability.settings import TargetRules
from seatrial.values.attempts import Failure, Result

WHOLE: Final = Reading(0)  # nothing is read in pieces


class Lap(msgspec.Struct):
    """What a call holds while it runs, and what came of it.

    Args:
        purse: what it may spend.
        grant: what it took of what its provider grants.
        begun: its stream, when that has begun.
        result: None until it has ended.
    """

    purse: Purse | None = None
    grant: Grant | None = None
    begun: Begun | None = None
    result: Result | None = None


async def call(
    lap: Lap,
    step: Attempt,
    trail: Trail,
    world: World,
    provider: Provider,
    task: asyncio.Task[Any] | None,
) -> Result:
    """Call a target; `task` is the one that this runs in."""
    body = repaired(trail) if step.repair else trail.body
    name = f"{trail.request.id}.{len(trail.attempts)}{step.purpose}"
    purse = await reserve(step, trail, body, world)
    if isinstance(purse, Failure):
        return Result(at=world.clock.now(), failure=purse)
    lap.purse = purse
    lease_s = step.timers.total_s + GRACE_S
    grant = await world.grants.take(
        name, step.target, body, outlets=len(provider.outlets), lease_s=lease_s
    )
    if isinstance(grant, Failure):
        return Result(at=world.clock.now(), failure=grant)
    lap.grant = grant
    result, lap.begun = await attempt(
        step,
        trail.request,
        purse.body,
        provider,
        stream=trail.stream,
        task=task,
        health=world.health,
        reading=reading_of(trail),
    )
    return result


async def settle_last(trail: Trail, world: World) -> None:
    """Put what the last attempt used in place of what was reserved for it."""
    await settle(trail, world)
    if trail.grant is not None and trail.last is not None:
        grant, trail.grant = trail.grant, None
        await world.grants.settle(grant, trail.last.usage, sent=trail.last.sent)


def is_metered(target: TargetRules, trail: Trail) -> bool:
    """Whether a call must be counted before it is made: against a budget, or a grant."""
    granted = target.limits
    return (
        granted.requests_minute is not None
        or granted.tokens_minute is not None
        or trail.request.feature in trail.known.budgets
    )


def reading_of(trail: Trail) -> Reading:
    """Return how far a stream is read before any of it is handed over."""
    policy, output = trail.plan.policy, trail.plan.output
    chars = HEAD_CHARS if policy.on_refusal != "return" else 0
    checked = output is not None and output.settings.stream == "hold"
    tool_calls = checked and output is not None and output.settings.tools == "refuse"
    return Reading(policy.buffer_tokens, chars, tool_calls)
