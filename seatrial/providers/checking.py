"""Checks that are Python functions: sync or async, in a bounded pool, heard as a verdict."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from seatrial.providers.calling import raised, signature_of
from seatrial.providers.threads import ANY_ERROR, Threads, opened
from seatrial.values.attempts import Failure
from seatrial.values.checks import PASSED, Says, Verdict

THREADS: Final = 8  # per function
LONGEST_REASON: Final = 200  # characters
BUSY: Final = Verdict(Says.REFUSE, "check_busy", "All threads of this check are busy.")


class PythonChecker:
    """One function of the user's own as a check.

    Its first parameter takes the text: the question for an input, the answer for an output.
    Further parameters are given by name: `question`, `answer`, `messages`, `body` and the
    caller's variables.  It returns True or None when all is well, False or a sentence when
    not, or a `Verdict`.  Whatever else it does refuses: a broken check lets nothing through.

    Args:
        function: sync or async.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._signature = signature_of(function)
        self._threads = Threads(THREADS)
        self._inline = inspect.iscoroutinefunction(function)

    async def ask(self, text: str, known: Mapping[str, Any]) -> Verdict:
        """Return what the function says of a text.

        Args:
            text: the question or the answer.
            known: what else it may ask for, by name.
        """
        chosen = {name: known[name] for name in self._signature.names if name in known}
        if self._signature.rest:
            chosen = {**known, **chosen}
        args = (text,) if self._signature.question else ()
        try:
            if self._inline:
                value = self._function(*args, **chosen)
            else:
                future = self._threads.start(lambda: self._function(*args, **chosen))
                if future is None:
                    return BUSY
                value = opened(await future)
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _broken(raised(error))
        except ANY_ERROR as error:
            return _broken(raised(error))
        return verdict_from(value)

    async def close(self) -> None:
        """Take no more work; what runs in threads ends by itself."""
        self._threads.close()


def verdict_from(value: object) -> Verdict:
    """Return what a function returned as a verdict.

    >>> verdict_from("We do not sell that.").says
    <Says.REFUSE: 'refuse'>
    """
    if isinstance(value, Verdict):
        return value
    if value is None or value is True or value == "":
        return PASSED
    if value is False:
        return Verdict(Says.REFUSE, "not_accepted", "The check did not accept it.")
    if isinstance(value, str):
        return Verdict(Says.REFUSE, "not_accepted", " ".join(value.split())[:LONGEST_REASON])
    kind = type(value).__qualname__
    return Verdict(Says.REFUSE, "check_failed", f"The check returned a {kind}: no verdict.")


def _broken(failure: Failure) -> Verdict:
    return Verdict(Says.REFUSE, "check_failed", failure.reason)
