"""Our own server under any ASGI application: framing, order, pace, and callers who leave."""

import asyncio
from typing import Any

import pytest

from seatrial.gateway.exchange import ServerState
from seatrial.gateway.opening import opening_of
from seatrial.gateway.protocol import Edge, EdgeProtocol
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.turn import HELD_BYTES, SMALL_BODY_BYTES, Turn

pytestmark = pytest.mark.anyio

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
DATE = b"date: today\r\n"


class Pipe:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1)


class Connected:
    """One connection to an application."""

    def __init__(self, app: Any, **settings: Any) -> None:
        self.edge = Edge(app, DoorSettings(**settings), ServerState(), lambda: "0" * 32)
        self.edge.date = DATE
        self.pipe = Pipe()
        self.protocol = EdgeProtocol(self.edge, asyncio.get_running_loop())
        self.protocol.connection_made(self.pipe)  # type: ignore[arg-type]

    async def send(self, data: bytes) -> bytes:
        """Return what the application has written a moment later."""
        self.pipe.written = b""
        self.protocol.data_received(data)
        await turns()
        return self.pipe.written


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def says(*parts: bytes, status: int = 200, headers: Any = ()) -> Any:
    """Send these parts over plain ASGI."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for index, part in enumerate(parts):
            more = index + 1 < len(parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})

    return app


async def echo(scope: Any, receive: Any, send: Turn) -> None:
    """Answer with the body, the doors' way."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send.reply(200, [], body)


