"""One request to a decision and back, in whatever dialect it came."""

from __future__ import annotations

import asyncio
import time
from typing import Final, assert_never

import msgspec

from seatrial.gateway import openai_out as out
from seatrial.gateway.dialect import Dialect, WholeWriter, Writer
from seatrial.gateway.exchange import Exchange, stopping
from seatrial.gateway.faults import Fault, Shown, show_fault, show_refused
from seatrial.gateway.fields import Ask
from seatrial.gateway.headers import deadline_s, hints
from seatrial.gateway.stream import EventSink
from seatrial.gateway.watch import CallerWatch
from seatrial.values.chat import Answer
from seatrial.values.decisions import Abandoned, Answered, HandedOff, Refused, Settled
from seatrial.values.requests import EMBED, Caller, Request

_NO_VECTOR: Final = "The feature hands this to a person, and no person can give a vector."


async def talk(exchange: Exchange, dialect: Dialect) -> None:
    """Answer one request, whole or in pieces."""
    ask = dialect.read(await exchange.body(), exchange.settings)
    request = await admit(exchange, ask)
    if request is None:
        return
    writer = dialect.writer(ask, exchange.id, int(time.time()))
    if ask.stream:
        await _stream(exchange, request, writer)
    else:
        await answer_whole(exchange, request, writer)


async def admit(exchange: Exchange, ask: Ask) -> Request | None:
    """Return the request for a feature that the caller may ask; None when that was refused."""
    app = exchange.app
    unknown = app.find(ask.feature, exchange.caller)
    if unknown is not None:
        await exchange.fail(show_refused(unknown))
        return None
    left_s = app.deadline_s(ask.feature)
    own_s = deadline_s(exchange.found)
    if own_s is not None:
        left_s = min(left_s, own_s)
    # By position: by name it takes several times as long.
    return Request(
        exchange.id,
        ask.feature,
        ask.body,
        app.now() + left_s,
        ask.stream,
        ask.include_usage,
        ask.variables,
        _caller(exchange, ask),
        None,
        ask.kind,
        ask.prompt_version,
    )


def _caller(exchange: Exchange, ask: Ask) -> Caller:
    """Return who asks, with what the request itself says about them."""
    user, session, tags = hints(exchange.found)
    user = user or ask.user
    known = exchange.caller
    if not (user or session or tags):
        return known
    return msgspec.structs.replace(known, user=user, session=session, tags=tags)


async def answer_whole(exchange: Exchange, request: Request, writer: WholeWriter) -> None:
    """Answer a caller who wants no pieces."""
    watch = _watch(exchange)
    try:
        settled = await exchange.app.answer(request)
        watch.stop()
        answer = _answer_of(settled)
        if answer is None:
            await _refuse(exchange, settled)
            return
        if request.kind == EMBED and not answer.vectors:
            await exchange.fail(show_fault(Fault("no_target_left", _NO_VECTOR)))
            return
        body = writer.whole(answer, settled.head)
        await exchange.reply(200, body, out.labels(settled.head, settled.decision))
    except asyncio.CancelledError:
        if watch.forgive():
            return
        await exchange.fail(stopping())
        raise
    finally:
        watch.stop()


async def _stream(exchange: Exchange, request: Request, writer: Writer) -> None:
    watch = _watch(exchange)
    left_s = request.deadline - exchange.app.now()
    ping_s = exchange.settings.ping_s
    sink = EventSink(exchange.way, watch, writer, left_s=left_s, ping_s=ping_s)
    try:
        settled = await exchange.app.answer(request, sink)
        if not sink.begun:
            watch.stop()
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
    headers = [*out.STREAM_HEADERS, *out.labels(settled.head, settled.decision)]
    exchange.started = True
    await exchange.way.begin(200, headers)
    wait = exchange.way.put(body, last=True)
    if wait is not None:
        await wait


def _watch(exchange: Exchange) -> CallerWatch:
    # Asking for the running loop is a system call; servers that know theirs spare it.
    task = asyncio.current_task(exchange.state.loop)
    if task is None:
        raise RuntimeError("the doors need a task to run in")
    return CallerWatch(exchange.way, task)


def _answer_of(settled: Settled) -> Answer | None:
    """Return the answer that the caller reads; None when it is an error."""
    match settled.decision:
        case Answered(answer=answer):
            return answer
        case HandedOff(text=text):
            return Answer(text=text)
        case Refused() | Abandoned():
            return None
        case other:
            assert_never(other)


async def _refuse(exchange: Exchange, settled: Settled) -> None:
    refused = settled.decision
    shown = show_refused(refused) if isinstance(refused, Refused) else _incomplete()
    await exchange.fail(shown, out.labels(settled.head))


def _incomplete() -> Shown:
    return show_fault(
        Fault("internal_error", "The answer is incomplete: the gateway failed. Ask again.")
    )
