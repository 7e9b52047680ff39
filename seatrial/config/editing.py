"""Changes one value in the text of a TOML file; comments and layout stay as they are.

The text is known to be good TOML.  What comes out is read again and held against what was
wanted, so that a layout which is not understood is refused, never broken.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from seatrial.config.toml import dotted, split

Keys = tuple[str, ...]

_SPACE: Final = re.compile(r"[ \t]*")
_BETWEEN: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[ \t]*\.[ \t]*)+""")
_TEXT: Final = re.compile(
    r"""
    \"{3} (?:[^\\] | \\.)*? \"{3,5} (?!\")
    | '{3} .*? '{3,5} (?!')
    | \" (?:[^\"\\\n] | \\.)* \"
    | ' [^'\n]* '
    """,
    re.DOTALL | re.VERBOSE,
)
_BARE: Final = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?")
_INDENT: Final = re.compile(r"[ \t]*")


class CannotEdit(ValueError):
    """The file has a layout that is left to people."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key with its value, as offsets in the text.

    `table` is the path of what it stands in: of a header, or of a table in braces.
    """

    path: Keys
    table: Keys
    key: int
    begins: int
    ends: int
    braces: bool


@dataclass(frozen=True, slots=True)
class _Header:
    path: Keys
    begins: int
    ends: int


