"""One connection upstream: carries one request at a time, and is dropped at the first doubt."""

from __future__ import annotations

import asyncio
import re
import select
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from seatrial.providers.wire import troubles
from seatrial.providers.wire.parsing import Malformed, ReplyParser
from seatrial.providers.wire.reply import WireReply
from seatrial.providers.wire.requests import Origin
from seatrial.values.attempts import Cause, Failure

# Below it one write of head and body together is cheaper than two.
SMALL_BODY_BYTES: Final = 64 * 1024

_OFFER: Final = re.compile(rb"\btimeout\s*=\s*(\d{1,9})\b", re.IGNORECASE)


class Home(Protocol):
    """Where connections stay between requests."""

    buffer: memoryview
    """What all connections of an event loop receive into: nothing stays there."""

    def give(self, connection: Connection) -> None:
        """Take a connection that is free for the next request."""

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is gone."""


class Connection(asyncio.BufferedProtocol):
    """A connection, and the reply that is on its way in.

    Args:
        origin: where it leads.
        loop: the one it lives in.
        home: hears when it is free, and when it is gone.
    """

    __slots__ = (
        "_home",
        "_loop",
        "_parser",
        "_poll",
        "_reply",
        "_transport",
        "closed",
        "expires",
        "offered_s",
        "origin",
        "paused",
    )

    def __init__(self, origin: Origin, loop: asyncio.AbstractEventLoop, home: Home) -> None:
        self.origin = origin
        self.closed = False
        self.offered_s: int | None = None
        """How long the other side said that it keeps an idle connection."""
        self.expires = 0.0
        """When it has been idle for too long; the pool's to know."""
        self._home = home
        self._loop = loop
        self._parser = ReplyParser()
        self._reply: WireReply | None = None
        self._transport: asyncio.Transport | None = None
        self._poll: Callable[[int], object] = _unknown
        self.paused = False

    # --- the house's side ----------------------------------------------------------------

    def ask(self, head: bytes, body: bytes) -> WireReply:
        """Write a request and return the reply to come."""
        reply = self._reply = WireReply(self, self._loop)
        self._parser.expect(reply)
        assert self._transport is not None  # noqa: S101 - connected before it is given out
        if len(body) <= SMALL_BODY_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return reply

    def is_fit(self) -> bool:
        """Whether it may carry another request.

        What lies unread on an idle connection is the other side's goodbye, or bytes that
        belong to no request of ours; the event loop may not have seen them yet.
        """
        return not self.closed and not self._poll(0)

    def resume(self) -> None:
        """Let more come."""
        if self.paused:
            self.paused = False
            if self._transport is not None:
                self._transport.resume_reading()

    def abort(self) -> None:
        """Hang up at once, also when the other side reads nothing any more."""
        self._reply = None
        if self._transport is not None:
            self._transport.abort()
        self._gone()

    def cut(self) -> None:
        """Hang up, whoever waits for a reply."""
        self._lose()

    # --- the event loop's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._poll = _probe(transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to put what comes."""
        return self._home.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came, and tell the reply."""
        reply = self._reply
        if reply is None:  # an answer to nothing
            self.abort()
            return
        parser = self._parser
        try:
            parser.feed(self._home.buffer[:nbytes])
        except Malformed:
            self._break(reply, troubles.MALFORMED)
            return
        if parser.whole:
            self._finish(reply)
            return
        if reply.held > reply.ceiling and not self.paused and self._transport is not None:
            self.paused = True
            self._transport.pause_reading()
        reply.notify()

    def eof_received(self) -> None:
        """Take the other side's goodbye: the end of some bodies, the loss of others."""
        reply = self._reply
        if reply is not None and reply.status and self._parser.open_ended:
            self.abort()
            reply.end()
        else:
            self._lose()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        self._lose()
        self._parser.let_go()

    # --- in between ------------------------------------------------------------------------

    def _finish(self, reply: WireReply) -> None:
        """Let a whole reply go, and be free for the next one if there is no doubt."""
        transport = self._transport
        if self._parser.closes or transport is None or transport.get_write_buffer_size():
            self.abort()  # a rest of the request would be in the way of the next
        else:
            self._reply = None
            if self.paused:
                self.resume()
            offer = reply.raw.get(b"keep-alive")
            if offer is not None and (found := _OFFER.search(offer)) is not None:
                self.offered_s = int(found[1])
            self._home.give(self)
        reply.end()

    def _lose(self) -> None:
        reply = self._reply
        if reply is None:
            self.abort()
        elif reply.status:
            short = Failure(Cause.CONNECTION_LOST, troubles.SHORT, status=reply.status)
            self._break(reply, short)
        else:
            self._break(reply, troubles.LOST)

    def _break(self, reply: WireReply, failure: Failure) -> None:
        self.abort()
        reply.fail(failure)

    def _gone(self) -> None:
        if not self.closed:
            self.closed = True
            self._home.forget(self)


def _unknown(_: int) -> bool:
    return True


def _probe(sock: Any) -> Callable[[int], object]:
    """Return what says whether anything lies unread on a socket."""
    if sock is None:
        return _unknown
    if not hasattr(select, "poll"):
        return lambda _: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return poll.poll
