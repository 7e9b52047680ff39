"""As much of HTTP/1.1 and of the OpenAI chat wire as the demo's model needs, as bytes and values.

It reads what real clients send and answers to the letter; it knows neither weather nor experiment.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

MODEL: Final = "glanmor-1"
HEAD_BYTES: Final = 64 * 1024
BODY_BYTES: Final = 4 * 1024 * 1024

_numbers = itertools.count(1)


class BadRequest(Exception):
    """The caller sent what this server cannot take; answered, then the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, read whole."""

    method: str
    path: str
    body: bytes
    keeps_alive: bool


@dataclass(frozen=True, slots=True)
class Chat:
    """What the caller wants: the last thing the user said, and how to send the answer."""

    question: str
    model: str
    prompt_words: int
    streamed: bool
    counts_usage: bool


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """Read the next request of a connection, None when the caller closed it between two.

    Raises:
        BadRequest: the request is malformed or too large.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431, "The headers are too large.") from error
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise BadRequest(400, "The request line is malformed.")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        raise BadRequest(411, "Send the body with a content-length.")
    if int(length) > BODY_BYTES:
        raise BadRequest(413, f"The body is larger than {BODY_BYTES} bytes.")
    body = await reader.readexactly(int(length))
    keeps_alive = headers.get("connection", "").lower() != "close"
    return HttpRequest(words[0], words[1].partition("?")[0], body, keeps_alive)


def parse_chat(request: HttpRequest) -> Chat:
    """Find the question in a chat request.

    Raises:
        BadRequest: it is no chat request, or it has no user message.
    """
    if (request.method, request.path) != ("POST", "/v1/chat/completions"):
        raise BadRequest(404, f"There is no {request.method} {request.path} here.")
    try:
        tree = json.loads(request.body)
        messages = [(each["role"], _text_of(each.get("content"))) for each in tree["messages"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequest(400, "The body is not a chat request.") from error
    asked = [text for role, text in messages if role == "user"]
    if not asked:
        raise BadRequest(400, "There is no user message.")
    options = tree.get("stream_options")
    return Chat(
        question=asked[-1],
        model=str(tree.get("model") or MODEL),
        prompt_words=sum(len(text.split()) for _, text in messages),
        streamed=bool(tree.get("stream")),
        counts_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def render_answer(chat: Chat, text: str) -> bytes:
    """Render a whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    body = _envelope(chat, "chat.completion") | {
        "choices": [choice],
        "usage": _count_usage(chat, text),
    }
    return _render(HTTPStatus.OK, body)


def render_stream(chat: Chat, text: str) -> Iterator[bytes]:
    """Render an answer as events, one per word; the first part carries the headers."""
    envelope = _envelope(chat, "chat.completion.chunk")
    if chat.counts_usage:
        envelope["usage"] = None

    def event(delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return _chunk(f"data: {json.dumps(envelope | {'choices': [choice]})}\n\n")

    headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    yield _render_head(HTTPStatus.OK, headers) + event({"role": "assistant", "content": ""})
    for at, word in enumerate(text.split(" ")):
        yield event({"content": word if at == 0 else f" {word}"})
    yield event({}, "stop")
    if chat.counts_usage:
        totals = envelope | {"choices": [], "usage": _count_usage(chat, text)}
        yield _chunk(f"data: {json.dumps(totals)}\n\n")
    yield _chunk("data: [DONE]\n\n") + b"0\r\n\r\n"


def render_models() -> bytes:
    """Render the list of the one model there is."""
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "seatrial-demo"}
    return _render(HTTPStatus.OK, {"object": "list", "data": [model]})


def render_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Render an error object, with hints in `headers`."""
    kind = "invalid_request_error" if status < HTTPStatus.TOO_MANY_REQUESTS else "server_error"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = "rate_limit_error"
    error = {"message": message, "type": kind, "param": None, "code": None}
    return _render(HTTPStatus(status), {"error": error}, headers or {})


def _text_of(content: str | list[Any] | None) -> str:
    match content:
        case None:
            return ""
        case str():
            return content
        case _:
            return "".join(str(part["text"]) for part in content if part.get("type") == "text")


def _envelope(chat: Chat, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-demo-{next(_numbers)}",
        "object": kind,
        "created": int(time.time()),
        "model": chat.model,
    }


def _count_usage(chat: Chat, text: str) -> dict[str, int]:
    # A word for a token: the demo's model has no tokens, and prices need a figure.
    words = len(text.split())
    return {
        "prompt_tokens": chat.prompt_words,
        "completion_tokens": words,
        "total_tokens": chat.prompt_words + words,
    }


def _render(
    status: HTTPStatus, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> bytes:
    content = json.dumps(body).encode()
    known = {"content-type": "application/json", "content-length": str(len(content))}
    return _render_head(status, known | dict(headers or {})) + content


def _render_head(status: HTTPStatus, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"x-request-id: demo-{next(_numbers)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(event: str) -> bytes:
    content = event.encode()
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"
