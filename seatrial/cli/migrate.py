"""`seatrial migrate`: the store's schema, brought up to date."""

from __future__ import annotations

import typer

from seatrial.cli import terminal
from seatrial.cli.options import DEFAULT_CONFIG, ConfigPath, Json

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="\b\nExample:\n  seatrial migrate")
def migrate(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Bring the store's schema up to date; once more does no harm."""
    from seatrial.cli.opening import open_store_alone

    app = open_store_alone(config)
    applied = app.store.migrate()
    app.store.close()
    if as_json:
        terminal.tell_json({"applied": applied})
    elif applied:
        terminal.output().print(f"Applied: {', '.join(applied)}.")
    else:
        terminal.output().print("The schema is up to date already.")
