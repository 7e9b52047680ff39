"""Catalogue rows 22 to 28 and 32: bodies that lie about themselves."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._plan import (
    STREAMED,
    WHOLE,
    Close,
    Exchange,
    Expect,
    Fault,
    Plan,
    Send,
    Step,
    Then,
)

PIECE: Final = 256 * 1024
MIB: Final = 1024 * 1024
Edit = Callable[[bytes, Exchange], bytes]


def _empty_body(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield from speak.stream(exchange, [])
    else:
        yield speak.body(exchange.altered(tokens=None), b"")


def _altered(**changes: object) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield from then(exchange.altered(**changes))

    return plan


def _truncated_json(exchange: Exchange, then: Then) -> Iterator[Step]:
    body = speak.whole_of(exchange)
    yield speak.body(exchange, body[: min(exchange.count("at"), len(body) - 1)])


def _wrong_length(exchange: Exchange, then: Then) -> Iterator[Step]:
    body = speak.whole_of(exchange)
    length = max(0, len(body) + exchange.count("by"))
    yield Send(speak.head_of(exchange, content_length=str(length)) + body)
    if exchange.count("by") > 0:
        yield Close()


def _bad_chunk(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield speak.opening(exchange)
        yield from speak.frames(
            exchange, speak.before_token(speak.events_of(exchange), exchange.count("at"))
        )
    else:
        yield speak.opening(exchange, kind=speak.JSON_TYPE)
        yield Send(speak.chunk(speak.whole_of(exchange)[:40]))
    yield Send(b"zz-not-hex\r\nlost\r\n")
    yield Close()


def _no_last_chunk(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield speak.opening(exchange)
        yield from speak.frames(exchange, speak.events_of(exchange))
    else:
        yield speak.opening(exchange, kind=speak.JSON_TYPE)
        yield Send(speak.chunk(speak.whole_of(exchange)))
    yield Close()


def _garbage_status(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield Send(b"HTCPCP/7 teapot, mostly\r\n\r\n" + speak.whole_of(exchange))
    yield Close()


def _edited(edit: Edit) -> Plan:
    """Change the bytes of a whole body, or of one event of a stream."""

    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        if not exchange.ask.streamed:
            yield speak.body(exchange, edit(speak.whole_of(exchange), exchange))
            return
        yield speak.opening(exchange)
        seen = 0
        for event in speak.events_of(exchange):
            seen += event.token
            data = speak.sse(event)
            if event.token and _is_chosen(data, seen, exchange):
                prefix, _, json = data.rpartition(b"data: ")
                data = prefix + b"data: " + edit(json.strip(), exchange) + b"\n\n"
            yield Send(speak.chunk(data), tokens=int(event.token))
        yield Send(speak.LAST_CHUNK)

    return plan


def _is_chosen(data: bytes, seen: int, exchange: Exchange) -> bool:
    at = exchange.params.get("at")
    return b"[sum:" in data if at is None else seen == int(at)


def _invalid_utf8(data: bytes, exchange: Exchange) -> bytes:
    return data.replace(b"[sum:", b"\xc3\x28\xff[sum:", 1)


def _nan(data: bytes, exchange: Exchange) -> bytes:
    return data[:-1] + b', "score": NaN, "best": Infinity}'


def _duplicate_keys(data: bytes, exchange: Exchange) -> bytes:
    key = f'"{exchange.dialect.text_key}": '.encode()
    decoy = speak.dumps("".join(exchange.other.tokens or ()))
    # The last occurrence is the real text; in whole Anthropic bodies it is the only one.
    front, _, back = data.rpartition(key)
    return front + key + decoy + b", " + key + back


def _deep_json(data: bytes, exchange: Exchange) -> bytes:
    depth = min(exchange.count("depth"), 1_000_000)
    return data[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"


def _huge_body(exchange: Exchange, then: Then) -> Iterator[Step]:
    size = min(exchange.count("mb"), 512) * MIB
    start, end = speak.whole_of(exchange)[:-1] + b', "padding": "', b'"}'
    yield Send(speak.head_of(exchange, content_length=str(len(start) + size + len(end))) + start)
    for _ in range(size // PIECE):
        yield Send(b"x" * PIECE)
    yield Send(end)


def _huge_event(exchange: Exchange, then: Then) -> Iterator[Step]:
    size = min(exchange.count("mb"), 512) * MIB
    events = speak.events_of(exchange)
    before = speak.before_token(events, exchange.count("at"))
    yield speak.opening(exchange)
    yield from speak.frames(exchange, before)
    yield Send(speak.chunk(b'data: {"padding": "'))
    for _ in range(size // PIECE):
        yield Send(speak.chunk(b"x" * PIECE))
    yield Send(speak.chunk(b'"}\n\n'))
    yield from speak.frames(exchange, events[len(before) :])
    yield Send(speak.LAST_CHUNK)


def _huge_headers(exchange: Exchange, then: Then) -> Iterator[Step]:
    count = min(exchange.count("kb"), 16_384)
    filler = {f"x-filler-{number}": "f" * 1010 for number in range(count)}
    yield from then(replace(exchange, headers={**exchange.headers, **filler}))


def _many_1xx(exchange: Exchange, then: Then) -> Iterator[Step]:
    for _ in range(min(exchange.count("count"), 100_000)):
        yield Send(b"HTTP/1.1 103 Early Hints\r\nlink: </style>\r\n\r\n")
    yield from then(exchange)


def _gzip_bomb(exchange: Exchange, then: Then) -> Iterator[Step]:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    streamed = exchange.ask.streamed
    kind = speak.STREAM_TYPE if streamed else speak.JSON_TYPE
    head = speak.head_of(exchange, kind=kind, transfer_encoding="chunked", content_encoding="gzip")
    yield Send(head)
    start = b": " if streamed else b'{"padding": "'
    spaces = b" " * MIB
    for number in range(min(exchange.count("mb"), 512)):
        data = squeeze.compress(start + spaces if number == 0 else spaces)
        if data:
            yield Send(speak.chunk(data))
    body = b"".join(map(speak.sse, speak.events_of(exchange)))
    ending = b"\n\n" + body if streamed else b'", ' + speak.whole_of(exchange)[1:]
    yield Send(speak.chunk(squeeze.compress(ending) + squeeze.flush()))
    yield Send(speak.LAST_CHUNK)


def _broken_gzip(exchange: Exchange, then: Then) -> Iterator[Step]:
    streamed = exchange.ask.streamed
    kind = speak.STREAM_TYPE if streamed else speak.JSON_TYPE
    body = b"".join(map(speak.sse, speak.events_of(exchange)))
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    data = squeeze.compress(body if streamed else speak.whole_of(exchange)) + squeeze.flush()
    middle = len(data) // 2
    broken = data[:middle] + bytes(byte ^ 0x5A for byte in data[middle:])
    head = speak.head_of(
        exchange, kind=kind, content_encoding="gzip", content_length=str(len(broken))
    )
    yield Send(head + broken)


def _wrong_type(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield speak.opening(exchange, kind=speak.JSON_TYPE)
        yield from speak.frames(exchange, speak.events_of(exchange))
        yield Send(speak.LAST_CHUNK)
    else:
        yield speak.body(exchange, speak.whole_of(exchange), kind="text/plain")


def _other_form(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield from then(
        replace(exchange, ask=replace(exchange.ask, streamed=not exchange.ask.streamed))
    )


def _stale_reply(exchange: Exchange, then: Then) -> Iterator[Step]:
    foreign = replace(exchange, reply=exchange.other)
    surplus = speak.body(foreign, speak.whole_of(foreign)).data
    if exchange.ask.streamed:
        # One write for the end and what follows it, so that both arrive together.
        *events, last = speak.events_of(exchange)
        yield speak.opening(exchange)
        yield from speak.frames(exchange, events)
        yield Send(speak.chunk(speak.sse(last)) + speak.LAST_CHUNK + surplus)
    else:
        yield Send(speak.body(exchange, speak.whole_of(exchange)).data + surplus)


def _replayed(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield from then(replace(exchange, reply=exchange.other))


def _odd(name: str, row: int, plan: Plan, says: str, **more: object) -> Fault:
    return replace(
        Fault(name=name, row=row, expect=Expect.HONEST, plan=plan, says=says),
        **more,  # type: ignore[arg-type]  # fields of Fault
    )


def _none(name: str, plan: Plan, says: str) -> Fault:
    return Fault(name=name, row=22, expect=Expect.ANSWER, plan=plan, says=says)


_ONLY_WHOLE: Final = frozenset({WHOLE})
_ONLY_STREAMED: Final = frozenset({STREAMED})

FAULTS: Final = (
    _none("empty-body", _empty_body, "200 and no body; a stream without events."),
    _none(
        "empty-choices",
        _altered(choices=0, tokens=(), calls=()),
        "200 with no choice and no content block.",
    ),
    _none("null-content", _altered(tokens=None, calls=()), "200 whose text is null."),
    _none("empty-content", _altered(tokens=("",), calls=()), "200 whose text is empty."),
    Fault(
        name="truncated-json",
        row=23,
        expect=Expect.ANSWER,
        plan=_truncated_json,
        modes=_ONLY_WHOLE,
        says="A body that stops after `at` bytes, its length stated correctly.",
        defaults={"at": 120},
        draws={"at": lambda die: die.randint(1, 400)},
    ),
    Fault(
        name="short-length",
        row=23,
        expect=Expect.ANSWER,
        plan=_wrong_length,
        modes=_ONLY_WHOLE,
        says="Content-Length is short by `by` bytes (negative): the rest spills over.",
        defaults={"by": -40},
        draws={"by": lambda die: -die.randint(1, 200)},
    ),
    Fault(
        name="long-length",
        row=23,
        expect=Expect.ANSWER,
        plan=_wrong_length,
        modes=_ONLY_WHOLE,
        says="Content-Length promises `by` bytes more than come.",
        defaults={"by": 40},
        draws={"by": lambda die: die.randint(1, 200)},
    ),
    _odd(
        "bad-chunk",
        24,
        _bad_chunk,
        "A chunk whose size is no number, after `at` tokens.",
        defaults={"at": 3},
        draws={"at": lambda die: die.randint(0, 20)},
    ),
    _odd(
        "no-last-chunk", 24, _no_last_chunk, "Everything is there but the last chunk, then the end."
    ),
    Fault(
        name="garbage-status-line",
        row=24,
        expect=Expect.ANSWER,
        plan=_garbage_status,
        says="A first line that is not HTTP.",
    ),
    _odd("invalid-utf8", 25, _edited(_invalid_utf8), "Bytes inside the text that are not UTF-8."),
    _odd(
        "nan",
        25,
        _edited(_nan),
        "NaN and Infinity where JSON has no such thing.",
        defaults={"at": 3},
        draws={"at": lambda die: die.randint(1, 20)},
    ),
    _odd(
        "duplicate-keys",
        25,
        _edited(_duplicate_keys),
        "The text's key twice; the first holds another answer.",
        defaults={"at": 3},
        draws={"at": lambda die: die.randint(1, 20)},
    ),
    _odd(
        "deep-json",
        25,
        _edited(_deep_json),
        "A field nested `depth` deep.",
        defaults={"at": 3, "depth": 20_000},
        draws={"at": lambda die: die.randint(1, 20)},
    ),
    _odd(
        "huge-body", 26, _huge_body, "A body of `mb` MiB.", modes=_ONLY_WHOLE, defaults={"mb": 64}
    ),
    _odd(
        "huge-event",
        26,
        _huge_event,
        "One event of `mb` MiB after `at` tokens.",
        modes=_ONLY_STREAMED,
        defaults={"at": 3, "mb": 8},
        draws={"at": lambda die: die.randint(0, 20)},
    ),
    _odd(
        "huge-headers", 26, _huge_headers, "`kb` KiB of headers.", passes=True, defaults={"kb": 256}
    ),
    _odd(
        "many-1xx",
        26,
        _many_1xx,
        "`count` interim replies before the real one.",
        passes=True,
        defaults={"count": 1000},
        draws={"count": lambda die: die.randint(2, 5000)},
    ),
    _odd(
        "gzip-bomb",
        27,
        _gzip_bomb,
        "A small body that inflates to `mb` MiB.",
        defaults={"mb": 64},
        draws={"mb": lambda die: die.choice((5, 50, 500))},
    ),
    _odd("broken-gzip", 27, _broken_gzip, "Compressed, and damaged in the middle."),
    _odd("wrong-content-type", 28, _wrong_type, "A sound reply under the wrong content type."),
    _odd(
        "other-form",
        28,
        _other_form,
        "A stream where a body was asked for, and a body for a stream.",
        passes=True,
    ),
    _odd(
        "stale-reply", 32, _stale_reply, "After the reply, on the same connection, somebody else's."
    ),
    _odd(
        "foreign-reply",
        32,
        _replayed,
        "The answer to somebody else's question, well formed.",
        passes=True,
        detectable=False,
    ),
)
