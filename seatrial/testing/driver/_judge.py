"""Names what became of a request: an honest end, or a broken promise.  Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from seatrial.testing.driver._client import Exchange, Heard
from seatrial.testing.upstream._answers import Verdict, verify

GRACE_S: Final = 0.25


class End(StrEnum):
    """What became of one request, as its caller saw it."""

    ANSWER = "answer"
    DEGRADED = "degraded"
    HELD = "held"
    HANDED_OFF = "handed_off"
    REFUSED = "refused"  # an explicit error object
    DECLINED = "declined"  # the model or its filter said no, and said so
    SHORTENED = "shortened"  # cut at the length the caller asked for, and labelled so
    BROKEN_OFF = "broken_off"  # a stream that ended in an error event, without [DONE]
    ABANDONED = "abandoned"  # the caller left, on purpose

    SILENT_CUT = "silent_cut"
    STITCHED = "stitched"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    UNEXPLAINED = "unexplained"  # no answer, and no error object that says why
    LATE = "late"
    HANG = "hang"

    @property
    def is_violation(self) -> bool:
        """Whether a promise was broken."""
        return self in VIOLATIONS


VIOLATIONS: Final = frozenset(
    {
        End.SILENT_CUT, End.STITCHED, End.FOREIGN, End.MALFORMED,
        End.UNEXPLAINED, End.LATE, End.HANG,
    }
)  # fmt: skip
LABELS: Final = {
    "degraded": End.DEGRADED, "held": End.HELD, "handed_off": End.HANDED_OFF, "answer": End.ANSWER,
}  # fmt: skip
BY_VERDICT: Final = {
    Verdict.CUT: End.SILENT_CUT,
    Verdict.STITCHED: End.STITCHED,
    Verdict.FOREIGN: End.FOREIGN,
    Verdict.MALFORMED: End.MALFORMED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wanted, as far as its judge must know.

    Args:
        question: the last user message.
        tools: names of the tools offered.
        deadline_s: after which an end is late (plus 0.25 s).
        signed: whether answers carry a checksum; if not, any text will do.
        slow: the caller reads slowly, so that lateness is its own.
    """

    question: str
    model: str
    streamed: bool
    tools: tuple[str, ...] = ()
    deadline_s: float = 60.0
    signed: bool = True
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The name of an end, with why and with what was odd beside it."""

    end: End
    detail: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Said:
    """The answer as gathered from a body or from events."""

    text: str = ""
    refusal: str = ""
    finish: str | None = None
    calls: dict[int, list[str]] = field(default_factory=dict)  # index -> [name, arguments]
    error: str | None = None
    done: bool = False
    notes: dict[str, None] = field(default_factory=dict)  # an ordered set
    first_id: object = None


class _Malformed(Exception):
    """The reply breaks the rules of its format."""


def judge(exchange: Exchange, asked: Asked) -> Finding:
    """Name what became of one request."""
    try:
        finding = _judge(exchange, asked)
    except _Malformed as problem:
        finding = Finding(End.MALFORMED, str(problem))
    if exchange.surplus and not finding.end.is_violation:
        finding = Finding(End.MALFORMED, f"{exchange.surplus} bytes after the end", finding.notes)
    late = exchange.total_s > asked.deadline_s + GRACE_S
    exempt = asked.slow or finding.end in VIOLATIONS or finding.end is End.ABANDONED
    if late and not exempt:
        return Finding(End.LATE, f"{finding.end} after {exchange.total_s:.2f} s", finding.notes)
    return finding


def is_token(data: str) -> bool:
    """Whether an event's data carries text or a tool call."""
    return (
        '"content": "' in data or '"content":"' in data or '"arguments"' in data
    ) and '"content":""' not in data.replace(": ", ":")


def _judge(exchange: Exchange, asked: Asked) -> Finding:
    heard = exchange.heard
    if heard is Heard.HANG:
        return Finding(End.HANG, f"after {len(exchange.events)} events, status {exchange.status}")
    if heard is Heard.MALFORMED:
        raise _Malformed(exchange.why)
    if exchange.status == 0:
        end = End.ABANDONED if heard is Heard.LEFT else End.UNEXPLAINED
        return Finding(end, exchange.why or heard.value)
    if exchange.status != 200 and heard is Heard.COMPLETE:
        return _judge_error(exchange)
    if exchange.is_stream:
        return _judge_stream(exchange, asked)
    if heard is Heard.LEFT:
        return Finding(End.ABANDONED)
    if heard is not Heard.COMPLETE:
        return Finding(End.UNEXPLAINED, f"{heard.value} inside the body")
    if asked.streamed:
        raise _Malformed(f"no stream but {exchange.headers.get('content-type', 'nothing')!r}")
    return _judge_whole(exchange, asked)


