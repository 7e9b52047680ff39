"""A server that binds before it starts, and that loses nothing when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Final, Protocol

from seatrial.errors import Misuse
from seatrial.gateway.asgi import build
from seatrial.gateway.endpoints import TABLE, Routes
from seatrial.gateway.exchange import ServerState
from seatrial.gateway.face import App
from seatrial.gateway.listening import bind, refuse_newcomers, waiting
from seatrial.gateway.protocol import Edge, EdgeProtocol
from seatrial.gateway.refusing import Doorkeeper
from seatrial.gateway.settings import DoorSettings

_TICK_S: Final = 1.0
_POLL_S: Final = 0.02
_QUIET: Final = 2  # looks at an empty queue before the socket is closed
_LONGEST_QUEUE: Final = 50  # looks at most
_IDLE_S: Final = 1.0  # a connection silent for that long while stopping is let go
# uvloop takes one connection per listener and turn of its loop: behind long turns a rush of new
# callers would wait for seconds.
_LISTENERS: Final = 16
_LAST_WORD_S: Final = 2.0  # for requests that are ended by force to say so


class Service(App, Protocol):
    """An application that can be started and closed."""

    async def start(self) -> None:
        """Start what runs beside requests."""

    async def close(self) -> None:
        """Bring everything to disk and let go."""


class Gateway:
    """A running server for one application.

    Args:
        app: started and closed with the server.
        settings: where to listen, and limits.

    Attributes:
        port: where it listens.

    Raises:
        StartRefused: it cannot listen there.
    """

    def __init__(self, app: Service, settings: DoorSettings) -> None:
        self._app = app
        self._settings = settings
        self._state = ServerState()
        asgi = build(app, settings, state=self._state)
        keeper = Doorkeeper(app, settings, self._state, Routes(TABLE))
        self._edge = Edge(asgi, settings, self._state, app.new_id, keeper.turns_away)
        self._socket = bind(settings)
        self.port: int = self._socket.getsockname()[1]
        self._listeners: list[asyncio.Server] = []
        self._hurry = asyncio.Event()
        self._told = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the application, then take connections."""
        loop = self._state.loop = asyncio.get_running_loop()
        try:
            await self._app.start()
        except BaseException:
            self._socket.close()
            raise
        self._tick()
        self._ticker = asyncio.create_task(self._keep_ticking())
        for place in range(_LISTENERS):
            listener = await loop.create_server(
                lambda: EdgeProtocol(self._edge, loop),
                sock=self._socket.dup() if place else self._socket,
                backlog=self._settings.backlog,
            )
            self._listeners.append(listener)

    def stop(self) -> None:
        """Ask it to stop; asked again, it hurries."""
        if self._told.is_set():
            self._hurry.set()
        self._told.set()

    async def wait(self) -> None:
        """Serve until asked to stop, finish what is running, then close the application."""
        await self._told.wait()
        self._state.stopping = True
        try:
            await self._drain()
        finally:
            if self._ticker is not None:
                self._ticker.cancel()
            await self._app.close()

    async def _drain(self) -> None:
        edge = self._edge
        for connection in self._connections():
            connection.say_close()
        # For a moment new connections are still taken, so that balancers and callers learn
        # from answers, not from refused connections, that they should go elsewhere.
        if edge.connections:
            await self._pause(self._settings.lame_duck_s)
        await self._stop_listening()
        deadline = time.monotonic() + self._settings.drain_s
        while edge.connections or edge.tasks:
            now = asyncio.get_running_loop().time()
            for connection in self._connections():
                if connection.idle and (
                    now - connection.idle_since > _IDLE_S or self._hurry.is_set()
                ):
                    connection.transport.close()
            if self._hurry.is_set() or time.monotonic() > deadline:
                break
            await self._pause(_POLL_S)
        await self._end_by_force()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _stop_listening(self) -> None:
        """Take the connections that are already made, and no more."""
        refuse_newcomers(self._socket)
        quiet = 0
        for _ in range(_LONGEST_QUEUE):
            await asyncio.sleep(_POLL_S)
            quiet = 0 if waiting(self._socket) else quiet + 1
            if quiet == _QUIET:
                break
        for listener in self._listeners:
            listener.close()
        self._socket.close()

    async def _end_by_force(self) -> None:
        """Let running requests say that they end here, and cut what is left."""
        tasks = set(self._edge.tasks)
        for task in tasks:
            task.cancel("the server stops")
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORD_S)
        for connection in self._connections():
            connection.transport.close()
        await asyncio.sleep(0)
        for connection in self._connections():
            connection.transport.abort()

    def _connections(self) -> list[EdgeProtocol]:
        return list(self._edge.connections)

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._tick()

    def _tick(self) -> None:
        date = formatdate(time.time(), usegmt=True).encode("ascii")
        self._edge.date = b"date: %b\r\n" % date
        now = asyncio.get_running_loop().time()
        for connection in self._connections():
            connection.sweep(now)


def run(
    app: Service,
    settings: DoorSettings,
    *,
    listening: Callable[[str, int], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; a second one hurries, SIGHUP reloads.

    Args:
        app: started and closed with the server.
        settings: where to listen, and limits.
        listening: told host and port once connections are taken.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(app, settings, listening))


async def _serve(
    app: Service, settings: DoorSettings, listening: Callable[[str, int], None] | None
) -> None:
    gateway = Gateway(app, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.stop)
    reload = getattr(app, "reload", None)

    if reload is not None and hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, _take_up, reload)
    await gateway.start()
    if listening is not None:
        listening(settings.host, gateway.port)
    await gateway.wait()


def _take_up(reload: Callable[[], None]) -> None:
    # A broken file changes nothing; the application tells of it by itself.
    with contextlib.suppress(Misuse):
        reload()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
