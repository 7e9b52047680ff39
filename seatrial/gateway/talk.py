"""One request to a decision and back, in whatever dialect it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar, assert_never

import msgspec

from seatrial.gateway import openai_out as out
from seatrial.gateway.dialect import Dialect, WholeWriter, Writer
from seatrial.gateway.exchange import Exchange, stopping
from seatrial.gateway.faults import Fault, Shown, show_fault, show_refused
from seatrial.gateway.fields import Ask
from seatrial.gateway.headers import (
    Found,
    criticality,
    deadline_s,
    has_wishes,
    hints,
    idempotency_key,
)
from seatrial.gateway.scopes import Headers
from seatrial.gateway.stream import EventSink
from seatrial.gateway.watch import CallerWatch
from seatrial.values.chat import Answer
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Abandoned, Answered, HandedOff, Refused, Settled
from seatrial.values.idempotency import fingerprint_of
from seatrial.values.requests import EMBED, Caller, Request

AnyWriter = TypeVar("AnyWriter", bound=WholeWriter)
Writes = Callable[[str, int], AnyWriter]
"""Makes the writer of an answer, from its id and the Unix time."""

_USUAL: Final = Criticality.DEFAULT
_NOTHING: Final[Mapping[str, str]] = {}
_NO_VECTOR: Final = "The feature hands this to a person, and no person can give a vector."


async def talk(exchange: Exchange, dialect: Dialect) -> None:
    """Answer one request, whole or in pieces."""
    found = exchange.found
    if b"idempotency-key" not in found:  # whoever asked before gets what came of it
        # Before the body is read: a refusal must cost next to nothing.
        refused = exchange.app.shed(exchange.caller, criticality(found, _NOTHING))
        if refused is not None:
            await exchange.turn_away(refused)
            return
    raw = exchange.body_at_hand()
    if raw is None:
        raw = await exchange.body()
        ask = await exchange.apart(len(raw), dialect.read, raw, exchange.settings)
    else:
        ask = dialect.read(raw, exchange.settings)
    request = admit(exchange, ask)
    if isinstance(request, Refused):
        await exchange.fail(show_refused(request))
        return
    if b"idempotency-key" in found:
        request = await with_key(exchange, request, raw)
    write = partial(dialect.writer, ask)
    if ask.stream:
        await _stream(exchange, request, write)
    else:
        await answer_whole(exchange, request, write, as_it_came=dialect.as_it_came)


def admit(exchange: Exchange, ask: Ask) -> Request | Refused:
    """Return the request for a feature that the caller may ask, or why they may not.

    Args:
        exchange: with the caller.
        ask: what was read.

    Raises:
        Fault: one of the headers is not as it must be.
    """
    app, found, caller = exchange.app, exchange.found, exchange.caller
    unknown = app.find(ask.feature, caller)
    if unknown is not None:
        return unknown
    left_s = app.deadline_s(ask.feature)
    wishes = has_wishes(found)
    if wishes:
        own_s = deadline_s(found)
        left_s = left_s if own_s is None else min(left_s, own_s)
        caller = _with_hints(caller, found)
    if ask.user and not caller.user:
        caller = msgspec.structs.replace(caller, user=ask.user)
    # By position: by name it takes several times as long.
    return Request(
        exchange.id,
        ask.feature,
        ask.body,
        app.now() + left_s,
        ask.stream,
        ask.include_usage,
        ask.variables,
        caller,
        None,
        ask.kind,
        ask.prompt_version,
        criticality(found, ask.variables) if wishes or ask.variables else _USUAL,
    )


async def with_key(exchange: Exchange, request: Request, raw: bytes) -> Request:
    """Return the request with the key that its caller gave it.

    Args:
        exchange: with the caller.
        request: as it was admitted.
        raw: from which it was read: twins are told by it.

    Raises:
        Fault: the key is not as it must be.
    """
    key = idempotency_key(exchange.found)
    return await exchange.apart(len(raw), _keyed, request, key, raw)


def _keyed(request: Request, key: str, raw: bytes) -> Request:
    """Return the request with what tells its twins."""
    asked = msgspec.json.decode(raw)
    return msgspec.structs.replace(
        request,
        idempotency_key=key,
        fingerprint=fingerprint_of(asked),
        created=int(time.time()),
    )


def _with_hints(caller: Caller, found: Found) -> Caller:
    """Return who asks, with what their headers say about them."""
    user, session, tags = hints(found)
    if not (user or session or tags):
        return caller
    return msgspec.structs.replace(caller, user=user, session=session, tags=tags)


async def answer_whole(
    exchange: Exchange,
    request: Request,
    write: Writes[WholeWriter],
    *,
    as_it_came: bool = False,
) -> None:
    """Answer a caller who wants no pieces.

    Args:
        exchange: with the caller.
        request: what is asked.
        write: makes what writes the answer in the caller's dialect.
        as_it_came: whether the bytes of a provider's answer are in that dialect already.
    """
    watch = _watch(exchange)
    try:
        settled = await exchange.app.answer(request)
        watch.stop()
        answer = _answer_of(settled)
        body = answer.body if answer is not None and as_it_came and not settled.replayed else b""
        if not body:
            writer = _writer_for(settled, exchange, request, write)
            if answer is None:
                await _refuse(exchange, settled)
                return
            if request.kind == EMBED and not answer.vectors:
                await exchange.fail(show_fault(Fault("no_target_left", _NO_VECTOR)))
                return
            body = writer.whole(answer, settled.head)
        await exchange.reply(200, body, _labels(settled))
    except asyncio.CancelledError:
        if watch.forgive():
            return
        await exchange.fail(stopping())
        raise
    finally:
        if watch.on:
            watch.stop()


async def _stream(exchange: Exchange, request: Request, write: Writes[Writer]) -> None:
    watch = _watch(exchange)
    left_s = request.deadline - exchange.app.now()
    ping_s = exchange.settings.ping_s
    writer = write(exchange.id, request.created or int(time.time()))
    sink = EventSink(exchange.way, watch, writer, left_s=left_s, ping_s=ping_s)
    try:
        settled = await exchange.app.answer(request, sink)
        if not sink.begun:
            watch.stop()
            if settled.replayed:
                writer = _writer_for(settled, exchange, request, write)
            await _render_events(exchange, request, settled, writer)
            return
        match settled.decision:
            case Answered(answer=answer):
                await sink.finish(settled.tail, answer)
            case Refused() as refused:
                await sink.cut(show_refused(refused))
            case _:
                await sink.cut(_incomplete())
    except asyncio.CancelledError:
        if watch.forgive():
            return
        if sink.begun:
            exchange.started = True
            await sink.cut(stopping())
        else:
            await exchange.fail(stopping())
        raise
    except Exception:
        if sink.begun:
            exchange.started = True
            await sink.cut(_incomplete())
        raise
    finally:
        watch.stop()
        sink.stop()


async def _render_events(
    exchange: Exchange, request: Request, settled: Settled, writer: Writer
) -> None:
    """Send an answer that came whole as the stream that the caller asked for."""
    answer = _answer_of(settled)
    if answer is None:
        await _refuse(exchange, settled)
        return
    writer.name(answer.model or settled.head.model or request.feature)
    body = writer.finish(answer.pieces(), answer)
    headers = [*out.STREAM_HEADERS, *_labels(settled)]
    exchange.started = True
    await exchange.way.begin(200, headers)
    wait = exchange.way.put(body, last=True)
    if wait is not None:
        await wait


def _writer_for(
    settled: Settled, exchange: Exchange, request: Request, write: Writes[AnyWriter]
) -> AnyWriter:
    """Return the writer of an answer: a replayed one has the first one's id and time."""
    if not settled.replayed:
        return write(exchange.id, request.created or int(time.time()))
    exchange.replayed = True
    exchange.id = settled.head.record_id
    return write(exchange.id, settled.created)


