"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.terminal import JSON_WANTED


def _note_json(context: typer.Context, wanted: bool) -> bool:
    """Remember the wish, so that an error is told in JSON as well."""
    context.meta[JSON_WANTED] = wanted
    return wanted


ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config", "-c", metavar="PATH", envvar="SEATRIAL_CONFIG", help="The configuration file."
    ),
]
Json = Annotated[
    bool, typer.Option("--json", callback=_note_json, help="Print JSON, for programs.")
]

DEFAULT_CONFIG = Path("seatrial.toml")
