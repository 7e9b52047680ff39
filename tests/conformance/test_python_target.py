"""Functions as targets: whatever their kind, called right and never able to hurt."""

import asyncio
import contextvars
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from seatrial.ports import Call, Ended
from seatrial.providers.python import PythonProvider
from seatrial.values.attempts import Cause, Failure, Timers
from seatrial.values.chat import Answer, Piece, Usage
from tests.conformance.scripted_wire import Beats, call, drained, streamed, text_of
from tests.patience import LONG_S

pytestmark = pytest.mark.anyio


async def ask(function: Callable[..., Any], asked: Call | None = None) -> Answer | Failure:
    """Ask a function once."""
    provider = PythonProvider(function)
    try:
        return await provider.ask(asked or call(), Beats())
    finally:
        await provider.close()


async def said(function: Callable[..., Any], asked: Call | None = None) -> str | None:
    """Ask, and return the text."""
    answer = await ask(function, asked)
    assert isinstance(answer, Answer), answer
    return answer.text


# --- how it is called --------------------------------------------------------------------


async def test_first_parameter_is_the_question() -> None:
    """The last thing the user said."""
    assert "Hi!" == await said(lambda question: question + "!")


async def test_function_without_parameters() -> None:
    """Is called without."""
    assert "a" == await said(lambda: "a")


async def test_named_parameters() -> None:
    """`messages`, `body` and variables come by name; what has a default may miss."""

    def answer(question: str, *, messages: list[Any], body: Any, tone: str, size: int = 7) -> str:
        return f"{question} {len(messages)} {body['top_p']} {tone} {size}"

    asked = Call(call(top_p=0.5).body, False, 0, Timers(), "r", variables={"tone": "dry", "x": "y"})
    assert "Hi 1 0.5 dry 7" == await said(answer, asked)


async def test_messages_may_come_first() -> None:
    """A function of messages gets these, not the question."""
    assert "1" == await said(lambda messages: str(len(messages)))


async def test_rest_of_the_variables() -> None:
    """`**kwargs` takes them all."""
    asked = Call(call().body, False, 0, Timers(), "r", variables={"x": "y"})

    assert "Hi {'x': 'y'}" == await said(lambda question, **rest: f"{question} {rest}", asked)


async def test_missing_variable_is_named() -> None:
    """The caller learns which."""

    def answer(question: str, tone: str) -> str:
        return question + tone

    failure = await ask(answer)
    assert isinstance(failure, Failure)
    assert failure.error is not None
    assert (Cause.BAD_REQUEST, "tone") == (failure.cause, failure.error.param)


async def test_decorated_function_is_called_as_it_was() -> None:
    """Its own arguments, and nothing else."""
    arguments = ((1,), {"b": 2})
    asked = Call({"messages": []}, False, 0, Timers(), "r", arguments=arguments)

    assert "3" == await said(lambda a, *, b: str(a + b), asked)


# --- what it returns ---------------------------------------------------------------------


@dataclass
class Ticket:
    """A user's own type."""

    topic: str


class Model:
    """Writes itself as pydantic's models do."""

    def model_dump(self, mode: str) -> dict[str, str]:
        """Return plain data."""
        return {"mode": mode}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, '{"a":1}'),
        ([1, 2], "[1,2]"),
        (3.5, "3.5"),
        (True, "true"),
        (Ticket("bill"), '{"topic":"bill"}'),
        (Model(), '{"mode":"json"}'),
    ],
)
async def test_values_are_kept_beside_their_text(value: object, text: str) -> None:
    """The text is the JSON, the value the thing itself."""
    answer = await ask(lambda: value)

    assert isinstance(answer, Answer)
    assert text == answer.text
    assert value is answer.value


async def test_answer_is_taken_as_it_is() -> None:
    """A function may say more than text."""
    answer = Answer(text="a", finish_reason="length", usage=Usage(1))

    assert answer is await ask(lambda: answer)


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, Cause.NO_ANSWER),
        (object(), Cause.INVALID_ANSWER),
        ({1: object()}, Cause.INVALID_ANSWER),
    ],
)
async def test_what_is_no_answer_is_told(value: object, cause: Cause) -> None:
    """A function may know nothing; what cannot be written is no answer."""
    failure = await ask(lambda: value)

    assert isinstance(failure, Failure)
    assert cause == failure.cause


# --- kinds -------------------------------------------------------------------------------


async def test_async_function() -> None:
    """Runs on the loop."""

    async def answer(question: str) -> str:
        await asyncio.sleep(0)
        return f"{question} {threading.current_thread() is threading.main_thread()}"

    assert "Hi True" == await said(answer)


