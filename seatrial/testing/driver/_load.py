"""The load: how many requests, when each begins, who sends it, and what became of all."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from seatrial.testing.driver._client import Client, Exchange
from seatrial.testing.driver._judge import Asked, End, is_token, judge
from seatrial.testing.upstream._answers import WORDS

PATH: Final = "/chat/completions"
TOOL: Final = "lookup"
SHOWN: Final = 20


class Arrivals(StrEnum):
    """When requests of an open loop begin."""

    STEADY = "steady"  # evenly
    POISSON = "poisson"  # independently
    BURST = "burst"  # ten times the rate in one second of every ten
    RAMP = "ramp"  # from a tenth of the rate to twice the rate
    MINUTE = "minute"  # all of a minute's requests within its first second


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Args:
        url: the address with its `/v1`, as an OpenAI client wants it.
        requests: how many in all.
        concurrency: at most this many at a time; in a closed loop, always this many.
        rate_s: requests per second of an open loop; 0 makes a closed loop.
        arrivals: the law of the open loop.
        models: taken in turn.
        streamed: share of the requests that stream, in [0, 1].
        key: sent as the bearer.
        headers: sent besides.
        deadline_s: an end after it (plus 0.25 s) is late.
        give_up_s: an exchange without an end by then is a hang; 0 means the deadline plus 5 s.
        leave: share of the callers who leave, after the head or after up to eight tokens.
        slow: share of the callers who read slowly, at `slow_bytes_s`.
        tools: whether to offer a tool.
        signed: whether answers carry a checksum.
        retries: how often a caller tries again after a hang or an unexplained end.
        idempotent: whether those tries carry one Idempotency-Key.
        max_s: no request begins later than this.
        keep_alive: whether connections are reused.
        questions: asked in turn instead of made-up ones; they should differ.
    """

    url: str
    requests: int = 100
    concurrency: int = 8
    rate_s: float = 0.0
    arrivals: Arrivals = Arrivals.STEADY
    models: Sequence[str] = ("faulty-1",)
    streamed: float = 0.5
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    deadline_s: float = 60.0
    give_up_s: float = 0.0
    leave: float = 0.0
    slow: float = 0.0
    slow_bytes_s: float = 2000.0
    tools: bool = False
    signed: bool = True
    retries: int = 0
    idempotent: bool = False
    seed: int = 0
    max_s: float = 3600.0
    keep_alive: bool = True
    questions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request.

    Args:
        at_s: when it began, since the load began.
        notes: what was odd but broke nothing.
        tries: 1 unless the caller tried again.
        stale: whether a kept connection was found closed under it, and it was sent again.
        question: what it asked.
    """

    number: int
    end: End
    detail: str
    notes: tuple[str, ...]
    model: str
    streamed: bool
    status: int
    at_s: float
    total_s: float
    first_token_s: float | None
    record: str = ""
    tier: str = ""
    tries: int = 1
    stale: bool = False
    question: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all requests."""

    outcomes: tuple[Outcome, ...]
    duration_s: float

    @property
    def violations(self) -> tuple[Outcome, ...]:
        """Give the requests for which a promise was broken."""
        return tuple(outcome for outcome in self.outcomes if outcome.end.is_violation)

    @property
    def ends(self) -> dict[str, int]:
        """Count the ends, commonest first."""
        return dict(Counter(outcome.end.value for outcome in self.outcomes).most_common())

    def as_json(self) -> dict[str, object]:
        """Give the figures, and the first twenty violations."""
        good = [outcome for outcome in self.outcomes if outcome.end is not End.ABANDONED]
        first = [o.first_token_s for o in good if o.first_token_s is not None]
        return {
            "requests": len(self.outcomes),
            "ends": self.ends,
            "violations": len(self.violations),
            "worst": [asdict(outcome) for outcome in self.violations[:SHOWN]],
            "tiers": dict(Counter(o.tier for o in self.outcomes if o.tier)),
            "total_s": _spread([outcome.total_s for outcome in good]),
            "first_token_s": _spread(first),
            "duration_s": round(self.duration_s, 3),
            "requests_s": round(len(self.outcomes) / self.duration_s, 1) if self.duration_s else 0,
        }


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    points = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    last = len(ordered) - 1
    return {name: round(ordered[min(last, int(p * len(ordered)))], 4) for name, p in points.items()}


