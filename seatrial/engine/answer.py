"""One admitted request, from its arm to its record."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from seatrial.engine.perform import Trail, perform
from seatrial.engine.world import Snapshot, World
from seatrial.improvement import prompts
from seatrial.ports import Sink
from seatrial.reliability.caching import may_keep
from seatrial.reliability.flow import answer_flow
from seatrial.reliability.settings import Plan
from seatrial.values.attempts import ErrorBody
from seatrial.values.chat import Answer
from seatrial.values.decisions import (
    Abandoned,
    Answered,
    Decision,
    HandedOff,
    Head,
    Refused,
    Settled,
)
from seatrial.values.records import Record
from seatrial.values.requests import Request


async def answer(
    request: Request, known: Snapshot, *, world: World, sink: Sink | None = None
) -> Settled:
    """Answer one admitted request, and leave a record whatever happens.

    Args:
        request: parsed, authenticated, for a feature that `known` holds.
        known: what is configured; fixed for the whole request.
        world: clock, dice, health, recorder.
        sink: where a streamed answer leaves; None when the answer is wanted whole.

    Returns:
        The decision, once its record is durable: the last byte may leave.

    Raises:
        asyncio.CancelledError: the caller left; the record says so.
    """
    plan = known.plans[request.feature]
    started = world.clock.now()
    trail = Trail(request, plan, known, request.body, started, asyncio.current_task(world.loop))
    wall = world.clock.wall()
    decision: Decision = Abandoned()  # stands if the caller hangs up
    try:
        refused = _put_prompt(trail)
        decision = refused or await _follow_plan(trail, world, sink)
    except asyncio.CancelledError:
        world.recorder.put(_record(trail, decision, world, wall=wall))
        raise
    except Exception:
        # A mistake of ours still leaves its record; the door says so to the caller.
        decision = Refused("internal_error", "Seatrial made a mistake while answering.")
        world.recorder.put(_record(trail, decision, world, wall=wall))
        raise
    record = _record(trail, decision, world, wall=wall)
    durable = await world.recorder.append(
        record, sync=isinstance(decision, HandedOff), loop=world.loop
    )
    if isinstance(decision, HandedOff) and not durable:
        # Better no promise than one that could be lost.
        decision = Refused(
            "not_durable",
            "The hand-off to a person could not be stored safely. Ask again shortly.",
            retry_after_s=5.0,
        )
    _remember(trail, decision, record, world)
    began = trail.committed
    whole = isinstance(decision, Answered)  # what was cut has no proper end to send
    tail = tuple(trail.begun.tail) if began and whole and trail.begun else ()
    return Settled(_head(trail, decision), decision, began, tail, durable)


async def _follow_plan(trail: Trail, world: World, sink: Sink | None) -> Decision:
    flow = answer_flow(
        trail.plan,
        deadline=trail.request.deadline,
        stream=trail.request.stream,
        now=trail.started,
        coin=world.coin,
        outlook=world.health,
    )
    return await perform(flow, trail, world=world, sink=sink)


def _put_prompt(trail: Trail) -> Refused | None:
    """Place the feature's prompt before the caller's messages; name what is missing."""
    plan, request = trail.plan, trail.request
    if plan.prompt is None:
        return None
    rendered = prompts.render(plan.prompt, request.variables)
    if isinstance(rendered, tuple):
        names = ", ".join(rendered)
        message = f"The prompt of {plan.feature!r} needs a value for: {names}. Give it in metadata."
        error = ErrorBody(message, "invalid_request_error", "metadata", "missing_variable")
        return Refused("missing_variable", message, status=400, error=error)
    system = {"role": "system", "content": rendered}
    trail.body = {**request.body, "messages": [system, *request.messages]}
    return None


def _head(trail: Trail, decision: Decision) -> Head:
    if isinstance(decision, Abandoned):
        return Head(trail.request.id, trail.plan.release, decision.kind)
    model = decision.answer.model if isinstance(decision, Answered) else ""
    return Head(
        trail.request.id,
        trail.plan.release,
        decision.kind,
        decision.target,
        decision.tier,
        model,
    )


def _remember(trail: Trail, decision: Decision, record: Record, world: World) -> None:
    if isinstance(decision, Answered) and record.cache_key and decision.target != "cache":
        world.cache.put(record.cache_key, decision.answer, at=record.started_at)


def _record(trail: Trail, decision: Decision, world: World, *, wall: float) -> Record:
    request, plan, caller = trail.request, trail.plan, trail.request.caller
    now = world.clock.now()
    first_token_s = None
    if trail.attempts and trail.attempts[-1].first_token_s is not None and request.stream:
        latest = trail.attempts[-1]
        first_token_s = latest.started_s + (latest.first_token_s or 0.0)
    answered = decision.answer if isinstance(decision, Answered) else None
    said = answered or (trail.last.answer if trail.last and trail.committed else None)
    abandoned = isinstance(decision, Abandoned)
    cache_key = trail.cache_key(world.secret)
    return Record(
        id=request.id,
        feature=plan.feature,
        started_at=wall,
        decision=decision.kind.value,
        release=plan.release,
        prompt_version=plan.prompt_version,
        unit=caller.unit,
        tenant=caller.tenant,
        key_id=caller.key_id,
        user=caller.user,
        session=caller.session,
        tags=caller.tags,
        call_site=caller.call_site,
        took_s=round(now - trail.started, 6),
        first_token_s=first_token_s,
        stream=request.stream,
        code=decision.code if isinstance(decision, Refused) else "",
        reason=_reason(decision),
        target="" if isinstance(decision, Abandoned) else decision.target,
        tier=0 if isinstance(decision, Abandoned) else decision.tier,
        cut=trail.committed and not answered,
        sent_pieces=trail.begun.sent if trail.begun and trail.committed else 0,
        cached_age_s=answered.age_s if answered else None,
        attempts=tuple(trail.attempts),
        input=_input(request, plan) if trail.known.keep_content else None,
        output=_output(said) if said and trail.known.keep_content and not abandoned else None,
        cache_key=cache_key if _may_serve_again(decision) else "",
    )


def _may_serve_again(decision: Decision) -> bool:
    """Whether the cache may give this answer: the fixed text is nobody's answer."""
    return isinstance(decision, Answered) and decision.target != "say" and may_keep(decision.answer)


def _reason(decision: Decision) -> str:
    match decision:
        case Answered() | HandedOff():
            return decision.reason
        case Refused():
            return decision.message
        case Abandoned():
            return ""


def _input(request: Request, plan: Plan) -> dict[str, Any]:
    if request.arguments is None:
        return request.body
    args, kwargs = request.arguments
    return {"args": list(args), "kwargs": kwargs, "messages": request.messages}


def _output(answer: Answer) -> dict[str, Any]:
    said: dict[str, Any] = {"text": answer.text, "finish_reason": answer.finish_reason}
    if answer.refusal is not None:
        said["refusal"] = answer.refusal
    if answer.tool_calls:
        said["tool_calls"] = [msgspec.structs.asdict(call) for call in answer.tool_calls]
    if answer.reasoning:
        said["reasoning"] = answer.reasoning
    return said
