"""A store that hangs, is locked, full or away: answers go on, and every record arrives later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.app import Seatrial
from seatrial.testing.crash import Tally, Ward, wait_for_records
from seatrial.testing.driver import drive
from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FaultyUpstream
from tests.wire.servers import OwnPostgres, own_postgres
from tests.wire.store_faults import FAULTS, STORES, weather
from tests.wire.waiting import until

pytestmark = [pytest.mark.wire]


@pytest.mark.parametrize(
    ("store", "fault"),
    [
        ("sqlite", "locked"),
        ("sqlite", "full"),
        pytest.param("postgresql", "hung", marks=pytest.mark.needs_postgres),
    ],
)
def test_answers_go_on_and_no_record_is_lost(store: str, fault: str, tmp_path: Path) -> None:
    """Nobody notices the fault; afterwards each record is there, once."""
    found = weather(store, fault, tmp_path, seconds=3, requests=120, before_s=1, catch_up_s=20)

    assert 100.0 == found.success, found
    assert (0, 0, 0) == (found.lost, found.told, found.doubled), found
    assert found.heard > 150
    if fault != "hung":  # for a while that looks like a slow one
        assert "the store takes none" in found.noticed, found


@pytest.mark.slow
@pytest.mark.needs_postgres
@pytest.mark.timeout(400)
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("fault", FAULTS)
def test_minute_of_trouble(store: str, fault: str, tmp_path: Path) -> None:
    """Two thousand requests in it: as many succeed as before, hardly later, all recorded."""
    found = weather(store, fault, tmp_path)

    assert found.before - found.success <= 0.1, found
    assert found.added_ms <= 20, found
    assert (found.told, 0) == (found.lost, found.doubled), found


# ---------------------------------------------------------------- at the start


def ask(ward: Ward, process: GatewayProcess, requests: int, *, seed: int, key: str = "") -> Tally:
    """Send some requests and return what their callers were told."""
    tally = Tally()
    tally.take(asyncio.run(drive(ward.load(process, requests=requests, seed=seed, key=key))))
    return tally


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    """Run a PostgreSQL server that may be stopped."""
    with own_postgres() as running:
        yield running


@pytest.mark.needs_postgres
def test_cold_start_without_its_store_serves(server: OwnPostgres, tmp_path: Path) -> None:
    """With the keys it knew last; once the store is there, so are the records."""
    with FaultyUpstream() as upstream:
        ward = Ward(tmp_path, upstream, store=server.database())
        ward.migrate()
        app = Seatrial.open(ward.config)
        _, key = app.create_key("caller")
        app.store.close()
        with ward.process() as process:
            ask(ward, process, 5, seed=1, key=key)
        server.stop()
        try:
            with ward.process() as process:
                tally = ask(ward, process, 20, seed=2, key=key)
                said = process.ready()
                server.start()
                kept = asyncio.run(wait_for_records(ward, list(tally.heard), limit_s=60))
                until(lambda: not process.ready()["degraded"], limit_s=60)
        finally:
            server.start()

    assert [] == tally.failed
    assert 20 == len(tally.heard)
    assert set(tally.heard) <= set(kept.ids)
    assert said["ready"]
    assert said["degraded"][0].startswith("store: ")


@pytest.mark.needs_postgres
def test_first_start_without_its_store_refuses_nobody_wrongly(
    server: OwnPostgres, tmp_path: Path
) -> None:
    """It knows no key yet: 503 and no 401; once the store is there, it answers by itself."""
    with FaultyUpstream() as upstream:
        ward = Ward(tmp_path, upstream, store=server.database())
        ward.migrate()
        server.stop()
        try:
            with ward.process() as process:
                early = ask(ward, process, 5, seed=1)
                server.start()
                until(lambda: bool(process.ready()["ready"]), limit_s=60)
                late = ask(ward, process, 5, seed=2)
        finally:
            server.start()

    assert ["refused: 503 keys_unavailable"] * 5 == early.failed
    assert [] == late.failed


def test_first_request_of_a_new_store_is_answered(tmp_path: Path) -> None:
    """The keys of a store that did not exist are known before the first connection is taken."""
    with FaultyUpstream() as upstream:
        ward = Ward(tmp_path, upstream)
        with ward.process() as process:
            tally = ask(ward, process, 8, seed=1)

    assert [] == tally.failed
    assert 8 == len(tally.heard)