def arrivals(law: Arrivals, rate_s: float, *, count: int, draw: Random) -> Iterator[float]:
    """Give the moments at which `count` requests begin, in seconds.

    >>> list(arrivals(Arrivals.STEADY, 2.0, count=3, draw=Random(0)))
    [0.0, 0.5, 1.0]
    """
    now_s = 0.0
    for number in range(count):
        match law:
            case Arrivals.STEADY:
                yield number / rate_s
            case Arrivals.POISSON:
                now_s += draw.expovariate(rate_s)
                yield now_s
            case Arrivals.BURST:
                yield now_s
                now_s += 1 / (rate_s * (10 if now_s % 10 < 1 else 1))
            case Arrivals.RAMP:
                yield now_s
                now_s += 1 / (rate_s * (0.1 + 1.9 * number / count))
            case Arrivals.MINUTE:
                each = max(1, round(rate_s * 60))
                yield 60.0 * (number // each) + (number % each) / each


async def drive(load: Load, *, on_outcome: Callable[[Outcome], None] | None = None) -> Report:
    """Send the load and name what became of each request.

    Args:
        load: what to send.
        on_outcome: called as each request ends, for progress.
    """
    client = Client(load.url, keep_alive=load.keep_alive)
    began_s = time.monotonic()
    outcomes: list[Outcome] = []

    async def one(number: int) -> None:
        outcome = await _one(load, client, number, began_s)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)

    try:
        if load.rate_s > 0:
            await _open_loop(load, one, began_s)
        else:
            await _closed_loop(load, one, began_s)
    finally:
        client.close()
    outcomes.sort(key=lambda outcome: outcome.number)
    return Report(tuple(outcomes), time.monotonic() - began_s)


async def _closed_loop(load: Load, one: Callable[[int], Awaitable[None]], began_s: float) -> None:
    numbers = iter(range(load.requests))

    async def worker() -> None:
        for number in numbers:
            if time.monotonic() - began_s > load.max_s:
                return
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(load.concurrency, load.requests)):
            group.create_task(worker())


async def _open_loop(load: Load, one: Callable[[int], Awaitable[None]], began_s: float) -> None:
    free = asyncio.Semaphore(load.concurrency)

    async def bounded(number: int) -> None:
        try:
            await one(number)
        finally:
            free.release()

    moments = arrivals(
        load.arrivals, load.rate_s, count=load.requests, draw=Random(f"{load.seed}/arrivals")
    )
    async with asyncio.TaskGroup() as group:
        for number, at_s in enumerate(moments):
            if at_s > load.max_s:
                return
            await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
            await free.acquire()
            group.create_task(bounded(number))


async def _one(load: Load, client: Client, number: int, began_s: float) -> Outcome:
    """Be one caller."""
    die = Random(f"{load.seed}/{number}")
    streamed = die.random() < load.streamed
    slow = die.random() < load.slow
    leaves = _leaver(die) if die.random() < load.leave else _stays
    asked = Asked(
        question=_question(load, number, die),
        model=load.models[number % len(load.models)],
        streamed=streamed,
        tools=(TOOL,) if load.tools else (),
        deadline_s=load.deadline_s,
        signed=load.signed,
        slow=slow,
    )
    headers = dict(load.headers)
    if load.key:
        headers["authorization"] = f"Bearer {load.key}"
    if load.idempotent:
        headers["idempotency-key"] = f"driver-{load.seed}-{number}"
    at_s = time.monotonic() - began_s
    tries = 0
    while True:
        tries += 1
        exchange = await client.post(
            PATH,
            _body(asked),
            headers,
            give_up_s=load.give_up_s or load.deadline_s + 5,
            leaves=leaves,
            is_token=is_token,
            pace_bytes_s=load.slow_bytes_s if slow else 0.0,
        )
        finding = judge(exchange, asked)
        if finding.end not in {End.HANG, End.UNEXPLAINED} or tries > load.retries:
            break
    return Outcome(
        number=number,
        end=finding.end,
        detail=finding.detail,
        notes=finding.notes,
        model=asked.model,
        streamed=streamed,
        status=exchange.status,
        at_s=round(at_s, 4),
        total_s=round(exchange.total_s, 6),
        first_token_s=exchange.first_token_s,
        record=exchange.headers.get("seatrial-record", ""),
        tier=exchange.headers.get("seatrial-tier", ""),
        tries=tries,
        stale=exchange.stale,
        question=asked.question,
    )


def _question(load: Load, number: int, die: Random) -> str:
    if load.questions:
        return load.questions[number % len(load.questions)]
    return f"Question {number} of run {load.seed}: what is a {die.choice(WORDS)}?"


def _stays(exchange: Exchange) -> bool:
    return False


def _leaver(die: Random) -> Callable[[Exchange], bool]:
    """Make a caller who leaves with the head, or once some tokens are there."""
    tokens = die.choice((None, None, 1, 2, 4, 8))

    def leaves(exchange: Exchange) -> bool:
        return tokens is None or sum(map(is_token, exchange.events)) >= tokens

    return leaves


def _body(asked: Asked) -> bytes:
    data: dict[str, object] = {
        "model": asked.model,
        "messages": [{"role": "user", "content": asked.question}],
    }
    if asked.streamed:
        data.update({"stream": True, "stream_options": {"include_usage": True}})
    if asked.tools:
        answer = {"type": "object", "properties": {"answer": {"type": "string"}}}
        data["tools"] = [
            {"type": "function", "function": {"name": name, "parameters": answer}}
            for name in asked.tools
        ]
    return json.dumps(data).encode()
