"""Carries out a plan: the only loop that waits on a request's behalf."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, assert_never

import msgspec

from seatrial.engine.attempt import attempt
from seatrial.engine.streaming import Begun, drop, pump
from seatrial.engine.world import Snapshot, World
from seatrial.ports import Call, Sink
from seatrial.reliability.caching import cache_key
from seatrial.reliability.flow import Attempt, Commit, Flow, Step, Wait
from seatrial.reliability.settings import Plan
from seatrial.values.attempts import Cause, Failure, Result
from seatrial.values.decisions import Decision, Head, Kind
from seatrial.values.records import AttemptRecord
from seatrial.values.requests import Request


@dataclass(slots=True)
class Trail:
    """What a request leaves behind on its way.

    Args:
        request, plan, known: what is asked, of whom.
        body: the request as targets see it, prompt included.
        started: on the monotonic clock.
        task: in which the request is answered; limits of time end by stopping it.
        attempts: every attempt so far.
        begun: the stream that waits for its commit, or was handed over.
        committed: whether anything has left for the caller.
        last: the result that the decision rests on.
    """

    request: Request
    plan: Plan
    known: Snapshot
    body: dict[str, Any]
    started: float
    task: asyncio.Task[Any] | None = None
    attempts: list[AttemptRecord] = field(default_factory=list)
    begun: Begun | None = None
    committed: bool = False
    last: Result | None = None
    _key: str | None = None

    def cache_key(self, secret: bytes) -> str:
        """Return the cache key of this request, made once; empty when the route has no cache."""
        if self._key is None:
            self._key = ""
            if any(target.kind == "cache" for target in self.plan.route):
                with suppress(TypeError, ValueError, OverflowError, RecursionError):
                    self._key = self._make_key(secret)
        return self._key

    def _make_key(self, secret: bytes) -> str:
        """Make the key of all that can change the answer; raise where it cannot be written."""
        request = self.request
        asked = dict(self.body)  # the prompt is in it, with its variables put in
        if any(target.kind == "python" for target in self.plan.route):
            asked["arguments"] = [request.arguments, request.variables]  # functions may read them
        return cache_key(
            secret,
            tenant=request.caller.tenant,
            scope=request.caller.key_scope,
            feature=self.plan.feature,
            prompt_version=self.plan.prompt_version,
            body=asked,
        )


async def perform(flow: Flow, trail: Trail, *, world: World, sink: Sink | None) -> Decision:
    """Carry out a plan step by step; return its decision."""
    try:
        step = next(flow)
        while True:
            step = flow.send(await _carry_out(step, trail, world, sink))
    except StopIteration as done:
        decision: Decision = done.value
        return decision
    finally:
        if trail.begun is not None and not trail.committed:
            await drop(trail.begun, health=world.health)


async def _carry_out(step: Step, trail: Trail, world: World, sink: Sink | None) -> Result:
    match step:
        case Attempt():
            return await _attempt(step, trail, world)
        case Wait(seconds):
            await world.clock.sleep(seconds)
            return Result(at=world.clock.now())
        case Commit():
            return await _commit(trail, world, sink)
        case _:
            assert_never(step)


async def _attempt(step: Attempt, trail: Trail, world: World) -> Result:
    if trail.begun is not None:
        # Taken away first: whoever interrupts the closing must not have it settled twice.
        unwanted, trail.begun = trail.begun, None
        await drop(unwanted, health=world.health)
    started = world.clock.now()
    note = _Note(step, started - trail.started)
    try:
        result = note.result = await _attempt_on_target(step, trail, world, started)
    except Exception as error:
        failure = Failure(Cause.RAISED, f"a {type(error).__name__} that nobody expected")
        note.result = Result(at=world.clock.now(), failure=failure, sent=True)
        raise
    finally:
        trail.attempts.append(note.record(world.clock.now() - started))
    trail.last = result
    return result


async def _attempt_on_target(step: Attempt, trail: Trail, world: World, started: float) -> Result:
    if step.target.kind == "cache":
        key = trail.cache_key(world.secret)
        kept = world.cache.get(key, now=world.clock.wall())
        missed = Failure(Cause.NOT_CACHED, sent=False) if kept is None else None
        return Result(at=started, answer=kept, failure=missed)
    provider = trail.known.providers.get(step.target.name)
    if provider is None:
        failure = Failure(Cause.TARGET_GONE, "its function is not loaded here", sent=False)
        return Result(at=started, failure=failure)
    request = trail.request
    call = Call(
        trail.body,
        request.stream,
        0,
        step.timers,
        request.id,
        request.arguments,
        request.variables,
    )
    result, trail.begun = await attempt(
        step,
        call,
        provider,
        task=trail.task,
        health=world.health,
        buffer_tokens=trail.plan.policy.buffer_tokens,
    )
    return result


async def _commit(trail: Trail, world: World, sink: Sink | None) -> Result:
    begun = trail.begun
    if begun is None or sink is None:
        raise RuntimeError("a plan may only commit a stream that began for a streaming caller")
    latest = trail.attempts[-1]
    head = Head(
        trail.request.id,
        trail.plan.release,
        Kind.DEGRADED if latest.tier else Kind.ANSWER,
        latest.target,
        latest.tier,
    )
    trail.committed = True
    trail.attempts[-1] = msgspec.structs.replace(latest, cause=Cause.CALLER_LEFT.value)
    result = await pump(begun, sink, head, health=world.health, deadline=trail.request.deadline)
    took_s = result.at - trail.started - latest.started_s
    trail.attempts[-1] = _completed(latest, result, took_s)
    trail.last = result
    return result


@dataclass(slots=True)
class _Note:
    """An attempt on its way to its record, whatever happens to it."""

    step: Attempt
    started_s: float
    result: Result | None = None

    def record(self, took_s: float) -> AttemptRecord:
        step, result = self.step, self.result
        started = AttemptRecord(
            step.target.name, step.tier, step.turn, started_s=round(self.started_s, 6)
        )
        if result is None:  # cancelled: the caller left
            return msgspec.structs.replace(
                started, cause=Cause.CALLER_LEFT.value, sent=True, took_s=round(took_s, 6)
            )
        return _completed(started, result, took_s)


def _completed(record: AttemptRecord, result: Result, took_s: float) -> AttemptRecord:
    failure, usage = result.failure, result.usage
    return AttemptRecord(
        record.target,
        record.tier,
        record.turn,
        result.outlet,
        failure.cause.value if failure else "",
        failure.reason if failure else "",
        result.sent,
        record.started_s,
        round(took_s, 6),
        None if result.first_token_s is None else round(result.first_token_s, 6),
        failure.status if failure else None,
        result.answer.model if result.answer else "",
        msgspec.to_builtins(usage) if usage else None,
    )
