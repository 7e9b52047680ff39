"""Vectors from whoever speaks OpenAI's embeddings."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from seatrial.ports import Call, HttpReply, Pulse
from seatrial.providers.error_map import parsed
from seatrial.providers.http import Upstream, encode
from seatrial.providers.openai_usage import MAX_TOKENS
from seatrial.values.attempts import Failure
from seatrial.values.chat import Answer, Usage
from seatrial.values.vectors import pack


class WireEmbedding(msgspec.Struct):
    """One vector, in one of its two forms."""

    embedding: str | list[float]
    index: int = 0


class WireEmbeddings(msgspec.Struct):
    """A list of vectors."""

    data: list[WireEmbedding] | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None


_read: Final = msgspec.json.Decoder(WireEmbeddings).decode
# A deep or broken reply raises one of these.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class Embeddings:
    """The embeddings of one target.

    Args:
        upstream: sends to the address for embeddings.
        defaults: the target's `parameters`.
        model: as a field of the body; empty without one.
    """

    def __init__(self, upstream: Upstream, defaults: dict[str, Any], model: dict[str, str]) -> None:
        self._upstream = upstream
        self._defaults = defaults
        self._model = model

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get one vector for each text."""
        # In half the bytes, and as OpenAI's own clients ask; who cannot sends numbers.
        body = {"encoding_format": "base64", **self._defaults, **call.body, **self._model}
        reply = await self._upstream.open(call, encode(body), pulse)
        if isinstance(reply, Failure):
            return reply
        try:
            came = await self._upstream.read(reply)
        finally:
            reply.close()
        return came if isinstance(came, Failure) else self._answer(reply, came)

    def _answer(self, reply: HttpReply, body: bytes) -> Answer | Failure:
        try:
            wire = _read(body)
            if wire.error:
                return self._upstream.fault(reply, parsed(body))
            if not wire.data:
                return self._upstream.no_answer(reply, body)
            return answer_of(wire)
        except _UNREADABLE:
            return self._upstream.no_answer(reply, body)


def answer_of(wire: WireEmbeddings) -> Answer:
    """Return the vectors in the order of the texts.

    Raises:
        ValueError: a vector is none, or their numbers leave the order open.
    """
    found = wire.data or []
    places = [each.index for each in found]
    if any(places):  # some servers leave them out
        if sorted(places) != list(range(len(found))):
            raise ValueError("the vectors have no order")
        found = sorted(found, key=lambda each: each.index)
    return Answer(
        text=None,
        model=wire.model or "",
        usage=_usage(wire.usage),
        vectors=tuple(_vector(each.embedding) for each in found),
    )


def _vector(embedding: str | Sequence[float]) -> bytes:
    if not isinstance(embedding, str):
        return pack(embedding)
    try:
        return b64decode(embedding, validate=True)
    except binascii.Error as error:
        raise ValueError("a vector is no base64") from error


def _usage(raw: object) -> Usage | None:
    read = raw.get("prompt_tokens") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or type(read) is not int or not 0 <= read <= MAX_TOKENS:
        return None
    return Usage(input_tokens=read, raw=raw)
