"""What stops a start, and what does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.errors import StartRefused

CONFIG = """
[service]
store = "sqlite:{store}"

[features.support]
route = ["say"]
say = "Later."
"""


def app_on(folder: Path, store: str) -> Seatrial:
    """Open an application that always says the same."""
    (folder / "seatrial.toml").write_text(CONFIG.format(store=store))
    return Seatrial.open(folder / "seatrial.toml")


def test_a_store_that_cannot_be_reached_stops_no_start(tmp_path: Path) -> None:
    """Requests are answered, their records wait, and `ready` says what is away."""
    (tmp_path / "no folder").write_text("a file is in the way")
    app = app_on(tmp_path, "no folder/records.db")

    async def scene() -> None:
        await app.start(exclusive=True)
        assert "Later." == (await app.ask_async("support", "Hello?")).text
        assert any("store" in part for part in app.ready().degraded)
        await app.close()

    asyncio.run(scene())
    (tmp_path / "no folder").unlink()
    (tmp_path / "no folder").mkdir()

    async def again() -> int:
        async with app_on(tmp_path, "no folder/records.db") as later:
            for _ in range(100):
                if later.recorder and not later.recorder.counts().waiting:
                    break
                await asyncio.sleep(0.05)
            assert later.recorder is not None
            return later.recorder.counts().kept

    assert 1 == asyncio.run(again())


def test_a_second_server_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """One process serves from a file; the other one's journal is let go again."""
    first = app_on(tmp_path, "records.db")
    second = Seatrial.open(first.config.path)

    async def scene() -> None:
        await first.start(exclusive=True)
        with pytest.raises(StartRefused, match="already serves"):
            await second.start(exclusive=True)
        assert "Later." == (await first.ask_async("support", "Hello?")).text
        await first.close()

    asyncio.run(scene())
