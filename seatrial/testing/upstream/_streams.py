"""Catalogue rows 33 to 42: streams that break off, stall, drip, err, repeat, or are merely odd."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._plan import (
    ANTHROPIC,
    OPENAI,
    STREAMED,
    Close,
    Draw,
    Event,
    Exchange,
    Expect,
    Fault,
    Param,
    Pause,
    Plan,
    Reset,
    Send,
    Step,
    Then,
)

Edit = Callable[[list[Event], Exchange], list[Event]]


def _until(exchange: Exchange) -> list[Event]:
    return speak.before_token(speak.events_of(exchange), exchange.count("at"))


def _broken_off(*end: Step) -> Plan:
    """Stop after `at` tokens, and end so."""

    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield speak.opening(exchange)
        yield from speak.frames(exchange, _until(exchange))
        yield from end

    return plan


def _stall(exchange: Exchange, then: Then) -> Iterator[Step]:
    sent = _until(exchange)
    yield speak.opening(exchange)
    yield from speak.frames(exchange, sent)
    yield Pause(exchange.number("for_s"))
    yield from speak.frames(exchange, speak.events_of(exchange)[len(sent) :])
    yield Send(speak.LAST_CHUNK)


def _noise(kind: str) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        sound = exchange.dialect.ping()
        if kind == "empty":
            sound = speak.sse(exchange.dialect.empty_delta(exchange.reply))
        yield speak.opening(exchange)
        yield from speak.frames(exchange, speak.before_token(speak.events_of(exchange), 0))
        for _ in range(100_000):
            yield Send(speak.chunk(sound))
            yield Pause(exchange.number("gap_s"))

    return plan


def _drip(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield speak.opening(exchange)
    for event in speak.events_of(exchange):
        if event.token:
            yield Pause(exchange.number("gap_s"))
        yield Send(speak.chunk(speak.sse(event)), tokens=int(event.token))
    yield Send(speak.LAST_CHUNK)


def _error_of(exchange: Exchange) -> Event:
    return exchange.dialect.error_event(
        exchange.count("code"), "Overloaded while answering.", "overloaded_error"
    )


def _error_first(exchange: Exchange, then: Then) -> Iterator[Step]:
    if exchange.ask.streamed:
        yield from speak.stream(exchange, [_error_of(exchange)])
        return
    made = exchange.dialect.error(exchange.count("code"), "Overloaded.", "overloaded_error")
    yield speak.body(exchange.altered(tokens=None), speak.dumps(made))


def _error_event(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield from speak.stream(exchange, [*_until(exchange), _error_of(exchange)])


def _broken_event(exchange: Exchange, then: Then) -> Iterator[Step]:
    sent = _until(exchange)
    rest = speak.events_of(exchange)[len(sent) :]
    yield speak.opening(exchange)
    yield from speak.frames(exchange, sent)
    whole = speak.sse(rest[0]).rstrip(b"\n") if rest else b"data: {}"
    yield Send(speak.chunk(whole[: len(whole) // 2] + b"\n\n"))
    if exchange.text("then") == "goes-on":
        yield from speak.frames(exchange, rest[1:])
    yield Send(speak.LAST_CHUNK)


def _edited(edit: Edit) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield from speak.stream(exchange, edit(speak.events_of(exchange), exchange))

    return plan


def _without_finish(events: list[Event], exchange: Exchange) -> list[Event]:
    return exchange.dialect.events(exchange.altered(finish=None).reply, exchange.ask)


def _without_done(events: list[Event], exchange: Exchange) -> list[Event]:
    return events[:-1]


def _after_done(events: list[Event], exchange: Exchange) -> list[Event]:
    return [*events, *[event for event in events if event.token][:3]]


def _doubled(events: list[Event], exchange: Exchange) -> list[Event]:
    sent = speak.before_token(events, exchange.count("at"))
    return [*sent, *events[len(sent) - 1 :]]


def _swapped(events: list[Event], exchange: Exchange) -> list[Event]:
    at = len(speak.before_token(events, exchange.count("at")))
    made = list(events)
    if at + 1 < len(made) and made[at + 1].token:
        made[at], made[at + 1] = made[at + 1], made[at]
    return made


def _endless(exchange: Exchange, then: Then) -> Iterator[Step]:
    events = [event for event in speak.events_of(exchange) if event.token]
    word = events[min(4, len(events) - 1)]
    yield speak.opening(exchange)
    yield from speak.frames(exchange, speak.before_token(speak.events_of(exchange), 4))
    for _ in range(min(exchange.count("tokens"), 10_000_000)):
        yield Pause(exchange.number("gap_s"))
        yield Send(speak.chunk(speak.sse(word)), tokens=1)
    yield Close()


def _bytes(respell: Callable[[bytes], bytes]) -> Plan:
    """Say the same events with other bytes."""

    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield speak.opening(exchange)
        for event in speak.events_of(exchange):
            yield Send(speak.chunk(respell(speak.sse(event))), tokens=int(event.token))
        yield Send(speak.LAST_CHUNK)

    return plan


def _data_lines(data: bytes) -> bytes:
    """Break the JSON over two data lines, which a reader joins with a newline."""
    front, comma, back = data.partition(b", ")
    return front + comma + b"\ndata: " + back if comma else data


def _split_bytes(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield speak.opening(exchange)
    events = speak.events_of(exchange)
    data = b"".join(map(speak.sse, events))
    while data:
        size = exchange.draw.randint(1, 7)
        yield Send(speak.chunk(data[:size]))
        data = data[size:]
    yield Send(speak.LAST_CHUNK, tokens=sum(event.token for event in events))


def _joined(exchange: Exchange, then: Then) -> Iterator[Step]:
    yield speak.opening(exchange)
    events = speak.events_of(exchange)
    data = b"".join(map(speak.sse, events))
    yield Send(speak.chunk(data) + speak.LAST_CHUNK, tokens=sum(event.token for event in events))


def _extra_fields(events: list[Event], exchange: Exchange) -> list[Event]:
    return [
        event
        if isinstance(event.data, str)
        else Event(
            {**event.data, "obfuscation": "aN1x", "x_new": {"a": [1]}}, event.name, event.token
        )
        for event in events
    ]


def _with_usage(exchange: Exchange, then: Then) -> Iterator[Step]:
    events = speak.events_of(exchange)
    usage = dict(exchange.dialect.whole(exchange.reply))
    usage.update({"object": "chat.completion.chunk", "choices": []})
    if not exchange.ask.include_usage and exchange.dialect.name == OPENAI:
        events[-1:] = [Event(json.loads(speak.dumps(usage))), events[-1]]
    yield from speak.stream(exchange, events)


def _at(low: int = 0, high: int = 24) -> dict[str, Draw]:
    def choose(die: Random) -> Param:
        return die.randint(low, high)

    return {"at": choose}


def _mid(name: str, row: int, plan: Plan, says: str, **defaults: Param) -> Fault:
    return Fault(
        name=name,
        row=row,
        expect=Expect.HONEST,
        says=says,
        plan=plan,
        modes=_STREAMED,
        defaults={"at": 3, **defaults},
        draws=_at(),
    )


def _ending(name: str, edit: Edit, says: str) -> Fault:
    return Fault(
        name=name, row=40, expect=Expect.HONEST, says=says, plan=_edited(edit), modes=_STREAMED
    )


def _legal(name: str, plan: Plan, says: str, *dialects: str) -> Fault:
    return Fault(
        name=name,
        row=42,
        expect=Expect.LEGAL,
        says=says,
        plan=plan,
        modes=_STREAMED,
        dialects=frozenset(dialects or (OPENAI, ANTHROPIC)),
    )


def _silent(name: str, plan: Plan, says: str) -> Fault:
    return Fault(
        name=name,
        row=36,
        expect=Expect.ANSWER,
        says=says,
        plan=plan,
        modes=_STREAMED,
        defaults={"gap_s": 0.2},
    )


_STREAMED: Final = frozenset({STREAMED})

FAULTS: Final = (
    _mid("cut", 33, _broken_off(Close()), "Closes after `at` tokens, in the middle of the body."),
    _mid(
        "cut-clean",
        33,
        _broken_off(Send(speak.LAST_CHUNK)),
        "Ends the body properly after `at` tokens: only the end of the answer is missing.",
    ),
    _mid(
        "reset", 34, _broken_off(Pause(0.02), Reset()), "Resets the connection after `at` tokens."
    ),
    _mid(
        "stall",
        35,
        _stall,
        "Falls silent for `for_s` after `at` tokens, then goes on.",
        for_s="inf",
    ),
    _silent("pings-only", _noise("ping"), "Signs of life every `gap_s`, and never a token."),
    _silent("empty-deltas", _noise("empty"), "Empty deltas every `gap_s`, and never a token."),
    Fault(
        name="drip",
        row=37,
        expect=Expect.HONEST,
        plan=_drip,
        modes=_STREAMED,
        says="A token every `gap_s`.",
        defaults={"gap_s": 0.5},
        draws={"gap_s": lambda die: die.uniform(0.2, 3)},
    ),
    Fault(
        name="error-first",
        row=38,
        expect=Expect.ANSWER,
        plan=_error_first,
        says="Status 200, and an error where the answer should begin.",
        defaults={"code": 529},
        draws={"code": lambda die: die.choice((429, 500, 503, 529))},
    ),
    _mid("error-event", 38, _error_event, "An error event after `at` tokens.", code=529),
    _mid(
        "broken-event",
        39,
        _broken_event,
        "Half an event after `at` tokens; then `goes-on` or `ends`.",
        then="goes-on",
    ),
    _ending("no-finish", _without_finish, "No finish reason."),
    _ending("no-done", _without_done, "No `[DONE]`, no `message_stop`."),
    _ending("after-done", _after_done, "Three tokens after the end."),
    Fault(
        name="duplicate-tokens",
        row=41,
        expect=Expect.HONEST,
        plan=_edited(_doubled),
        modes=_STREAMED,
        says="The token before `at` comes twice.",
        defaults={"at": 6},
        draws=_at(4, 20),
        detectable=False,
    ),
    Fault(
        name="reorder-tokens",
        row=41,
        expect=Expect.HONEST,
        plan=_edited(_swapped),
        modes=_STREAMED,
        says="Two tokens change places at `at`.",
        defaults={"at": 6},
        draws=_at(4, 20),
        detectable=False,
    ),
    Fault(
        name="endless",
        row=41,
        expect=Expect.HONEST,
        plan=_endless,
        modes=_STREAMED,
        says="Up to `tokens` tokens, `gap_s` apart, and no end.",
        defaults={"tokens": 100_000, "gap_s": 0.01},
    ),
    _legal("split-bytes", _split_bytes, "Pieces of one to seven bytes, characters cut through."),
    _legal("joined-events", _joined, "All events in one piece."),
    _legal("crlf", _bytes(lambda data: data.replace(b"\n", b"\r\n")), "Lines end in CR LF."),
    _legal(
        "comments", _bytes(lambda data: b": still here\n\n" + data), "A comment before each event."
    ),
    _legal(
        "no-space",
        _bytes(lambda data: data.replace(b"data: ", b"data:", 1)),
        "No space after `data:`.",
    ),
    _legal("data-lines", _bytes(_data_lines), "JSON broken over two data lines."),
    _legal("extra-fields", _edited(_extra_fields), "Fields nobody has heard of."),
    _legal(
        "usage-chunk", _with_usage, "A usage chunk without choices that nobody asked for.", OPENAI
    ),
)
