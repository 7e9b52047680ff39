"""The way to Valkey: many callers' scripts in one round trip, and never a long wait.

Whoever comes while a batch is away leaves with the next one.  When a batch is not answered in
time, all who wait are told, and for a while nobody is made to wait at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from seatrial.counters.scripts import ALL, Script
from seatrial.errors import CountersUnavailable

BATCH: Final = 128
REST_S: Final = 0.25  # after the first failure; it doubles
REST_CAP_S: Final = 4.0
_TURNS: Final = 3  # of the loop that a reply which is here already may take to be read

Entry = tuple[Script, Sequence[str], Sequence[Any], "asyncio.Future[Any]"]


class NotSent(CountersUnavailable):
    """Valkey is left alone for a moment: nothing was sent, so nothing can have been taken."""


class Wire:
    """Carries scripts to one server.

    Args:
        client: a `valkey.asyncio.Valkey`, made for us alone.
        limit_s: for a batch to be answered.
    """

    def __init__(self, client: Any, *, limit_s: float) -> None:
        self._client = client
        self._limit_s = limit_s
        self._waiting: list[Entry] = []
        self._flight: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        self._failures = 0

    @property
    def resting(self) -> bool:
        """Whether nothing is sent now, because of earlier failures."""
        return asyncio.get_running_loop().time() < self._rests_until

    async def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script and return its reply.

        Raises:
            NotSent: the server is left alone for a moment.
            CountersUnavailable: it did not answer in time, or with an error.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            raise NotSent("The shared counters are left alone for a moment.")
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((script, keys, args, future))
        if self._flight is None:
            self._flight = loop.create_task(self._fly())
        return await future

    async def close(self) -> None:
        """Give back connections."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait({self._flight})
        await self._client.aclose()

    async def _fly(self) -> None:
        """Carry batches until nobody waits."""
        from valkey.exceptions import ValkeyError

        batch: list[Entry] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                replies = await self._send(batch)
                self._failures = 0
                for (_, _, _, future), reply in zip(batch, replies, strict=True):
                    _answer(future, reply)
        except (ValkeyError, OSError, TimeoutError) as error:
            self._rest()
            self._tell_all(batch, type(error).__name__)
        except BaseException as error:
            self._tell_all(batch, type(error).__name__)
            raise
        finally:
            self._flight = None

    def _rest(self) -> None:
        rest_s = min(REST_CAP_S, REST_S * 2 ** min(self._failures, 8))
        self._failures += 1
        self._rests_until = asyncio.get_running_loop().time() + rest_s

    def _tell_all(self, batch: list[Entry], reason: str) -> None:
        waiting, self._waiting = batch + self._waiting, []
        for _, _, _, future in waiting:
            if not future.done():
                future.set_exception(
                    CountersUnavailable(
                        "The shared counters did not answer in time.", why=f"A {reason}."
                    )
                )

    async def _send(self, batch: list[Entry]) -> list[Any]:
        replies = await self._within(self._pipeline(batch))
        lost = [i for i, reply in enumerate(replies) if _is_unknown(reply)]
        if lost:
            await self._within(self._teach())
            again = await self._within(self._pipeline([batch[i] for i in lost]))
            for i, reply in zip(lost, again, strict=True):
                replies[i] = reply
        return replies

    async def _pipeline(self, batch: list[Entry]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for script, keys, args, _ in batch:
            pipeline.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def _teach(self) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for script in ALL:
            pipeline.execute_command("SCRIPT LOAD", script.source)
        taught: list[Any] = await pipeline.execute()
        return taught

    async def _within(self, work: Any) -> list[Any]:
        """Return what `work` does within the limit; a loop of ours that lags is no delay of it."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[list[Any]] = loop.create_task(work)
        try:
            for _ in range(2):
                started = loop.time()
                await asyncio.wait({task}, timeout=self._limit_s)
                for _ in range(_TURNS):
                    if not task.done():
                        await asyncio.sleep(0)
                if task.done() or loop.time() - started < 1.5 * self._limit_s:
                    break
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                task.add_done_callback(lambda late: late.cancelled() or late.exception())


def _answer(future: asyncio.Future[Any], reply: Any) -> None:
    if future.done():
        return
    if isinstance(reply, Exception):
        future.set_exception(
            CountersUnavailable("The shared counters refused.", why=f"{type(reply).__name__}.")
        )
    else:
        future.set_result(reply)


def _is_unknown(reply: Any) -> bool:
    return type(reply).__name__ == "NoScriptError"
