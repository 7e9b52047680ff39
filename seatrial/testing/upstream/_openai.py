"""OpenAI's spelling of chat completions: bodies, events, errors, rate headers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from seatrial.testing.upstream._plan import Ask, Event, Json, Reply

TYPES: Final = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "invalid_request_error", 410: "invalid_request_error", 429: "rate_limit_error",
}  # fmt: skip


class OpenAI:
    """The chat-completions dialect."""

    name = "openai"
    text_key = "content"

    def whole(self, reply: Reply) -> Json:
        """Give the body of a completion."""
        content = None if reply.tokens is None or reply.calls else "".join(reply.tokens)
        message: Json = {"role": "assistant", "content": content, "refusal": reply.refusal}
        if reply.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(call.pieces)},
                }
                for call in reply.calls
            ]
        choices = [
            {
                "index": reply.index + number,
                "message": message if number == 0 else {**message, "content": "another answer"},
                "logprobs": None,
                "finish_reason": reply.finish,
            }
            for number in range(reply.choices)
        ]
        made = self._frame(reply, "chat.completion", choices, 0)
        if reply.usage is not None:
            made["usage"] = _usage(reply)
        return made

    def events(self, reply: Reply, ask: Ask) -> list[Event]:
        """Give the chunks of a completion, `[DONE]` last."""
        numbers = iter(range(1_000_000))

        def event(delta: Json, *, finish: str | None = None, token: bool = False) -> Event:
            choices = [
                {
                    "index": reply.index + number,
                    "delta": delta,
                    "logprobs": None,
                    "finish_reason": finish,
                }
                for number in range(reply.choices)
            ]
            data = self._frame(reply, "chat.completion.chunk", choices, next(numbers))
            if ask.include_usage:
                data["usage"] = None
            return Event(data, token=token)

        made = [event({"role": "assistant", "content": "", "refusal": None})]
        if reply.refusal is not None:
            made.append(event({"refusal": reply.refusal}, token=True))
        if not reply.calls:
            made += _text_events(reply, event)
        for place, call in enumerate(reply.calls):
            opened = {"name": call.name, "arguments": ""}
            first = {"index": place, "id": call.id, "type": "function", "function": opened}
            made.append(event({"tool_calls": [first]}, token=True))
            for piece in call.pieces:
                more = {"index": place, "function": {"arguments": piece}}
                made.append(event({"tool_calls": [more]}, token=True))
        if reply.finish is not None:
            made.append(event({}, finish=reply.finish))
        if ask.include_usage and reply.usage is not None:
            data = self._frame(reply, "chat.completion.chunk", [], next(numbers))
            made.append(Event({**data, "usage": _usage(reply)}))
        return [*made, Event("[DONE]")]

    def empty_delta(self, reply: Reply) -> Event:
        """Give a chunk whose delta holds nothing."""
        choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": None}]
        return Event(self._frame(reply, "chat.completion.chunk", choices, 0))

    def ping(self) -> bytes:
        """Give a comment line."""
        return b": ping\n\n"

    def error(self, status: int, message: str, code: str | None) -> Json:
        """Give the error object with its four keys."""
        kind = TYPES.get(status, "server_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error_event(self, status: int, message: str, code: str | None) -> Event:
        """Give a chunk whose top level is an error; the status stands only inside."""
        made = self.error(status, message, code)
        inner = made["error"]
        return (
            Event({"error": {**inner, "status": status}})
            if isinstance(inner, dict)
            else Event(made)
        )

    def limit_headers(
        self, what: str, *, limit: int, remaining: int, reset_s: float, wall_s: float
    ) -> dict[str, str]:
        """Give `x-ratelimit-*`; resets read like `1m0s` or `350ms`."""
        return {
            f"x-ratelimit-limit-{what}": str(limit),
            f"x-ratelimit-remaining-{what}": str(remaining),
            f"x-ratelimit-reset-{what}": _span(reset_s),
        }

    def _frame(self, reply: Reply, kind: str, choices: object, number: int) -> Json:
        made_id = reply.id if reply.steady_id else f"{reply.id}-{number}"
        return {
            "id": f"chatcmpl-{made_id}",
            "object": kind,
            "created": reply.created,
            "model": reply.model,
            "choices": choices,
        }


def _text_events(reply: Reply, event: Callable[..., Event]) -> list[Event]:
    if reply.tokens is None:
        return [event({"content": None})]
    return [event({"content": token}, token=True) for token in reply.tokens]


def _usage(reply: Reply) -> Json:
    usage = reply.usage or {}
    prompt, completion = usage.get("input"), usage.get("output")
    numbers = isinstance(prompt, int) and isinstance(completion, int)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion if numbers else prompt,  # type: ignore[operator]  # both int here
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{math.ceil(max(seconds, 0) * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
