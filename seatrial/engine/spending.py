"""Money: every attempt's worst case is reserved before it is sent, and settled by what it cost.

What may have been billed and is not known stays booked at its worst case, so that a ceiling
holds whatever happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from seatrial.engine.trail import Purse, Trail
from seatrial.engine.world import World
from seatrial.errors import CountersUnavailable
from seatrial.reliability import budgets, costs
from seatrial.reliability.budgets import Payer
from seatrial.reliability.checks.sizes import most_prompt_tokens, most_tokens
from seatrial.reliability.checks.texts import strings_of
from seatrial.reliability.flow import Attempt
from seatrial.values.attempts import Cause, Failure
from seatrial.values.prices import dollars

MOST_OUTPUT_TOKENS: Final = 4096  # where neither caller nor operator says how much may be written
GRACE_S: Final = 60.0  # for settling after the deadline
_CAPS: Final = ("max_completion_tokens", "max_tokens")


async def reserve(
    step: Attempt, trail: Trail, body: dict[str, Any], world: World
) -> Purse | Failure:
    """Reserve an attempt's worst case.

    Args:
        step: which target is to be called.
        trail: of the request.
        body: as the target would get it.
        world: counters and clock.

    Returns:
        What it may spend; a failure when that does not fit into a budget any more, or when
        nobody can tell.
    """
    request, known = trail.request, trail.known
    settings = known.budgets.get(request.feature)
    card = known.prices.get(step.target.name)
    if settings is None or (card is None and step.target.kind != "model"):
        return Purse("", 0, body)
    bounded, written = _bounded(body, known.caps.get(step.target.name))
    worst = costs.worst_case_pico(
        card,
        prompt_tokens=_prompt_tokens(body),
        max_output_tokens=written,
        at=trail.wall,
        tier=_speed(body),
    )
    if worst is None:
        return Failure(Cause.OVER_BUDGET, "nobody knows what it costs", sent=False)
    caller = request.caller
    payer = Payer(request.feature, caller.key_id, caller.user, caller.tenant)
    asks = budgets.asks_for(settings, payer, pico=worst, at=trail.wall)
    if not asks:
        return Purse("", 0, body)
    id_ = f"{request.id}.{len(trail.attempts)}{step.purpose}"
    lease_s = max(0.0, request.deadline - world.clock.now()) + GRACE_S
    try:
        short = await world.counters.reserve(id_, asks, lease_s=lease_s)
    except CountersUnavailable:
        return Failure(Cause.OVER_BUDGET, "the budget cannot be asked now", sent=False)
    if short is not None:
        reason = f"it may cost ${dollars(worst):f}, and that does not fit"
        return Failure(Cause.OVER_BUDGET, reason, sent=False)
    return Purse(id_, len(asks), bounded)


async def settle(trail: Trail, world: World) -> None:
    """Book what the last attempt cost; what is unknown stays booked at its worst case."""
    purse, trail.purse = trail.purse, None
    if purse is None or not purse.id or trail.cost is None or trail.cost.pico is None:
        return
    try:
        await world.counters.settle(purse.id, [trail.cost.pico] * purse.asks)
    except CountersUnavailable:
        return  # it stays booked: too much, never too little


def _prompt_tokens(body: dict[str, Any]) -> int:
    """Return how many tokens a request has at most."""
    if "input" in body:
        return sum(most_tokens(text) for text in strings_of(body["input"]))
    return most_prompt_tokens(body)


def _speed(body: Mapping[str, Any]) -> str:
    """Return which of the provider's speeds the caller asks for: some cost twice as much."""
    asked = body.get("service_tier")
    return asked if isinstance(asked, str) else ""


def _bounded(body: dict[str, Any], cap: int | None) -> tuple[dict[str, Any], int]:
    """Return a request that bounds what may be written, and the bound in tokens."""
    asked = _asked(body) or cap
    if "input" in body:
        return body, 0  # an embedding writes nothing
    choices = body.get("n")
    times = choices if isinstance(choices, int) and choices > 0 else 1
    if asked is None:
        # Without a bound nobody can say what the worst case is.
        return {**body, _CAPS[0]: MOST_OUTPUT_TOKENS}, MOST_OUTPUT_TOKENS * times
    return body, asked * times


def _asked(body: Mapping[str, Any]) -> int | None:
    given = [body[name] for name in _CAPS if isinstance(body.get(name), int)]
    return max(given) if given else None
