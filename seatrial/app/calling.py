"""Calls from Python code: the sync face, decorated functions, and replies."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from seatrial.errors import BadRequest, MissingVariable, NoTargetLeft
from seatrial.values.decisions import Abandoned, Answered, HandedOff, Refused, Settled
from seatrial.values.idempotency import MAX_KEY_CHARS, is_key
from seatrial.values.replies import Reply

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
OURS: Final = str(Path(__file__).parent)


class LoopThread:
    """An event loop in a thread of its own, for callers that have none."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="seatrial", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start work on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """Stop the loop and end the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=5.0)
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


def call_site() -> str:
    """Return file, line and function of the nearest caller outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def as_text(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return what a function was called with, as a model would read it.

    >>> as_text(("Where is it?",), {})
    'Where is it?'
    """
    if len(args) == 1 and not kwargs and isinstance(args[0], str):
        return args[0]
    given: Any = kwargs if not args else [*args, kwargs] if kwargs else list(args)
    return msgspec.json.encode(given, enc_hook=repr).decode()


def keep_face(
    function: F,
    call: Callable[[tuple[Any, ...], dict[str, Any]], Coroutine[Any, Any, Reply]],
    wait: Callable[[Coroutine[Any, Any, Reply]], Reply],
) -> F:
    """Return a function with the face of another, sync or async, that calls something else.

    Args:
        function: the one whose face is kept.
        call: given what it was called with.
        wait: for the reply, where the face is sync.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asked(*args: Any, **kwargs: Any) -> Any:
            return (await call(args, kwargs)).value

        return asked  # type: ignore[return-value]  # same face, kept by wraps

    @functools.wraps(function)
    def asked_and_waited(*args: Any, **kwargs: Any) -> Any:
        return wait(call(args, kwargs)).value

    return asked_and_waited  # type: ignore[return-value]  # same face, kept by wraps


def checked_key(key: str) -> str:
    """Return an idempotency key as it was given; an empty one is none.

    Raises:
        BadRequest: it is too long, or no text.
    """
    if key and not is_key(key):
        raise BadRequest(
            "This is no idempotency key.",
            why=f"It has {len(key)} characters, or some that cannot be printed.",
            fix=f"Give 1 to {MAX_KEY_CHARS} printable characters.",
            param="idempotency_key",
        )
    return key


def reply_of(settled: Settled) -> Reply:
    """Return a decision as a reply.

    Raises:
        BadRequest: a target found the request malformed, or its policy forbids it.
        MissingVariable: the prompt needs a value that was not given.
        NoTargetLeft: nothing on the route gave a valid answer.
    """
    head, decision = settled.head, settled.decision
    match decision:
        case Answered(answer=answer):
            return Reply(
                answer.text or answer.refusal or "",
                head.kind,
                head.record_id,
                head.target,
                head.tier,
                head.release,
                decision.reason,
                answer,
            )
        case HandedOff():
            return Reply(
                decision.text,
                head.kind,
                head.record_id,
                head.target,
                head.tier,
                head.release,
                decision.reason,
            )
        case Refused():
            raise _error(decision, head.record_id)
        case Abandoned():
            raise asyncio.CancelledError


_FIXES: Final = {
    "idempotency_not_kept": "Read the record, or ask with another key.",
    "idempotency_running": "Ask again shortly, with the same key.",
    "idempotency_unavailable": "Ask again once the store is back, with the same key.",
    "budget_spent": "Raise the budget, or put a cheaper target at the end of the route.",
    "insufficient_quota": "Raise the limit, or wait until it starts anew.",
    "rate_limited": "Ask again later, or raise the limit.",
    "overloaded": "Ask again later, or serve with more processes.",
}


def _error(refused: Refused, record_id: str) -> Exception:
    if refused.code == "missing_variable":
        return MissingVariable(refused.message, fix="Pass it as a keyword argument.")
    if refused.code in ("invalid_request", "policy", "input_refused", "idempotency_key_reused"):
        return BadRequest(refused.message, why=f"Record {record_id} has the details.")
    return NoTargetLeft(
        refused.message,
        why=f"Record {record_id} tells every attempt.",
        fix=_FIXES.get(refused.code, "Add a target to the route, or raise its deadline_s."),
        record_id=record_id,
        code=refused.code,
    )
