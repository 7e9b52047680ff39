"""A folder with a configuration in it."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from seatrial.config import Config, load

EXAMPLE = """
[service]
listen = "127.0.0.1:8080"
store = "sqlite:seatrial.db"

[targets.large]
provider = "openai"
model = "gpt-5.1"
api_key = "env:OPENAI_API_KEY"

[targets.small]
provider = "anthropic"
model = "claude-haiku-4-5"
api_key = "file:keys/anthropic"

[features.support]
purpose = "Answers customers' billing questions"
owner = "billing@example.org"
prompt = "prompts/support.md"
route = ["large", "small", "cache", "human"]
say = "Thank you. A colleague will write to you within the hour."

[features.support.requirements]
availability = 0.999
error_rate = 0.05
latency_p95_s = 2.0
first_token_s = 1.0
deadline_s = 10
cost_usd_month = 500
requests_day = 10_000
peak_rpm = 60
"""
FILES = {"prompts/support.md": "You help {{customer}}.\n", "keys/anthropic": "secret-a\n"}
ENVIRON = {"OPENAI_API_KEY": "secret-o"}

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget after each test where modules were looked for."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a configuration with its files, and returns its path."""

    def write(text: str = EXAMPLE, files: Mapping[str, str] = FILES) -> Path:
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        path = tmp_path / "seatrial.toml"
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def example(write: Write) -> Config:
    """Return the design's example, loaded."""
    return load(write(), environ=ENVIRON)
