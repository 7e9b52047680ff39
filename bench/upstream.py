"""A provider that answers at once: the stub upstream behind everything measured.

A raw protocol without a framework, so that it is much cheaper than what stands
before it.  Whole answers leave at once; a stream's first event leaves at once and
the others at a fixed pace.  Run as its own process; it prints its port.
"""

import argparse
import asyncio
from itertools import cycle
from typing import Final, cast

import uvloop

from bench import wire

LIFETIME_S: Final = 1800.0  # a stub that nobody stopped ends by itself

_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    # Asks nginx not to hold events back; others ignore it.
    b"x-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n"
)
_WHOLE_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)
_READY: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_NO_LENGTH: Final = (
    b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class Script:
    """What the stub says, made once: whole answers in turn, and the chunks of a stream."""

    __slots__ = ("chunks", "gap_s", "wholes")

    def __init__(self, events: int, gap_s: float) -> None:
        bodies = map(wire.answer_body, range(wire.VARIETY // 2))
        self.wholes = cycle([_WHOLE_HEAD % len(body) + body for body in bodies])
        self.gap_s = gap_s
        self.chunks = [
            b"%x\r\n%b\r\n" % (len(event), event) for event in wire.stream_events(events)
        ]
        self.chunks[-1] += b"0\r\n\r\n"


class Answering(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = ("_buffer", "_loop", "_script", "_timer", "_transport")

    def __init__(self, script: Script) -> None:
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return
        head = buffer[:end]
        length = wire.content_length(head)
        if length is None:
            self._buffer = b""
            self._transport.write(_READY if head.startswith(b"GET") else _NO_LENGTH)
            return
        if len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        if wire.wants_stream(buffer):
            self._stream()
        else:
            self._transport.write(next(self._script.wholes))

    def _stream(self) -> None:
        self._transport.write(_STREAM_HEAD + self._script.chunks[0])
        self._later(1, self._loop.time())

    def _later(self, number: int, started: float) -> None:
        due = started + number * self._script.gap_s
        self._timer = self._loop.call_at(due, self._event, number, started)

    def _event(self, number: int, started: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(self._script.chunks[number])
        if number + 1 < len(self._script.chunks):
            self._later(number + 1, started)


async def serve(script: Script, port: int) -> None:
    """Answer until stopped, or until LIFETIME_S is over."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(script), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(LIFETIME_S)
    server.close()


def main() -> None:
    """Run the stub as its own process."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.upstream", description="a fast stub of a provider"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed")
    parser.add_argument("--events", type=int, default=50, help="events of a stream")
    parser.add_argument("--gap-ms", type=float, default=20.0, help="time between two events")
    options = parser.parse_args()
    uvloop.run(serve(Script(options.events, options.gap_ms / 1000), options.port))


if __name__ == "__main__":
    main()
