"""HTTP/1.1 at the edge: uvicorn's protocol, with bounds on what a caller may do to it.

llhttp refuses ambiguous framing by itself.  What is added here: limits on the head's size
and on time, honest errors, no trailers, no upgrades, and a polite way to stop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState as UvicornState

from seatrial.gateway import openai_out as out
from seatrial.gateway.exchange import ServerState
from seatrial.gateway.faults import Fault, show_fault
from seatrial.gateway.settings import DoorSettings

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_REASONS: Final = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Headers Too Large"}
_FRAMING: Final = frozenset({b"expect", b"transfer-encoding"})
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class Edge(UvicornState):
    """What all connections of one server share.

    Args:
        settings: limits.
        state: whether the server is stopping.
        new_id: makes request ids for requests that never become one.
    """

    def __init__(self, settings: DoorSettings, state: ServerState, new_id: Any) -> None:
        super().__init__()
        self.settings = settings
        self.state = state
        self.new_id = new_id


class EdgeProtocol(HttpToolsProtocol):
    """One connection."""

    server_state: Edge

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start counting; a connection that stays silent is closed as well."""
        super().connection_made(transport)
        self.reading_since: float | None = self.loop.time()
        self.idle_since = self.reading_since
        self.stalled_since: float | None = None
        self.in_head = True
        self.head_bytes = 0
        self.running: RequestResponseCycle | None = None
        self.fresh = True

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within bounds."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.refuse("bad_framing", "Upgrades are not served. Send plain HTTP/1.1.")
        except httptools.HttpParserError:
            self.refuse("bad_framing", "The request is not well-formed HTTP/1.1.")
        else:
            if self.in_head:
                self.head_bytes += len(data)
                if self.head_bytes > self.server_state.settings.max_header_bytes:
                    self.refuse("headers_too_large", "The request's headers are too large.")

    def on_message_begin(self) -> None:
        """Start the clock and the count of a request."""
        super().on_message_begin()
        self.in_head = True
        self.fresh = False
        self.head_bytes = 0
        self.reading_since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body is none."""
        if not self.in_head:
            return
        name = name.lower()
        if name in _FRAMING:
            if name == b"expect":
                self.expect_100_continue = value.lower() == b"100-continue"
            elif value.lower() != b"chunked" or self.parser.get_http_version() == "1.0":
                # Other codings would need undoing, and HTTP/1.0 knows none.
                raise ValueError("transfer-encoding")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Let the request through, unless its framing leaves room for two readings."""
        self.in_head = False
        if self.parser.get_http_version() not in _VERSIONS:
            raise ValueError("version")
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock."""
        self.reading_since = None
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body over."""
        if not self.parser.should_upgrade():
            super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        if self.server_state.state.stopping:
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Note since when the connection is idle."""
        self.idle_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, also when others wait behind it."""
        running = self.running
        super().connection_lost(exc)
        self.pipeline.clear()
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()

    @property
    def idle(self) -> bool:
        """Whether no request is being read or answered."""
        running = self.running
        if running is not None and not running.response_complete:
            return False
        return self.reading_since is None or self.fresh

    def say_close(self) -> None:
        """Let the caller know with the next answer that this connection ends."""
        for cycle in (self.running, self.cycle):
            if cycle is not None and not cycle.response_started:
                cycle.keep_alive = False

    def sweep(self, now: float) -> None:
        """Cut the connection when the caller takes too long to write or to read."""
        settings = self.server_state.settings
        if self.transport.is_closing() or self.flow.write_paused:
            if self.stalled_since is None:
                self.stalled_since = now
            elif now - self.stalled_since > settings.stall_s:
                self.transport.abort()
            return
        self.stalled_since = None
        if self.reading_since is not None and now - self.reading_since > settings.read_s:
            if self.fresh:
                self.transport.close()
            else:
                self.refuse("request_too_slow", "The request took too long to arrive. Try again.")

    def _is_answered_early(self) -> bool:
        """Whether the request whose body is still coming has had its answer."""
        latest: RequestResponseCycle | None = self.cycle  # None before the first request
        return latest is not None and latest.response_complete and latest.more_body

    def refuse(self, code: str, message: str) -> None:
        """Answer what is no request, and close."""
        self.in_head = False
        self.reading_since = None
        if self.transport.is_closing():
            return
        cycle = self.running
        if cycle is not None and not cycle.response_complete:
            # An answer is being written on this line; nothing may be mixed into it.
            if cycle is not self.cycle or cycle.response_started or not cycle.more_body:
                cycle.keep_alive = False
                self.pipeline.clear()
                self.flow.pause_reading()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        elif self._is_answered_early():
            self.transport.close()  # this request has its answer; a second would be the next one's
            return
        shown = show_fault(Fault(code, message))
        request_id = self.server_state.new_id()
        body = out.error_body(shown, request_id)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"x-request-id: %b\r\nx-should-retry: %b\r\nconnection: close\r\n\r\n%b"
            % (
                shown.status,
                _REASONS.get(shown.status, b"Error"),
                len(body),
                request_id.encode("ascii"),
                b"true" if shown.again else b"false",
                body,
            )
        )
        self.transport.close()