def _judge_error(exchange: Exchange) -> Finding:
    try:
        error = json.loads(bytes(exchange.body))["error"]
        keys = {"message", "type", "param", "code"} - set(error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Finding(End.UNEXPLAINED, f"status {exchange.status} without an error object")
    if keys or not isinstance(error["message"], str):
        return Finding(
            End.UNEXPLAINED, f"status {exchange.status}, error object lacks {sorted(keys)}"
        )
    return Finding(End.REFUSED, f"{exchange.status} {error['code'] or error['type']}")


def _judge_whole(exchange: Exchange, asked: Asked) -> Finding:
    kind = exchange.headers.get("content-type", "")
    if not kind.startswith("application/json"):
        raise _Malformed(f"content type {kind!r}")
    data = _parse(bytes(exchange.body))
    if data.get("object") != "chat.completion":
        raise _Malformed("not a chat.completion")
    said = Said()
    _note_frame(said, data, asked)
    _note_usage(said, data.get("usage"))
    choice = _only_choice(data)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _Malformed("a choice without a message")
    _take(said, message, choice)
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        said.calls[len(said.calls)] = [str(function.get("name")), str(function.get("arguments"))]
    said.done = True
    return _judge_said(said, exchange, asked)


def _judge_stream(exchange: Exchange, asked: Asked) -> Finding:
    said = Said()
    for data in exchange.events:
        if said.done:
            raise _Malformed("events after [DONE]")
        if data == "[DONE]":
            said.done = True
            continue
        _take_event(said, _parse(data.encode()), asked)
    if exchange.heard is Heard.LEFT:
        worst = _verdict(said, asked)
        wrong = worst in {Verdict.FOREIGN, Verdict.STITCHED, Verdict.MALFORMED}
        return Finding(BY_VERDICT[worst]) if wrong else Finding(End.ABANDONED)
    if not asked.streamed:
        raise _Malformed("a stream where none was asked for")
    if said.error is not None:
        return _judge_broken_off(said, asked)
    if exchange.heard is not Heard.COMPLETE:
        spoke = bool(said.text or said.calls)
        end = End.SILENT_CUT if spoke else End.UNEXPLAINED
        return Finding(end, f"{exchange.heard.value} without an error event")
    return _judge_said(said, exchange, asked)


def _judge_broken_off(said: Said, asked: Asked) -> Finding:
    if said.done:
        raise _Malformed("[DONE] after an error event")
    verdict = _verdict(said, asked)
    # Odd words are taken back by the error event; another's words may not leave at all.
    if verdict in {Verdict.FOREIGN, Verdict.STITCHED}:
        return Finding(BY_VERDICT[verdict], "before an error event")
    return Finding(End.BROKEN_OFF, said.error or "", tuple(said.notes))


def _judge_said(said: Said, exchange: Exchange, asked: Asked) -> Finding:
    """Judge an answer that ended without an error."""
    if len(said.calls) > 1:
        said.notes[f"{len(said.calls)} tool calls"] = None
    notes = tuple(said.notes)
    verdict = _verdict(said, asked)
    if verdict in {Verdict.FOREIGN, Verdict.STITCHED, Verdict.MALFORMED}:
        return Finding(BY_VERDICT[verdict], _excerpt(said), notes)
    if said.refusal or said.finish == "content_filter":
        return Finding(End.DECLINED, said.refusal or "content_filter", notes)
    if said.finish == "length" and verdict in {Verdict.CUT, Verdict.WHOLE}:
        return Finding(End.SHORTENED, "finish_reason length", notes)
    if verdict is Verdict.CUT:
        return Finding(End.SILENT_CUT, f"the text ends {said.text[-30:]!r}", notes)
    if not said.text and not said.calls:
        raise _Malformed("no text, no tool call, no refusal")
    if said.finish is None:
        raise _Malformed("no finish_reason")
    if not said.done:
        raise _Malformed("no [DONE]")
    label = LABELS.get(exchange.headers.get("seatrial-decision", ""), End.ANSWER)
    if verdict is Verdict.UNSIGNED and asked.signed and label is End.ANSWER:
        raise _Malformed(f"a text that no upstream signed: {said.text[:60]!r}")
    return Finding(label, "", notes)


def _excerpt(said: Said) -> str:
    if not said.calls:
        return f"text {said.text[:80]!r}"
    name, arguments = next(iter(said.calls.values()))
    return f"call {name}({arguments[:80]!r})"


def _verdict(said: Said, asked: Asked) -> Verdict:
    if not said.calls:
        return verify(said.text, asked.question)
    verdicts = set()
    for name, arguments in said.calls.values():
        verdict = verify(arguments, asked.question)
        if verdict is Verdict.WHOLE:
            verdict = _check_call(name, arguments, asked)
        verdicts.add(verdict)
    order = (Verdict.FOREIGN, Verdict.STITCHED, Verdict.MALFORMED, Verdict.CUT, Verdict.UNSIGNED)
    return next((bad for bad in order if bad in verdicts), Verdict.WHOLE)


def _check_call(name: str, arguments: str, asked: Asked) -> Verdict:
    try:
        json.loads(arguments)
    except ValueError:
        return Verdict.MALFORMED
    return Verdict.WHOLE if name in asked.tools else Verdict.MALFORMED


def _take_event(said: Said, data: dict[str, Any], asked: Asked) -> None:
    error = data.get("error")
    if error:
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            raise _Malformed("an error event without a message")
        said.error = f"{error.get('code') or error.get('type')}: {error['message']}"
        return
    if said.error is not None:
        raise _Malformed("events after an error event")
    if data.get("object") != "chat.completion.chunk":
        raise _Malformed("not a chat.completion.chunk")
    _note_frame(said, data, asked)
    if data.get("choices") == []:
        _note_usage(said, data.get("usage"))
        return
    choice = _only_choice(data)
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        raise _Malformed("a choice without a delta")
    if said.finish is not None and (delta.get("content") or delta.get("tool_calls")):
        raise _Malformed("text after the finish_reason")
    _take(said, delta, choice)
    for piece in delta.get("tool_calls") or []:
        call = said.calls.setdefault(int(piece["index"]), ["", ""])
        function = piece.get("function") or {}
        call[0] += function.get("name") or ""
        call[1] += function.get("arguments") or ""


def _take(said: Said, message: dict[str, Any], choice: dict[str, Any]) -> None:
    content = message.get("content")
    if not isinstance(content, str | None):
        raise _Malformed("content is no text")
    said.text += content or ""
    said.refusal += message.get("refusal") or ""
    said.finish = choice.get("finish_reason") or said.finish


def _only_choice(data: dict[str, Any]) -> dict[str, Any]:
    choices = data.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        count = len(choices) if isinstance(choices, list) else "no"
        raise _Malformed(f"{count} choices where one was asked for")
    if choices[0].get("index") != 0:
        raise _Malformed(f"choice index {choices[0].get('index')!r}")
    return choices[0]


def _note_frame(said: Said, data: dict[str, Any], asked: Asked) -> None:
    if data.get("model") != asked.model:
        said.notes["model differs"] = None
    if said.first_id is None:
        said.first_id = data.get("id")
    elif data.get("id") != said.first_id:
        said.notes["id changes"] = None


def _note_usage(said: Said, usage: object) -> None:
    if usage is None:
        said.notes["usage missing"] = None
        return
    counts = (
        [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
        if isinstance(usage, dict)
        else [None]
    )
    if not all(isinstance(count, int) and 0 <= count < 10**9 for count in counts):
        said.notes["usage odd"] = None


def _parse(data: bytes) -> dict[str, Any]:
    def refuse(word: str) -> None:
        raise _Malformed(f"JSON with {word}")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            raise _Malformed("JSON with a key twice")
        return made

    try:
        made = json.loads(data.decode(), parse_constant=refuse, object_pairs_hook=pairs)
    except UnicodeDecodeError as problem:
        raise _Malformed("JSON that is not UTF-8") from problem
    except (ValueError, RecursionError) as problem:
        raise _Malformed(f"no JSON: {data[:40]!r}") from problem
    if not isinstance(made, dict):
        raise _Malformed("JSON that is no object")
    return made
