"""`python -m seatrial.testing.simulate`: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.testing.simulate.__main__ import main

ROOT = Path(__file__).parents[2]


def test_good_days_end_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary counts what happened, as JSON too."""
    assert 0 == main(["--seed", "7", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert 1 == told["days"]
    assert told["requests"] > 100
    assert 0 == sum(told["promises"].values())


def test_summary_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Each promise has its line."""
    assert 0 == main(["--seed", "7"])

    told = capsys.readouterr().out
    assert "promise  1: 0 violations in " in told
    assert "0 of 1 days broke a promise" in told


def test_plan_is_printed_without_running(capsys: pytest.CaptureFixture[str]) -> None:
    """`--plan` shows what a day would be."""
    assert 0 == main(["--seed", "3", "--plan"])
    assert capsys.readouterr().out.startswith("seed 3: ")


def test_broken_promise_ends_with_one() -> None:
    """A planted bug is told with its seed, its plan and how to see it again."""
    plant = "tests.sim.planted:labels_forgotten"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "seatrial.testing.simulate", "--days", "2"),
            *("--jobs", "2", "--plant", plant),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 1 == done.returncode, done.stderr
    assert "promise 14:" in done.stdout
    assert "again: python -m seatrial.testing.simulate --seed 0" in done.stdout
    assert "seed 0: " in done.stdout
