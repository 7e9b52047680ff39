"""Writes the parts of the pages that follow from the code: `python docs/generate.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; a test holds
every page against what this writes.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec

from seatrial.cli.commands import COMMANDS, app
from seatrial.config.show import schema
from seatrial.gateway.endpoints import TABLE, Permission
from seatrial.gateway.faults import FAULTS
from seatrial.reliability.breaker import NEXT, Event, State
from seatrial.reliability.decide import WORDS
from seatrial.reliability.routing import COUNTS, HANDLING, Handling
from seatrial.testing.upstream import FAULTS as UPSTREAM_FAULTS
from seatrial.values.attempts import Cause
from seatrial.values.records import AttemptRecord, Record

DOCS: Final = Path(__file__).parent
PART: Final = re.compile(
    r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL
)
HELP_COLUMNS: Final = "90"

Json = dict[str, Any]


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + "\n"


def code(text: object) -> str:
    """Return a word of the code, as Markdown shows it."""
    return f"`{text}`"


# --- the configuration ----------------------------------------------------------------------


def settings() -> str:
    """Return every setting of seatrial.toml: what it takes, its default, what it is."""
    whole = schema()
    parts = []
    for name, section in whole["properties"].items():
        inner = section.get("additionalProperties") or next(
            iter(section.get("patternProperties", {}).values()), section
        )
        header = name if name == "service" else f"{name}.NAME"
        parts += list(_sections(header, _resolved(inner, whole), whole))
    return "".join(parts)


def _sections(header: str, section: Json, whole: Json) -> Iterator[str]:
    rows, inner = [], []
    for name, setting in section["properties"].items():
        found = _resolved(setting, whole)
        if "properties" in found:
            inner.append((f"{header}.{name}", found))
            continue
        default = "required" if name in section.get("required", ()) else _default(setting)
        about = " ".join(setting.get("description", "").split()).replace("|", "\\|")
        rows.append((code(name), _takes(setting), default, about))
    yield f"\n## [{header}]\n" + table(("setting", "takes", "default", "what it is"), rows)
    for each in inner:
        yield from _sections(*each, whole)


def _resolved(setting: Json, whole: Json) -> Json:
    for each in (setting, *setting.get("allOf", ()), *setting.get("anyOf", ())):
        if "$ref" in each:
            found: Json = whole["$defs"][each["$ref"].rpartition("/")[2]]
            return found
    return setting


def _default(setting: Json) -> str:
    value = setting.get("default")
    if value is None or value in ("", [], {}):
        return "–"
    return code(msgspec.json.encode(value).decode())


def _takes(setting: Json) -> str:
    if "enum" in setting:
        return ", ".join(f"`{each}`" for each in setting["enum"])
    kinds = setting.get("anyOf", [setting])
    words = [_kind(each) for each in kinds if each.get("type") != "null"]
    return " or ".join(words) + _range([setting, *kinds])


def _kind(setting: Json) -> str:
    kind = setting.get("type")
    if kind == "array":
        return "list of texts"
    if setting.get("format") == "date":
        return "day, as `2026-12-01`"
    names = {"string": "text", "integer": "whole number", "number": "number"}
    return names.get(kind, {"boolean": "true, false", "object": "table"}.get(kind, "any"))


def _range(settings: list[Json]) -> str:
    bounds = {key: value for each in settings for key, value in each.items()}
    words = {
        "exclusiveMinimum": "above",
        "minimum": "from",
        "maximum": "to",
        "exclusiveMaximum": "below",
    }
    shown = [f"{word} {bounds[key]:,.10g}" for key, word in words.items() if key in bounds]
    return ", " + " ".join(shown) if shown else ""


# --- the command line -----------------------------------------------------------------------


def commands() -> str:
    """Return the help of every command, as it is printed."""
    os.environ |= {"COLUMNS": HELP_COLUMNS, "TERMINAL_WIDTH": HELP_COLUMNS, "NO_COLOR": "1"}
    from typer.testing import CliRunner

    runner = CliRunner(env={"SEATRIAL_CONFIG": None})
    parts = []
    for name in ("", *COMMANDS):
        said = runner.invoke(app, [*name.split(), "--help"], prog_name="seatrial").output
        parts.append(_help(name, said))
        for inner in _inner_commands(said) if name else ():
            asked = [name, inner, "--help"]
            said_there = runner.invoke(app, asked, prog_name="seatrial").output
            parts.append(_help(f"{name} {inner}", said_there))
    return "\n".join(parts)


def _help(name: str, said: str) -> str:
    level = "###" if " " in name else "##"
    lines = "\n".join(line.rstrip() for line in said.strip().splitlines())
    return f"\n{level} seatrial {name}".rstrip() + f"\n\n```console\n{lines}\n```\n"


def _inner_commands(said: str) -> list[str]:
    return re.findall(r"^  ([a-z]+)  ", said.partition("Commands:\n")[2], re.MULTILINE)


# --- values ---------------------------------------------------------------------------------


def fields_of(kind: type) -> str:
    """Return the fields of a value: name, type, meaning, from its docstring."""
    hints = get_type_hints(kind)
    rows = []
    block = (kind.__doc__ or "").partition("Args:\n")[2]
    for entry in re.finditer(r"^ {8}(\w[\w, ]*): (.+(?:\n {9,}.+)*)", block, re.MULTILINE):
        names = [name.strip() for name in entry[1].split(",")]
        types = list(dict.fromkeys(_type(hints[name]) for name in names))
        about = " ".join(entry[2].split())
        rows.append((", ".join(map(code, names)), ", ".join(types), about[0].upper() + about[1:]))
    return table(("field", "type", "what it is"), rows)


def _type(hint: Any) -> str:
    text = hint.__name__ if isinstance(hint, type) and "[" not in str(hint) else str(hint)
    words = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true, false",
        "float | None": "number or null",
        "int | None": "whole number or null",
        "tuple[str, ...]": "list of texts",
        "dict[str, typing.Any] | None": "object or null",
        "dict[str, str]": "object of texts",
        "dict[str, float]": "object of numbers",
        "decimal.Decimal | None": "decimal text or null",
        "tuple[seatrial.values.records.AttemptRecord, ...]": "list of attempts",
        "tuple[seatrial.values.checks.CheckRecord, ...]": "list of verdicts",
        "seatrial.values.reviews.ReviewAsk | None": "object or null",
    }
    return words[text]


NEXT_STEP: Final = {
    Handling.SAME: "Another try here, within the budget; then the next target.",
    Handling.ELSEWHERE: "The next target; here again only when no other model or function is left.",
    Handling.NEXT: "The next target.",
    Handling.FINAL: "Nothing: no other target may answer instead.",
}


def causes() -> str:
    """Return every cause, in words, with what happens next."""
    rows = [
        (
            code(cause.value),
            f"“… {WORDS[cause]}”",
            NEXT_STEP[HANDLING[cause]],
            "yes" if cause in COUNTS else "no",
        )
        for cause in Cause
    ]
    return table(("cause", "as told", "what happens next", "speaks against the outlet"), rows)


def errors() -> str:
    """Return every error code of the gateway."""
    rows = [
        (code(name), str(kind.status), code(kind.type), "yes" if kind.again else "no")
        for name, kind in FAULTS.items()
    ]
    return table(("code", "status", "type", "worth asking again"), rows)


WHO: Final = {
    Permission.OPEN: "anybody who can reach it",
    Permission.KEY: "holders of a key, where keys are needed",
}


def endpoints() -> str:
    """Return every endpoint and who may use it."""
    rows = []
    for each in TABLE:
        if each.permission is not None:
            about = (each.handler.__doc__ or "").partition("\n")[0]
            rows.append((code(f"{each.method} {each.path}"), about, WHO[each.permission]))
    return table(("endpoint", "what it does", "who may use it"), rows)


def upstream_faults() -> str:
    """Return every fault of the faulty upstream."""
    rows = [(code(fault.name), fault.says) for fault in UPSTREAM_FAULTS.values()]
    return table(("fault", "what it does"), rows)


# --- the breaker ----------------------------------------------------------------------------

STATES: Final = {
    State.CLOSED: ("closed", "attempts pass"),
    State.OPEN: ("open", "attempts are refused until the rest is over"),
    State.PROBING: ("probing", "one attempt at a time tests it"),
}
EVENTS: Final = {
    Event.TRIPPED: "too many failures",
    Event.RESTED: "the rest is over",
    Event.RECOVERED: "enough good probes",
    Event.FAILED: "a probe fails",
}
PLACES: Final = {State.CLOSED: (110, 40), State.OPEN: (530, 40), State.PROBING: (320, 200)}
BOX: Final = (210, 56)
ASIDE: Final = 26  # between the two arrows of a pair


def breaker() -> str:
    """Return the breaker's states as a picture, and its moves as a table."""
    rows = [
        (code(STATES[state][0]), EVENTS[event], code(STATES[after][0]))
        for (state, event), after in NEXT.items()
    ]
    return _picture() + table(("in", "when", "it becomes"), rows)


