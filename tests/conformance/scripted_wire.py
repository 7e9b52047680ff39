"""A wire without sockets: replies by script, requests kept."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from seatrial.ports import Call, Ended, HttpCall, Provider, Stream, TransportError
from seatrial.values.attempts import Cause, Failure, Timers
from seatrial.values.chat import Answer, Piece

LOST = Failure(Cause.CONNECTION_LOST, "The connection was lost.")


class FakeReply:
    """A reply whose body comes in the given chunks; a `Failure` among them breaks it."""

    def __init__(
        self,
        *chunks: bytes | Failure,
        status: int = 200,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": kind, **(headers or {})}
        self._parts = chunks
        self.closed = False

    async def read(self, limit: int) -> bytes:
        """Return all, or fail."""
        return b"".join([chunk async for chunk in self.chunks(limit)])

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Give the chunks in turn."""
        for part in self._parts:
            if isinstance(part, Failure):
                raise TransportError(part)
            yield part

    def close(self) -> None:
        """Note that it was let go."""
        self.closed = True


class FakeTransport:
    """Answers each request with the next reply."""

    def __init__(self, *replies: FakeReply | Failure) -> None:
        self._replies = list(replies)
        self.calls: list[HttpCall] = []
        self.closed = False

    async def send(self, call: HttpCall) -> FakeReply:
        """Keep the request, give the reply."""
        self.calls.append(call)
        reply = self._replies.pop(0)
        if isinstance(reply, Failure):
            raise TransportError(reply)
        return reply

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    @property
    def body(self) -> Any:
        """Return the last request's body."""
        return msgspec.json.decode(self.calls[-1].body)


class Beats:
    """A pulse that counts."""

    def __init__(self) -> None:
        self.bytes = 0
        self.tokens = 0

    def connected(self) -> None:
        """Nothing to count."""

    def first_byte(self) -> None:
        """Count."""
        self.bytes += 1

    def token(self) -> None:
        """Count."""
        self.tokens += 1


def call(text: str = "Hi", *, stream: bool = False, outlet: int = 0, **body: object) -> Call:
    """Make a call."""
    messages = {"messages": [{"role": "user", "content": text}]}
    return Call({**messages, **body}, stream, outlet, Timers(), "r1")


async def drained(stream: Stream) -> tuple[list[Piece], Ended | Failure]:
    """Read a stream to its end, and close it."""
    pieces: list[Piece] = []
    while True:
        came = await stream.next()
        if not isinstance(came, Piece):
            await stream.close()
            return pieces, came
        pieces.append(came)


async def streamed(
    provider: Provider, call: Call, beats: Beats | None = None
) -> tuple[list[Piece], Ended | Failure]:
    """Open a stream and read it to its end."""
    opened = await provider.stream(call, beats or Beats())
    assert not isinstance(opened, Answer | Failure), opened
    return await drained(opened)


def text_of(pieces: list[Piece]) -> str:
    """Join what was said."""
    return "".join(piece.text for piece in pieces)
