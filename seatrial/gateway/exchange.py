"""One request on its way through the doors, and the plain ways to answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, ParamSpec, TypeVar

import msgspec

from seatrial.gateway import openai_out as out
from seatrial.gateway.bounds import inflate
from seatrial.gateway.face import App
from seatrial.gateway.faults import Fault, Shown, show_fault, show_refused
from seatrial.gateway.headers import Found
from seatrial.gateway.scopes import Headers
from seatrial.gateway.settings import DoorSettings
from seatrial.gateway.ways import Way
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

# What is shorter is read at once; what is longer would hold others up, and is counted.
SHORT_BYTES: Final = 64 * 1024
READERS: Final = 2  # long bodies that are read at once, in threads

P = ParamSpec("P")
T = TypeVar("T")

ErrorShape = Callable[[Shown, str], bytes]
"""Writes an error's body, from what it says and the request's id."""


class CallerGone(Exception):
    """Nobody is there to read an answer."""


class Exchange(msgspec.Struct):
    """One request: what came, who asks, and where the answer goes.

    Args:
        app, settings: shared by all requests.
        state: of the server, such as whether it is stopping.
        id: the request's and its record's.
        way: how the body comes in and the answer goes out.
        found: the headers that doors read; empty for open endpoints.
        caller: who asks.
        argument: the part of the path that an endpoint takes.
        started: whether a status has left.
        errors: writes what goes wrong, as the endpoint's clients read it.
        replayed: whether this is the result of an earlier request with the same key.
        held: bytes of a long body that are counted in `state`.
    """

    app: App
    settings: DoorSettings
    state: ServerState
    id: str
    way: Way
    found: Found
    caller: Caller
    argument: str = ""
    started: bool = False
    errors: ErrorShape = out.error_body
    replayed: bool = False
    held: int = 0

    def body_at_hand(self) -> bytes | None:
        """Return a short, plain body that is here already; None where `body` must see to it."""
        found = self.found
        length = found.get(b"content-length", b"")
        if (
            found.get(b"content-type") != b"application/json"
            or b"content-encoding" in found
            or not (len(length) <= 6 and length.isdigit())
            or not int(length) <= min(SHORT_BYTES, self.settings.max_body_bytes)
        ):
            return None
        return self.way.whole_body()

    async def body(self) -> bytes:
        """Return the request's body, inflated.

        Raises:
            Fault: it is too large, or in a form that is not taken, or too many long ones
                are held.
            CallerGone: the caller left before its end.
        """
        _check_type(self.found)
        limit = self.settings.max_body_bytes
        length = self.found.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 18 or int(length) > limit:
            raise _too_large(limit)
        raw = await self._read(limit)
        coding = self.found.get(b"content-encoding")
        if coding is None or coding.lower() == b"identity":
            return raw
        if coding.lower() in {b"gzip", b"x-gzip"}:
            plain = await self.apart(
                len(raw) * self.settings.max_ratio, inflate, raw, self.settings
            )
            self._hold(len(raw) + len(plain))
            return plain
        raise Fault(
            "unsupported_content",
            "The Content-Encoding of the body is not known. Send it plain, or as gzip.",
            param="content-encoding",
        )

    async def _read(self, limit: int) -> bytes:
        body = self.way.whole_body()
        if body is None:
            body = await self._read_on(limit)
        if len(body) > limit:
            raise _too_large(limit)
        self._hold(len(body))
        return body

    async def _read_on(self, limit: int) -> bytes:
        receive = self.way.receive
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            parts = [body]
            size = len(body)
            while message.get("more_body", False):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CallerGone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
                self._hold(size)
            body = b"".join(parts)
        return body

    def _hold(self, size: int) -> None:
        """Count a long body, as far as it is here; refuse it where there is no room for it."""
        if size <= SHORT_BYTES:
            return
        state = self.state
        if state.held_bytes + size - self.held > self.settings.max_bodies_bytes:
            raise Fault(
                "overloaded",
                "The gateway has as many long requests in hand as it takes. Ask again shortly.",
                headers=((b"retry-after", b"1"),),
            )
        state.held_bytes += size - self.held
        self.held = size

    def let_go(self) -> None:
        """Count the body no more."""
        self.state.held_bytes -= self.held
        self.held = 0

    async def apart(self, size: int, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Return what work on so many bytes gives, done beside the loop where it takes long."""
        if size <= SHORT_BYTES:
            return work(*args, **named)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.state.readers, partial(work, *args, **named))

    def reply(self, status: int, body: bytes, headers: Headers) -> Awaitable[None]:
        """Send JSON; `headers` stand beside type and length."""
        self.started = True
        return self.way.reply(status, [out.JSON_TYPE, *headers], body)

    async def fail(self, shown: Shown, headers: Headers | None = None) -> None:
        """Send an error; `headers` are the labels, when there is a record."""
        if headers is None:
            headers = [(b"x-request-id", self.id.encode("ascii"))]
        body = self.errors(shown, self.id)
        hints = out.error_headers(shown, replayed=self.replayed)
        await self.reply(shown.status, body, [*headers, *hints])

    async def turn_away(self, refused: Refused) -> None:
        """Tell one that it is not let in; it has no record."""
        self.state.refused_at = self.way.came
        await self.fail(show_refused(refused))
        self.app.told(self.app.now() - self.way.came)


@dataclass(slots=True)
class ServerState:
    """What the doors know of the server around them.

    Args:
        stopping: it was told to stop: no new work please.
        loop: on which it runs, when it is known.
        refused_at: when the last one came that was not let in, on the monotonic clock.
        held_bytes: of long bodies, from their first bytes to the end of their answers.
        readers: threads that read long bodies, so that nobody else waits for it.
    """

    stopping: bool = False
    loop: asyncio.AbstractEventLoop | None = None
    refused_at: float = float("-inf")
    held_bytes: int = 0
    readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(READERS, thread_name_prefix="reading")
    )


def stopping() -> Shown:
    """Return the error for a request that a stopping server had to end."""
    text = "The gateway is stopping and had to end this request. Ask again."
    shown = show_fault(Fault("shutting_down", text))
    return Shown(shown.status, shown.error, shown.again, retry_after_s=1.0)


Handler = Callable[[Exchange], Awaitable[None]]


def _check_type(found: Found) -> None:
    # A page in a browser may send any other type to us without asking first.
    kind = found.get(b"content-type", b"")
    if kind != b"application/json" and (
        kind.partition(b";")[0].strip().lower() != b"application/json"
    ):
        raise Fault(
            "unsupported_content",
            "The body must be JSON. Send the header `Content-Type: application/json`.",
            param="content-type",
        )


def _too_large(limit: int) -> Fault:
    return Fault(
        "body_too_large", f"The body is larger than {limit} bytes, or has no valid length."
    )
