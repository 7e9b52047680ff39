"""A command line to call, and a folder with a service in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seatrial.cli import commands


@dataclass(frozen=True)
class Ran:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, read as JSON."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, without a terminal."""
    monkeypatch.delenv("SEATRIAL_CONFIG", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: str | Path, input: str | None = None) -> Ran:
        result = CliRunner().invoke(commands.app, [*map(str, arguments)], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def service(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a fresh starter and go to its folder."""
    assert 0 == run("init", tmp_path).code
    monkeypatch.chdir(tmp_path)
    # Python keeps what it has imported; each test's answers.py is another one.
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("answers", None)
    return tmp_path
