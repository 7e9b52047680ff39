"""`seatrial ask` where it matters when things happen: words as they come, Ctrl-C, a refusal."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.testing.upstream import FaultyUpstream
from tests.doors.cli.conftest import Run

LIMIT_S = 30.0
SLOW = """
import time

def answer(question):
    yield "one "
    yield "two "
    time.sleep(5)
    yield "three"
"""


def asking(service: Path) -> subprocess.Popen[str]:
    """Ask a function that says two words and then takes its time."""
    (service / "answers.py").write_text(SLOW)
    return subprocess.Popen(
        [sys.executable, "-m", "seatrial", "ask", "support", "Count.", "--stream"],
        cwd=service, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.wire
def test_ctrl_c_leaves_an_abandoned_record(run: Run, service: Path) -> None:
    """Words are printed as they come; who stops it is told where the record is, with code 130."""
    process = asking(service)
    assert process.stdout is not None
    try:
        said = process.stdout.read(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        process.communicate()
    (record,) = run("records", "list", "--json").json["records"]

    assert "one" == said
    assert "three" not in out
    assert out.endswith("\n")
    assert 130 == process.returncode
    assert f"seatrial records show {record['id'][:14]}" in err
    assert "Traceback" not in err
    assert "abandoned" == record["decision"]


@pytest.mark.parametrize("stream", [[], ["--stream"]], ids=["whole", "stream"])
def test_model_that_declines(run: Run, service: Path, stream: list[str]) -> None:
    """Its words are printed and who declined is said; exit code 1, for there is no answer."""
    with FaultyUpstream() as upstream:
        file = service / "seatrial.toml"
        file.write_text(
            file.read_text().replace('["answers", "cache", "say"]', '["large", "say"]')
            + f'\n[targets.large]\nprovider = "openai"\nmodel = "fault:refusal"\n'
            f'base_url = "{upstream.base_url}"\n'
        )
        asked = run("ask", "support", "Say something bad.", *stream)
        in_json = run("ask", "support", "Say something bad.", "--json")

    assert 1 == asked.code == in_json.code
    assert asked.out.strip()
    assert "large declined to answer this." in asked.err
    assert json.loads(in_json.out)["refused"] is True


def test_nothing_left_is_told_kindly(run: Run, service: Path) -> None:
    """What happened, where every attempt is told, and what to do; no traceback, exit code 1."""
    file = service / "seatrial.toml"
    file.write_text(file.read_text().replace('["answers", "cache", "say"]', '["answers"]'))
    asked = run("ask", "support", "Can you fly?")

    assert (1, "") == (asked.code, asked.out)
    for words in ("answers has no answer to this", "tells every attempt", "Add a target"):
        assert words in asked.err
