"""The demo's customers: they ask over HTTP, read the answer to its end and note what they saw."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, Self

from seatrial.cli.demo.traffic import Visit
from seatrial.testing.driver import Client, Exchange, Heard

PATIENCE_S: Final = 3.0
"""How long a customer waits for a whole answer; the feature's deadline is shorter."""


class Ending(Enum):
    """How one question ended, as the customer sees it."""

    ANSWERED = "answered"
    DEGRADED = "degraded"  # answered by a lower tier, and labelled so
    ERROR = "error"
    CUT = "cut"  # the answer began and broke off
    LEFT = "gave up waiting"

    @property
    def served(self) -> bool:
        """Whether the customer has a whole answer."""
        return self in {Ending.ANSWERED, Ending.DEGRADED}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one customer saw.

    Args:
        visit: who asked what.
        ending: how it ended.
        took_s: until the last byte of the answer, or until the customer knew that none comes.
        ended_at: the end on the monotonic clock.
        text: the answer as far as it came.
        record_id: where Seatrial keeps the account; empty without Seatrial.
        tier: who answered, 0 for the first; None without Seatrial.
        reason: why it was not the first.
        error: what the customer was told instead.
    """

    visit: Visit
    ending: Ending
    took_s: float
    ended_at: float
    text: str = ""
    record_id: str = ""
    tier: int | None = None
    reason: str = ""
    error: str = ""


class Log(Protocol):
    """Keeps account of what customers see."""

    began_at: float
    asked: int

    def take(self, seen: Seen) -> None:
        """Note one ending."""


class Customers:
    """Sends visits to one chat endpoint; an asynchronous context manager.

    Args:
        base_url: before `/chat/completions`.
        model: what to ask for there.
        patience_s: when a customer gives up.
    """

    def __init__(self, base_url: str, model: str, *, patience_s: float = PATIENCE_S) -> None:
        # As many connections as are needed: real customers do not queue for each other's.
        self._client = Client(base_url)
        self._model = model
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()

    async def send_all(self, visits: Sequence[Visit], *, log: Log) -> None:
        """Send each visit at its moment, whatever became of the ones before, and wait for all.

        Args:
            visits: in the order of `at_s`, counted from the log's beginning.
            log: is told of each start and of each ending.
        """

        async def visit_once(number: int, visit: Visit) -> None:
            log.take(await self.ask(visit, stream=number % 2 == 1))

        async with asyncio.TaskGroup() as visitors:
            for number, visit in enumerate(visits):
                await asyncio.sleep(log.began_at + visit.at_s - time.monotonic())
                log.asked += 1
                visitors.create_task(visit_once(number, visit))

    async def ask(self, visit: Visit, *, stream: bool) -> Seen:
        """Ask one question; whatever goes wrong is what the customer saw."""
        question = {
            "model": self._model,
            "messages": [{"role": "user", "content": visit.text}],
            "stream": stream,
        }
        exchange = await self._client.post(
            "/chat/completions",
            json.dumps(question).encode(),
            {"seatrial-user": visit.customer},
            give_up_s=self._patience_s,
        )
        tier = exchange.headers.get("seatrial-tier")
        text, whole, error = _read(exchange)
        return Seen(
            visit,
            _ending(exchange, text, whole=whole, tier=tier),
            took_s=exchange.total_s,
            ended_at=time.monotonic(),
            text=text,
            record_id=exchange.headers.get("seatrial-record", ""),
            tier=int(tier) if tier else None,
            reason=exchange.headers.get("seatrial-reason", ""),
            error=error,
        )


def _ending(exchange: Exchange, text: str, *, whole: bool, tier: str | None) -> Ending:
    if exchange.heard is Heard.HANG:
        return Ending.LEFT
    if not whole:
        return Ending.CUT if text else Ending.ERROR
    return Ending.DEGRADED if tier and int(tier) else Ending.ANSWERED


def _read(exchange: Exchange) -> tuple[str, bool, str]:
    """Return the answer as far as it came, whether it is whole, and the error told instead."""
    if exchange.status == 0:
        return "", False, exchange.why or exchange.heard.value
    if exchange.status != 200:
        return "", False, f"HTTP {exchange.status}: {_error_of(bytes(exchange.body))}"
    if exchange.is_stream:
        return _read_events(exchange)
    if exchange.heard is not Heard.COMPLETE:
        return "", False, exchange.heard.value
    answer = json.loads(exchange.body)
    return answer["choices"][0]["message"]["content"], True, ""


def _read_events(exchange: Exchange) -> tuple[str, bool, str]:
    text = ""
    for data in exchange.events:
        if data == "[DONE]":
            return text, True, ""
        event = json.loads(data)
        if "error" in event:
            return text, False, str(event["error"].get("message", ""))
        for choice in event["choices"]:
            text += choice["delta"].get("content") or ""
    return text, False, exchange.why or exchange.heard.value


def _error_of(body: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(body)["error"]["message"])
    return "no reason given"
