"""How a user's function is called with a chat request, and what it returned becomes."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Any, Final

import msgspec

from seatrial.ports import Call
from seatrial.values.attempts import Cause, ErrorBody, Failure
from seatrial.values.chat import Answer, last_user_text
from seatrial.values.requests import EMBED
from seatrial.values.vectors import pack

_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function wants to be told.

    Args:
        question: whether its first parameter takes the last user message.
        names: further parameters, by name; True where it cannot do without.
        rest: whether it takes any variable (`**kwargs`).
    """

    question: bool
    names: dict[str, bool]
    rest: bool


def signature_of(function: Callable[..., Any]) -> Signature:
    """Read what a function wants; one without a readable signature gets the question.

    >>> def triage(question, *, language="en", messages): ...
    >>> signature_of(triage)
    Signature(question=True, names={'language': False, 'messages': True}, rest=False)
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Signature(question=True, names={}, rest=False)
    question = bool(parameters) and (
        parameters[0].kind is Parameter.VAR_POSITIONAL
        or (parameters[0].kind in _POSITIONAL and parameters[0].name not in {"messages", "body"})
    )
    named = parameters[1:] if question else parameters
    return Signature(
        question=question,
        names={
            each.name: each.default is Parameter.empty
            for each in named
            if each.kind in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
        },
        rest=any(each.kind is Parameter.VAR_KEYWORD for each in parameters),
    )


def arguments_of(
    signature: Signature, call: Call
) -> tuple[tuple[Any, ...], dict[str, Any]] | Failure:
    """Return what to call the function with; a failure names what is missing."""
    if call.arguments is not None:
        return call.arguments
    messages = call.body.get("messages", [])
    known = {**call.variables, "messages": messages, "body": call.body}
    chosen = {name: known[name] for name in signature.names if name in known}
    for name, needed in signature.names.items():
        if needed and name not in chosen:
            message = f"The variable `{name}` has no value. Send it in `metadata`."
            error = ErrorBody(
                message, type="invalid_request_error", param=name, code="missing_variable"
            )
            return Failure(Cause.BAD_REQUEST, "A variable is missing.", error=error, sent=False)
    if signature.rest:
        chosen = {**call.variables, **chosen}
    question = call.body["input"] if call.kind == EMBED else last_user_text(messages)
    return ((question,) if signature.question else ()), chosen


def answer_from(value: object) -> Answer | Failure:
    """Return what a function returned as an answer.

    Text is the text; an `Answer` stays; None is no answer; of anything else the text is
    its JSON and `Answer.value` the thing itself.
    """
    if isinstance(value, str):
        return Answer(text=value)
    if isinstance(value, Answer):
        return value
    if value is None:
        return Failure(Cause.NO_ANSWER, "The function returned None.")
    try:
        return Answer(text=msgspec.json.encode(value, enc_hook=_plain).decode(), value=value)
    except Exception:  # noqa: BLE001 - a user's object may raise anything when it is written
        kind = type(value).__qualname__
        return Failure(Cause.INVALID_ANSWER, f"The function returned a {kind}: not JSON.")


def vectors_from(value: object, *, wanted: int) -> Answer | Failure:
    """Return what a function gave for a list of texts as vectors.

    It gives a list of vectors, each a list of numbers or an array; for a single text the
    vector alone will do.
    """
    if value is None:
        return Failure(Cause.NO_ANSWER, "The function returned None.")
    if isinstance(value, Answer):
        return value
    try:
        rows: Any = value.tolist() if hasattr(value, "tolist") else list(value)  # type: ignore[call-overload]  # if it is none, it raises
        if wanted == 1 and rows and isinstance(rows[0], int | float):
            rows = [rows]
        return Answer(text=None, vectors=tuple(pack(row) for row in rows))
    except Exception:  # noqa: BLE001 - a user's object may raise anything when it is read
        kind = type(value).__qualname__
        return Failure(Cause.INVALID_ANSWER, f"The function returned a {kind}: no vectors.")


def _plain(value: Any) -> Any:
    """Write what msgspec does not know: pydantic models, by their own method."""
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    raise NotImplementedError


def raised(error: BaseException) -> Failure:
    """Say which error a function raised, and where; its text may hold anything, and stays out."""
    kind = type(error).__qualname__
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parent)
    theirs = [frame for frame in frames if not frame.filename.startswith(ours)]
    if not theirs:
        return Failure(Cause.RAISED, f"The function raised {kind}.")
    # Where the function's own file was left last: not deep inside some library.
    home = theirs[0].filename
    frame = [each for each in theirs if each.filename == home][-1]
    place = "/".join(Path(frame.filename).parts[-2:])
    return Failure(Cause.RAISED, f"The function raised {kind} at {place}:{frame.lineno}.")
