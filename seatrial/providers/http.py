"""What every dialect over HTTP shares: outlets, sending, and reading under limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from seatrial.ports import Call, Ended, HttpCall, HttpReply, Pulse, Transport, TransportError
from seatrial.providers.error_map import ErrorMap, error_of, parsed
from seatrial.providers.settings import TargetSettings
from seatrial.providers.sse import Event, EventTooLarge, SseParser
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Piece
from seatrial.values.secrets import Secret

MAX_ERROR_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 200_000
# A stream that has said its last word has this long to end, for its connection to be kept.
LINGER_S: Final = 0.02

encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Outlet:
    """One address with one key: what is sent there with every request.

    Args:
        name: for health and records; never a secret.
        url: where requests go.
        headers: with the key in them; never shown.
    """

    name: str
    url: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Outlet({self.name!r})"


def outlets_of(
    settings: TargetSettings,
    keys: Sequence[Secret],
    *,
    path: str,
    headers_of: Callable[[Secret | None], Mapping[str, str]],
) -> tuple[Outlet, ...]:
    """Return one outlet per address and key, each with a name of its own.

    Raises:
        ValueError: a key or header holds what no header may hold.
    """
    made: list[Outlet] = []
    for place, base_url in enumerate(settings.base_urls):
        host = urlsplit(base_url).netloc.rpartition("@")[2] or base_url
        if (
            sum(urlsplit(each).netloc == urlsplit(base_url).netloc for each in settings.base_urls)
            > 1
        ):
            host = f"{host}/{place + 1}"
        for turn, key in enumerate(keys or (None,), start=1):
            name = f"{host}#{turn}" if len(keys) > 1 else host
            extra = {each.lower(): value for each, value in settings.headers.items()}
            headers = {**headers_of(key), **extra}
            if not all(_is_sendable(value) for value in headers.values()):
                raise ValueError(f"A key or header of outlet {name} holds a line end or odd sign.")
            made.append(Outlet(name, base_url + path, headers))
    return tuple(made)


def _is_sendable(value: str) -> bool:
    return value.isascii() and value.isprintable()


class Upstream:
    """Sends one dialect's requests and turns what is no answer into failures.

    Args:
        outlets: where to.
        transport: the wire.
        errors: the dialect's error map.
        max_answer_bytes: larger answers are refused.
        wall: the wall clock, for hints that name a date.
    """

    def __init__(
        self,
        outlets: Sequence[Outlet],
        transport: Transport,
        errors: ErrorMap,
        *,
        max_answer_bytes: int,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.outlets = outlets
        self.transport = transport
        self.errors = errors
        self.max_answer_bytes = max_answer_bytes
        self._wall = wall

    async def open(self, call: Call, body: bytes, pulse: Pulse) -> HttpReply | Failure:
        """Send a request; return the reply if it has a good status, else what it means."""
        outlet = self.outlets[call.outlet]
        headers = {**outlet.headers, "x-request-id": call.request_id}
        asked = HttpCall(outlet.url, headers, body, call.timers.connect_s)
        try:
            reply = await self.transport.send(asked)
        except TransportError as error:
            return error.failure
        pulse.first_byte()
        if reply.status == 200:
            return reply
        try:
            return await self._refusal(reply)
        finally:
            reply.close()

    async def read(self, reply: HttpReply) -> bytes | Failure:
        """Return the whole body of a good reply."""
        try:
            return await reply.read(self.max_answer_bytes)
        except TransportError as error:
            return error.failure

    def fault(self, reply: HttpReply, body: object) -> Failure:
        """Say what an error object in place of an answer means."""
        return self.errors.judge(reply.status, reply.headers, body, wall=self._wall())

    def no_answer(self, reply: HttpReply, body: bytes) -> Failure:
        """Say what a body that is no answer is: an error told politely, or nothing."""
        found = parsed(body)
        if error_of(found):
            return self.fault(reply, found)
        return invalid(f"The reply is {_kind(reply, body)}, not an answer.", status=reply.status)

    async def _refusal(self, reply: HttpReply) -> Failure:
        try:
            body = await reply.read(MAX_ERROR_BYTES)
        except TransportError:
            body = b""  # the status says enough
        if 200 <= reply.status < 300:
            return self.no_answer(reply, body)
        return self.errors.failure(reply.status, reply.headers, body, wall=self._wall())


def invalid(reason: str, *, status: int | None = None) -> Failure:
    """Return the failure that says: what came is no answer."""
    return Failure(Cause.INVALID_ANSWER, reason, status=status)


def _kind(reply: HttpReply, body: bytes) -> str:
    """Name a body in a word; nothing of it is quoted."""
    if not body.strip():
        return "empty"
    content_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "html" in content_type or body.lstrip()[:1] == b"<":
        return "a page"
    return "a stream" if content_type == "text/event-stream" else "something else"


async def unfold(reply: HttpReply, limit: int) -> bytes | AsyncIterator[bytes] | Failure:
    """Tell by its first bytes what answers a request for a stream.

    Returns:
        The chunks of a stream; or the whole body, where the other side cannot stream or
        told an error; or a failure of the wire.
    """
    chunks = reply.chunks(limit)
    if reply.headers.get("content-type", "")[:17].lower() == "text/event-stream":
        return chunks
    try:
        first = await anext(chunks, b"")
        if first.lstrip()[:1] in {b"", b"{", b"[", b"<"}:
            return b"".join([first, *[chunk async for chunk in chunks]])
    except TransportError as error:
        return error.failure
    return _chained(first, chunks)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def is_modest(body: bytes) -> bool:
    """Say whether JSON stays within the limits of depth and nodes, at little cost."""
    brackets = body.count(b"{") + body.count(b"[")
    if brackets <= MAX_DEPTH:
        return True
    return brackets <= MAX_NODES and _depth(msgspec.json.decode(body)) <= MAX_DEPTH


def _depth(value: Any) -> int:
    depth = 0
    level = [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        below: list[Any] = []
        for each in level:
            inside = each.values() if isinstance(each, dict) else each
            below += [one for one in inside if isinstance(one, dict | list)]
        level = below
    return depth


Read = Callable[[Event], "Piece | Ended | Failure | None"]
"""Makes something of one event; None for what says nothing."""


class EventStream:
    """An open stream of events, as the engine pulls it.

    Args:
        reply: with a good status.
        chunks: its body.
        read: the dialect's reader of one event.
        at_end: what it means that no more comes.
        pulse: hears of each useful piece.
        last: gives a piece to come between the last event and the proper end.
    """

    def __init__(
        self,
        reply: HttpReply,
        chunks: AsyncIterator[bytes],
        *,
        read: Read,
        at_end: Callable[[], Ended | Failure],
        pulse: Pulse,
        last: Callable[[], Piece | None] | None = None,
    ) -> None:
        self._reply = reply
        self._chunks = chunks
        self._chunk = chunks.__anext__
        self._last = last
        self._parser = SseParser()
        self._events: list[Event] = []  # in reverse
        self._read = read
        self._at_end = at_end
        self._pulse = pulse
        self._over: Ended | Failure | None = None
        self._drained = False

    async def next(self) -> Piece | Ended | Failure:
        """Return the next event, the proper end, or what went wrong."""
        while self._over is None:
            while self._events:
                came = self._read(self._events.pop())
                if isinstance(came, Piece):
                    if came.text or came.useful:
                        self._pulse.token()
                    return came
                if came is not None:
                    # What is broken where the bytes end was cut, not misspelt.
                    return self._end(self._at_end() if self._drained else came)
            if self._drained:
                return self._end(self._at_end())
            # Once per event of most streams, hence without a coroutine of its own.
            try:
                self._events = self._parser.feed(await self._chunk())
                self._events.reverse()
            except StopAsyncIteration:
                self._drained = True
                self._events = self._parser.end()
            except (TransportError, EventTooLarge) as error:
                return self._end(self._broken(error))
        return self._over

    def _end(self, end: Ended | Failure) -> Piece | Ended | Failure:
        self._over = end
        if isinstance(end, Ended) and self._last is not None:
            return self._last() or end
        return end

    def _broken(self, error: TransportError | EventTooLarge) -> Ended | Failure:
        if isinstance(error, EventTooLarge):
            return invalid("An event of the stream is too large.", status=self._reply.status)
        ended = self._at_end()  # an answer that is whole stays so
        return ended if isinstance(ended, Ended) else error.failure

    async def close(self) -> None:
        """Let go; cancels the other side's work when it has not ended."""
        try:
            if isinstance(self._over, Ended) and not self._drained:
                await self._drain()
        finally:
            self._reply.close()  # also when the caller leaves meanwhile

    async def _drain(self) -> None:
        """Give a stream that is over a moment to end, so that its connection is kept."""
        try:
            async with asyncio.timeout(LINGER_S):
                async for _ in self._chunks:
                    pass
        except (TimeoutError, TransportError):
            pass
