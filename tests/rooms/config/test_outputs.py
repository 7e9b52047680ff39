"""Sections [features.NAME.output]: read, found, counted into the release."""

import pytest

from seatrial.config import Config, build_plans, load
from seatrial.config.outputs import check_output
from seatrial.config.reading import Reading
from seatrial.reliability.checks.settings import OutputSettings
from tests.rooms.config.conftest import ENVIRON, EXAMPLE, FILES, Write

OUTPUT = """
[features.support.output]
schema = "answer.json"
forbidden = ["rival"]
checks = ["shop_output:fine"]
repairs = 1
check_s = 2
"""
SHOP = {"answer.json": '{"type": "object"}', "shop_output.py": "def fine(text):\n    return True\n"}


def release(config: Config) -> str:
    """Return the release of the only feature."""
    return build_plans(config)["support"].release


def test_what_the_settings_name_is_found(write: Write) -> None:
    """The schema is compiled, and the function is there."""
    config = load(write(EXAMPLE + OUTPUT, {**FILES, **SHOP}), environ=ENVIRON)

    found = config.outputs["support"]
    assert found.shape is not None
    assert not found.shape.fits([])
    assert ["shop_output:fine"] == list(found.functions)
    assert ("rival",) == config.features["support"].output.forbidden


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("repairs = 1", "repairs = 2", False),
        ('"rival"', '"rivals"', False),
        ('schema = "answer.json"', "", False),
        ('checks = ["shop_output:fine"]', "", False),
        ("repairs = 1", 'repairs = 1\nleaks = "refuse"', False),
        ("check_s = 2", "check_s = 3", True),
        ("repairs = 1", 'repairs = 1\nleaks = "flag"', True),
    ],
)
def test_the_release_changes_with_what_decides(
    write: Write, old: str, new: str, same: bool
) -> None:
    """How long a check may take, and what is said although it is usual, decide nothing."""
    files = {**FILES, **SHOP}
    before = release(load(write(EXAMPLE + OUTPUT, files), environ=ENVIRON))
    after = release(load(write(EXAMPLE + OUTPUT.replace(old, new), files), environ=ENVIRON))

    assert same is (before == after)


def test_languages_need_their_extra(write: Write) -> None:
    """It is told before anything starts."""
    reading = Reading(write().parent, {})
    at = ("features", "support", "output")

    check_output(OutputSettings(language="flag"), at, reading, has=lambda module: False)
    check_output(OutputSettings(language="flag"), at, reading, has=lambda module: True)
    check_output(OutputSettings(), at, reading, has=lambda module: False)

    assert ["features.support.output.language"] == [each.path for each in reading.problems]
