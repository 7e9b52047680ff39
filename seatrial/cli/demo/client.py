"""The demo's customers: they ask over HTTP, read the answer to its end and note what they saw."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Final, Protocol, Self

import aiohttp

from seatrial.cli.demo.traffic import Visit

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
        self._url = f"{base_url}/chat/completions"
        self._model = model
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Real customers do not queue for each other's connections.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

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
        began_at = time.monotonic()
        notes: dict[str, Any] = {"text": "", "error": ""}
        try:
            async with asyncio.timeout(self._patience_s):
                ending = await self._exchange(visit, stream, notes)
        except TimeoutError:
            ending = Ending.LEFT
        except (aiohttp.ClientError, OSError) as error:
            ending = Ending.CUT if notes["text"] else Ending.ERROR
            notes["error"] = str(error) or type(error).__name__
        ended_at = time.monotonic()
        return Seen(visit, ending, took_s=ended_at - began_at, ended_at=ended_at, **notes)

    async def _exchange(self, visit: Visit, stream: bool, notes: dict[str, Any]) -> Ending:
        assert self._session is not None, "enter it with `async with` first"  # noqa: S101
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": visit.text}],
            "stream": stream,
        }
        headers = {"seatrial-user": visit.customer}
        async with self._session.post(self._url, json=body, headers=headers) as reply:
            notes["record_id"] = reply.headers.get("seatrial-record", "")
            notes["reason"] = reply.headers.get("seatrial-reason", "")
            if tier := reply.headers.get("seatrial-tier"):
                notes["tier"] = int(tier)
            if reply.status != 200:
                notes["error"] = f"HTTP {reply.status}: {await _error_of(reply)}"
                return Ending.ERROR
            whole = await (_read_stream(reply, notes) if stream else _read_whole(reply, notes))
        if not whole:
            return Ending.CUT if notes["text"] else Ending.ERROR
        return Ending.DEGRADED if notes.get("tier") else Ending.ANSWERED


async def _read_whole(reply: aiohttp.ClientResponse, notes: dict[str, Any]) -> bool:
    answer = await reply.json()
    notes["text"] = answer["choices"][0]["message"]["content"]
    return True


async def _read_stream(reply: aiohttp.ClientResponse, notes: dict[str, Any]) -> bool:
    """Collect a streamed answer; False when it did not come to its proper end."""
    async for data in _events(reply):
        if data == b"[DONE]":
            return True
        event = json.loads(data)
        if "error" in event:
            notes["error"] = str(event["error"].get("message", ""))
            return False
        for choice in event["choices"]:
            notes["text"] += choice["delta"].get("content") or ""
    return False


async def _events(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for line in reply.content:
        if line.startswith(b"data: "):
            yield line[6:].strip()


async def _error_of(reply: aiohttp.ClientResponse) -> str:
    try:
        return str((await reply.json())["error"]["message"])
    except (ValueError, KeyError, TypeError, aiohttp.ContentTypeError):
        return reply.reason or "no reason given"
