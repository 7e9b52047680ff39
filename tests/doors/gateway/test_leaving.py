"""Callers who leave, callers who do not read, and a server that stops."""

import asyncio
import json
from typing import Any

import pytest

from seatrial.gateway.asgi import build
from seatrial.values.chat import Piece
from seatrial.values.decisions import Answered, Settled
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import (
    CHAT,
    HELLO,
    HOST,
    JSON,
    FakeApp,
    Wire,
    scope,
    settled,
    streams,
)
from tests.patience import LONG_S, soon

pytestmark = pytest.mark.anyio


async def forever(request: Request, sink: Any) -> Settled:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def pours(request: Request, sink: Any) -> Settled:
    """Stream without an end."""
    await streams(Piece(text="a"))(request, sink)
    while True:
        await sink.send(Piece(text="a"))
        await asyncio.sleep(0.001)


def begin(app: FakeApp, *, stream: bool = False) -> tuple[Wire, asyncio.Task[None]]:
    """Start a chat."""
    wire = Wire(json.dumps({**CHAT, "stream": stream}).encode())
    serve = build(app)
    task = asyncio.ensure_future(serve(scope(headers=[HOST, JSON]), wire.receive, wire.send))
    return wire, task


@pytest.mark.parametrize(("script", "stream"), [(forever, False), (forever, True), (pours, True)])
async def test_leaving_stops_the_work(script: Any, stream: bool) -> None:
    """Within a tenth of a second, and the door's own task ends in peace."""
    app = FakeApp(script=script)
    wire, task = begin(app, stream=stream)
    await asyncio.sleep(0.05)
    wire.gone.set()
    assert await soon(task.done)
    await task

    assert 1 == app.cancelled
    assert 0 == task.cancelling()
    assert [] == [each for each in wire.sent if not each.get("more_body", True)]


async def test_leaving_at_once_is_noticed() -> None:
    """Also by a watch that looks a moment later."""
    app = FakeApp(script=forever)
    wire, task = begin(app)
    wire.gone.set()
    assert await soon(task.done)
    await task

    assert 1 == app.cancelled


async def test_leaving_before_the_body_ends_asks_nobody() -> None:
    """Half a request is none."""
    app = FakeApp()
    wire = Wire()
    wire._parts = [{"type": "http.request", "body": b"{", "more_body": True}]
    wire.gone.set()
    await build(app)(scope(headers=[HOST, JSON]), wire.receive, wire.send)

    assert ([], []) == (app.asked, wire.sent)


async def test_quick_answers_leave_no_watch_behind() -> None:
    """No task outlives its request."""
    before = asyncio.all_tasks()
    for seconds in (0.0, 0.03):

        async def naps(request: Request, sink: Any, seconds: float = seconds) -> Settled:
            await asyncio.sleep(seconds)
            return settled(request, Answered(HELLO, "a", 0))

        wire, task = begin(FakeApp(script=naps))
        await task
        assert 200 == wire.reply.status
    await asyncio.sleep(0.05)

    assert before == asyncio.all_tasks()


async def test_caller_who_does_not_read_ends_at_the_deadline() -> None:
    """Whatever the engine thinks of it."""
    app = FakeApp(script=pours, feature_deadline_s=0.1)
    wire, task = begin(app, stream=True)
    await asyncio.sleep(0.03)
    wire.reads = False
    await asyncio.wait_for(task, LONG_S)

    assert 1 == app.cancelled


@pytest.mark.parametrize("stream", [False, True])
async def test_stopping_server_says_so(stream: bool) -> None:
    """A request that is ended by force gets an error, and the cancellation goes on."""
    wire, task = begin(FakeApp(script=forever), stream=stream)
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (503, "shutting_down") == (wire.reply.status, wire.reply.error["code"])
    assert "1" == wire.reply.headers["retry-after"]


async def test_stopping_server_answers_half_a_request() -> None:
    """Also one whose body is still on its way."""
    wire = Wire([b"{", b""])
    wire._parts.pop()
    task = asyncio.ensure_future(
        build(FakeApp())(scope(headers=[HOST, JSON]), wire.receive, wire.send)
    )
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (503, "shutting_down") == (wire.reply.status, wire.reply.error["code"])


async def test_stopping_server_ends_a_stream_honestly() -> None:
    """An error event, no `[DONE]`."""
    wire, task = begin(FakeApp(script=pours), stream=True)
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "shutting_down" == wire.reply.events[-1]["error"]["code"]
    assert b"[DONE]" not in wire.reply.body


async def test_leaving_does_not_hide_a_stop() -> None:
    """Cancelled for both reasons at once, the task is cancelled."""
    app = FakeApp(script=forever)
    wire, task = begin(app)
    await asyncio.sleep(0.05)
    wire.gone.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 1 == app.cancelled
