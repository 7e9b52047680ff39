"""How the commands speak: results on the output, errors beside it, colour only for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seatrial.errors import ConfigError, NoTargetLeft, SeatrialError
from seatrial.values.decisions import Kind

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

JSON_WANTED: Final = "seatrial.json"
WIDE: Final = 200  # columns

# One colour per decision, everywhere; the word always stands beside it.
COLOURS: Final = {
    Kind.ANSWER.value: "green",
    Kind.DEGRADED.value: "yellow",
    Kind.HELD.value: "cyan",
    Kind.HANDED_OFF.value: "cyan",
    Kind.REFUSED.value: "red",
    Kind.ABANDONED.value: "dim",
}


def output() -> Console:
    """Return the console for results; plain text when it is no terminal or NO_COLOR is set."""
    from rich.console import Console

    # What goes to a file or a pipe is cut for no screen.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(highlight=False, width=width)


def notes() -> Console:
    """Return the console for what is said beside a result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def tell_json(value: Any) -> None:
    """Print a value as JSON, one document, indented."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=repr), indent=2)
    print(text.decode())


def tell_error(error: SeatrialError, *, as_json: bool) -> None:
    """Say what happened, why, and what to do."""
    if as_json:
        tell_json({"error": error_value(error)})
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]Error:[/] {escape(error.message)}")
    for part in (error.why, error.fix):
        if part:
            console.print(escape(part), style="" if part is error.fix else "dim")


def error_value(error: SeatrialError) -> dict[str, Any]:
    """Return an error as JSON holds it."""
    value: dict[str, Any] = {"code": error.code, "message": error.message}
    value |= {name: text for name, text in (("why", error.why), ("fix", error.fix)) if text}
    if isinstance(error, ConfigError):
        value["problems"] = error.problems
    if isinstance(error, NoTargetLeft):
        value["record_id"] = error.record_id
    return value


def escape(text: str) -> str:
    """Return text that a console prints as it stands, without control signs."""
    from rich.markup import escape as escape_markup

    return escape_markup("".join(c if c.isprintable() or c in "\n\t" else "�" for c in text))


def plain_table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table without lines: headings, then rows.

    Args:
        columns: the headings.
        right: those whose cells stand at the right, as numbers do.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def seconds(value: float | None) -> str:
    """Write a duration as people read it.

    >>> seconds(0.0123), seconds(0.5), seconds(4.26), seconds(90), seconds(None)
    ('12 ms', '500 ms', '4.3 s', '90 s', '–')
    """
    if value is None:
        return "–"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{value:.0f} s"


def moment(wall: float) -> str:
    """Write a wall-clock time in this machine's zone, as `2026-11-22 14:05:09`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))


def shorten(text: str, width: int) -> str:
    """Return one line of at most `width` signs.

    >>> shorten("Where is my order?", 10)
    'Where is …'
    """
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def program() -> str:
    """Return how this command is called from here: `seatrial`, or where it lies."""
    here = Path(sys.argv[0])
    found = shutil.which("seatrial")
    if here.stem != "seatrial" or (found and Path(found).samefile(here)):
        return "seatrial"
    return str(here)
