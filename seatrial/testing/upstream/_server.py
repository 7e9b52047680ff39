"""The faulty upstream itself: a model server on the loopback that does as its schedule says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from seatrial.errors import Misuse
from seatrial.testing.upstream import _speak as speak
from seatrial.testing.upstream._asks import key_digest
from seatrial.testing.upstream._faults import strike_of
from seatrial.testing.upstream._log import KEPT, Ended, Entry, seen_headers, tally
from seatrial.testing.upstream._model import DIALECTS, FaultyModel, Manner
from seatrial.testing.upstream._plan import Close, Param, Pause, Refuse, Reset, Send, Step
from seatrial.testing.upstream._schedule import Rule, read_rules
from seatrial.testing.upstream._wire import BadRequest, Incoming, Wire

HOST: Final = "127.0.0.1"
TURN: Final = 32  # steps of one exchange before the others have their turn


class FaultyUpstream:
    """A model server that fails as told, in the OpenAI and the Anthropic dialect.

    Use it as `async with` inside a loop, or as `with`, which runs it in a thread of its own.
    It listens on the loopback only and stops by itself after `max_s`.

    Args:
        seed: equal seeds and equal orders of requests give equal faults.
        port, control_port: 0 picks a free one; a control port of None opens none.
        name: begins the id of every answer, so that two servers' answers can be told apart.
        words: in an answer, between its header and its checksum.
        gap_s: between tokens.
        max_s: seconds until it stops by itself.
        max_requests: after which it answers 503 to everything.
        keys: credentials it accepts; none means all, and no credential too.
        models: that `GET /v1/models` lists.

    >>> with FaultyUpstream(seed=7) as upstream:
    ...     upstream.base_url.endswith("/v1")
    True
    """

    def __init__(  # noqa: PLR0913 - settings, each with a default
        self,
        *,
        seed: int = 0,
        port: int = 0,
        control_port: int | None = None,
        name: str = "up",
        words: int = 24,
        gap_s: float = 0.0,
        max_s: float = 600.0,
        max_requests: int = 10_000_000,
        keys: Sequence[str] = (),
        models: Sequence[str] = ("faulty-1",),
    ) -> None:
        accepted = frozenset(key_digest({"x-api-key": key}) for key in keys)
        self.port = port
        self.control_port = control_port
        self._model = FaultyModel(
            Manner(seed, name, words, gap_s, max_requests, accepted, tuple(models))
        )
        self._max_s = max_s
        self._log: list[Entry] = []
        self._dropped = 0
        self._numbers = itertools.count()
        self._next_number = 0
        self._began_s = time.monotonic()
        self._wires: dict[Wire, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._refusals: list[asyncio.TimerHandle] = []
        self._connections = itertools.count()
        self._server: asyncio.Server | None = None
        self._control: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refused_until_s = 0.0
        self._over: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.in_flight = 0
        self.peak_in_flight = 0

    # ------------------------------------------------------------ faces

    @property
    def url(self) -> str:
        """Give the address without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """Give the address as an OpenAI client wants it."""
        return f"{self.url}/v1"

    @property
    def control_url(self) -> str:
        """Give the address of the control port."""
        return f"http://{HOST}:{self.control_port}"

    @property
    def log(self) -> list[Entry]:
        """Give the attempts so far, oldest first."""
        return list(self._log)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Give the schedule in force."""
        return self._model.rules

    def stats(self) -> dict[str, object]:
        """Count what happened so far, and what is open now."""
        return {
            **tally(self.log),
            "open_connections": len(self._wires),
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "dropped_log_entries": self._dropped,
            "up_s": round(self.now_s(), 3),
        }

    def now_s(self) -> float:
        """Give seconds since the server was made."""
        return time.monotonic() - self._began_s

    def schedule(self, rules: Sequence[Rule | Mapping[str, object]]) -> None:
        """Set the faults from now on; windows count from this moment.

        Raises:
            Misuse: for an unknown fault or parameter; the old schedule stays.
        """
        made = tuple(
            rule if isinstance(rule, Rule) else read_rules([dict(rule)])[0] for rule in rules
        )
        self._model.schedule(made, now_s=self.now_s(), number=self._next_number)
        self._call(self._arm_refusals, made)

    def heal(self) -> None:
        """Take all faults away, and listen again."""
        self.schedule(())
        self._call(self._listen_again)

    def outage(self, for_s: float, fault: str = "http-503", **params: Param) -> None:
        """Strike every request with `fault` for `for_s` seconds, before all other rules."""
        strike_of(fault, params)
        if fault == "refuse":
            self._call(self._refuse, for_s)
        else:
            self._model.outage(fault, params, now_s=self.now_s(), for_s=for_s)

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    def __enter__(self) -> Self:
        started = threading.Event()
        failed: list[BaseException] = []

        async def serve() -> None:
            try:
                async with self:
                    started.set()
                    await self.wait()
            except OSError as problem:
                failed.append(problem)
                started.set()

        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve()), name="faulty upstream", daemon=True
        )
        self._thread.start()
        started.wait(10)
        if failed:
            raise failed[0]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._over is not None:
            self._call(self._over.set)
        if self._thread is not None:
            self._thread.join(10)

    async def wait(self) -> None:
        """Wait until the server's time is over or `stop` was called."""
        over = self._over or asyncio.Event()
        left_s = max(0.0, self._max_s - self.now_s())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), left_s)

    def stop(self) -> None:
        """Let `wait` return."""
        if self._over is not None:
            self._call(self._over.set)

    # ------------------------------------------------------------ life

    def _call(self, function: Callable[..., object], *args: object) -> None:
        """Run something on the server's own loop, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise Misuse("The faulty upstream is not running.", fix="Use it in a `with` block.")
        return self._loop

    async def _start(self) -> None:
        from seatrial.testing.upstream._control import Control

        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        await self._listen()
        if self.control_port is not None:
            self._control = await self._loop.create_server(
                Control(self).connect, HOST, self.control_port
            )
            self.control_port = self._control.sockets[0].getsockname()[1]
        self._timers.append(self._loop.call_later(self._max_s, self.stop))

    async def _listen(self) -> None:
        self._server = await self._running().create_server(
            lambda: Wire(self._met, self._lost), HOST, self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for timer in (*self._timers, *self._refusals):
            timer.cancel()
        for server in (self._server, self._control):
            if server is not None:
                server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in list(self._wires):
            wire.reset()
        await asyncio.sleep(0)

    def _met(self, wire: Wire) -> None:
        self._wires[wire] = next(self._connections)
        self._spawn(self._converse(wire))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._running().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lost(self, wire: Wire) -> None:
        self._wires.pop(wire, None)

    def _arm_refusals(self, rules: tuple[Rule, ...]) -> None:
        """Close the listener by the clock, for rules that refuse whatever comes in a window."""
        for timer in self._refusals:
            timer.cancel()
        self._refusals.clear()
        for rule in rules:
            if rule.name == "refuse" and rule.probability == 1 and rule.to_s < float("inf"):
                handle = self._running().call_later(
                    rule.from_s, self._refuse, rule.to_s - rule.from_s
                )
                self._refusals.append(handle)

    def _refuse(self, for_s: float) -> None:
        self._refused_until_s = max(self._refused_until_s, self.now_s() + for_s)
        if self._server is not None:
            self._server.close()
            self._server = None
        for wire in list(self._wires):
            wire.reset()
        self._timers.append(self._running().call_later(for_s, self._listen_if_due))

    def _listen_if_due(self) -> None:
        if self._server is None and self.now_s() >= self._refused_until_s - 0.005:
            self._spawn(self._listen())

    def _listen_again(self) -> None:
        self._refused_until_s = 0.0
        self._listen_if_due()

    # ------------------------------------------------------------ a conversation

    async def _converse(self, wire: Wire) -> None:
        """Answer the requests of one connection, one after the other."""
        connection = self._wires[wire]
        try:
            while True:
                incoming = await wire.read_request()
                if incoming is None:
                    return
                goes_on = await self._serve(wire, incoming, connection)
                if not goes_on or not incoming.keeps_alive:
                    return
        except BadRequest as problem:
            data = speak.dumps(DIALECTS["openai"].error(400, str(problem), None))
            length = {"content-type": speak.JSON_TYPE, "content-length": str(len(data))}
            wire.write(speak.head(400, length) + data)
        finally:
            wire.close()

    async def _serve(self, wire: Wire, incoming: Incoming, connection: int) -> bool:
        entry = self._enter(incoming, connection)
        steps = self._model.steps(incoming, entry, url=self.url, now_s=self.now_s())
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            ended = await self._perform(wire, steps, entry)
        except asyncio.CancelledError:
            entry.ended = Ended.STOPPED
            raise
        except BaseException:
            entry.ended = Ended.BROKEN
            raise
        else:
            entry.ended = ended
        finally:
            self.in_flight -= 1
            entry.ended_s = round(self.now_s(), 6)
        return ended is Ended.COMPLETE

    def _enter(self, incoming: Incoming, connection: int) -> Entry:
        number = next(self._numbers)
        self._next_number = number + 1
        entry = Entry(
            number=number,
            at_s=round(self.now_s(), 6),
            method=incoming.method,
            path=incoming.path,
            connection=connection,
            key=key_digest(incoming.headers),
            headers=seen_headers(incoming.headers),
            body_bytes=len(incoming.body),
        )
        if len(self._log) < KEPT:
            self._log.append(entry)
        else:
            self._dropped += 1
        return entry

    async def _perform(self, wire: Wire, steps: Iterator[Step], entry: Entry) -> Ended:
        """Carry out a plan, until it ends or the caller leaves."""
        for number, step in enumerate(steps, 1):
            if number % TURN == 0:
                await asyncio.sleep(0)  # thousands of small sends must not starve the others
            match step:
                case Send(data, tokens):
                    if entry.status < 200 and data[:9] == b"HTTP/1.1 ":  # the first that is final
                        entry.status = int(data[9:12])
                    wire.write(data)
                    await wire.drained()
                    if not wire.gone.is_set():
                        entry.sent_bytes += len(data)
                        entry.tokens += tokens
                case Pause(seconds):
                    await wire.left_within(seconds)
                case Close():
                    wire.close()
                    return Ended.CLOSED
                case Reset():
                    wire.reset()
                    return Ended.RESET
                case Refuse(seconds):
                    self._refuse(seconds)
                    return Ended.RESET
            if wire.gone.is_set():
                return Ended.CALLER_LEFT
        return Ended.COMPLETE