async def test_sync_function_runs_beside_the_loop() -> None:
    """While it waits the loop goes on."""
    loop, go = asyncio.get_running_loop(), threading.Event()

    def answer() -> str:
        loop.call_soon_threadsafe(go.set)
        return "a" if go.wait(LONG_S) else "the loop stood still"

    assert "a" == await said(answer)


async def test_context_goes_along() -> None:
    """Context variables are seen in the thread."""
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("set")

    assert "set" == await said(lambda: str(variable.get()))


def _sync_parts(question: str) -> Iterator[str]:
    yield from question
    yield "!"


async def _async_parts(question: str) -> AsyncIterator[str]:
    for letter in question:
        yield letter
    yield "!"


def _returns_parts(question: str) -> Iterator[str]:
    return _sync_parts(question)


class Speaker:
    """An object with a generator for a call."""

    async def __call__(self, question: str) -> AsyncIterator[str]:
        """Yield what the function does."""
        async for part in _async_parts(question):
            yield part


GENERATORS = [_sync_parts, _async_parts, _returns_parts, Speaker()]


@pytest.mark.parametrize("function", GENERATORS)
async def test_what_is_yielded_is_streamed(function: Callable[..., Any]) -> None:
    """Piece by piece, then the finish, then the end."""
    provider = PythonProvider(function)
    beats = Beats()
    pieces, end = await streamed(provider, call(stream=True), beats)
    await provider.close()

    assert ["H", "i", "!", ""] == [piece.text for piece in pieces]
    assert "stop" == pieces[-1].finish_reason
    assert Ended() == end
    assert (1, 3) == (beats.bytes, beats.tokens)


@pytest.mark.parametrize("function", GENERATORS)
async def test_what_is_yielded_is_joined(function: Callable[..., Any]) -> None:
    """For a caller who wants it whole."""
    assert "Hi!" == await said(function)


async def test_pieces_and_end_may_be_yielded() -> None:
    """A function may tell its own finish and usage."""

    def parts() -> Iterator[object]:
        yield Piece("a")
        yield Piece(finish_reason="length")
        yield Ended(usage=Usage(3))

    provider = PythonProvider(parts)
    pieces, end = await streamed(provider, call(stream=True))
    answer = await provider.ask(call(), Beats())
    await provider.close()

    assert ["a", ""] == [piece.text for piece in pieces]
    assert Ended(usage=Usage(3)) == end
    assert isinstance(answer, Answer)
    assert ("length", Usage(3)) == (answer.finish_reason, answer.usage)


async def test_function_that_returns_is_no_stream() -> None:
    """A caller who wants pieces gets the whole."""
    provider = PythonProvider(lambda: "a")
    answer = await provider.stream(call(stream=True), Beats())
    await provider.close()

    assert isinstance(answer, Answer)


# --- what goes wrong ---------------------------------------------------------------------


def _raise(error: BaseException) -> Callable[[], str]:
    def answer() -> str:
        raise error

    return answer


def _raise_async(error: BaseException) -> Callable[[], Any]:
    async def answer() -> str:
        raise error

    return answer


@pytest.mark.parametrize("kind", [_raise, _raise_async])
@pytest.mark.parametrize("error", [ValueError("password"), SystemExit(3), StopIteration("x")])
async def test_raising_is_told_without_its_text(
    kind: Callable[[BaseException], Callable[[], Any]], error: BaseException
) -> None:
    """The class and the place, never the text; nothing brings the process down."""
    failure = await ask(kind(error))

    assert isinstance(failure, Failure)
    assert Cause.RAISED == failure.cause
    assert "password" not in failure.reason
    if isinstance(error, ValueError):
        assert "ValueError at conformance/test_python_target.py:" in failure.reason


async def test_own_cancellation_is_a_failure() -> None:
    """A function whose inner task was cancelled has raised; nobody left."""

    async def answer() -> str:
        inner = asyncio.create_task(asyncio.sleep(9))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner
        return "a"

    failure = await ask(answer)
    assert isinstance(failure, Failure)
    assert Cause.RAISED == failure.cause


async def test_wrong_signature_is_told() -> None:
    """A decorated function called wrongly has raised."""
    asked = Call({"messages": []}, False, 0, Timers(), "r", arguments=((1, 2, 3), {}))
    failure = await ask(lambda a: a, asked)

    assert isinstance(failure, Failure)
    assert "TypeError" in failure.reason


def _breaks_sync() -> Iterator[object]:
    yield "a"
    raise ValueError


