"""From a decision to Anthropic's bytes: whole messages, events and errors."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seatrial.gateway.blocks import Block, Blocks, Form, blocks_of
from seatrial.gateway.faults import Shown
from seatrial.gateway.fields import Ask
from seatrial.gateway.openai_out import encode
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.decisions import Head

_STOPS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_ERRORS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(shown: Shown, request_id: str) -> bytes:
    """Return the error object, with our extras beside the keys that clients read."""
    error = shown.error
    kind = _ERRORS.get(shown.status)
    if kind is None:
        kind = "api_error" if shown.status >= 500 else "invalid_request_error"
    said = {
        "type": kind,
        "message": error.message,
        "param": error.param,
        "code": error.code,
        "retryable": shown.again,
    }
    return encode({"type": "error", "error": said, "request_id": request_id})


class MessageWriter:
    """Writes one message of Anthropic's."""

    ping = b'event: ping\ndata: {"type":"ping"}\n\n'

    __slots__ = ("_blocks", "_finish", "_id", "_model", "_opened", "_refused", "_usage")

    def __init__(self, ask: Ask, request_id: str, created: int) -> None:
        self._id = request_id
        self._model = ask.feature
        self._blocks = Blocks(self)
        self._opened = False
        self._refused = False
        self._finish = ""
        self._usage: Usage | None = None

    def name(self, model: str) -> None:
        """Take the model as served."""
        self._model = model

    def whole(self, answer: Answer, head: Head) -> bytes:
        """Return a message."""
        self._model = answer.model or head.model or self._model
        message = self._message([_block(block, self._id) for block in blocks_of(answer)])
        message["stop_reason"] = _stop(answer.finish_reason, refused=answer.refusal is not None)
        message["usage"] = _usage(answer.usage)
        return encode(message)

    def piece(self, piece: Piece) -> bytes:
        """Return the events for a piece; the first of them opens the message."""
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.finish_reason is not None:
            self._finish = piece.finish_reason
        if piece.model and not self._opened:
            self._model = piece.model
        if not piece.useful:
            return b""
        if piece.refusal:
            self._refused = True
        return self._opening() + self._blocks.feed(piece)

    def finish(self, tail: tuple[Piece, ...], answer: Answer) -> bytes:
        """Return the last events."""
        events = b"".join(map(self.piece, tail)) + self._opening() + self._blocks.end()
        stop = _stop(self._finish or answer.finish_reason, refused=self._refused)
        usage = _usage(self._usage or answer.usage)
        delta = {"stop_reason": stop, "stop_sequence": None}
        events += _event("message_delta", delta=delta, usage=usage)
        return events + _event("message_stop")

    def cut(self, shown: Shown) -> bytes:
        """Return the error; no `message_stop` follows."""
        return b"event: error\ndata: %b\n\n" % error_body(shown, self._id)

    def opened(self, block: Block) -> bytes:
        """Return the event that opens a block, empty."""
        empty = _block(Block(block.form, block.place, block.key, block.id, block.name), self._id)
        return _event("content_block_start", index=block.place, content_block=empty)

    def added(self, block: Block, text: str) -> bytes:
        """Return the event that adds to a block."""
        match block.form:
            case Form.REASONING:
                delta = {"type": "thinking_delta", "thinking": text}
            case Form.TOOL:
                delta = {"type": "input_json_delta", "partial_json": text}
            case _:
                delta = {"type": "text_delta", "text": text}
        return _event("content_block_delta", index=block.place, delta=delta)

    def closed(self, block: Block) -> bytes:
        """Return the event that closes a block."""
        return _event("content_block_stop", index=block.place)

    def _opening(self) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        message = self._message([])
        message["usage"] = _usage(self._usage)
        return _event("message_start", message=message)

    def _message(self, content: list[Any]) -> dict[str, Any]:
        return {
            "id": f"msg_{self._id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
        }


def _event(kind: str, **data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), encode({"type": kind, **data}))


def _block(block: Block, message_id: str) -> dict[str, Any]:
    match block.form:
        case Form.REASONING:
            return {"type": "thinking", "thinking": block.text, "signature": ""}
        case Form.TOOL:
            call_id = block.id or f"toolu_{message_id}_{block.place}"
            given = _arguments(block.text)
            return {"type": "tool_use", "id": call_id, "name": block.name, "input": given}
        case _:
            return {"type": "text", "text": block.text}


def _arguments(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}  # cut by a limit of length, which the message says
    return given if isinstance(given, dict) else {}


def _stop(finish: str, *, refused: bool) -> str:
    return "refusal" if refused else _STOPS.get(finish, "end_turn")


def _usage(usage: Usage | None) -> dict[str, int]:
    """Return the four counts that clients need; what nobody reported is 0."""
    usage = usage or Usage()
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    return {
        "input_tokens": usage.all_input_tokens - usage.all_cached_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.all_cached_tokens,
        "output_tokens": usage.all_output_tokens,
    }
