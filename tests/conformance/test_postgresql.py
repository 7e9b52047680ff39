"""What is PostgreSQL's own: a server that hangs, restarts, or is a stranger's."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from seatrial.errors import StartRefused, StoreUnavailable
from seatrial.ports import RecordQuery, Sealed
from seatrial.store import open_store, postgresql
from seatrial.values.records import Record
from seatrial.values.sealing import seal

pytest.importorskip("psycopg")


def sealed(number: int) -> Sealed:
    """Make the sealed record of that number."""
    record = Record(f"rec_{number:08d}", "support", float(number), "answer")
    return Sealed(record, seal(record))


class Wire:
    """Stands between us and the server, and can stop passing bytes on without a word."""

    def __init__(self, target: str | tuple[str, int]) -> None:
        self.target = target
        self.hung = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self.listener.accept()
                family = socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET
                theirs = socket.socket(family)
                theirs.connect(self.target)
                self.open += [ours, theirs]
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                while self.hung.is_set():
                    time.sleep(0.01)
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self.hung.clear()
        for each in self.open:
            with suppress(OSError):
                each.close()


@pytest.fixture
def wire(postgres_address: str) -> Iterator[tuple[Wire, Any]]:
    """Open a store through a wire that can hang."""
    from sqlalchemy.engine import make_url

    url = make_url(postgres_address)
    folder = url.query.get("host")
    target = (
        f"{folder}/.s.PGSQL.{url.port or url.query.get('port', 5432)}"
        if isinstance(folder, str) and folder.startswith("/")
        else (url.host or "127.0.0.1", url.port or 5432)
    )
    between = Wire(target)
    through = url.set(host="127.0.0.1", port=between.port, query={"sslmode": "disable"})
    store = open_store(through.render_as_string(hide_password=False), limit_s=1.0)
    with closing(store):
        store.migrate()
        yield between, store
        between.close()


@pytest.mark.needs_postgres
def test_a_server_that_hangs_is_given_up_in_time(wire: tuple[Wire, Any]) -> None:
    """Not a byte comes back: the call ends at its limit; later the same store works on."""
    between, store = wire
    assert 1 == store.records.add([sealed(1)])
    between.hung.set()
    for call in (
        lambda: store.records.add([sealed(2)]),
        lambda: store.records.find(RecordQuery()),
        store.keys.all,
    ):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            call()
        assert time.monotonic() - began < postgresql.CONNECT_S + 1.5

    between.hung.clear()
    assert 1 == store.records.add([sealed(3)])
    store.records.add([sealed(2)])
    assert 3 == store.records.count(RecordQuery())


@pytest.mark.needs_postgres
def test_an_idle_connection_is_tried_before_it_is_used(
    wire: tuple[Wire, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the server nobody sees an error of a connection that died meanwhile."""
    monkeypatch.setattr(postgresql, "PING_AFTER_S", 0.0)
    between, store = wire
    assert [] == store.keys.all()
    for each in between.open[1:]:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)

    assert [] == store.keys.all()


@pytest.mark.needs_postgres
def test_synced_commits_are_synced(postgres_address: str) -> None:
    """`sync` decides whether the commit waits for the disk, transaction by transaction."""
    store: Any = open_store(postgres_address)
    with closing(store):
        for sync, expected in ((True, "on"), (False, "off"), (True, "on")):
            with store._database.writing(sync=sync) as connection:
                found = connection.exec_driver_sql("SHOW synchronous_commit").scalar()
                assert expected == found


@pytest.mark.needs_postgres
def test_one_process_serves_alone_or_all_share(postgres_address: str) -> None:
    """Without shared counters a second process is refused; those who share are many."""
    one, two = open_store(postgres_address), open_store(postgres_address)
    with closing(one), closing(two):
        one.acquire_serving_lock()
        one.acquire_serving_lock()  # whoever has it keeps it
        for alone in (True, False):
            with pytest.raises(StartRefused, match="already serves"):
                two.acquire_serving_lock(alone=alone)
        one.close()
        two.acquire_serving_lock(alone=False)
        with closing(open_store(postgres_address)) as three:
            three.acquire_serving_lock(alone=False)
            with pytest.raises(StartRefused, match="Another"):
                one.acquire_serving_lock()


@pytest.mark.needs_postgres
def test_a_killed_process_serves_no_more(postgres_address: str) -> None:
    """Death releases the lock, soon enough for the next start."""
    code = (
        "import sys, time; from seatrial.store import open_store\n"
        "store = open_store(sys.argv[1]); store.acquire_serving_lock()\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, postgres_address], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        holder.kill()
    with closing(open_store(postgres_address)) as store:
        store.acquire_serving_lock()


def test_a_lock_that_cannot_be_asked_for_is_no_refusal() -> None:
    """A server that is away is waited for; that is no other process that serves."""
    store = open_store("postgresql://me:word@127.0.0.1:1/x")
    with closing(store), pytest.raises(StoreUnavailable) as caught:
        store.acquire_serving_lock()
    assert "word" not in str(caught.value)


@pytest.mark.needs_postgres
def test_an_empty_database_is_not_migrated_by_itself(postgres_address: str) -> None:
    """It may be somebody else's: a person runs the command."""
    store = open_store(postgres_address)
    with closing(store), pytest.raises(StartRefused, match="seatrial migrate"):
        store.ready()


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(StartRefused, match=r"seatrial\[scale\]"):
        open_store("postgresql://localhost/x")