async def _breaks_async() -> AsyncIterator[object]:
    yield "a"
    raise ValueError


def _yields_numbers() -> Iterator[object]:
    yield "a"
    yield 7


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (_breaks_sync, Cause.RAISED),
        (_breaks_async, Cause.RAISED),
        (_yields_numbers, Cause.INVALID_ANSWER),
    ],
)
async def test_stream_that_breaks_is_told(function: Callable[..., Any], cause: Cause) -> None:
    """After what it had yielded, and to whoever wants it whole."""
    provider = PythonProvider(function)
    pieces, end = await streamed(provider, call(stream=True))
    whole = await provider.ask(call(), Beats())
    await provider.close()

    assert "a" == text_of(pieces)
    assert isinstance(end, Failure)
    assert isinstance(whole, Failure)
    assert cause == end.cause == whole.cause


async def test_full_pool_is_told_at_once() -> None:
    """A hung function keeps its place until it ends; the next call learns it is taken."""
    go = threading.Event()
    provider = PythonProvider(lambda: go.wait(5) and "a", concurrency=1)
    first = asyncio.create_task(provider.ask(call(), Beats()))
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.wait({first})
    failure = await provider.ask(call(), Beats())

    assert first.cancelled()
    assert isinstance(failure, Failure)
    assert (Cause.POOL_FULL, False) == (failure.cause, failure.sent)
    go.set()
    await asyncio.sleep(0.05)
    assert isinstance(await provider.ask(call(), Beats()), Answer)
    await provider.close()


async def test_cancelled_async_function_is_cancelled() -> None:
    """The caller left: the function hears of it."""
    heard = asyncio.Event()

    async def answer() -> str:
        try:
            await asyncio.sleep(9)
        finally:
            heard.set()
        return "a"

    provider = PythonProvider(answer)
    task = asyncio.create_task(provider.ask(call(), Beats()))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait_for(heard.wait(), 1)
    await asyncio.wait({task})
    assert task.cancelled()


async def test_endless_stream_stops_when_let_go() -> None:
    """A generator in a thread runs a little ahead, and ends once nobody listens."""
    made, ended = 0, threading.Event()

    def parts() -> Iterator[str]:
        nonlocal made
        try:
            while True:
                made += 1
                yield "a"
        finally:
            ended.set()

    provider = PythonProvider(parts, concurrency=1)
    opened = await provider.stream(call(stream=True), Beats())
    assert not isinstance(opened, Answer | Failure)
    assert isinstance(await opened.next(), Piece)
    await asyncio.sleep(0.05)
    assert made < 100
    await opened.close()
    assert await asyncio.to_thread(ended.wait, 1)
    await asyncio.sleep(0.02)
    again = await provider.stream(call(stream=True), Beats())
    assert not isinstance(again, Answer | Failure)
    await again.close()
    await provider.close()


async def test_async_stream_is_closed_when_let_go() -> None:
    """Its `finally` runs."""
    ended = asyncio.Event()

    async def parts() -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
        finally:
            ended.set()

    opened = await PythonProvider(parts).stream(call(stream=True), Beats())
    assert not isinstance(opened, Answer | Failure)
    await opened.next()
    await opened.close()
    assert ended.is_set()


async def test_many_at_once_keep_apart() -> None:
    """Each call gets its own answer."""
    provider = PythonProvider(lambda question: question, concurrency=8)
    asked = [call(str(number)) for number in range(8)]
    answers = await asyncio.gather(*(provider.ask(each, Beats()) for each in asked))
    await provider.close()

    texts = [answer.text for answer in answers if isinstance(answer, Answer)]
    assert [str(number) for number in range(8)] == texts


def test_hung_function_does_not_hold_the_process() -> None:
    """The interpreter ends although a thread still sleeps."""
    import subprocess

    program = """
import asyncio, time
from seatrial.ports import Call
from seatrial.providers.python import PythonProvider
from seatrial.values.attempts import Timers
class Pulse:
    def connected(self): pass
    first_byte = token = connected
async def main():
    asked = Call({"messages": []}, False, 0, Timers(), "r")
    task = asyncio.create_task(PythonProvider(lambda: time.sleep(60)).ask(asked, Pulse()))
    await asyncio.sleep(0.05)
    task.cancel()
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


async def test_drained_stream_stays_ended() -> None:
    """Asking again gives the end again."""
    opened = await PythonProvider(_async_parts).stream(call(stream=True), Beats())
    assert not isinstance(opened, Answer | Failure)
    await drained(opened)
    assert Ended() == await opened.next()
