"""The measurement of the checks: its cases are what they say, and it skips without data."""

import random
from pathlib import Path

import pytest

from bench.checks import __main__ as command
from bench.checks.halves import FLOORS, HALVES, half_of
from bench.checks.people import MAKERS, NEAR_SENTENCES, SENTENCES, near_miss
from seatrial.reliability.checks.personal_data import KINDS, find


@pytest.mark.parametrize("kind", MAKERS)
def test_made_value_is_found(kind: str) -> None:
    """Values made up by rules of their own hold for the checks."""
    dice = random.Random(kind)
    name, make = MAKERS[kind]
    values = [make(dice) for _ in range(40)]

    assert kind in KINDS
    found = [each.kind for value in values for each in find(f"My {name}: {value}")]
    assert found.count(kind) >= 38


def test_halves_share_no_sentence() -> None:
    """What is measured on was not looked at."""
    for sentences in (SENTENCES, NEAR_SENTENCES):
        assert not set(sentences["training"]) & set(sentences["held_out"])
    assert {half_of(str(each)) for each in range(20)} == set(HALVES)
    assert near_miss(random.Random(1)) != near_miss(random.Random(2))


def test_floors_are_shares() -> None:
    """Every floor lies between nothing and all."""
    assert all(0 <= floor <= 1 for part in FLOORS.values() for floor in part.values())


def test_missing_data_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without data nothing is measured, and nobody thinks that it was."""
    monkeypatch.setattr("sys.argv", ["bench.checks", "--data", str(tmp_path / "none")])

    assert command.main() == 0
    assert "skipped" in capsys.readouterr().out
