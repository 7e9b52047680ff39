"""The data, in two halves: one to look at, one to measure on."""

import csv
import json
import tomllib
import zlib
from pathlib import Path
from typing import Any

from bench.checks.shares import Share

FLOORS: dict[str, dict[str, float]] = tomllib.loads(
    Path(__file__).with_name("floors.toml").read_text()
)
HALVES = ("training", "held_out")


def half_of(text: str) -> str:
    """Which half a text belongs to, by a hash of it."""
    return HALVES[zlib.crc32(text.encode()) % 2]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def least(what: str, found: Share, floor: float) -> bool:
    """Print a share that must reach its floor; whether it does."""
    holds = found.share >= floor
    print(f"  {what:46} {found!s:38} at least {floor:.1%}{'' if holds else '  BELOW THE FLOOR'}")
    return holds


def most(what: str, found: Share, ceiling: float) -> bool:
    """Print a share that must stay under its ceiling; whether it does."""
    holds = found.share <= ceiling
    print(f"  {what:46} {found!s:38} at most {ceiling:.1%}{'' if holds else '  ABOVE THE CEILING'}")
    return holds


def told(what: str, found: Share) -> None:
    """Print a share that has no floor."""
    print(f"  {what:46} {found}")
