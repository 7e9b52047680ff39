"""Targets that speak Anthropic's Messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from seatrial.ports import Call, Ended, HttpReply, Pulse, Stream, Transport
from seatrial.providers.anthropic_errors import ANTHROPIC_ERRORS
from seatrial.providers.anthropic_reply import Pieces, WireEvent, WireReply, answer_of
from seatrial.providers.anthropic_request import Unmappable, to_anthropic
from seatrial.providers.error_map import parsed
from seatrial.providers.http import (
    EventStream,
    Upstream,
    encode,
    invalid,
    is_modest,
    outlets_of,
    unfold,
)
from seatrial.providers.settings import TargetSettings
from seatrial.providers.sse import Event
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece
from seatrial.values.requests import EMBED
from seatrial.values.secrets import Secret
from seatrial.version import __version__

API_VERSION: Final = "2023-06-01"

_reply: Final = msgspec.json.Decoder(WireReply).decode
_event: Final = msgspec.json.Decoder(WireEvent).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class AnthropicProvider:
    """One target in Anthropic's dialect.

    Args:
        settings: where it is, and what is always asked of it.
        keys: the keys, resolved.
        transport: the wire; closed with the provider.
        wall: the wall clock.

    Raises:
        ValueError: a key or header holds what no header may hold.
    """

    def __init__(
        self,
        settings: TargetSettings,
        transport: Transport,
        *,
        keys: Sequence[Secret] = (),
        wall: Callable[[], float] = time.time,
    ) -> None:
        # People write the address with and without the version.
        addresses = tuple(each.removesuffix("/v1") for each in settings.base_urls)
        outlets = outlets_of(
            replace(settings, base_url=addresses), keys, path="/v1/messages", headers_of=_headers
        )
        self.outlets: Sequence[str] = tuple(each.name for each in outlets)
        self._defaults = dict(settings.parameters)
        self._model = settings.model
        self._upstream = Upstream(
            outlets,
            transport,
            ANTHROPIC_ERRORS,
            max_answer_bytes=settings.max_answer_bytes,
            wall=wall,
        )

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get a whole answer."""
        if call.kind == EMBED:
            return Failure(Cause.NO_ANSWER, "This dialect has no embeddings.", sent=False)
        reply = await self._open(call, pulse, stream=False)
        if isinstance(reply, Failure):
            return reply
        try:
            body = await self._upstream.read(reply)
        finally:
            reply.close()
        return body if isinstance(body, Failure) else self._whole(reply, body)

    async def stream(self, call: Call, pulse: Pulse) -> Stream | Answer | Failure:
        """Open a streamed answer; where the other side cannot stream, return it whole."""
        reply = await self._open(call, pulse, stream=True)
        if isinstance(reply, Failure):
            return reply
        came: object = None
        try:
            came = await unfold(reply, self._upstream.max_answer_bytes)
        finally:
            if came is None:
                reply.close()  # cancelled
        if isinstance(came, bytes | Failure):
            reply.close()
            return came if isinstance(came, Failure) else self._whole(reply, came)
        reader = _Reader(self._upstream, reply)
        return EventStream(
            reply,
            came,
            read=reader.read,
            at_end=reader.at_end,
            pulse=pulse,
            last=reader.pieces.usage,
        )

    async def close(self) -> None:
        """Give back connections."""
        await self._upstream.transport.close()

    async def _open(self, call: Call, pulse: Pulse, *, stream: bool) -> HttpReply | Failure:
        try:
            body = to_anthropic(
                call.body, model=self._model, defaults=self._defaults, stream=stream
            )
        except Unmappable as error:
            return error.failure()
        return await self._upstream.open(call, encode(body), pulse)

    def _whole(self, reply: HttpReply, body: bytes) -> Answer | Failure:
        try:
            wire = _reply(body)
            if wire.error:
                return self._upstream.fault(reply, parsed(body))
            if not is_modest(body):
                return invalid("The answer is nested too deeply.", status=reply.status)
            if wire.content is None:
                return self._upstream.no_answer(reply, body)
            return answer_of(wire)
        except _UNREADABLE:
            return self._upstream.no_answer(reply, body)


def _headers(key: Secret | None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        # Inflating costs more than it saves for texts of this size.
        "accept-encoding": "identity",
        "user-agent": f"seatrial/{__version__}",
        "anthropic-version": API_VERSION,
    }
    if key is not None:
        headers["x-api-key"] = key.reveal()
    return headers


class _Reader:
    """Reads one stream's events, and knows whether it has come to its end."""

    __slots__ = ("_reply", "_upstream", "pieces")

    def __init__(self, upstream: Upstream, reply: HttpReply) -> None:
        self._upstream = upstream
        self._reply = reply
        self.pieces = Pieces()

    def read(self, event: Event) -> Piece | Ended | Failure | None:
        name, data = event
        try:
            wire = _event(data)
            if wire.type == "error" or name == b"error" or wire.error:
                return self._upstream.fault(self._reply, parsed(data))
            piece = self.pieces.piece(wire)
        except _UNREADABLE:
            if not data.strip():
                return None
            return invalid("An event of the stream is broken.", status=self._reply.status)
        if not self.pieces.stopped:
            return piece
        if self.pieces.finished:
            return Ended()
        return invalid("The stream ended without a reason.", status=self._reply.status)

    def at_end(self) -> Ended | Failure:
        if self.pieces.finished:
            return Ended()
        return Failure(
            Cause.CONNECTION_LOST,
            "The stream ended before the answer did.",
            status=self._reply.status,
        )
