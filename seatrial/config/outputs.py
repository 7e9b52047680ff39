"""Sections [features.NAME.output]: what would do nothing, or refuse everything."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from seatrial.config.reading import Reading
from seatrial.config.toml import Path
from seatrial.reliability.checks.forbidden import plain
from seatrial.reliability.checks.settings import OutputSettings

# A shorter canary comes out by chance.
LEAST_CANARY: Final = 6


def check_output(
    settings: OutputSettings,
    at: Path,
    reading: Reading,
    *,
    has: Callable[[str], bool] = lambda module: find_spec(module) is not None,
) -> None:
    """Report what cannot be in the settings of an answer's checks.

    Args:
        settings: what may go out.
        at: the path of their section.
        reading: takes problems and warnings.
        has: whether a Python module is installed.
    """
    for i, text in enumerate(settings.forbidden):
        if not plain(text):
            reading.report((*at, "forbidden", i), "is empty.", "Write a text, or take it out.")
    for i, canary in enumerate(settings.canaries):
        if len("".join(canary.split())) < LEAST_CANARY:
            message = f"is shorter than {LEAST_CANARY} signs, so it would be found by chance."
            reading.report((*at, "canaries", i), message, "Plant a longer text.")
    least, most = settings.min_chars, settings.max_chars
    if least is not None and most is not None and least > most:
        message = f"cannot be kept: max_chars is {most:,}."
        reading.report((*at, "min_chars"), message, "Make it smaller than max_chars.")
    if settings.language != "off" and not has("py3langid"):
        message = "cannot be told: the extra lang is not installed."
        hint = "Install it with: pip install 'seatrial[lang]'"
        reading.report((*at, "language"), message, hint)
    if settings.canaries and settings.leaks == "off":
        message = 'do nothing: leaks is "off".'
        reading.warn((*at, "canaries"), message, 'Write leaks = "refuse".')