def _labels(settled: Settled) -> Headers:
    labels = out.labels(settled.head, settled.decision)
    return [*labels, out.REPLAYED] if settled.replayed else labels


def _watch(exchange: Exchange) -> CallerWatch:
    # Asking for the running loop is a system call; servers that know theirs spare it.
    task = asyncio.current_task(exchange.state.loop)
    if task is None:
        raise RuntimeError("the doors need a task to run in")
    return CallerWatch(exchange.way, task)


def _answer_of(settled: Settled) -> Answer | None:
    """Return the answer that the caller reads; None when it is an error."""
    match settled.decision:
        case Answered() as answered:
            return answered.answer
        case HandedOff(text=text):
            return Answer(text=text)
        case Refused() | Abandoned():
            return None
        case other:
            assert_never(other)


async def _refuse(exchange: Exchange, settled: Settled) -> None:
    refused = settled.decision
    if not settled.let_in and isinstance(refused, Refused):
        await exchange.turn_away(refused)
        return
    shown = show_refused(refused) if isinstance(refused, Refused) else _incomplete()
    labels = out.labels(settled.head)
    await exchange.fail(shown, [*labels, out.REPLAYED] if settled.replayed else labels)


def _incomplete() -> Shown:
    return show_fault(
        Fault("internal_error", "The answer is incomplete: the gateway failed. Ask again.")
    )
