"""Points in time as people write them on the command line."""

from __future__ import annotations

import re
import time
from typing import Final

import typer

UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def read_since(text: str, *, now: float) -> float:
    """Return the wall-clock time that `--since` means.

    >>> read_since("2h", now=10_000.0)
    2800.0
    """
    if spell := re.fullmatch(r"(\d+)\s*([smhdw])", text.strip().lower()):
        return now - int(spell[1]) * UNITS_S[spell[2]]
    for pattern in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
        try:
            return time.mktime(time.strptime(text.strip(), pattern))
        except ValueError:
            continue
    raise typer.BadParameter(f"{text!r} is no time. Write 15m, 2h, 7d or 2026-11-22.")
