"""A model server that says what the test tells it to, wherever an answer has text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAYS = ("text", "tool", "refusal", "bad_request", "unavailable", "no_json", "error_inside")
CUT = 3  # pieces of a streamed text


class Parrot:
    """Says `text` in the way of `way`; in OpenAI's dialect and in Anthropic's."""

    def __init__(self) -> None:
        self.text = ""
        self.way = "text"
        self.url = ""

    def reply(self, path: str, stream: bool) -> tuple[int, str, bytes]:
        """Return status, content type and body for a request."""
        speak = _anthropic if path.endswith("/messages") else _openai
        match self.way:
            case "bad_request" | "unavailable":
                error = dict.fromkeys(("message", "type", "code", "param"), self.text)
                status = 400 if self.way == "bad_request" else 503
                return status, "application/json", _json({"type": "error", "error": error})
            case "no_json":
                return 200, "application/json", self.text.encode("utf-8", "surrogatepass")
            case _:
                return speak(self.text, self.way, stream)


@contextmanager
def parrot() -> Iterator[Parrot]:
    """Serve one on a free port."""
    speaking = Parrot()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            asked = json.loads(self.rfile.read(length))
            status, kind, body = speaking.reply(self.path, bool(asked.get("stream")))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    speaking.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield speaking
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _pieces(text: str) -> list[str]:
    step = max(1, -(-len(text) // CUT))
    return [text[at : at + step] for at in range(0, len(text), step)] or [""]


def _events(values: list[Any], *, named: bool) -> tuple[int, str, bytes]:
    lines = []
    for value in values:
        name = f"event: {value['type']}\n".encode() if named and isinstance(value, dict) else b""
        lines.append(name + b"data: " + (value if isinstance(value, bytes) else _json(value)))
    return 200, "text/event-stream", b"\n\n".join(lines) + b"\n\n"


def _openai(text: str, way: str, stream: bool) -> tuple[int, str, bytes]:
    head = {"id": text, "object": "chat.completion", "created": 1, "model": text or "m"}
    head["system_fingerprint"] = text
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    call = {"id": text or "c", "type": "function"}
    arguments = json.dumps({"q": text})
    finish = "tool_calls" if way == "tool" else "stop"
    if not stream:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        if way == "tool":
            message["tool_calls"] = [{**call, "function": {"name": "find", "arguments": arguments}}]
        elif way == "error_inside":
            return 200, "application/json", _json({"error": {"message": text, "code": text}})
        else:
            message["refusal" if way == "refusal" else "content"] = text
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return 200, "application/json", _json({**head, "choices": [choice], "usage": usage})
    head["object"] = "chat.completion.chunk"

    def chunk(delta: dict[str, Any], end: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}

    events: list[Any] = [chunk({"role": "assistant"})]
    if way == "tool":
        begun = {"index": 0, **call, "function": {"name": "find", "arguments": ""}}
        events.append(chunk({"tool_calls": [begun]}))
        for part in _pieces(arguments):
            more = {"index": 0, "function": {"arguments": part}}
            events.append(chunk({"tool_calls": [more]}))
    elif way == "error_inside":
        events.append({"error": {"message": text, "type": text, "code": text}})
        return _events(events, named=False)
    else:
        field = "refusal" if way == "refusal" else "content"
        events += [chunk({field: part}) for part in _pieces(text)]
    last = [chunk({}, finish), {**head, "choices": [], "usage": usage}, b"[DONE]"]
    return _events([*events, *last], named=False)


def _anthropic(text: str, way: str, stream: bool) -> tuple[int, str, bytes]:
    usage = {"input_tokens": 3, "output_tokens": 2}
    head = {"id": text or "m", "type": "message", "role": "assistant", "model": text or "m"}
    stop = {"tool": "tool_use", "refusal": "refusal"}.get(way, "end_turn")
    said: dict[str, Any] = {"type": "text", "text": text}
    if way == "tool":
        said = {"type": "tool_use", "id": text or "c", "name": "find", "input": {"q": text}}
    error = {"type": "error", "error": {"type": text, "message": text}}
    if not stream:
        if way == "error_inside":
            return 200, "application/json", _json(error)
        whole = {**head, "content": [said], "stop_reason": stop, "stop_sequence": None}
        return 200, "application/json", _json({**whole, "usage": usage})
    began: dict[str, Any] = {
        **head,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    events: list[Any] = [{"type": "message_start", "message": began}]
    if way == "error_inside":
        return _events([*events, error], named=True)
    empty = {**said, "input": {}} if way == "tool" else {"type": "text", "text": ""}
    events.append({"type": "content_block_start", "index": 0, "content_block": empty})
    kind, field = ("input_json_delta", "partial_json") if way == "tool" else ("text_delta", "text")
    for part in _pieces(json.dumps({"q": text}) if way == "tool" else text):
        delta = {"type": kind, field: part}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    ended = {"stop_reason": stop, "stop_sequence": text}
    events += [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return _events(events, named=True)
