"""What a fault is: a name, its row in the catalogue, and a plan of bytes and pauses.

Plans are generators without I/O.  The server carries them out, tests just read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final, Protocol

Param = str | int | float | bool
Json = dict[str, object]

OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"
STREAMED: Final = "streamed"
WHOLE: Final = "whole"


class Expect(StrEnum):
    """The class of a fault: what a caller behind two targets must see."""

    ANSWER = "answer"  # strikes before a token: the healthy fallback answers
    LEGAL = "legal"  # odd but allowed: a whole answer
    HONEST = "honest"  # a whole answer, or an end that says what happened
    POLICY = "policy"  # a refusal, and it reaches the caller with its reason
    DYNAMICS = "dynamics"  # judged over many requests: waste, waiting, recovery


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the caller; `tokens` of them carry text of the answer."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence.  Infinite: until the caller leaves or the server stops."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection politely (FIN), whatever was promised."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection rudely (RST)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Drop every connection and refuse new ones for a while."""

    seconds: float


Step = Send | Pause | Close | Reset | Refuse


@dataclass(frozen=True, slots=True)
class Ask:
    """A caller's request, as far as the server understands it."""

    dialect: str
    path: str
    model: str
    question: str
    streamed: bool
    include_usage: bool = False
    structured: bool = False
    tools: tuple[str, ...] = ()
    max_tokens: int | None = None
    prompt_tokens: int = 0
    key: str = ""  # digest of the credential, never the credential


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call; `pieces` joined are its arguments."""

    id: str
    name: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is put into a dialect; faults change it here where they can."""

    id: str
    model: str
    created: int
    tokens: tuple[str, ...] | None
    calls: tuple[ToolCall, ...] = ()
    finish: str | None = "stop"
    refusal: str | None = None
    usage: Mapping[str, object] | None = None
    choices: int = 1
    index: int = 0
    steady_id: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its data, its name if it has one, whether it is a token."""

    data: Json | str
    name: str | None = None
    token: bool = False


class Dialect(Protocol):
    """How one provider spells a reply."""

    name: str
    text_key: str  # the JSON key that holds the text of an answer

    def whole(self, reply: Reply) -> Json:
        """Give the body of a reply that is not streamed."""

    def events(self, reply: Reply, ask: Ask) -> list[Event]:
        """Give the events of a streamed reply, its end included."""

    def empty_delta(self, reply: Reply) -> Event:
        """Give an event that says nothing."""

    def ping(self) -> bytes:
        """Give a sign of life that carries no answer."""

    def error(self, status: int, message: str, code: str | None) -> Json:
        """Give an error body."""

    def error_event(self, status: int, message: str, code: str | None) -> Event:
        """Give an error inside a stream."""

    def limit_headers(
        self, what: str, *, limit: int, remaining: int, reset_s: float, wall_s: float
    ) -> dict[str, str]:
        """Give the rate headers; `what` is `requests` or `tokens`."""


class Limiter(Protocol):
    """Buckets that remember across requests."""

    def take(
        self, name: str, *, amount: float, per_minute: float, burst: float
    ) -> tuple[bool, float, float]:
        """Take from a bucket: whether it held enough, what remains, seconds until it would."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """All a plan may know: one request, its good answer, and what is at hand."""

    ask: Ask
    reply: Reply
    other: Reply  # a good answer to somebody else's question
    dialect: Dialect
    draw: Random
    limiter: Limiter
    url: str  # of this server
    now_s: float = 0.0  # since the schedule was set
    wall_s: float = 0.0
    gap_s: float = 0.0  # between tokens
    params: Mapping[str, Param] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Give a parameter as a number."""
        return float(self.params[name])

    def count(self, name: str) -> int:
        """Give a parameter as a whole number."""
        return int(self.params[name])

    def text(self, name: str) -> str:
        """Give a parameter as text."""
        return str(self.params[name])

    def altered(self, **changes: object) -> Exchange:
        """Give the same exchange with another reply."""
        return replace(self, reply=replace(self.reply, **changes))  # type: ignore[arg-type]  # fields of Reply


Then = Callable[[Exchange], Iterator[Step]]
Plan = Callable[[Exchange, Then], Iterator[Step]]
Draw = Callable[[Random], Param]


@dataclass(frozen=True, slots=True)
class Fault:
    """One named fault of the catalogue.

    Args:
        name: as in `fault:NAME` and in schedules.
        row: of the fault catalogue.
        expect: its class, which says what a caller behind a fallback must see.
        says: what it does, in a line.
        plan: what to send; it is handed the next plan and may run that instead.
        defaults: every parameter with the value it has unless told otherwise.
        draws: for the parameters that a seed may choose, how.
        dialects, modes: where it can be shown.
        passes: whether the exchange may still go well (latency, limits): others may follow it.
        needs_tools: whether the request should offer tools.
        detectable: False where the source itself says wrong words in a right form, so that
            a layer which passes them on is not to blame.
    """

    name: str
    row: int
    expect: Expect
    says: str
    plan: Plan
    defaults: Mapping[str, Param] = field(default_factory=dict)
    draws: Mapping[str, Draw] = field(default_factory=dict)
    dialects: frozenset[str] = frozenset({OPENAI, ANTHROPIC})
    modes: frozenset[str] = frozenset({STREAMED, WHOLE})
    passes: bool = False
    needs_tools: bool = False
    detectable: bool = True

    def drawn(self, draw: Random) -> dict[str, Param]:
        """Give parameters chosen by the die; equal seeds give equal parameters."""
        return {**self.defaults, **{name: self.draws[name](draw) for name in sorted(self.draws)}}
