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


def _find_file(path: Path) -> Path:
    return path / "seatrial.toml" if path.is_dir() else path


ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        envvar="SEATRIAL_CONFIG",
        callback=_find_file,
        help="The configuration file, or its folder.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", callback=_note_json, help="Print JSON, for programs.")
]

DEFAULT_CONFIG = Path("seatrial.toml")
