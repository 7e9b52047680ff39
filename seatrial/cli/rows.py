"""Reads the rows of a file that checks are tried on: JSONL, JSON, CSV or a text to a line."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from seatrial.app.tally import EXPECTATIONS
from seatrial.app.trying import WHOLE, Row
from seatrial.cli.trying import Format
from seatrial.errors import Misuse
from seatrial.values.chat import FINISH_REASONS, Answer, ToolCall

MOST_CELL: Final = 64 * 1024 * 1024  # characters
QUESTIONS: Final = ("input", "question", "prompt", "text")
ANSWERS: Final = ("answer", "output", "response")
EXPECTED: Final = ("expect", "expected")
IN_BODY: Final = ("messages", "tools", "tool_choice", "response_format")


_OF_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
}


def read_rows(file: str, form: Format | None = None) -> Iterator[Row]:
    """Yield the rows of a file, one at a time where its format allows.

    Args:
        file: its path; `-` for the input.
        form: how it is written; by its name when None, and by its first line for the input.

    Raises:
        Misuse: it cannot be read, or a row is none.
    """
    name = "the input" if file == "-" else file
    try:
        with _opened(file) as opened:
            lines: Iterable[str] = opened
            if form is None and file == "-":
                first = opened.readline()
                form = Format.JSONL if first.lstrip().startswith("{") else Format.TEXT
                lines = _again(first, opened)
            form = form or _OF_SUFFIX.get(Path(file).suffix.lower(), Format.TEXT)
            for number, given in _given(form, lines, tabs=file.lower().endswith(".tsv")):
                yield _row(number, given)
    except OSError as error:
        raise Misuse(f"{name} cannot be read.", why=f"{error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"{name} is not UTF-8 text.", fix="Save it as UTF-8.") from error
    except _NoRow as error:
        raise Misuse(f"{name}, row {error.number}: {error.reason}", fix=error.fix) from error


class _NoRow(Exception):
    def __init__(self, number: int, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.number, self.reason, self.fix = number, reason, fix


@contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        sys.stdin.reconfigure(encoding="utf-8-sig") if hasattr(sys.stdin, "reconfigure") else None
        yield sys.stdin
        return
    with open(file, encoding="utf-8-sig", newline="") as opened:
        yield opened


def _again(first: str, rest: Iterable[str]) -> Iterator[str]:
    if first:
        yield first
        yield from rest


def _given(
    form: Format, lines: Iterable[str], *, tabs: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    match form:
        case Format.TEXT:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, {"input": line.rstrip("\r\n")}
        case Format.JSONL:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _object(_decoded(line, number), number)
        case Format.JSON:
            value = _decoded("".join(lines), 1)
            rows = value.get("rows") if isinstance(value, dict) else value
            if not isinstance(rows, list):
                raise _NoRow(1, "this is no list of rows.", "Write [ {…}, {…} ].")
            for number, each in enumerate(rows, start=1):
                yield number, _object(each, number)
        case Format.CSV:
            yield from _cells(lines, tabs=tabs)


def _cells(lines: Iterable[str], *, tabs: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(MOST_CELL)
    reader = csv.DictReader(lines, delimiter="\t" if tabs else ",")
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, _nested(cells, number)
    except csv.Error as error:
        raise _NoRow(number + 1, f"{error}.") from error


def _nested(cells: Mapping[str | None, Any], number: int) -> dict[str, Any]:
    """Return a row of a table; `metadata.name` and `expect.check` are columns of their own."""
    row: dict[str, Any] = {}
    for name, value in cells.items():
        if name is None:
            raise _NoRow(number, "it has more cells than the first line has names.")
        outer, dot, inner = name.strip().partition(".")
        if value in {None, ""} and outer not in QUESTIONS:
            continue
        if dot and outer in {"metadata", *EXPECTED}:
            row.setdefault(outer, {})[inner] = value
        elif outer in {"metadata", *IN_BODY} and value[:1] in {"{", "["}:
            row[outer] = _decoded(value, number)
        else:
            row[name.strip()] = value
    return row


def _decoded(text: str, number: int) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise _NoRow(number, f"this is no JSON ({str(error).rstrip('.')}).") from error


def _object(value: Any, number: int) -> dict[str, Any]:
    if isinstance(value, str):
        return {"input": value}
    if not isinstance(value, dict):
        raise _NoRow(number, "this is neither a text nor an object.")
    return value


# --- one row --------------------------------------------------------------------------------


def _row(number: int, given: Mapping[str, Any]) -> Row:
    body = _body(number, given)
    answer = next((given[name] for name in ANSWERS if given.get(name) is not None), None)
    if body is None and answer is None:
        names = f"{', '.join(QUESTIONS)}, messages; {', '.join(ANSWERS)}"
        raise _NoRow(number, "it has neither a question nor an answer.", f"Known names: {names}.")
    metadata = given.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _NoRow(number, "metadata should be an object.")
    return Row(
        number,
        body,
        None if answer is None else _answer(number, answer),
        {name: _text(value) for name, value in metadata.items()},
        _text(given.get("user") or ""),
        _expected(number, given),
        _text(given.get("id") or given.get("custom_id") or ""),
    )


def _body(number: int, given: Mapping[str, Any]) -> dict[str, Any] | None:
    whole = given.get("body", given)  # as a file of OpenAI's batches has it
    if not isinstance(whole, dict):
        raise _NoRow(number, "body should be an object.")
    question = next((given[name] for name in QUESTIONS if given.get(name) is not None), None)
    body = {name: whole[name] for name in IN_BODY if whole.get(name) is not None}
    if isinstance(question, list):
        body.setdefault("messages", question)
    elif question is not None:
        body.setdefault("messages", [{"role": "user", "content": _text(question)}])
    messages = body.get("messages")
    if messages is None:
        return None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise _NoRow(number, "messages should be a list of objects.")
    return body


def _answer(number: int, given: Any) -> Answer:
    """Return an answer, given as a text or as a message in OpenAI's shape."""
    if not isinstance(given, dict):
        return Answer(_text(given))
    calls = given.get("tool_calls") or []
    try:
        found = tuple(
            ToolCall(
                _text(call.get("id", "")),
                _text(call["function"]["name"]),
                _text(call["function"].get("arguments", "")),
            )
            for call in calls
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise _NoRow(number, "its tool_calls are not in OpenAI's shape.") from error
    content, refusal = given.get("content"), given.get("refusal")
    finish = given.get("finish_reason")
    return Answer(
        None if content is None else _text(content),
        None if refusal is None else _text(refusal),
        found,
        finish if finish in FINISH_REASONS else "tool_calls" if found else "stop",
    )


def _expected(number: int, given: Mapping[str, Any]) -> dict[str, str]:
    wanted = next((given[name] for name in EXPECTED if given.get(name)), None)
    if wanted is None:
        return {}
    by_check = wanted if isinstance(wanted, dict) else {WHOLE: wanted}
    found = {check: _text(word).strip().lower() for check, word in by_check.items()}
    for word in found.values():
        if word not in EXPECTATIONS:
            known = ", ".join(EXPECTATIONS)
            raise _NoRow(number, f"{word!r} is no verdict.", f"There are: {known}.")
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
