"""A provider that does what its script says, for tests without a network.

Hand it to whatever takes a provider; `asked` remembers what it was called with:

    provider = ScriptedProvider([Fails(Cause.OVERLOADED), Answers("Hello.")])
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from seatrial.ports import Call, Ended, Pulse, Stream
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece


@dataclass(frozen=True, slots=True)
class Answers:
    """Answer whole.

    Args:
        text: what it says.
        after_s: how long it thinks, in seconds.
        answer: the whole answer, where a text is not enough.
    """

    text: str = "Hello."
    after_s: float = 0.0
    answer: Answer | None = None

    def made(self) -> Answer:
        """Return the answer."""
        return self.answer or Answer(self.text, model="scripted")


@dataclass(frozen=True, slots=True)
class Streams:
    """Answer in pieces; to a caller who wants no pieces, whole.

    Args:
        pieces: texts, or pieces where a text is not enough.
        gap_s: pause before each, in seconds.
        fails_with: breaks off after the last piece, for this cause; None ends properly.
        hangs: says nothing more after the last piece, and does not end.
    """

    pieces: tuple[str | Piece, ...] = ("Hel", "lo.")
    gap_s: float = 0.0
    fails_with: Cause | None = None
    hangs: bool = False

    def made(self) -> tuple[Piece, ...]:
        """Return the pieces, the one with the end included when it ends properly."""
        given = tuple(Piece(each) if isinstance(each, str) else each for each in self.pieces)
        whole = self.fails_with is None and not self.hangs
        finished = any(piece.finish_reason for piece in given)
        return (*given, Piece(finish_reason="stop")) if whole and not finished else given


@dataclass(frozen=True, slots=True)
class Fails:
    """Fail with a cause.

    Args:
        cause: why.
        after_s: how long it takes, in seconds.
        retry_after_s: how long it asks to stay away.
        sent: False where nothing can have reached the other side.
        status: HTTP's, when there is one.
    """

    cause: Cause = Cause.SERVER_ERROR
    after_s: float = 0.0
    retry_after_s: float | None = None
    sent: bool = True
    status: int | None = None

    def made(self) -> Failure:
        """Return the failure."""
        return Failure(
            self.cause,
            "the script says so",
            status=self.status,
            retry_after_s=self.retry_after_s,
            sent=self.sent,
        )


@dataclass(frozen=True, slots=True)
class Hangs:
    """Say nothing, for ever."""


@dataclass(frozen=True, slots=True)
class Raises:
    """Raise, as no provider should.

    Args:
        error: what is raised.
    """

    error: Exception = field(default_factory=lambda: RuntimeError("the script says so"))


Act = Answers | Streams | Fails | Hangs | Raises


class ScriptedProvider:
    """A `Provider` that plays its script, one act per call; the last act goes on for ever.

    Args:
        script: at least one act.
        outlets: names of its addresses.

    >>> provider = ScriptedProvider([Answers("Ahoy.")])
    >>> len(provider.asked)
    0
    """

    def __init__(self, script: Iterable[Act], *, outlets: Sequence[str] = ("scripted",)) -> None:
        self.script = tuple(script)
        if not self.script:
            raise ValueError("A script needs at least one act.")
        self.outlets: Sequence[str] = tuple(outlets)
        self.asked: list[Call] = []
        self.cancelled = 0
        self.open_streams = 0
        self.closed = False

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        """Get a whole answer, as the script has it."""
        match act := self._next(call):
            case Streams():
                return await self._in_one(act)
            case _:
                return await self._play(act)

    async def stream(self, call: Call, pulse: Pulse) -> Stream | Answer | Failure:
        """Open a streamed answer, as the script has it."""
        match act := self._next(call):
            case Streams():
                pulse.connected()
                pulse.first_byte()
                return _ScriptedStream(self, act, pulse)
            case _:
                return await self._play(act)

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def _next(self, call: Call) -> Act:
        act = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append(call)
        return act

    async def _play(self, act: Answers | Fails | Hangs | Raises) -> Answer | Failure:
        try:
            match act:
                case Answers(after_s=after_s) | Fails(after_s=after_s):
                    await asyncio.sleep(after_s)
                    return act.made()
                case Hangs():
                    await asyncio.get_running_loop().create_future()
                    raise AssertionError("nobody ends this future")
                case Raises(error=error):
                    raise error
                case _:
                    assert_never(act)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _in_one(self, act: Streams) -> Answer | Failure:
        pieces = act.made()
        await asyncio.sleep(act.gap_s * len(pieces))
        if act.hangs:
            return await self._play(Hangs())
        if act.fails_with is not None:
            return Fails(act.fails_with).made()
        finish = next(piece.finish_reason for piece in pieces if piece.finish_reason)
        return Answer("".join(piece.text for piece in pieces), finish_reason=finish)


class _ScriptedStream:
    """The stream of one act."""

    def __init__(self, provider: ScriptedProvider, act: Streams, pulse: Pulse) -> None:
        self._provider = provider
        self._act = act
        self._pulse = pulse
        self._left = list(reversed(act.made()))
        self._closed = False
        provider.open_streams += 1

    async def next(self) -> Piece | Ended | Failure:
        """Return the next piece, the proper end, or what the script fails with."""
        if not self._left:
            return await self._end()
        await asyncio.sleep(self._act.gap_s)
        piece = self._left.pop()
        if piece.useful:
            self._pulse.token()
        return piece

    async def _end(self) -> Ended | Failure:
        if self._act.hangs:
            await asyncio.get_running_loop().create_future()
        if self._act.fails_with is not None:
            return Fails(self._act.fails_with).made()
        return Ended()

    async def close(self) -> None:
        """Let go; once counts."""
        if not self._closed:
            self._closed = True
            self._provider.open_streams -= 1
