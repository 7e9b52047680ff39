"""`seatrial config`: the configuration in force, and the schema of its file."""

from __future__ import annotations

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json

app = typer.Typer(
    add_completion=False,
    help="Show the configuration in force, or its schema.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  seatrial config show\n  seatrial config schema > seatrial.schema.json",
)


@app.command(epilog="\b\nExample:\n  seatrial config show | grep deadline")
def show(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show every value in force and where it came from; secrets stay references."""
    from seatrial.app import Seatrial

    rows = Seatrial.open(config).config_rows()
    if as_json:
        names = ("path", "value", "origin")
        terminal.tell_json({"values": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    table = terminal.plain_table("setting", "value", "from")
    for path, value, origin in rows:
        given = origin != "default"
        style = "" if given else "dim"
        table.add_row(*(terminal.escape(cell) for cell in (path, value, origin)), style=style)
    terminal.output().print(table)


@app.command(epilog="\b\nExample:\n  seatrial config schema > seatrial.schema.json")
def schema(as_json: Json = False) -> None:
    """Print the JSON Schema of seatrial.toml, for editors; it is JSON with or without --json."""
    from seatrial.app import config_schema

    terminal.tell_json(config_schema())
