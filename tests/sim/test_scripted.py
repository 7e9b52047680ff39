"""The scripted provider does what its script says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seatrial.ports import Call, Ended
from seatrial.testing import Answers, Fails, Hangs, Raises, ScriptedProvider, Streams
from seatrial.testing.clock import run
from seatrial.values.attempts import Cause, Failure, Timers
from seatrial.values.chat import Answer, Piece


class Pulse:
    """Counts the signs of life."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def connected(self) -> None:
        self.seen.append("connected")

    def first_byte(self) -> None:
        self.seen.append("first byte")

    def token(self) -> None:
        self.seen.append("token")


def call(*, stream: bool = False) -> Call:
    """Return a call."""
    return Call({"messages": []}, stream, 0, Timers(), "r1")


async def drain(stream: Any) -> list[Any]:
    """Read a stream to its end."""
    items = [await stream.next()]
    while isinstance(items[-1], Piece):
        items.append(await stream.next())
    await stream.close()
    return items


def test_acts_follow_each_other_and_the_last_goes_on() -> None:
    """Each call plays the next act; what was asked is remembered."""
    provider = ScriptedProvider([Fails(Cause.OVERLOADED, retry_after_s=3.0), Answers("Ahoy.")])

    async def ask_thrice() -> list[Answer | Failure]:
        return [await provider.ask(call(), Pulse()) for _ in range(3)]

    first, second, third = run(ask_thrice())
    assert isinstance(first, Failure)
    assert (Cause.OVERLOADED, 3.0) == (first.cause, first.retry_after_s)
    assert isinstance(second, Answer)
    assert "Ahoy." == second.text
    assert second == third
    assert ["r1"] * 3 == [each.request_id for each in provider.asked]


def test_stream_has_pieces_pauses_and_an_end() -> None:
    """Pieces come one after the other, each useful one is a sign of life."""
    provider, pulse = ScriptedProvider([Streams(("one ", "two"), gap_s=2.0)]), Pulse()

    async def read() -> tuple[list[Any], float]:
        items = await drain(await provider.stream(call(stream=True), pulse))
        return items, asyncio.get_running_loop().time()

    items, at = run(read())
    assert [Piece("one "), Piece("two"), Piece(finish_reason="stop"), Ended()] == items
    assert 6.0 == at
    assert ["connected", "first byte", "token", "token"] == pulse.seen
    assert 0 == provider.open_streams


def test_stream_breaks_off() -> None:
    """With a cause the stream ends in a failure, and without a finish."""
    provider = ScriptedProvider([Streams(("one",), fails_with=Cause.CONNECTION_LOST)])

    async def read() -> list[Any]:
        return await drain(await provider.stream(call(stream=True), Pulse()))

    piece, end = run(read())
    assert Piece("one") == piece
    assert isinstance(end, Failure)
    assert Cause.CONNECTION_LOST is end.cause


def test_stream_is_whole_for_those_who_want_no_pieces() -> None:
    """The same act answers a call that is not streamed."""
    provider = ScriptedProvider([Streams(("one ", "two"))])

    answer = run(provider.ask(call(), Pulse()))
    assert isinstance(answer, Answer)
    assert "one two" == answer.text


def test_hanging_call_is_cancelled() -> None:
    """A hang lasts until somebody loses patience, and that is counted."""
    provider = ScriptedProvider([Hangs()])

    async def wait() -> None:
        async with asyncio.timeout(5):
            await provider.ask(call(), Pulse())

    with pytest.raises(TimeoutError):
        run(wait())
    assert 1 == provider.cancelled


def test_hanging_stream() -> None:
    """A stream may fall silent after its pieces."""
    provider = ScriptedProvider([Streams(("one",), hangs=True)])

    async def wait() -> None:
        stream = await provider.stream(call(stream=True), Pulse())
        async with asyncio.timeout(5):
            await drain(stream)

    with pytest.raises(TimeoutError):
        run(wait())


def test_raising_and_closing() -> None:
    """What the script raises comes out; closing is remembered; a script has acts."""
    provider = ScriptedProvider([Raises(KeyError("oops"))])
    with pytest.raises(KeyError):
        run(provider.ask(call(), Pulse()))
    run(provider.close())

    assert provider.closed
    with pytest.raises(ValueError, match="at least one act"):
        ScriptedProvider([])
