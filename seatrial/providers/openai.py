"""Targets that speak OpenAI's chat completions: OpenAI itself, and all who imitate it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from seatrial.ports import Call, Ended, HttpReply, Pulse, Stream, Transport, TransportError
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
from seatrial.providers.openai_embeddings import Embeddings
from seatrial.providers.openai_errors import OPENAI_ERRORS
from seatrial.providers.openai_wire import WireChunk, WireCompletion, answer_of, piece_of
from seatrial.providers.settings import TargetSettings
from seatrial.providers.sse import Event
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece
from seatrial.values.requests import EMBED
from seatrial.values.secrets import Secret
from seatrial.version import __version__

_completion: Final = msgspec.json.Decoder(WireCompletion).decode
_chunk: Final = msgspec.json.Decoder(WireChunk).decode
# A deep or broken reply raises one of these.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class OpenAIProvider:
    """One target in OpenAI's dialect.

    Args:
        settings: where it is, and what is always asked of it.
        keys: the keys, resolved; empty for servers that need none.
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
        def upstream(path: str) -> Upstream:
            return Upstream(
                outlets_of(settings, keys, path=path, headers_of=_headers),
                transport,
                OPENAI_ERRORS,
                max_answer_bytes=settings.max_answer_bytes,
                wall=wall,
            )

        self._upstream = upstream("/chat/completions")
        self.outlets: Sequence[str] = tuple(each.name for each in self._upstream.outlets)
        self._defaults = dict(settings.parameters)
        self._model = {"model": settings.model} if settings.model else {}
        self._embeddings = Embeddings(upstream("/embeddings"), self._defaults, self._model)

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get a whole answer."""
        if call.kind == EMBED:
            return await self._embeddings.ask(call, pulse)
        upstream = self._upstream
        reply = await upstream.open(call, self._body(call, stream=False), pulse)
        if isinstance(reply, Failure):
            return reply
        try:
            body = await reply.read(upstream.max_answer_bytes)
        except TransportError as error:
            return error.failure
        finally:
            reply.close()
        return self._whole(reply, body, single=_is_single(call))

    async def stream(self, call: Call, pulse: Pulse) -> Stream | Answer | Failure:
        """Open a streamed answer; where the other side cannot stream, return it whole."""
        reply = await self._upstream.open(call, self._body(call, stream=True), pulse)
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
            if isinstance(came, Failure):
                return came
            return self._whole(reply, came, single=_is_single(call))
        reader = _Reader(self._upstream, reply, single=_is_single(call))
        return EventStream(reply, came, read=reader.read, at_end=reader.at_end, pulse=pulse)

    async def close(self) -> None:
        """Give back connections."""
        await self._upstream.transport.close()

    def _body(self, call: Call, *, stream: bool) -> bytes:
        body: dict[str, Any] = {**self._defaults, **call.body, **self._model}
        options = body.pop("stream_options", None)
        body.pop("stream", None)
        body.pop("anthropic", None)  # what only the other dialect knows
        # It names the caller to us; upstream it means something only beside `store`.
        if "metadata" in body and not body.get("store"):
            del body["metadata"]
        if stream:
            body["stream"] = True
            body["stream_options"] = {**(options or {}), "include_usage": True}
        return encode(body)

    def _whole(self, reply: HttpReply, body: bytes, *, single: bool) -> Answer | Failure:
        try:
            wire = _completion(body)
            if wire.error:
                return self._upstream.fault(reply, parsed(body))
            if not is_modest(body):
                return invalid("The answer is nested too deeply.", status=reply.status)
            body.decode()  # it may be passed on as it is
            answer = answer_of(wire, body=body, single=single)
        except _UNREADABLE:
            return self._upstream.no_answer(reply, body)
        return answer or self._upstream.no_answer(reply, body)


def _is_single(call: Call) -> bool:
    return call.body.get("n") in {None, 1}


def _headers(key: Secret | None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        # Inflating costs more than it saves for texts of this size.
        "accept-encoding": "identity",
        "user-agent": f"seatrial/{__version__}",
    }
    if key is not None:
        headers["authorization"] = f"Bearer {key.reveal()}"
    return headers


class _Reader:
    """Reads one stream's events, and knows whether it has come to its end."""

    __slots__ = ("_finished", "_reply", "_single", "_upstream")

    def __init__(self, upstream: Upstream, reply: HttpReply, *, single: bool) -> None:
        self._upstream = upstream
        self._reply = reply
        self._single = single
        self._finished = False

    def read(self, event: Event) -> Piece | Ended | Failure | None:
        name, data = event
        if data == b"[DONE]":
            return self._last_word()
        try:
            wire = _chunk(data)
            data.decode()
            if len(data) > 2_000 and not is_modest(data):
                return invalid("An event of the stream is nested too deeply.")
            if wire.error or name == b"error":
                return self._upstream.fault(self._reply, parsed(data))
            piece = piece_of(wire, data, single=self._single)
        except _UNREADABLE:
            if not data.strip():
                return None
            if name == b"error":
                return self._upstream.fault(self._reply, parsed(data))
            return invalid("An event of the stream is broken.", status=self._reply.status)
        if piece.finish_reason is not None:
            self._finished = True
        return piece

    def _last_word(self) -> Ended | Failure:
        if self._finished:
            return Ended()
        return invalid("The stream ended without a reason.", status=self._reply.status)

    def at_end(self) -> Ended | Failure:
        if self._finished:
            return Ended()
        return Failure(
            Cause.CONNECTION_LOST,
            "The stream ended before the answer did.",
            status=self._reply.status,
        )