HEAD: Final = (
    '<svg class="picture" viewBox="0 0 640 240" role="img" '
    'aria-label="The states of the breaker and what moves it, as in the table below">'
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z"/></marker></defs>'
)


def _picture() -> str:
    parts = [HEAD]
    parts += [_arrow(state, after, EVENTS[event]) for (state, event), after in NEXT.items()]
    width, height = BOX
    for state, (x, y) in PLACES.items():
        name, about = STATES[state]
        short = about.partition(" until")[0]
        parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" '
            f'height="{height}" rx="8"/>'
            f'<text class="name" x="{x}" y="{y - 4}">{name}</text>'
            f'<text x="{x}" y="{y + 15}">{short}</text>'
        )
    return "\n" + "\n".join([*parts, "</svg>"]) + "\n"


def _arrow(start: State, end: State, label: str) -> str:
    (x1, y1), (x2, y2) = PLACES[start], PLACES[end]
    if y1 == y2:
        way = 1 if x2 > x1 else -1
        x1, x2 = x1 + way * BOX[0] // 2, x2 - way * BOX[0] // 2
        place = f'x="{(x1 + x2) // 2}" y="{y1 - 9}"'
    else:
        down = 1 if y2 > y1 else -1
        y1, y2 = y1 + down * BOX[1] // 2, y2 - down * BOX[1] // 2
        # Away from the middle of the boxes, and the two arrows of a pair side by side.
        inward = 60 if x2 > x1 else -60
        x1, x2 = x1 + inward // 2 + down * ASIDE, x2 - inward // 2 + down * ASIDE
        side, anchor = (14, "start") if down > 0 else (-14, "end")
        place = (
            f'x="{(x1 + x2) // 2 + side}" y="{(y1 + y2) // 2 + 5}" style="text-anchor: {anchor}"'
        )
    return f'<path d="M{x1} {y1} L{x2} {y2}" marker-end="url(#tip)"/><text {place}>{label}</text>'


# --- putting it into the pages --------------------------------------------------------------

PARTS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "commands": commands,
    "record": lambda: fields_of(Record),
    "attempt": lambda: fields_of(AttemptRecord),
    "causes": causes,
    "errors": errors,
    "endpoints": endpoints,
    "upstream-faults": upstream_faults,
    "breaker": breaker,
}


def refresh(page: str) -> str:
    """Return a page with its generated parts written anew."""
    return PART.sub(lambda part: part[1] + PARTS[part["name"]]() + part[3], page)


def main() -> int:
    """Write every page anew; return 0."""
    for path in sorted(DOCS.rglob("*.md")):
        before = path.read_text()
        after = refresh(before)
        if after != before:
            path.write_text(after)
            sys.stdout.write(f"{path.relative_to(DOCS.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
