"""The demo's primary: the experiment behind the OpenAI chat wire, as slow and as moody as a model.

`ModelServer` lives in the caller's event loop, `ModelThread` brings a thread with its own. Both
follow a script of weather, and hold on to their port while connections to it are refused.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import log
from random import Random
from types import TracebackType
from typing import Final, Self

from seatrial.cli.demo import chatwire
from seatrial.cli.demo.chatwire import BadRequest, Chat, HttpRequest
from seatrial.cli.demo.weather import Spell, Weather

MEDIAN_S: Final = 0.060
SPREAD: Final = 0.45  # of the logarithm: one answer in twenty takes more than twice the median
WORD_S: Final = 0.002  # between two words of a stream
LOOK_S: Final = 0.020  # how often a waiting request looks whether its caller is still there

BROWN_FACTOR: Final = 3.0
BROWN_STEP: Final = 0.15  # latency added per request in flight, as a share of the brown latency
BROWN_REFUSED: Final = 0.10  # of the requests get a 429 even when nobody else asks
BROWN_CROWD: Final = 40  # requests in flight at which half get a 429
RETRY_AFTER_S: Final = 1

START_LIMIT_S: Final = 10.0
CLOSING: Final = {"connection": "close"}

Answer = Callable[[str], str]


class ModelServer:
    """A chat server on the loopback that answers with `answer` and suffers `script`.

    Use it as an asynchronous context manager; the script runs from `begin`, before it the weather
    is fine.

    Args:
        answer: gives the text for the last user message; quick, never raises.
        script: the spells in order; fine afterwards.
        seed: of latencies and 429s.
    """

    def __init__(self, answer: Answer, *, script: Sequence[Spell] = (), seed: int = 1) -> None:
        self.weather = Weather.FINE
        self.met: Counter[Weather] = Counter()
        """Requests taken so far, by the weather they met; refused connections cannot be counted."""
        self.left = 0
        """Requests whose caller went away before the answer."""
        self._answer = answer
        self._script = tuple(script)
        self._dice = Random(seed)
        self._in_flight = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._following: asyncio.Task[None] | None = None
        # Bound and never listening: while the listener is closed nobody else can get our port.
        self._anchor = _bind(0)
        self.port: int = self._anchor.getsockname()[1]

    @property
    def base_url(self) -> str:
        """The address to put into a target's `base_url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self._close()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        self._anchor.close()

    def begin(self) -> None:
        """Start the script now, from its first spell."""
        if self._following is not None:
            self._following.cancel()
        self._following = asyncio.create_task(self._follow())

    async def turn(self, weather: Weather) -> None:
        """Change the weather at once, for whoever drives the server without a script."""
        before, self.weather = self.weather, weather
        if weather is Weather.DOWN and before is not Weather.DOWN:
            self._close()
        elif weather is not Weather.DOWN and before is Weather.DOWN:
            await self._listen()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time()
        for spell in self._script:
            await self.turn(spell.weather)
            ends += spell.lasts_s
            await asyncio.sleep(ends - loop.time())
        await self.turn(Weather.FINE)

    async def _listen(self) -> None:
        listener = _bind(self.port)
        self._server = await asyncio.start_server(
            self._serve, sock=listener, limit=chatwire.HEAD_BYTES, backlog=512
        )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        for handler in self._handlers:
            handler.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None  # noqa: S101 - asyncio runs connections as tasks
        self._handlers.add(handler)
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller left, or the weather cut the line: nobody is there to be told
        finally:
            self._handlers.discard(handler)
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take one request and answer it; False when the connection has to end."""
        try:
            request = await chatwire.read_request(reader)
            if request is None:
                return False
            if (request.method, request.path) == ("GET", "/v1/models"):
                await _send(writer, chatwire.render_models())
                return request.keeps_alive
            chat = chatwire.parse_chat(request)
        except BadRequest as wrong:
            await _send(writer, chatwire.render_error(wrong.status, str(wrong), CLOSING))
            return False
        self.met[self.weather] += 1
        self._in_flight += 1
        try:
            return await self._reply(chat, request, reader, writer)
        finally:
            self._in_flight -= 1

    async def _reply(
        self,
        chat: Chat,
        request: HttpRequest,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        match self.weather:
            case Weather.UNAVAILABLE | Weather.DOWN:
                await _send(writer, chatwire.render_error(503, "The model is not loaded."))
                return request.keeps_alive
            case Weather.HANG:
                await self._wait(float("inf"), reader, writer)
                return False
            case Weather.BROWN_OUT if self._dice.random() < self._refused_share():
                await _send(writer, _too_many())
                return request.keeps_alive
            case Weather.FINE | Weather.BROWN_OUT:
                pass
        if not await self._wait(self._draw_latency_s(), reader, writer):
            return False
        text = self._answer(chat.question)
        if not chat.streamed:
            await _send(writer, chatwire.render_answer(chat, text))
            return request.keeps_alive
        for part in chatwire.render_stream(chat, text):
            await _send(writer, part)
            if not await self._wait(WORD_S, reader, writer):
                return False
        return request.keeps_alive

    async def _wait(
        self, seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Wait so long; False as soon as the caller is gone."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while (left_s := ends - loop.time()) > 0:
            await asyncio.sleep(min(left_s, LOOK_S))
            if reader.at_eof() or writer.is_closing():
                self.left += 1
                return False
        return True

    def _draw_latency_s(self) -> float:
        latency_s = self._dice.lognormvariate(log(MEDIAN_S), SPREAD)
        if self.weather is Weather.BROWN_OUT:
            latency_s *= BROWN_FACTOR * (1 + BROWN_STEP * (self._in_flight - 1))
        return latency_s

    def _refused_share(self) -> float:
        return min(0.5, BROWN_REFUSED + (0.5 - BROWN_REFUSED) * self._in_flight / BROWN_CROWD)


class ModelThread:
    """A `ModelServer` in a thread with an event loop of its own, for callers who have another one.

    >>> with ModelThread(str.upper) as model:
    ...     model.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, answer: Answer, *, script: Sequence[Spell] = (), seed: int = 1) -> None:
        self._server = ModelServer(answer, script=script, seed=seed)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="demo-model", daemon=True)

    @property
    def base_url(self) -> str:
        """The address to put into a target's `base_url`."""
        return self._server.base_url

    @property
    def weather(self) -> Weather:
        """The weather at this moment."""
        return self._server.weather

    @property
    def met(self) -> Mapping[Weather, int]:
        """Requests taken so far, by the weather they met."""
        return dict(self._server.met)

    @property
    def left(self) -> int:
        """Requests whose caller went away before the answer."""
        return self._server.left

    def begin(self) -> None:
        """Start the script now, from its first spell."""
        self._tell(self._server.begin)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S):
            raise TimeoutError(f"The demo's model did not start within {START_LIMIT_S:g} s.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tell(self._ended.set)
        self._thread.join(START_LIMIT_S)

    def _tell(self, what: Callable[[], object]) -> None:
        if self._loop is None:
            raise RuntimeError("The demo's model does not run yet: enter it with `with` first.")
        self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._server:
            self._ready.set()
            await self._ended.wait()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if hasattr(socket, "SO_REUSEPORT"):  # not on Windows, where the anchor is its own listener
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


async def _send(writer: asyncio.StreamWriter, part: bytes) -> None:
    writer.write(part)
    await writer.drain()


def _too_many() -> bytes:
    hints = {"retry-after": f"{RETRY_AFTER_S}", "retry-after-ms": f"{RETRY_AFTER_S * 1000}"}
    return chatwire.render_error(429, "Too many requests at once.", hints)
