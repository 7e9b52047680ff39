"""One admitted request, from its arm to its record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec

from seatrial.engine.checking import holds_back, may_store_at_once
from seatrial.engine.perform import perform
from seatrial.engine.prompting import put_prompt
from seatrial.engine.recalling import remember
from seatrial.engine.restoring import restored
from seatrial.engine.trail import Trail
from seatrial.engine.world import Snapshot, World
from seatrial.ports import Sink
from seatrial.reliability.caching import may_keep
from seatrial.reliability.flow import answer_flow
from seatrial.reliability.settings import Plan
from seatrial.values.chat import Answer, Piece
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
from seatrial.values.requests import CHAT, Request
from seatrial.values.vectors import FLOAT_BYTES


async def answer(
    request: Request, known: Snapshot, *, world: World, sink: Sink | None = None
) -> Settled:
    """Let one request in and answer it; whoever is let in leaves a record, whatever happens.

    Args:
        request: parsed, authenticated, for a feature that `known` holds.
        known: what is configured; fixed for the whole request.
        world: clock, dice, health, recorder.
        sink: where a streamed answer leaves; None when the answer is wanted whole.

    Returns:
        The decision, once its record is durable: the last byte may leave.  One that was not
        let in has no record: the answer to a flood must not be a flood of records.

    Raises:
        asyncio.CancelledError: the caller left; the record says so.
    """
    plan, clock, gate = known.plans[request.feature], world.clock, world.gate
    task = asyncio.current_task(world.loop)
    now, wall, stream = clock.now(), clock.wall(), request.stream
    passed = await gate.enter(request, known.limits.get(request.feature))
    if isinstance(passed, Refused):
        return Settled(Head(request.id, plan.release, passed.kind), passed, let_in=False)
    trail = Trail(request, plan, known, request.body, now, wall, stream, task)
    try:
        if passed.reserved is not None:
            trail.rate = await gate.headers(passed)
        return await _answer(trail, world, sink)
    finally:
        if passed.reserved is None:
            gate.admission.leave(passed.place)
        else:
            await gate.leave(passed, tokens=trail.tokens(), written=trail.written())


async def _answer(trail: Trail, world: World, sink: Sink | None) -> Settled:
    """Answer one request that was let in."""
    request, plan = trail.request, trail.plan
    trail.cleared = may_store_at_once(plan.input)
    decision: Decision = Abandoned()  # stands if the caller hangs up
    try:
        refused = None
        if plan.prompt is not None or request.prompt_version:
            refused = put_prompt(trail)
        if trail.stream and plan.output is not None:
            trail.stream = not holds_back(trail)
        decision = refused or await perform(
            answer_flow(
                plan if request.kind == CHAT else _for_vectors(plan),
                deadline=request.deadline,
                stream=trail.stream,
                now=trail.started,
                coin=world.coin,
                outlook=world.health,
                spare=bool(world.thrift) and _is_spared(request, world),
                hedge=plan.hedge is not None and plan.hedge.allows(request.body),
            ),
            trail,
            world=world,
            sink=sink,
        )
    except asyncio.CancelledError:
        world.recorder.put(_record(trail, decision, world))
        raise
    except Exception:
        # A mistake of ours still leaves its record; the door says so to the caller.
        decision = Refused("internal_error", "Seatrial made a mistake while answering.")
        world.recorder.put(_record(trail, decision, world))
        raise
    record = _record(trail, decision, world)
    handed_off = isinstance(decision, HandedOff)
    durable = await world.recorder.append(record, sync=handed_off, loop=world.loop)
    if handed_off and not durable:
        # Better no promise than one that could be lost.
        decision = Refused(
            "not_durable",
            "The hand-off to a person could not be stored safely. Ask again shortly.",
            retry_after_s=5.0,
        )
    if record.cache_key:
        _remember(decision, record, trail, world)
    tail = _tail(trail, decision) if trail.committed else ()
    head = _head(trail, decision)
    if trail.marks and _gives_back(plan):
        kept = decision
        if not trail.committed and isinstance(decision, Answered):
            whole = restored(decision.answer, trail.marks)
            decision = msgspec.structs.replace(decision, answer=whole)
        return Settled(head, decision, trail.committed, tail, durable, kept, trail.marks)
    return Settled(head, decision, trail.committed, tail, durable)


def _is_spared(request: Request, world: World) -> bool:
    """Whether the month's money must last for requests that matter more."""
    thrift = world.thrift.get(request.feature)
    return thrift is not None and request.criticality in thrift.classes


