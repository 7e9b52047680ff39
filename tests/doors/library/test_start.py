"""What stops a start, and what does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seatrial.app import Outside, Seatrial
from seatrial.errors import StartRefused, StoreUnavailable
from seatrial.values.decisions import Refused
from seatrial.values.requests import Caller

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


class Away:
    """A store that fails at whatever it is asked."""

    name, limit_s = "away", 1.0

    def __getattr__(self, name: str) -> object:
        parts = "records keys releases ledger idempotency reviews outcomes proofs people deliveries"
        if name in parts.split():
            return self

        def fail(*args: object, **named: object) -> object:
            raise StoreUnavailable("The store is away.")

        return fail

    def close(self) -> None:
        """Do nothing."""


def starts_without_store(folder: Path, address: str, token: str | None) -> Caller | Refused:
    """Start while the store is away; return what who asks with this key is told."""
    toml = folder / "seatrial.toml"
    toml.write_text(toml.read_text().replace("sqlite:records.db", address))
    outside = Outside(store=lambda store: Away())  # type: ignore[arg-type, return-value]

    async def scene() -> Caller | Refused:
        async with Seatrial.open(toml, outside=outside) as app:
            return app.authenticate(token)

    return asyncio.run(scene())


def test_a_first_key_is_known_to_the_next_start_though_nobody_served_meanwhile(
    tmp_path: Path,
) -> None:
    """A start without the store went by an old note that there were none, and let all in."""
    with app_on(tmp_path, "records.db"):
        pass  # it notes that there are no keys
    assert Caller() == starts_without_store(tmp_path, "sqlite:records.db", None)

    app = app_on(tmp_path, "records.db")
    _, token = app.create_key("first")
    app.store.close()

    refused = starts_without_store(tmp_path, "sqlite:records.db", None)
    assert isinstance(refused, Refused)
    assert "missing_key" == refused.code
    assert isinstance(starts_without_store(tmp_path, "sqlite:records.db", token), Caller)


def test_a_revoked_key_is_known_to_the_next_start_though_nobody_served_meanwhile(
    tmp_path: Path,
) -> None:
    """Who revokes a key while nothing serves can rely on it."""
    app = app_on(tmp_path, "records.db")
    app.store.migrate()
    key, token = app.create_key("first")
    assert app.revoke_key(key.id)
    app.store.close()

    refused = starts_without_store(tmp_path, "sqlite:records.db", token)
    assert isinstance(refused, Refused)
    assert "invalid_key" == refused.code


def test_no_keys_on_a_store_of_many_machines_open_no_door_without_it(tmp_path: Path) -> None:
    """Another machine may have made the first one meanwhile."""
    with app_on(tmp_path, "records.db"):
        pass
    address = "postgresql://somebody@127.0.0.1:9/nothing"

    refused = starts_without_store(tmp_path, address, None)
    assert isinstance(refused, Refused)
    assert ("keys_unavailable", 503) == (refused.code, refused.status)
