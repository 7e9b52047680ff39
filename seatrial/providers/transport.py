"""The upstream's wire on aiohttp: bounded, without redirects, retries, cookies or proxies.

A reply that cannot be trusted to end where it should costs its connection, so that no
byte of it reaches the next request.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from seatrial.ports import HttpCall, TransportError
from seatrial.providers.inflating import STEP_BYTES, Inflater, NotPacked
from seatrial.values.attempts import Cause, Failure

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_LINE_BYTES: Final = 8 * 1024
KEEP_ALIVE_S: Final = 15.0
READ_AHEAD_BYTES: Final = 64 * 1024
LARGE_BODY_BYTES: Final = 512 * 1024


class AiohttpTransport:
    """Sends requests over a pool of kept connections.

    Args:
        limit: connections at once; 0 for no limit (the engine's pools bound the traffic).
    """

    def __init__(self, *, limit: int = 0) -> None:
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def send(self, call: HttpCall) -> AiohttpReply:
        """Send, and return once the reply's headers are here; raise `TransportError`."""
        session = self._session or self._open()
        url = self._urls.get(call.url)
        if url is None:
            url = self._urls[call.url] = URL(call.url, encoded=True)
        timeout = self._timeouts.get(call.connect_s)
        if timeout is None:
            if len(self._timeouts) > 100:  # a shrinking deadline gives ever new values
                self._timeouts.clear()
            timeout = aiohttp.ClientTimeout(total=None, connect=call.connect_s)
            self._timeouts[call.connect_s] = timeout
        data: bytes | AsyncIterator[bytes] = call.body
        headers = call.headers
        if len(call.body) > LARGE_BODY_BYTES:
            data = _in_steps(call.body)
            headers = {**headers, "content-length": str(len(call.body))}
        try:
            # `post` would only wrap the same in a second awaitable.
            response = await session._request(
                "POST",
                url,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError(failure_of(error)) from error
        size = sum(len(name) + len(value) + 4 for name, value in response.raw_headers)
        if size > MAX_HEADER_BYTES:
            response.close()
            raise TransportError(_invalid("The reply's headers are too large."))
        return AiohttpReply(response)

    async def close(self) -> None:
        """Give back connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=self._limit, keepalive_timeout=KEEP_ALIVE_S)
        connector._factory = cast("Any", partial(_Connection, loop=asyncio.get_running_loop()))
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # The adapters say all there is to say.
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            trust_env=False,
            auto_decompress=False,  # `inflating` stops at a bomb and notices a cut
            read_bufsize=READ_AHEAD_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )
        return self._session


class AiohttpReply:
    """A reply whose headers are here.  `headers` are found by any spelling of their names."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated; raise `TransportError` beyond `limit` bytes."""
        if self._packed:
            return b"".join([part async for part in self._unpacked(limit)])
        self._refuse_promise(limit)
        parts = [first := await self._any()]
        size = len(first)
        content = self._response.content
        while size <= limit and not content.at_eof() and (part := await self._any()):
            parts.append(part)
            size += len(part)
        if size > limit:
            raise self._cut("The reply is too large.")
        return first if len(parts) == 1 else b"".join(parts)

    def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes; raise `TransportError` beyond `limit` bytes."""
        return self._unpacked(limit) if self._packed else self._sent(limit)

    @property
    def _packed(self) -> bool:
        return self.headers.get("Content-Encoding", "identity") not in {"identity", ""}

    def _refuse_promise(self, limit: int) -> None:
        promised = self.headers.get("Content-Length", "")
        if promised.isdecimal() and int(promised) > limit:
            raise self._cut("The reply is too large.")

    async def _any(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            self._response.close()
            raise TransportError(failure_of(error, status=self.status)) from error

    async def _sent(self, limit: int) -> AsyncIterator[bytes]:
        self._refuse_promise(limit)
        size = 0
        while chunk := await self._any():
            size += len(chunk)
            if size > limit:
                raise self._cut("The reply is too large.")
            yield chunk

    async def _unpacked(self, limit: int) -> AsyncIterator[bytes]:
        size = 0
        try:
            inflater = Inflater(self.headers["Content-Encoding"])
            async for chunk in self._sent(limit):
                packed, plain = chunk, b""
                while packed or len(plain) == STEP_BYTES:
                    plain = inflater.feed(packed)
                    packed = inflater.more
                    size += len(plain)
                    if size > limit:
                        raise self._cut("The reply is too large.")
                    if plain:
                        yield plain
            inflater.end()
        except NotPacked as error:
            raise self._cut("The reply cannot be decompressed.") from error

    def _cut(self, reason: str) -> TransportError:
        self._response.close()
        return TransportError(_invalid(reason, status=self.status))

    def close(self) -> None:
        """Let go: back to the pool if the body was read to its clean end, else cut."""
        self._response.close()  # at the end of the body the connection had left already


class _Connection(ResponseHandler):
    """A connection that is not used again when there is any doubt about it."""

    def is_connected(self) -> bool:
        """Return False also for an idle connection on which something lies unread.

        It is the other side's goodbye, or bytes that belong to no question of ours.
        """
        return super().is_connected() and not self.should_close and not _readable(self.transport)

    def close(self) -> None:
        """Hang up at once, also when the other side reads nothing any more."""
        transport = self.transport
        if transport is not None and transport.get_write_buffer_size():
            self.abort()
        else:
            super().close()


async def _in_steps(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), LARGE_BODY_BYTES):
        yield body[start : start + LARGE_BODY_BYTES]


def _readable(transport: asyncio.BaseTransport | None) -> bool:
    sock: Any = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _invalid(reason: str, *, status: int | None = None) -> Failure:
    return Failure(Cause.INVALID_ANSWER, reason, status=status)


def failure_of(error: BaseException, *, status: int | None = None) -> Failure:
    """Say what an error of the wire means; its own text stays out, it may quote anything."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Failure(Cause.CONNECT_TIMEOUT, "No connection came about in time.", sent=False)
        case aiohttp.ClientConnectorDNSError():
            reason = "The host's name is not known."
        case aiohttp.ClientSSLError():
            reason = "No trusted TLS connection came about."
        case aiohttp.ClientConnectorError():
            reason = "The connection was refused."
        case aiohttp.InvalidURL():
            reason = "The address is not a URL."
        case aiohttp.ClientResponseError():
            return _invalid("The reply is not well-formed HTTP.")
        case aiohttp.ClientPayloadError():
            return Failure(Cause.CONNECTION_LOST, "The reply ended before its end.", status=status)
        case ValueError():
            return Failure(Cause.UNREACHABLE, "The request cannot be sent.", sent=False)
        case _:
            return Failure(Cause.CONNECTION_LOST, "The connection was lost.", status=status)
    return Failure(Cause.UNREACHABLE, reason, sent=False)
