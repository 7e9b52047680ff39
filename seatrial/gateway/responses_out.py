"""From a decision to the bytes of OpenAI's Responses: whole, and event by event."""

from __future__ import annotations

import time
from typing import Any, Final, assert_never

from seatrial.gateway.blocks import Block, Blocks, Form, blocks_of
from seatrial.gateway.faults import Shown
from seatrial.gateway.fields import Ask
from seatrial.gateway.openai_out import PING, encode
from seatrial.values.chat import Answer, Piece, Usage
from seatrial.values.decisions import Head

# Reasons of the end that make a response incomplete.
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
_PREFIXES: Final = {
    Form.REASONING: "rs",
    Form.TEXT: "msg",
    Form.REFUSAL: "msg",
    Form.TOOL: "fc",
}
# The values of what the caller left open, as OpenAI's own answers have them.
_DEFAULTS: Final[dict[str, Any]] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class ResponseWriter:
    """Writes one response of OpenAI's."""

    ping = PING

    __slots__ = (
        "_blocks", "_created", "_echo", "_finish", "_id", "_model", "_number", "_opened", "_usage",
    )  # fmt: skip

    def __init__(self, ask: Ask, request_id: str, created: int) -> None:
        self._id = request_id
        self._created = created
        self._model = ask.feature
        self._echo = {**ask.echo, "store": False}  # nothing is kept that could be asked for
        self._blocks = Blocks(self)
        self._number = 0
        self._opened = False
        self._finish = ""
        self._usage: Usage | None = None

    def name(self, model: str) -> None:
        """Take the model as served."""
        self._model = model

    def whole(self, answer: Answer, head: Head) -> bytes:
        """Return a response."""
        self._model = answer.model or head.model or self._model
        blocks = blocks_of(answer)
        return encode(self._ended(blocks, answer.finish_reason, answer.usage))

    def piece(self, piece: Piece) -> bytes:
        """Return the events for a piece; the first of them open the response."""
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.finish_reason is not None:
            self._finish = piece.finish_reason
        if piece.model and not self._opened:
            self._model = piece.model
        if not piece.useful:
            return b""
        return self._opening() + self._blocks.feed(piece)

    def finish(self, tail: tuple[Piece, ...], answer: Answer) -> bytes:
        """Return the last events: exactly one of them ends the response."""
        events = b"".join(map(self.piece, tail)) + self._opening() + self._blocks.end()
        finish = self._finish or answer.finish_reason
        response = self._ended(self._blocks.done, finish, self._usage or answer.usage)
        return events + self._event(f"response.{response['status']}", response=response)

    def cut(self, shown: Shown) -> bytes:
        """Return the flat error that clients raise, and the end that says so once more."""
        error = shown.error
        said = self._event("error", code=error.code, message=error.message, param=error.param)
        response = self._response("failed", [_item(each, self._id) for each in self._blocks.done])
        response["error"] = {"code": "server_error", "message": error.message}
        return said + self._event("response.failed", response=response)

    # --- blocks ---------------------------------------------------------------------------

    def opened(self, block: Block) -> bytes:
        """Return the events that open an item, and its one part."""
        item = _item(block, self._id, status="in_progress")
        events = self._event("response.output_item.added", output_index=block.place, item=item)
        if block.form is Form.TOOL:
            return events
        return events + self._of(block, "response.content_part.added", part=_content(block, ""))

    def added(self, block: Block, text: str) -> bytes:
        """Return the event that adds to an item."""
        match block.form:
            case Form.REASONING:
                return self._of(block, "response.reasoning_text.delta", delta=text)
            case Form.TEXT:
                return self._of(block, "response.output_text.delta", delta=text, logprobs=[])
            case Form.REFUSAL:
                return self._of(block, "response.refusal.delta", delta=text)
            case Form.TOOL:
                return self._of(block, "response.function_call_arguments.delta", delta=text)

    def closed(self, block: Block) -> bytes:
        """Return the events that close an item."""
        text = block.text
        match block.form:
            case Form.REASONING:
                events = self._of(block, "response.reasoning_text.done", text=text)
            case Form.TEXT:
                events = self._of(block, "response.output_text.done", text=text, logprobs=[])
            case Form.REFUSAL:
                events = self._of(block, "response.refusal.done", refusal=text)
            case Form.TOOL:
                name = "response.function_call_arguments.done"
                events = self._of(block, name, name=block.name, arguments=text)
            case other:
                assert_never(other)
        if block.form is not Form.TOOL:
            part = _content(block, text)
            events += self._of(block, "response.content_part.done", part=part)
        item = _item(block, self._id)
        done = self._event("response.output_item.done", output_index=block.place, item=item)
        return events + done

    def _of(self, block: Block, kind: str, **data: Any) -> bytes:
        """Return an event about a block."""
        if block.form is not Form.TOOL:
            data["content_index"] = 0
        item_id = _item_id(block, self._id)
        return self._event(kind, item_id=item_id, output_index=block.place, **data)

    # --- the response around them ---------------------------------------------------------

    def _opening(self) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        response = self._response("in_progress", [])
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _event(self, kind: str, /, **data: Any) -> bytes:
        said = encode({"type": kind, "sequence_number": self._number, **data})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), said)

    def _ended(self, blocks: list[Block], finish: str, usage: Usage | None) -> dict[str, Any]:
        cut = _INCOMPLETE.get(finish)
        status = "incomplete" if cut else "completed"
        response = self._response(status, [_item(each, self._id) for each in blocks])
        if cut:
            response["incomplete_details"] = {"reason": cut}
        else:
            response["completed_at"] = int(time.time())
        response["usage"] = None if usage is None else usage_json(usage)
        return response

    def _response(self, status: str, output: list[Any]) -> dict[str, Any]:
        return {
            "id": f"resp_{self._id}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": self._model,
            "output": output,
            "usage": None,
            **_DEFAULTS,
            **self._echo,
        }


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return the usage; its totals include what ours keeps apart, and its details are required."""
    read, written = usage.all_input_tokens, usage.all_output_tokens
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": usage.all_cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": read + written,
    }


def _item_id(block: Block, response_id: str) -> str:
    return f"{_PREFIXES[block.form]}_{response_id}_{block.place}"


def _item(block: Block, response_id: str, *, status: str = "completed") -> dict[str, Any]:
    """Return a block as an item of the output; one that is being written is empty yet."""
    item_id = _item_id(block, response_id)
    whole = status == "completed"
    content = [_content(block, block.text)] if whole and block.form is not Form.TOOL else []
    match block.form:
        case Form.REASONING:
            return {
                "type": "reasoning",
                "id": item_id,
                "summary": [],
                "content": content,
                "status": status,
            }
        case Form.TOOL:
            return {
                "type": "function_call",
                "id": item_id,
                "call_id": block.id or f"call_{response_id}_{block.place}",
                "name": block.name,
                "arguments": block.text if whole else "",
                "status": status,
            }
        case _:
            return {
                "type": "message",
                "id": item_id,
                "role": "assistant",
                "content": content,
                "status": status,
            }


def _content(block: Block, text: str) -> dict[str, Any]:
    match block.form:
        case Form.REASONING:
            return {"type": "reasoning_text", "text": text}
        case Form.REFUSAL:
            return {"type": "refusal", "refusal": text}
        case _:
            return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
