"""The log of `seatrial serve`: one event a line."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from seatrial.cli.log import open_log


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Give the process's log back as it was."""
    root = logging.getLogger()
    ours = logging.getLogger("seatrial")
    before = root.handlers[:], root.level, ours.level
    # The runner has handlers of its own, which `open_log` would close.
    root.handlers = []
    yield
    root.handlers, root.level = before[0], before[1]
    ours.setLevel(before[2])


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Read what was written as one JSON line."""
    out = capsys.readouterr().out
    assert 1 == out.count("\n")
    line: dict[str, Any] = json.loads(out)
    return line


def test_event_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level and name come first, then the facts, whatever their type."""
    open_log(in_json=True).tell("config.loaded", {"releases": {"support": "ab"}, "other": object})
    line = last(capsys)

    assert ["timestamp", "level", "event", "releases", "other"] == list(line)
    assert ("info", "config.loaded", {"support": "ab"}) == tuple(
        line[key] for key in ("level", "event", "releases")
    )
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("event", ["job.failed", "config.rejected"])
def test_bad_news_are_warnings(event: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An alert can hang on the level alone."""
    open_log(in_json=True).tell(event, {})

    assert "warning" == last(capsys)["level"]


def test_other_loggers_end_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's warning is JSON too; of an error there is the type and the place, no text."""
    open_log(in_json=True)
    try:
        raise ValueError("what the caller wrote")
    except ValueError:
        logging.getLogger("asyncio").exception("a task failed")
    line = last(capsys)

    assert ("asyncio", "a task failed", "ValueError") == tuple(
        line[key] for key in ("event", "message", "error")
    )
    assert "in_the_same_form" in line["at"][0]
    assert "what the caller wrote" not in str(line)


def test_chatter_of_libraries_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Only our own events are told below a warning."""
    open_log(in_json=True)
    logging.getLogger("asyncio").info("using a selector")

    assert "" == capsys.readouterr().out


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Facts stand behind the event, lists below it; nothing in them can steer a terminal."""
    facts = {"job": "store", "releases": {"a": "1", "b": "2"}, "problems": ["one\x1b[2J", "two"]}
    open_log(in_json=False).tell("job.failed", facts)
    first, *rest = capsys.readouterr().out.splitlines()

    assert "  job.failed  job store  releases a 1, b 2" == first[8:]
    assert ["          one�[2J", "          two"] == rest


def test_reader_that_left_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed output costs the log, never the server."""
    log = open_log(in_json=True)

    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    log.tell("config.loaded", {})
