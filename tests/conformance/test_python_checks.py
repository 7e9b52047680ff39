"""Functions of the user's own as checks: what they are told, and what they say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.providers import checking
from seatrial.providers.checking import BUSY, PythonChecker, verdict_from
from seatrial.values.checks import PASSED, Says, Verdict

KNOWN = {
    "question": "Where is it?",
    "answer": "On its way.",
    "messages": [],
    "body": {"temperature": 0.1},
    "order": "17",
}


def ask(function: Callable[..., Any], text: str = "On its way.") -> Verdict:
    """Ask a function once, as the engine does."""

    async def scene() -> Verdict:
        checker = PythonChecker(function)
        try:
            return await checker.ask(text, KNOWN)
        finally:
            await checker.close()

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("value", "says", "code"),
    [
        (True, Says.PASS, ""),
        (None, Says.PASS, ""),
        ("", Says.PASS, ""),
        (False, Says.REFUSE, "not_accepted"),
        ("No such\n product.", Says.REFUSE, "not_accepted"),
        (17, Says.REFUSE, "check_failed"),
        (Verdict(Says.FLAG, "odd"), Says.FLAG, "odd"),
    ],
)
def test_what_is_returned_becomes_a_verdict(value: object, says: Says, code: str) -> None:
    """Anything that nobody can read as a yes refuses."""
    verdict = verdict_from(value)

    assert (says, code) == (verdict.says, verdict.code)
    assert "\n" not in verdict.reason


def test_reason_is_short() -> None:
    """A reason goes into records and to targets: it is cut."""
    assert 200 == len(verdict_from("no " * 1000).reason)


def test_function_gets_what_it_names() -> None:
    """The text first, and the rest by name."""
    told: list[Any] = []

    def check(text: str, question: str, *, order: str, other: str = "-") -> None:
        told.append((text, question, order, other))

    assert PASSED == ask(check)
    assert [("On its way.", "Where is it?", "17", "-")] == told


def test_function_may_take_everything() -> None:
    """`**kwargs` gets every name."""
    told: dict[str, Any] = {}

    def check(text: str, **known: Any) -> None:
        told.update(known)

    ask(check)
    assert KNOWN == told


def test_async_function_runs_on_the_loop() -> None:
    """It needs no thread."""
    names: list[str] = []

    async def check(text: str) -> bool:
        names.append(threading.current_thread().name)
        return False

    assert Says.REFUSE is ask(check).says
    assert ["MainThread"] == names


@pytest.mark.parametrize("error", [KeyError("card 4111"), SystemExit(3)])
def test_function_that_raises_lets_nothing_through(error: BaseException) -> None:
    """The reason names the error and its place, and holds no word of its text."""

    def check(text: str) -> bool:
        raise error

    async def awaited(text: str) -> bool:
        raise error

    for function in (check, awaited):
        verdict = ask(function)
        assert (Says.REFUSE, "check_failed") == (verdict.says, verdict.code)
        assert type(error).__name__ in verdict.reason
        assert "4111" not in verdict.reason


def test_function_that_cancels_itself_lets_nothing_through() -> None:
    """What it waited for was cancelled, not we."""

    async def check(text: str) -> bool:
        raise asyncio.CancelledError

    assert "check_failed" == ask(check).code


def test_busy_threads_let_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs in all its threads refuses at once."""
    monkeypatch.setattr(checking, "THREADS", 1)
    free = threading.Event()

    async def scene() -> Verdict:
        checker = PythonChecker(lambda text: free.wait(10))
        first = asyncio.ensure_future(checker.ask("a", {}))
        await asyncio.sleep(0)
        second = await checker.ask("b", {})
        free.set()
        await first
        await checker.close()
        return second

    assert BUSY == asyncio.run(scene())


def test_caller_who_leaves_is_no_verdict() -> None:
    """Cancellation from outside goes through."""

    async def check(text: str) -> bool:
        await asyncio.sleep(10)
        return True

    async def scene() -> None:
        asking = asyncio.ensure_future(PythonChecker(check).ask("a", {}))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(scene())
