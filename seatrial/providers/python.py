"""Targets that are Python functions: sync or async, whole or streamed."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from seatrial.ports import Call, Ended, Pulse, Stream
from seatrial.providers.calling import (
    answer_from,
    arguments_of,
    raised,
    signature_of,
    vectors_from,
)
from seatrial.providers.threads import ANY_ERROR, Outcome, Threads, opened
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece
from seatrial.values.requests import EMBED

# Pieces that a generator in a thread may be ahead of its reader.
AHEAD: Final = 64
MAX_THREADS: Final = 256
_FULL: Final = Failure(Cause.POOL_FULL, "All threads of this target are busy.", sent=False)


class PythonProvider:
    """One function as a target.

    An async function runs on the loop and must not block it.  A sync one runs in a thread
    of this target's own pool; a thread cannot be stopped, so a call that was given up keeps
    its place until the function returns.

    Args:
        function: sync or async, returning or yielding; see `calling` for its arguments.
        concurrency: threads at most.
    """

    def __init__(self, function: Callable[..., Any], *, concurrency: int = 64) -> None:
        self.outlets: Sequence[str] = ("python",)
        self._function = function
        self._signature = signature_of(function)
        self._inline = _runs_on_loop(function)
        self._threads = Threads(max(1, min(concurrency, MAX_THREADS)))

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get a whole answer; what is yielded is joined."""
        came = await self._begin(call, pulse)
        if isinstance(came, Answer | Failure):
            return came
        try:
            return await _joined(came)
        finally:
            await came.close()

    async def stream(self, call: Call, pulse: Pulse) -> Stream | Answer | Failure:
        """Open a streamed answer; a function that returns gives it whole."""
        return await self._begin(call, pulse)

    async def close(self) -> None:
        """Take no more calls; those in threads end by themselves."""
        self._threads.close()

    async def _begin(self, call: Call, pulse: Pulse) -> _Pieces | Answer | Failure:
        arguments = arguments_of(self._signature, call)
        if isinstance(arguments, Failure):
            return arguments
        args, kwargs = arguments
        pulse.connected()
        try:
            if self._inline:
                value = self._function(*args, **kwargs)
            else:
                future = self._threads.start(lambda: self._function(*args, **kwargs))
                if future is None:
                    return _FULL
                value = opened(await future)
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError as error:
            if _we_are_cancelled():
                raise
            return raised(error)  # the function's own: something it waited for was cancelled
        except ANY_ERROR as error:
            return raised(error)
        if inspect.isasyncgen(value):
            return _Pieces(_AsyncSource(value), pulse)
        if inspect.isgenerator(value):
            source = _ThreadSource(value, asyncio.get_running_loop())
            return _Pieces(source, pulse) if self._threads.start(source.run) is not None else _FULL
        pulse.first_byte()
        if call.kind == EMBED:
            return vectors_from(value, wanted=len(call.body["input"]))
        return answer_from(value)


def _we_are_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _runs_on_loop(function: Callable[..., Any]) -> bool:
    """Say whether calling it only makes something to wait for, or a generator."""
    plain = function
    while hasattr(plain, "func"):  # functools.partial
        plain = plain.func
    if not inspect.isroutine(plain):
        plain = getattr(plain, "__call__", plain)  # noqa: B004
    return (
        inspect.iscoroutinefunction(plain)
        or inspect.isasyncgenfunction(plain)
        or inspect.isgeneratorfunction(plain)
    )


class _AsyncSource:
    """Takes from an async generator, on the loop."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    async def take(self) -> object:
        return await anext(self._generator)

    async def close(self) -> None:
        await self._generator.aclose()


class _ThreadSource:
    """Takes from a generator that one thread runs, a few pieces ahead of the reader."""

    def __init__(self, generator: Iterator[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._generator: Any = generator
        self._loop = loop
        self._came: deque[Outcome] = deque()
        self._news = asyncio.Event()
        self._room = threading.Semaphore(AHEAD)
        self._stopped = False

    def run(self) -> None:
        """Work off the generator; the thread's whole life."""
        try:
            for item in self._generator:
                self._room.acquire()
                if self._stopped:
                    break
                self._tell(item, None)
            self._tell(None, StopAsyncIteration())
        except BaseException as error:  # noqa: BLE001
            self._tell(None, error)
        finally:
            self._generator.close()

    def _tell(self, item: Any, error: BaseException | None) -> None:
        self._came.append((item, error))
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            self._stopped = True  # the loop is closed: nobody listens

    async def take(self) -> object:
        while not self._came:
            self._news.clear()
            await self._news.wait()
        item, error = self._came.popleft()
        if error is not None:
            return opened((None, error))
        self._room.release()
        return item

    async def close(self) -> None:
        self._stopped = True
        self._room.release()


class _Pieces:
    """What a function yields, as a stream."""

    def __init__(self, source: _AsyncSource | _ThreadSource, pulse: Pulse) -> None:
        self._source = source
        self._pulse = pulse
        self._begun = False
        self._finished = False
        self._over: Ended | Failure | None = None

    async def next(self) -> Piece | Ended | Failure:
        """Return the next event, the proper end, or what went wrong."""
        if self._over is not None:
            return self._over
        try:
            item = await self._source.take()
        except StopAsyncIteration:
            return self._end(Ended())
        except asyncio.CancelledError as error:
            if _we_are_cancelled():
                raise
            return self._end(raised(error))
        except ANY_ERROR as error:
            return self._end(raised(error))
        if not self._begun:
            self._begun = True
            self._pulse.first_byte()
        if isinstance(item, str):
            item = Piece(item)
        if isinstance(item, Ended):
            return self._end(item)
        if not isinstance(item, Piece):
            kind = type(item).__qualname__
            return self._end(Failure(Cause.INVALID_ANSWER, f"The function yielded a {kind}."))
        self._finished = self._finished or item.finish_reason is not None
        if item.useful:
            self._pulse.token()
        return item

    def _end(self, end: Ended | Failure) -> Piece | Ended | Failure:
        self._over = end
        if isinstance(end, Ended) and not self._finished:
            self._finished = True
            return Piece(finish_reason="stop")
        return end

    async def close(self) -> None:
        """Let go; a generator is closed where it runs."""
        try:
            await self._source.close()
        except ANY_ERROR:
            self._over = self._over or Ended()  # its last words came too late to matter


async def _joined(stream: _Pieces) -> Answer | Failure:
    texts: list[str] = []
    reasoning: list[str] = []
    finish = "stop"
    while True:
        came = await stream.next()
        if isinstance(came, Failure):
            return came
        if isinstance(came, Ended):
            break
        texts.append(came.text)
        reasoning.append(came.reasoning)
        finish = came.finish_reason or finish
    return Answer(
        text="".join(texts),
        reasoning="".join(reasoning) or None,
        finish_reason=finish,
        usage=came.usage,
        model=came.model,
        value=came.value,
    )
