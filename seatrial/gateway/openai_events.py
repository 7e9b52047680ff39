"""OpenAI's chat as it leaves: whole, and chunk by chunk."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.gateway import openai_out as out
from seatrial.gateway.faults import Shown
from seatrial.gateway.fields import Ask
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.decisions import Head

_DONE: Final = b"data: [DONE]\n\n"


class ChatWriter:
    """Writes one completion of OpenAI's chat; what came as its JSON passes as it is."""

    ping = out.PING

    __slots__ = (
        "_chunks",
        "_created",
        "_ended",
        "_feature",
        "_first",
        "_id",
        "_include_usage",
        "_usage",
        "_usage_sent",
    )

    def __init__(self, ask: Ask, request_id: str, created: int) -> None:
        self._id = request_id
        self._created = created
        self._feature = ask.feature
        self._include_usage = ask.include_usage
        self._chunks = Chunks(
            f"chatcmpl-{request_id}", created, ask.feature, usage=ask.include_usage
        )
        self._first = True
        self._ended = False
        self._usage: Usage | None = None
        self._usage_sent = False

    def name(self, model: str) -> None:
        """Take the model as served."""
        self._chunks.name(model)

    def whole(self, answer: Answer, head: Head) -> bytes:
        """Return a completion."""
        return out.whole(answer, head, created=self._created, feature=self._feature)

    def piece(self, piece: Piece) -> bytes:
        """Return the event for a piece."""
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.finish_reason is not None:
            self._ended = True
        data = piece.data
        if not data:
            return self._written(piece)
        if piece.bare_usage:
            if not self._include_usage:
                return b""
            self._usage_sent = True
        if self._first:
            self._first = False
            self._chunks.adopt(data)
            opening = b"" if self._chunks.role_sent else self._chunks.role()
        else:
            opening = b""
        # A line end inside JSON is only ever white space; in an event it would end the line.
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        return b"%bdata: %b\n\n" % (opening, data)

    def finish(self, tail: tuple[Piece, ...], answer: Answer) -> bytes:
        """Return the pieces that waited for the record, the usage and the end."""
        usages = b"".join(self.piece(piece) for piece in tail if piece.bare_usage)
        body = b"".join(self.piece(piece) for piece in tail if not piece.bare_usage)
        if not self._ended:
            body += self._chunks.piece(Piece(finish_reason=answer.finish_reason))
        body += usages
        usage = self._usage or answer.usage
        if self._include_usage and not self._usage_sent and usage is not None:
            body += self._chunks.usage(usage)
        return body + _DONE

    def cut(self, shown: Shown) -> bytes:
        """Return the error that ends an incomplete answer: no `[DONE]` follows."""
        return b"data: %b\n\n" % out.error_body(shown, self._id)

    def _written(self, piece: Piece) -> bytes:
        self._first = False
        if piece.useful or piece.finish_reason:
            return self._chunks.piece(piece)
        return b""


class Chunks:
    """Writes the chunks of one stream: same id, time and model in all of them.

    Args:
        id, created, model: as the first chunk has them.
        usage: whether every chunk says `usage: null` until the last.
    """

    __slots__ = ("_created", "_id", "_model", "_usage", "role_sent")

    def __init__(self, id: str, created: int, model: str, *, usage: bool) -> None:
        self._id = id
        self._created = created
        self._model = model
        self._usage = usage
        self.role_sent = False

    def adopt(self, first: bytes) -> None:
        """Take id, time and model from a chunk that is passed on, so that ours match it."""
        try:
            seen = msgspec.json.decode(first, type=_Seen)
        except msgspec.MsgspecError:
            return
        self._id = seen.id or self._id
        self._created = seen.created or self._created
        self._model = seen.model or self._model
        self.role_sent = any(choice.delta.get("role") for choice in seen.choices)

    def name(self, model: str) -> None:
        """Take the model as served, before the first chunk."""
        self._model = model

    def role(self) -> bytes:
        """Return the event that opens the answer."""
        self.role_sent = True
        return self._event({"role": "assistant", "content": ""}, None)

    def piece(self, piece: Piece) -> bytes:
        """Return the event for a piece that came without JSON of its own."""
        delta: dict[str, Any] = {}
        if not self.role_sent:
            self.role_sent = True
            delta["role"] = "assistant"
        if piece.text:
            delta["content"] = piece.text
        if piece.refusal:
            delta["refusal"] = piece.refusal
        if piece.reasoning:
            delta["reasoning_content"] = piece.reasoning
        if piece.tools:
            delta["tool_calls"] = [
                {
                    "index": part.index,
                    **({"id": part.id, "type": "function"} if part.id is not None else {}),
                    "function": {
                        **({"name": part.name} if part.name is not None else {}),
                        "arguments": part.arguments,
                    },
                }
                for part in piece.tools
            ]
        return self._event(delta, piece.finish_reason)

    def usage(self, usage: Usage) -> bytes:
        """Return the extra event that reports the usage."""
        return self._data([], out.usage_json(usage))

    def _event(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._data([choice], None)

    def _data(self, choices: list[Any], usage: dict[str, Any] | None) -> bytes:
        chunk: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        if self._usage or usage is not None:
            chunk["usage"] = usage
        return b"data: %b\n\n" % out.encode(chunk)


class _SeenChoice(msgspec.Struct):
    delta: dict[str, Any] = {}


class _Seen(msgspec.Struct):
    id: str = ""
    created: int = 0
    model: str = ""
    choices: list[_SeenChoice] = []