async def test_application_learns_what_was_asked() -> None:
    """The scope has all that ASGI demands."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, await receive()))
        await says(b"ok")(scope, receive, send)

    await Connected(app).send(GET)
    scope, message = seen[0]

    assert ("http", "GET", "/a b") == (scope["type"], scope["method"], scope["path"])
    assert (b"/a%20b", b"c=d") == (scope["raw_path"], scope["query_string"])
    assert [(b"host", b"localhost")] == scope["headers"]
    assert {"type": "http.request", "body": b"", "more_body": False} == message


async def test_body_of_unknown_length_comes_in_chunks() -> None:
    """And the line stays open."""
    connected = Connected(says(b"one", b"", b"two", b"", headers=[(b"x", b"y")]))
    data = await connected.send(GET)

    assert data == (
        b"HTTP/1.1 200 OK\r\nx: y\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n"
        b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    )
    assert data == await connected.send(GET)


async def test_body_of_stated_length_comes_plain() -> None:
    """As the application framed it."""
    connected = Connected(says(b"one", b"two", headers=[(b"content-length", b"6")]))
    data = await connected.send(GET)

    assert data == b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n" + DATE + b"\r\nonetwo"


@pytest.mark.parametrize("parts", [(b"one", b"two"), (b"o", b"ne")])
async def test_wrong_length_ends_the_line(parts: tuple[bytes, ...]) -> None:
    """What is too much is never written, what is too little never made up for."""
    length = b"4" if len(parts[0]) == 1 else b"3"
    connected = Connected(says(*parts, headers=[(b"content-length", length)]))
    data = await connected.send(GET)

    assert connected.pipe.closed
    assert not data.endswith(b"two")


async def test_old_callers_get_no_chunks() -> None:
    """The end of the connection is the end of their body."""
    connected = Connected(says(b"one", b"two"))
    data = await connected.send(GET.replace(b"1.1", b"1.0"))

    assert data == b"HTTP/1.1 200 OK\r\n" + DATE + b"connection: close\r\n\r\nonetwo"
    assert connected.pipe.closed


@pytest.mark.parametrize(
    ("request_", "status"), [(GET.replace(b"GET", b"HEAD"), 200), (GET, 204), (GET, 304)]
)
async def test_bodiless_answers_have_none(request_: bytes, status: int) -> None:
    """Neither chunks nor anything else, and the line stays usable."""
    body = b"body" if status == 200 else b""
    connected = Connected(says(body, status=status))
    data = await connected.send(request_)

    assert data.endswith(DATE + b"\r\n")
    assert not connected.pipe.closed


async def test_head_says_the_length_of_what_it_leaves_out() -> None:
    """As a GET would."""

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        await send.reply(200, [], b"12345")

    data = await Connected(app).send(GET.replace(b"GET", b"HEAD"))

    assert data == b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\n\r\n"


@pytest.mark.parametrize("size", [0, 5, SMALL_BODY_BYTES + 1])
async def test_whole_answers_are_whole(size: int) -> None:
    """Whatever their size."""

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        await send.reply(200, [], b"a" * size)

    data = await Connected(app).send(GET)

    assert data.endswith(b"content-length: %d\r\n\r\n" % size + b"a" * size)


async def test_split_body_is_joined() -> None:
    """However it arrives."""
    connected = Connected(echo)
    await connected.send(POST + b"ab")

    assert (await connected.send(b"cd")).endswith(b"\r\n\r\nabcd")


async def test_waiting_caller_is_told_to_go_on() -> None:
    """Once, and only when the body is wanted."""
    connected = Connected(echo)
    head = POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == await connected.send(head)
    assert (await connected.send(b"abcd")).startswith(b"HTTP/1.1 200 ")
    assert (await Connected(says(b"no")).send(head)).startswith(b"HTTP/1.1 200 ")


async def test_large_body_waits_for_its_reader() -> None:
    """What nobody reads is not let in."""
    go = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        await go.wait()
        await echo(scope, receive, send)

    connected = Connected(app)
    size = HELD_BYTES + 1
    await connected.send(POST.replace(b" 4", b" %d" % (size + 1)) + b"a" * size)
    held = not connected.pipe.reading
    assert held
    go.set()
    await turns()
    assert connected.pipe.reading
    assert (await connected.send(b"b")).endswith(b"ab")


async def test_requests_in_line_are_answered_in_order() -> None:
    """One after the other; a long line is not read on."""
    connected = Connected(echo)
    many = b"".join(POST + b"%04d" % number for number in range(20))
    connected.protocol.data_received(many)
    assert not connected.pipe.reading
    for _ in range(20):
        await turns()
    answers = connected.pipe.written.split(b"HTTP/1.1 200 OK\r\n")[1:]

    assert [b"%04d" % number for number in range(20)] == [each[-4:] for each in answers]
    assert connected.pipe.reading


async def test_slow_reader_is_waited_for() -> None:
    """The application goes on when there is room, or nobody left."""
    sent = 0

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        nonlocal sent
        await send.begin(200, [])
        while not send.gone:
            sent += 1
            wait = send.put(b"x")
            await (wait or asyncio.sleep(0))

    connected = Connected(app)
    await connected.send(GET)
    connected.protocol.pause_writing()
    await turns()
    before = sent
    await turns()
    assert before == sent
    connected.protocol.resume_writing()
    await turns()
    assert before < sent
    connected.protocol.pause_writing()
    await turns()
    connected.protocol.connection_lost(None)
    await turns()

    assert not connected.edge.tasks


async def test_leaving_is_told_at_once() -> None:
    """Also to those who ask only afterwards, and to nobody who asks no more."""
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        send.notice(lambda: told.append("early"))
        assert "http.request" == (await receive())["type"]
        assert "http.disconnect" == (await receive())["type"]
        send.notice(lambda: told.append("late"))
        await send.reply(200, [], b"to nobody")

    connected = Connected(app)
    await connected.send(GET)
    connected.protocol.connection_lost(None)
    await turns()

    assert ["early", "late"] == told
    assert b"" == connected.pipe.written


async def test_quiet_connection_is_closed() -> None:
    """After its time, and only when no request is on its way."""
    connected = Connected(says(b"ok"), keep_alive_s=5.0, read_s=9.0)
    await connected.send(GET)
    now = connected.protocol.idle_since
    connected.protocol.sweep(now + 4.9)
    assert not connected.pipe.closed
    await connected.send(b"GET")
    connected.protocol.sweep(now + 5.1)
    assert not connected.pipe.closed
    await connected.send(GET.removeprefix(b"GET"))
    connected.protocol.sweep(connected.protocol.idle_since + 5.1)

    assert connected.pipe.closed


@pytest.mark.parametrize("status", [None, 200])
async def test_no_answer_ends_the_line(status: int | None) -> None:
    """An application that fails leaves nobody waiting."""

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        if status:
            await send.begin(status, [])
        raise ValueError("a mistake")

    connected = Connected(app)
    await connected.send(GET)

    assert connected.pipe.closed
    assert not connected.edge.tasks


async def test_second_answer_is_refused() -> None:
    """The caller would take it for the next one's."""
    caught: list[BaseException] = []

    async def app(scope: Any, receive: Any, send: Turn) -> None:
        await send.reply(200, [], b"one")
        for again in (send.reply(200, [], b"two"), send.begin(200, [])):
            with pytest.raises(RuntimeError) as error:
                await again
            caught.append(error.value)
        with pytest.raises(RuntimeError):
            send.put(b"three")

    data = await Connected(app).send(GET)

    assert 2 == len(caught)
    assert data.endswith(b"\r\n\r\none")


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
def test_header_cannot_become_two(value: bytes) -> None:
    """Line ends in a value are a mistake of ours that must not leave."""
    with pytest.raises(ValueError, match="header"):
        opening_of(200, [(b"x", value)], b"")


def test_unknown_status_has_no_phrase() -> None:
    """Providers invent some."""
    assert b"HTTP/1.1 529 \r\n\r\n" == opening_of(529, [], b"")
