"""Prompt files: a template with `{{variables}}` and, if wanted, a head that describes it.

The template knows no logic.  A value is put in as it stands and never read again, so
nothing that a caller sends can become a variable, a command or a second template.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

FENCE: Final = "---"
MOST_FLAWS: Final = 20
HEAD_KEYS: Final = ("name", "description", "variables")

_VARIABLE: Final = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
# What is meant as a variable, well written or not: two braces and then a letter, or a sign
# that starts a command in other template languages.
_OPENING: Final = re.compile(r"\{\{[ \t]*(?:(?=[^\W\d])|(?P<command>[#/^>!&]))")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file, read.

    Args:
        template: the text with its `{{variables}}`, without the head.
        version: hash of the whole file, head included; line ends do not count.
        variables: the names in the template, in order of appearance, each once.
        name, description: from the head; empty when it has none.
    """

    template: str
    version: str
    variables: tuple[str, ...] = ()
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in a prompt file.

    Args:
        line: where, counted from 1.
        message: what is wrong, one sentence.
        hint: what to write instead; may be empty.
    """

    line: int
    message: str
    hint: str = ""


def version_of(text: str) -> str:
    """Return a prompt's version: 16 hex digits of the SHA-256 of its content.

    >>> version_of("Be brief.") == version_of("Be brief.")
    True
    """
    return hashlib.sha256(_with_plain_line_ends(text).encode()).hexdigest()[:16]


def parse(text: str) -> Prompt | tuple[Flaw, ...]:
    """Return the prompt in a file's text, or everything wrong with it.

    A head stands between two lines `---` and has simple lines `key: value` with the keys
    `name`, `description` and `variables` (names with commas between them).

    >>> parse("Answer {{ customer }} in {{language}}.").variables
    ('customer', 'language')
    """
    text = _with_plain_line_ends(text)
    lines = text.split("\n")
    head: dict[str, str] = {}
    flaws: list[Flaw] = []
    body_at = 0
    if lines[0].rstrip() == FENCE:
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
        if end is None:
            hint = "Close it with a second line ---, or take the first one away."
            return (Flaw(1, "The head that starts with --- never ends.", hint),)
        head, flaws = _read_head(lines[1:end])
        body_at = end + 1
    template = "\n".join(lines[body_at:]).strip("\n")
    offset = body_at + _leading_blank(lines[body_at:])
    if not template.strip():
        flaws.append(Flaw(len(lines), "There is no text in it.", "Write the prompt."))
    flaws += _flaws_of(template, offset)
    variables = tuple(dict.fromkeys(_VARIABLE.findall(template)))
    if "variables" in head:
        line = 2 + next(i for i, each in enumerate(lines[1:]) if each.startswith("variables"))
        flaws += _compare(_names(head["variables"]), variables, line)
    if flaws:
        return tuple(sorted(flaws, key=lambda flaw: flaw.line))
    name, description = head.get("name", ""), head.get("description", "")
    return Prompt(template, version_of(text), variables, name, description)


def render(template: str, values: Mapping[str, str]) -> str | tuple[str, ...]:
    """Return the template with its values put in, or the names that have no value.

    Takes time in proportion to what goes in and comes out, whatever the values hold.

    >>> render("Dear {{name}}", {"name": "{{name}}"})
    'Dear {{name}}'
    >>> render("Dear {{name}}", {})
    ('name',)
    """
    pieces = _split(template)
    missing = tuple(dict.fromkeys(name for name in pieces[1::2] if name not in values))
    if missing:
        return missing
    return "".join(values[piece] if i % 2 else piece for i, piece in enumerate(pieces))


@lru_cache(maxsize=256)
def _split(template: str) -> tuple[str, ...]:
    """Return text, name, text, name, … text."""
    return tuple(_VARIABLE.split(template))


def _with_plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _leading_blank(lines: list[str]) -> int:
    return next((i for i, line in enumerate(lines) if line), 0)


def _read_head(lines: list[str]) -> tuple[dict[str, str], list[Flaw]]:
    head: dict[str, str] = {}
    flaws = []
    for number, line in enumerate(lines, start=2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        key = key.rstrip()
        if not colon or key != key.lstrip():
            hint = "Write `key: value`, one to a line."
            flaws.append(Flaw(number, "This line of the head is not understood.", hint))
        elif key not in HEAD_KEYS:
            near = difflib.get_close_matches(key, HEAD_KEYS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"A head knows {', '.join(HEAD_KEYS)}."
            flaws.append(Flaw(number, f"A head has no key {key!r}.", hint))
        elif key in head:
            flaws.append(Flaw(number, f"{key} stands twice in the head.", "Keep one."))
        else:
            head[key] = value.strip().strip("\"'")
    return head, flaws


def _names(text: str) -> tuple[str, ...]:
    names = (part.strip().strip("\"'") for part in text.strip("[] ").split(","))
    return tuple(name for name in names if name)


def _compare(listed: tuple[str, ...], used: tuple[str, ...], line: int) -> list[Flaw]:
    """Hold the head's list of variables against the text's."""
    flaws = [
        Flaw(line, f"The head lists {name!r}, and the text never uses it.", "Take it out.")
        for name in listed
        if name not in used
    ]
    for name in used:
        if name not in listed:
            near = difflib.get_close_matches(name, listed, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "Add it to `variables`."
            flaws.append(Flaw(line, f"The text uses {name!r}, which the head leaves out.", hint))
    return flaws


def _flaws_of(template: str, lines_above: int) -> list[Flaw]:
    """Find what was meant as a variable and is none."""
    flaws: list[Flaw] = []
    line, counted_to = lines_above + 1, 0
    for opening in _OPENING.finditer(template):
        if _VARIABLE.match(template, opening.start()):
            continue
        # Counted onwards from the last flaw: a file may be wrong all over.
        line += template.count("\n", counted_to, opening.start())
        counted_to = opening.start()
        if len(flaws) == MOST_FLAWS:
            return [*flaws, Flaw(line, "There are more flaws from here on.", "Mend these first.")]
        if opening["command"]:
            message = f"'{{{{{opening['command']}' would be a command, and prompts have none."
            hint = "Decide in your own code, and pass what comes out as a variable."
        else:
            message, hint = _explain(template[opening.end() : opening.end() + 80])
        flaws.append(Flaw(line, message, hint))
    return flaws


def _explain(rest: str) -> tuple[str, str]:
    """Say what is wrong with a variable that starts like this."""
    inside, closed, _ = rest.partition("}}")
    inside = inside.split("\n")[0].strip()
    if not closed or "\n" in rest.partition("}}")[0]:
        known = _NAME.match(inside)
        name = known[0] if known else "name"
        return f"'{{{{{inside[:24]}' is never closed.", f"Write {{{{{name}}}}}."
    hint = "A name has letters a to z, digits and _, such as {{customer_name}}."
    if "|" in inside or "." in inside or "(" in inside:
        hint = "Prompts have no filters, fields or calls: pass the finished value as a variable."
    return f"'{{{{{inside}}}}}' is no variable.", hint
