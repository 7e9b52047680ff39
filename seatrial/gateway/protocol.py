"""HTTP/1.1 at the edge: bytes to requests, in order, with bounds on what a caller may do.

llhttp refuses ambiguous framing by itself.  What is added here: limits on the head's size
and on time, honest errors, no trailers, no upgrades, and a polite way to stop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import ServerState
from seatrial.gateway.faults import Fault, show_fault
from seatrial.gateway.opening import CLOSE, opening_of
from seatrial.gateway.scopes import Asgi, HttpScope
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.turn import Turn

_FRAMING: Final = frozenset({b"expect", b"transfer-encoding"})
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_MOST_IN_LINE: Final = 8  # requests that wait on one connection; more are not read meanwhile
_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


class Edge:
    """What all connections of one server share.

    Args:
        app: answers requests.
        settings: limits.
        state: whether the server is stopping.
        new_id: makes request ids for requests that never become one.
        turns_away: answers a request at once that is not let in; False for all others.

    Attributes:
        connections: that are open.
        tasks: that answer requests.
        date: the header line with the time of day.
    """

    def __init__(
        self,
        app: Asgi,
        settings: DoorSettings,
        state: ServerState,
        new_id: Callable[[], str],
        turns_away: Callable[[Turn, HttpScope], bool] = lambda _turn, _scope: False,
    ) -> None:
        self.app = app
        self.settings = settings
        self.state = state
        self.new_id = new_id
        self.turns_away = turns_away
        self.connections: set[EdgeProtocol] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.date = b""


class EdgeProtocol(asyncio.Protocol):
    """One connection.

    Args:
        edge: what it shares with all others.
        loop: the one it lives in.
    """

    transport: asyncio.Transport

    def __init__(self, edge: Edge, loop: asyncio.AbstractEventLoop) -> None:
        self.edge = edge
        self.loop = loop
        self.running: Turn | None = None
        """The request that is being answered, or was last."""
        self.latest: Turn | None = None
        """The request that came last."""
        self.waiting: deque[tuple[Turn, HttpScope]] = deque()
        self.reading_since: float | None = loop.time()
        self.idle_since = loop.time()
        self.stalled_since: float | None = None
        self.fresh = True
        self.in_head = True
        self.head_bytes = 0
        self._room: asyncio.Event | None = None  # while the caller reads too slowly
        self._held = False
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects = False
        self._parser: Any = httptools.HttpRequestParser(self)
        # Behind a request that closes the line more may come; it is never looked at.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)

    # --- the event loop's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start counting; a connection that stays silent is closed as well."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._client = transport.get_extra_info("peername")
        self._server = transport.get_extra_info("sockname")
        self.edge.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within bounds."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.refuse("bad_framing", "Upgrades are not served. Send plain HTTP/1.1.")
        except httptools.HttpParserError:
            self.refuse("bad_framing", "The request is not well-formed HTTP/1.1.")
        else:
            if self.in_head:
                self.head_bytes += len(data)
                if self.head_bytes > self.edge.settings.max_header_bytes:
                    self.refuse("headers_too_large", "The request's headers are too large.")

    def pause_writing(self) -> None:
        """Note that the caller reads more slowly than we write."""
        self._room = asyncio.Event()

    def resume_writing(self) -> None:
        """Note that there is room again."""
        if self._room is not None:
            self._room.set()
            self._room = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the requests whose caller is gone."""
        self.edge.connections.discard(self)
        for turn in (self.running, self.latest):
            if turn is not None:
                turn.lose()
        self.waiting.clear()
        self.resume_writing()
        self._parser = None  # they hold each other

    # --- llhttp's side: what is raised here ends the parsing ---------------------------------

    def on_message_begin(self) -> None:
        """Start the clock and the count of a request."""
        self._url = b""
        self._headers = []
        self._expects = False
        self.in_head = True
        self.fresh = False
        self.head_bytes = 0
        self.reading_since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body is none."""
        if not self.in_head:
            return
        name = name.lower()
        if name in _FRAMING:
            if name == b"expect":
                self._expects = value.lower() == b"100-continue"
            elif value.lower() != b"chunked" or self._parser.get_http_version() == "1.0":
                # Other codings would need undoing, and HTTP/1.0 knows none.
                raise ValueError("transfer-encoding")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Let the request through, unless its framing leaves room for two readings."""
        self.in_head = False
        parser = self._parser
        version: str = parser.get_http_version()
        if version not in _VERSIONS:
            raise ValueError("version")
        if parser.should_upgrade():
            return
        method: str = parser.get_method().decode("ascii")
        path, raw_path, query = _place_of(self._url)
        old = version == "1.0"
        keep_alive = not old and parser.should_keep_alive()
        turn = Turn(self, method, old=old, keep_alive=keep_alive, expects=self._expects)
        scope: HttpScope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            "client": self._client,
            "server": self._server,
        }
        before, self.latest = self.latest, turn
        if before is None or before.complete:
            self._start(turn, scope)
        else:
            self.waiting.append((turn, scope))
            if len(self.waiting) >= _MOST_IN_LINE:
                self.hold()

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body over."""
        if self.latest is not None and not self._parser.should_upgrade():
            self.latest.take(body)

    def on_message_complete(self) -> None:
        """Stop the clock."""
        self.reading_since = None
        if self.latest is not None and not self._parser.should_upgrade():
            self.latest.end()

    def _start(self, turn: Turn, scope: HttpScope) -> None:
        self.running = turn
        edge = self.edge
        if edge.state.stopping:
            turn.keep_alive = False
        if self._room is None and edge.turns_away(turn, scope):
            return
        task = self.loop.create_task(turn.run(edge.app, scope))
        edge.tasks.add(task)
        task.add_done_callback(edge.tasks.discard)

    # --- a turn's side -----------------------------------------------------------------------

    @property
    def date(self) -> bytes:
        """The header line with the time of day."""
        return self.edge.date

    @property
    def full(self) -> bool:
        """Whether more than enough waits to be read by the caller."""
        return self._room is not None

    async def drain(self) -> None:
        """Return when there is room again, or nobody to read."""
        while self._room is not None:
            await self._room.wait()

    def hold(self) -> None:
        """Let no more come."""
        if not self._held:
            self._held = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Let more come."""
        if self._held:
            self._held = False
            self.transport.resume_reading()

    def answered(self) -> None:
        """Note since when the connection is idle, and go on with the next request."""
        self.idle_since = self.loop.time()
        if self.transport.is_closing():
            return
        if self._held:
            self.resume()
        if self.waiting:
            self._start(*self.waiting.popleft())

    # --- the server's side -------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether no request is being read or answered."""
        if self.running is not None and not self.running.complete:
            return False
        return self.reading_since is None or self.fresh

    def say_close(self) -> None:
        """Let the caller know with the next answer that this connection ends."""
        for turn in (self.running, self.latest):
            if turn is not None and not turn.started:
                turn.keep_alive = False

    def sweep(self, now: float) -> None:
        """Cut the connection when the caller takes too long to write, to read or to come back."""
        settings = self.edge.settings
        if self.transport.is_closing() or self.full:
            if self.stalled_since is None:
                self.stalled_since = now
            elif now - self.stalled_since > settings.stall_s:
                self.transport.abort()
            return
        self.stalled_since = None
        if self.reading_since is not None:
            if now - self.reading_since > settings.read_s:
                if self.fresh:
                    self.transport.close()
                else:
                    self.refuse(
                        "request_too_slow", "The request took too long to arrive. Try again."
                    )
        elif self.idle and now - self.idle_since > settings.keep_alive_s:
            self.transport.close()

    def _is_answered_early(self) -> bool:
        """Whether the request whose body is still coming has had its answer."""
        latest = self.latest
        return latest is not None and latest.complete and latest.more_body

    def refuse(self, code: str, message: str) -> None:
        """Answer what is no request, and close."""
        self.in_head = False
        self.reading_since = None
        if self.transport.is_closing():
            return
        turn = self.running
        if turn is not None and not turn.complete:
            # An answer is being written on this line; nothing may be mixed into it.
            if turn is not self.latest or turn.started or not turn.more_body:
                turn.keep_alive = False
                self.waiting.clear()
                self.hold()
                return
            turn.lose()
        elif self._is_answered_early():
            self.transport.close()  # this request has its answer; a second would be the next one's
            return
        shown = show_fault(Fault(code, message))
        request_id = self.edge.new_id()
        body = out.error_body(shown, request_id)
        headers = [out.JSON_TYPE, (b"x-request-id", request_id.encode("ascii"))]
        headers += out.error_headers(shown)
        framing = b"%bcontent-length: %d\r\n%b" % (self.edge.date, len(body), CLOSE)
        self.transport.write(opening_of(shown.status, headers, framing) + body)
        self.transport.close()


@lru_cache(maxsize=64)
def _place_of(url: bytes) -> tuple[str, bytes, bytes]:
    """Return a URL's path, plain and as it came, and its query; most are asked again and again.

    Raises:
        HttpParserInvalidURLError: it is none.
        UnicodeDecodeError: its path is not ASCII.
    """
    parsed = httptools.parse_url(url)
    raw: bytes = parsed.path
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, raw, parsed.query or b""
