"""Catalogue rows 29 to 31: well-formed replies whose fields are odd, and tool calls gone wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from seatrial.testing.upstream._plan import (
    ANTHROPIC,
    OPENAI,
    STREAMED,
    Exchange,
    Expect,
    Fault,
    Plan,
    Step,
    Then,
    ToolCall,
)

USAGES: Final[dict[str, dict[str, object] | None]] = {
    "usage-missing": None,
    "usage-negative": {"input": -5, "output": -7},
    "usage-huge": {"input": 10**15, "output": 10**18},
    "usage-text": {"input": "a few", "output": "many"},
}


def _altered(**changes: object) -> Plan:
    def plan(exchange: Exchange, then: Then) -> Iterator[Step]:
        yield from then(exchange.altered(**changes))

    return plan


def _calls(exchange: Exchange) -> tuple[ToolCall, ...]:
    """Give the good calls, or one invented where the answer has none."""
    if exchange.reply.calls:
        return exchange.reply.calls
    text = '{"answer": "' + "".join(exchange.reply.tokens or ()) + '"}'
    name = exchange.ask.tools[0] if exchange.ask.tools else "lookup"
    return (ToolCall(f"call_{exchange.reply.id}", name, (text,)),)


def _calling(exchange: Exchange, then: Then, calls: tuple[ToolCall, ...]) -> Iterator[Step]:
    yield from then(exchange.altered(calls=calls, finish="tool_calls"))


def _broken(exchange: Exchange, then: Then) -> Iterator[Step]:
    call = _calls(exchange)[0]
    yield from _calling(exchange, then, (replace(call, pieces=(*call.pieces[:-1], '", "')),))


def _unknown(exchange: Exchange, then: Then) -> Iterator[Step]:
    call = _calls(exchange)[0]
    yield from _calling(exchange, then, (replace(call, name="no_such_tool"),))


def _split(exchange: Exchange, then: Then) -> Iterator[Step]:
    call = _calls(exchange)[0]
    letters = tuple("".join(call.pieces))
    pieces = ("", *letters[:5], "", "".join(letters[5:7]), "".join(letters[7:]), "")
    yield from _calling(exchange, then, (replace(call, pieces=pieces),))


def _many(exchange: Exchange, then: Then) -> Iterator[Step]:
    call = _calls(exchange)[0]
    count = min(exchange.count("count"), 100_000)
    calls = tuple(replace(call, id=f"{call.id}-{number}") for number in range(count))
    yield from _calling(exchange, then, calls)


def _tool(name: str, expect: Expect, plan: Plan, says: str, **defaults: int) -> Fault:
    return Fault(
        name=name,
        row=31,
        expect=expect,
        says=says,
        plan=plan,
        passes=True,
        defaults=defaults,
        needs_tools=True,
    )


def _field(name: str, expect: Expect, plan: Plan, says: str, *dialects: str) -> Fault:
    return Fault(
        name=name,
        row=30,
        expect=expect,
        says=says,
        plan=plan,
        passes=True,
        dialects=frozenset(dialects or (OPENAI, ANTHROPIC)),
    )


_STREAMED: Final = frozenset({STREAMED})

FAULTS: Final = (
    *[
        Fault(
            name=name,
            row=29,
            expect=Expect.LEGAL,
            plan=_altered(usage=usage),
            passes=True,
            says=f"A good answer whose usage is {name.removeprefix('usage-')}.",
        )
        for name, usage in USAGES.items()
    ],
    _field(
        "wrong-model",
        Expect.LEGAL,
        _altered(model="somebody-else-2"),
        "Names another model than was asked.",
    ),
    replace(
        _field(
            "wrong-id",
            Expect.LEGAL,
            _altered(steady_id=False),
            "The id changes from event to event.",
            OPENAI,
        ),
        modes=_STREAMED,
    ),
    _field("wrong-index", Expect.HONEST, _altered(index=7), "The only choice has index 7.", OPENAI),
    replace(
        _field(
            "wrong-block-index",
            Expect.HONEST,
            _altered(index=7),
            "The only content block has index 7.",
            ANTHROPIC,
        ),
        modes=_STREAMED,
    ),
    _field(
        "two-choices",
        Expect.HONEST,
        _altered(choices=2),
        "Two choices where one was asked for.",
        OPENAI,
    ),
    _tool("tool-broken-json", Expect.HONEST, _broken, "Arguments that are not JSON."),
    _tool("tool-unknown", Expect.HONEST, _unknown, "Calls a tool that was not offered."),
    replace(
        _tool("tool-split", Expect.LEGAL, _split, "Arguments in odd pieces, some empty."),
        modes=_STREAMED,
    ),
    _tool("tool-many", Expect.HONEST, _many, "`count` calls at once.", count=1000),
)
