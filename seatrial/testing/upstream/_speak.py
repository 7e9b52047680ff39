"""Steps that many plans share: a head, a body, events in chunks, an error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from seatrial.testing.upstream._plan import Event, Exchange, Pause, Send, Step

JSON_TYPE: Final = "application/json"
STREAM_TYPE: Final = "text/event-stream"
LAST_CHUNK: Final = b"0\r\n\r\n"
REASONS: Final = {
    200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 410: "Gone", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 529: "Overloaded",
}  # fmt: skip


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Give the status line and the headers of a reply."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def chunk(data: bytes) -> bytes:
    """Give one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def dumps(data: object) -> bytes:
    """Give compact-enough JSON; odd values such as NaN pass."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


def sse(event: Event, *, newline: str = "\n") -> bytes:
    """Give the bytes of one server-sent event."""
    data = event.data if isinstance(event.data, str) else dumps(event.data).decode()
    name = "" if event.name is None else f"event: {event.name}{newline}"
    return f"{name}data: {data}{newline}{newline}".encode()


def head_of(exchange: Exchange, *, status: int = 200, kind: str = JSON_TYPE, **extra: str) -> bytes:
    """Give the head for this exchange; `extra` names use underscores for dashes."""
    headers = {"content-type": kind, "x-request-id": f"req-{exchange.reply.id}"}
    headers.update(exchange.headers)
    headers.update({name.replace("_", "-"): value for name, value in extra.items()})
    return head(status, headers)


def body(exchange: Exchange, data: bytes, *, status: int = 200, kind: str = JSON_TYPE) -> Send:
    """Give a reply of known length in one piece."""
    text = exchange.reply.tokens
    top = head_of(exchange, status=status, kind=kind, content_length=str(len(data)))
    return Send(top + data, tokens=len(text) if text and status == 200 else 0)


def opening(exchange: Exchange, *, kind: str = STREAM_TYPE) -> Send:
    """Give the head of a stream."""
    return Send(head_of(exchange, kind=kind, transfer_encoding="chunked", cache_control="no-cache"))


def frames(exchange: Exchange, events: Iterable[Event]) -> Iterator[Step]:
    """Give each event as a chunk of its own, tokens at their pace."""
    for event in events:
        if event.token and exchange.gap_s > 0:
            yield Pause(exchange.gap_s)
        yield Send(chunk(sse(event)), tokens=int(event.token))


def stream(exchange: Exchange, events: Iterable[Event]) -> Iterator[Step]:
    """Give a stream from its head to its last chunk."""
    yield opening(exchange)
    yield from frames(exchange, events)
    yield Send(LAST_CHUNK)


def events_of(exchange: Exchange) -> list[Event]:
    """Give the events of the good answer."""
    return exchange.dialect.events(exchange.reply, exchange.ask)


def whole_of(exchange: Exchange) -> bytes:
    """Give the body of the good answer, as bytes."""
    return dumps(exchange.dialect.whole(exchange.reply))


def good(exchange: Exchange) -> Iterator[Step]:
    """Give the reply as a sound server would."""
    if exchange.ask.streamed:
        yield from stream(exchange, events_of(exchange))
        return
    if exchange.gap_s > 0:
        yield Pause(exchange.gap_s * len(exchange.reply.tokens or ()))
    yield body(exchange, whole_of(exchange))


def error(
    exchange: Exchange, status: int, message: str, *, code: str | None = None, **extra: str
) -> Send:
    """Give an explicit error in the caller's dialect."""
    data = dumps(exchange.dialect.error(status, message, code))
    return Send(head_of(exchange, status=status, content_length=str(len(data)), **extra) + data)


def before_token(events: list[Event], count: int) -> list[Event]:
    """Give the events up to, and without, the one that follows `count` tokens."""
    seen = 0
    for place, event in enumerate(events):
        if event.token:
            if seen == count:
                return events[:place]
            seen += 1
    last = max((place for place, event in enumerate(events) if event.token), default=-1)
    return events[: last + 1]
