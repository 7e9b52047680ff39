"""Read TOML: its values, the line of each key, and what is likely wrong when it fails."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from seatrial.config.secrets import conceal
from seatrial.errors import Problem

Path = tuple[str | int, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEY: Final = re.compile(
    r"""[ \t]*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'|[ \t]*\.[ \t]*)+)[ \t]*="""
)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_TABLE: Final = re.compile(r"[ \t]*\[\[?([^\[\]]+)\]\]?[ \t]*(?:#.*)?$")
_PLACE: Final = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")
_CURLY_QUOTES: Final = "“”„‘’«»"


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file, read.

    Args:
        values: what it says.
        lines: the line of each key, counted from 1, by path.
    """

    values: dict[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)


def dotted(path: Path) -> str:
    """Return a path as people write it.

    >>> dotted(("features", "support", "route", 2))
    'features.support.route[2]'
    >>> dotted(("targets", "gpt-5.1"))
    'targets."gpt-5.1"'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else '"' + part.replace('"', '\\"') + '"'
            text += f".{name}" if text else name
    return text


def split(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key; raise ValueError when it is none.

    >>> split('targets."gpt-5.1".model')
    ('targets', 'gpt-5.1', 'model')
    """
    if "\n" in key or not {"=", "#"}.isdisjoint(_QUOTED.sub("", key)):
        raise ValueError(key)
    value: Any = tomllib.loads(f"{key} = 0")
    parts = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)


def read(text: str) -> Document | Problem:
    """Return what a TOML text says, or what is wrong with it and where."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        return Document(tomllib.loads(text), _lines_of_keys(text))
    except tomllib.TOMLDecodeError as error:
        return _explain(str(error), text)
    except RecursionError:
        return Problem("the file", "lists or tables lie too deep within each other to be read.")


def _lines_of_keys(text: str) -> dict[Path, int]:
    """Find each key's line.  The text is known to be good TOML."""
    lines: dict[Path, int] = {}
    table: tuple[str, ...] = ()
    statement = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if statement:
            statement += "\n" + line
        elif header := _TABLE.match(line):
            table = split(header[1].strip())
            lines.setdefault(table, number)
            continue
        elif key := _KEY.match(line):
            lines.setdefault((*table, *split(key[1])), number)
            statement = line
        else:
            continue
        # A value may run over several lines; it can only end where a bracket or quote does.
        if statement == line or any(sign in line for sign in "]}\"'"):
            statement = "" if _is_whole(statement) else statement
    return lines


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _explain(error: str, text: str) -> Problem:
    """Say where the text stops being TOML, and what its writer probably meant."""
    place = _PLACE.search(error)
    said = error[: place.start()] if place else error
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    number, column = len(lines), len(lines[-1]) + 1 if lines else 1
    if place and place[1]:
        number, column = int(place[1]), int(place[2])
    # What is not closed is noticed only where the next thing begins.
    if lines and number > 1 and (number > len(lines) or not lines[number - 1].strip()):
        number = min(number, len(lines))
        column = len(lines[number - 1]) + 1
    line = lines[number - 1] if lines else ""
    message, hint = _likely(said, line, text, number)
    shown = conceal(line.strip())
    quoted = "\n      " + (shown if len(shown) <= 80 else shown[:79] + "…")
    if shown == line.strip() and len(shown) <= 80:
        quoted += "\n      " + " " * (column - 1 - (len(line) - len(line.lstrip()))) + "^"
    return Problem(f"line {number}, column {column}", message, f"{hint}{quoted}")


def _likely(said: str, line: str, text: str, number: int) -> tuple[str, str]:  # noqa: C901, PLR0911, PLR0912 - one case after the other
    """Return what is wrong and what to write, from the parser's words and the line itself."""
    bare = line.strip()
    key, equals, value = (part.strip() for part in bare.partition("="))
    if any(sign in line for sign in _CURLY_QUOTES) and "Invalid" in said:
        return "a text is set in curly quotes.", 'Use the straight ones: "…".'
    if said.startswith(("Cannot overwrite", "Cannot declare")):
        first = _first_line_like(bare, text, number)
        where = f" It is already there on line {first}." if first else ""
        return "the same key or section stands twice.", f"Keep one of them.{where}"
    if said.startswith("Expected '='"):
        if ":" in bare and not equals:
            name, _, rest = (part.strip() for part in bare.partition(":"))
            return (
                "TOML has = where YAML has a colon.",
                f"Write {name} = {conceal_value(name, rest)}.",
            )
        if " " in key and equals:
            return "a key has a space in it.", f"Write {key.replace(' ', '_')} = …"
        return "a key has no value.", "Write key = value, or # before a comment."
    if said.startswith("Expected ']'"):
        return "a section's name is not closed.", f"Write {bare.split('#')[0].strip()}]."
    if said.startswith("Unescaped '\\'"):
        hint = "Write '…' in single quotes, or two backslashes for each one."
        return "a backslash in double quotes begins a special sign.", hint
    if said.startswith(("Unclosed", "Unterminated", "Illegal character '\\n'")) or not bare:
        what = "list" if "array" in said else "table" if "table" in said else "text"
        sign = {"list": "a comma or ]", "table": "a comma or }", "text": "its second quote"}[what]
        return f"a {what} is not closed.", f"Look for {sign} here or just above."
    if value.split("#")[0].strip() in {"True", "False"}:
        return f"{value} is Python's word.", f"Write {key} = {value.split('#')[0].strip().lower()}."
    if value in {"None", "null", "nil", ""}:
        return f"{key} has no value.", "To leave it at its default, take the line out."
    if equals and said.startswith(("Invalid value", "Expected newline")):
        if re.match(r"[A-Za-z0-9_./:~-]+$", value) and not re.match(r"[\d._]+$", value):
            return "a text needs quotes.", f'Write {key} = "{conceal_value(key, value)}".'
        if re.match(r"\d+\.\d+\.\d+", value):
            return "a text needs quotes.", f'Write {key} = "{value}".'
        if re.match(r"0\d", value) or value.startswith("."):
            plain = value.lstrip("0") if value[0] == "0" else f"0{value}"
            return "a number is not written like that.", f"Write {key} = {plain or 0}."
    if said.startswith("Expected newline"):
        return "something follows where the line should end.", "One key = value to a line."
    return f"this is not TOML ({said[0].lower()}{said[1:]}).", "Texts need quotes, lists [ ]."


def conceal_value(key: str, value: str) -> str:
    """Return a value for an example, or … when the key says that it is secret."""
    return "…" if conceal(f"{key} = {value}") != f"{key} = {value}" else value


def _first_line_like(bare: str, text: str, number: int) -> int:
    name = bare.partition("=")[0].strip()
    for earlier, line in enumerate(text.split("\n")[: number - 1], start=1):
        if line.partition("=")[0].strip() == name:
            return earlier
    return 0