def _for_vectors(plan: Plan) -> Plan:
    """Return the plan for an embedding: no text and no person can stand in for a vector."""
    route = tuple(target for target in plan.route if target.kind not in {"say", "human"})
    return replace(plan, route=route)


def _head(trail: Trail, decision: Decision) -> Head:
    record_id, release = trail.request.id, trail.plan.release
    if isinstance(decision, Abandoned):
        return Head(record_id, release, decision.kind)
    model = decision.answer.model if isinstance(decision, Answered) else ""
    target, tier = decision.target, decision.tier
    return Head(record_id, release, decision.kind, target, tier, model, trail.rate)


def _tail(trail: Trail, decision: Decision) -> tuple[Piece, ...]:
    """Return the pieces that waited for the record; what was cut has no proper end to send."""
    if trail.begun is None or not isinstance(decision, Answered):
        return ()
    tail = tuple(trail.begun.tail)
    return trail.restoring.tail(tail) if trail.restoring else tail


def _gives_back(plan: Plan) -> bool:
    """Whether the caller gets back what marks stand for; record and cache keep the marks."""
    return plan.input is not None and plan.input.settings.restore


def _remember(decision: Decision, record: Record, trail: Trail, world: World) -> None:
    if isinstance(decision, Answered) and decision.target != "cache":
        world.cache.put(record.cache_key, decision.answer, at=record.started_at)
        remember(trail, record.cache_key, world)


def _record(trail: Trail, decision: Decision, world: World) -> Record:
    request, plan, caller = trail.request, trail.plan, trail.request.caller
    abandoned = isinstance(decision, Abandoned)
    target, tier = ("", 0) if isinstance(decision, Abandoned) else (decision.target, decision.tier)
    answer = decision.answer if isinstance(decision, Answered) else None
    begun = trail.begun if trail.committed else None
    said = answer or (trail.last.answer if begun and trail.last else None)
    keep = trail.known.keep_content
    # By position, in the record's own order: by name it takes ten times as long.
    return Record(
        request.id,
        request.feature,
        trail.wall,
        decision.kind._value_,  # as `value` is, which is slow
        plan.release,
        plan.prompt_version,
        "stable",
        caller.user or caller.session,  # its unit
        caller.tenant,
        caller.key_id,
        caller.user,
        caller.session,
        caller.tags,
        caller.call_site,
        int((world.clock.now() - trail.started) * 1e6 + 0.5) / 1e6,  # as `rounded`
        _first_token_s(trail) if request.stream else None,
        request.stream,
        decision.code if isinstance(decision, Refused) else "",
        _reason(decision),
        target,
        tier,
        begun is not None and answer is None,
        begun.sent if begun else 0,
        answer.age_s if answer else None,
        tuple(trail.attempts),
        _input(request) if keep and trail.cleared else None,
        _output(said) if keep and said and not abandoned else None,
        _key_to_keep(trail, decision, world) if plan.keeps else "",
        (),
        tuple(trail.checks),
        trail.cost_usd(),
        trail.unpriced(),
        request.criticality._value_,
        request.variables if keep and trail.cleared else {},
    )


def _first_token_s(trail: Trail) -> float | None:
    latest = trail.attempts[trail.answering] if trail.attempts else None
    if latest is None or latest.first_token_s is None:
        return None
    return latest.started_s + latest.first_token_s


def _key_to_keep(trail: Trail, decision: Decision, world: World) -> str:
    """Return the cache's key if it may give this answer: the fixed text is nobody's answer."""
    if (
        isinstance(decision, Answered)
        and decision.target != "say"
        and not trail.rejected
        and may_keep(decision.answer)
    ):
        return trail.cache_key(world.secret)
    return ""


def _reason(decision: Decision) -> str:
    match decision:
        case Answered() | HandedOff():
            return decision.reason
        case Refused():
            return decision.message
        case Abandoned():
            return ""


def _input(request: Request) -> dict[str, Any]:
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
    if answer.vectors:  # told, not kept: they follow from the input
        said["vectors"] = {
            "count": len(answer.vectors),
            "dimensions": len(answer.vectors[0]) // FLOAT_BYTES,
        }
    return said