def set_value(text: str, path: Keys, value: str) -> str:
    r"""Return the text of a TOML file with one value in it set.

    Args:
        text: of the file.
        path: of the value, two parts at least; tables that are missing are added.
        value: a number, a boolean or a text, written as TOML has it.

    Raises:
        CannotEdit: the layout is one that only people can change.

    >>> print(set_value("[tide]\nlow = 1  # metres\n", ("tide", "low"), "2"), end="")
    [tide]
    low = 2  # metres
    """
    body = text.removeprefix("\ufeff")
    before = tomllib.loads(body.replace("\r\n", "\n"))
    wanted = _with(before, path, tomllib.loads(f"x = {value}")["x"])
    edited = _edit(body, path, value)
    try:
        after = tomllib.loads(edited.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(dotted(path)) from error
    if after != wanted:
        raise CannotEdit(dotted(path))
    return text[: len(text) - len(body)] + edited


def _with(values: dict[str, Any], path: Keys, value: object) -> dict[str, Any]:
    whole = copy.deepcopy(values)
    inner = whole
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise CannotEdit(dotted(path))
    inner[path[-1]] = value
    return whole


def _edit(text: str, path: Keys, value: str) -> str:
    headers, entries = _scan(text)
    for entry in entries:
        if entry.path == path:
            return text[: entry.begins] + value + text[entry.ends :]
    for depth in range(len(path) - 1, 0, -1):
        edited = _insert(text, headers, entries, path, depth, value)
        if edited is not None:
            return edited
    return _new_table(text, len(text), path, value)


def _insert(
    text: str, headers: list[_Header], entries: list[_Entry], path: Keys, depth: int, value: str
) -> str | None:
    """Put a key beside others under the first `depth` parts of its path; None without them."""
    prefix = path[:depth]
    plain = [entry for entry in entries if not entry.braces]
    for entry in entries:
        if entry.path == prefix and text[entry.begins] == "{":
            return _into_braces(text, entry, entries, f"{dotted(path[depth:])} = {value}")
    # Keys with dots: `budgets.usd_day = 5` below [features.support].
    beside = [each for each in plain if each.path[:depth] == prefix and len(each.table) < depth]
    if beside:
        last = beside[-1]
        return _new_line(text, last, f"{dotted(path[len(last.table) :])} = {value}")
    of_it = [header for header in headers if header.path[:depth] == prefix]
    if not of_it:
        return None
    if depth == len(path) - 1 and (own := [each for each in of_it if each.path == prefix]):
        block = [each for each in plain if own[0].begins < each.key < _end(own[0], headers, text)]
        line = f"{dotted(path[-1:])} = {value}"
        return _new_line(text, block[-1] if block else own[0], line)
    last_block = [
        each.ends for each in plain if of_it[-1].begins < each.key < _end(of_it[-1], headers, text)
    ]
    return _new_table(text, max([of_it[-1].ends, *last_block]), path, value)


def _end(header: _Header, headers: list[_Header], text: str) -> int:
    return min((each.begins for each in headers if each.begins > header.begins), default=len(text))


def _into_braces(text: str, table: _Entry, entries: list[_Entry], pair: str) -> str:
    inside = [each for each in entries if each.braces and table.begins < each.key < table.ends]
    if inside:
        at = inside[-1].ends
        while (outer := next((e for e in inside if e.begins < at < e.ends), None)) is not None:
            at = outer.ends
        return f"{text[:at]}, {pair}{text[at:]}"
    return f"{text[: table.begins]}{{ {pair} }}{text[table.ends :]}"


def _new_line(text: str, after: _Entry | _Header, line: str) -> str:
    begins = after.key if isinstance(after, _Entry) else after.begins
    indent = _INDENT.match(text, text.rfind("\n", 0, begins) + 1)
    at = _line_end(text, after.ends)
    return f"{text[:at]}{_newline(text)}{indent[0] if indent else ''}{line}{text[at:]}"


def _new_table(text: str, after: int, path: Keys, value: str) -> str:
    """Add a table behind a block, and behind the comments that follow it at once."""
    new = _newline(text)
    at = _line_end(text, after)
    while text[at:].lstrip("\r\n \t") and text[at : at + 2].strip("\r") == "\n#":
        at = _line_end(text, at + 1)
    table = f"[{dotted(path[:-1])}]{new}{dotted(path[-1:])} = {value}"
    gap = "" if not text[:at].strip() else new + new
    rest = text[at:] or new
    return f"{text[:at].rstrip()}{gap}{table}{rest}"


def _line_end(text: str, at: int) -> int:
    """Return where the line ends on which `at` is, before its newline."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - (text[end - 1] == "\r")


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


# --- where everything stands ----------------------------------------------------------------


def _scan(text: str) -> tuple[list[_Header], list[_Entry]]:
    """Return every header and every key of a text, in order."""
    headers: list[_Header] = []
    entries: list[_Entry] = []
    table: Keys = ()
    at = _past(_BETWEEN, text, 0)
    while at < len(text):
        if text[at] == "[":
            begins, at = at, at + (2 if text.startswith("[[", at) else 1)
            end = _past(_KEY, text, _past(_SPACE, text, at))
            table = split(text[at:end].strip())
            at = text.index("]", end) + 1
            headers.append(_Header(table, begins, at))
        else:
            found = list(_pair(text, at, table, braces=False))
            entries.extend(found)
            at = found[0].ends
        line = text.find("\n", at)
        at = _past(_BETWEEN, text, line if line >= 0 else len(text))
    return headers, entries


def _pair(text: str, at: int, table: Keys, *, braces: bool) -> Iterator[_Entry]:
    """Yield the key at a place with its value, then the keys inside of that."""
    end = _past(_KEY, text, at)
    path = (*table, *split(text[at:end].strip()))
    begins = _past(_SPACE, text, text.index("=", end) + 1)
    inside: list[_Entry] = []
    ends = _value_end(text, begins, path, inside)
    yield _Entry(path, table, at, begins, ends, braces)
    yield from inside


def _value_end(text: str, at: int, path: Keys, inside: list[_Entry]) -> int:
    """Return where a value ends; note the keys of tables in braces."""
    match text[at]:
        case '"' | "'":
            return _past(_TEXT, text, at)
        case "[":
            at = _past(_BETWEEN, text, at + 1)
            while text[at] != "]":
                at = _past(_BETWEEN, text, _value_end(text, at, path, []))
                at = _past(_BETWEEN, text, at + (text[at] == ","))
            return at + 1
        case "{":
            at = _past(_BETWEEN, text, at + 1)
            while text[at] != "}":
                found = list(_pair(text, at, path, braces=True))
                inside.extend(found)
                at = _past(_BETWEEN, text, found[0].ends)
                at = _past(_BETWEEN, text, at + (text[at] == ","))
            return at + 1
        case _:
            return _past(_BARE, text, at)


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise CannotEdit(f"line {text.count(chr(10), 0, at) + 1}")
    return found.end()
