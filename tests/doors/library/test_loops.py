"""The library works from whichever event loop asks, and starts once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.values.decisions import Kind

CONFIG = """
[service]
store = "sqlite:records.db"

[features.support]
route = ["say"]
say = "Later."
"""


@pytest.fixture
def app(tmp_path: Path) -> Seatrial:
    """Open an application that always says the same."""
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    return Seatrial.open(tmp_path / "seatrial.toml")


def test_one_loop_after_another(app: Seatrial) -> None:
    """Two `asyncio.run` in a row each get an answer, and both leave their record."""
    first = asyncio.run(app.ask_async("support", "One?"))
    second = asyncio.run(app.ask_async("support", "Two?"))

    assert ("Later.", "Later.") == (first.text, second.text)
    asyncio.run(app.close())
    assert first.record_id != second.record_id


def test_beside_the_sync_face(app: Seatrial) -> None:
    """Async code is answered by the loop that the sync face began, and not stopped by it."""
    with app:
        assert "Later." == app.ask("support", "One?").text
        assert "Later." == asyncio.run(app.ask_async("support", "Two?")).text


def test_first_questions_together_start_once(app: Seatrial) -> None:
    """Ten first questions at once open one journal, not ten."""

    async def scene() -> list[Kind]:
        replies = await asyncio.gather(*(app.ask_async("support", f"{n}?") for n in range(10)))
        folders = [each for each in app.config.journal.iterdir() if each.is_dir()]
        assert 1 == len(folders)
        await app.close()
        return [reply.decision for reply in replies]

    assert [Kind.ANSWER] * 10 == asyncio.run(scene())
