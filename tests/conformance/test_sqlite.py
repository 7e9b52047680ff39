"""What is SQLite's own: one file, one serving process, locks, and death in a migration."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from seatrial.errors import Misuse, StartRefused, StoreUnavailable
from seatrial.ports import RecordQuery, Sealed
from seatrial.store import open_store, sqlite
from seatrial.store.sqlite import SqliteStore
from seatrial.values.records import Record
from seatrial.values.sealing import seal


def sealed(number: int) -> Sealed:
    """Make the sealed record of that number."""
    record = Record(f"rec_{number:08d}", "support", float(number), "answer")
    return Sealed(record, seal(record))


def shape_of(store: SqliteStore) -> set[tuple[object, ...]]:
    """Return what the database says of its tables and indexes, and its revision."""
    with store._database.reading() as connection:
        told = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        things = {(*row[:3], "".join(str(row[3]).split())) for row in told}
        return things | {tuple(row) for row in revision}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the store's file will be."""
    return tmp_path / "seatrial.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """Open a store on a fresh file."""
    opened = SqliteStore(path)
    opened.ready()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:seatrial.db", "base/seatrial.db"),
        ("sqlite:data/seatrial.db", "base/data/seatrial.db"),
        ("sqlite:/var/lib/s.db", "/var/lib/s.db"),
        ("sqlite:///seatrial.db", "base/seatrial.db"),
        ("sqlite:////var/lib/s.db", "/var/lib/s.db"),
    ],
)
def test_address_names_a_file(url: str, expected: str) -> None:
    """In our short form and in SQLAlchemy's; a relative one begins at the folder."""
    store = open_store(url, folder=Path("base"))

    assert f"SqliteStore({expected!r})" == repr(store)
    assert f"sqlite:{expected}" == store.name


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite::memory:", "mysql://x/y", "x"])
def test_address_of_nothing_durable_is_refused(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(Misuse, match="sqlite:seatrial"):
        open_store(url)


def test_ready_makes_a_missing_file(tmp_path: Path) -> None:
    """Its folder too; an empty file is as good as none."""
    path = tmp_path / "new" / "folder" / "seatrial.db"
    for _ in range(2):
        with closing(SqliteStore(path)) as store:
            store.ready()
            assert 1 == store.records.add([sealed(1)])
        path.write_bytes(b"")


def test_a_new_file_is_what_the_revisions_make(tmp_path: Path) -> None:
    """A first start makes at once what `migrate` makes step by step."""
    made = SqliteStore(tmp_path / "made.db")
    migrated = SqliteStore(tmp_path / "migrated.db")
    with closing(made), closing(migrated):
        made.ready()
        migrated.migrate()
        assert shape_of(migrated) == shape_of(made)
        assert [] == made.migrate()


def test_two_first_starts_make_one_schema(path: Path) -> None:
    """Both find the file missing; who comes second leaves what the other has made."""
    with closing(SqliteStore(path)) as first, closing(SqliteStore(path)) as second:
        second._is_new = lambda: True  # type: ignore[method-assign]
        first.ready()
        first.records.add([sealed(1)])
        second.ready()
        assert 0 == second.records.add([sealed(1)])


WITHOUT_LOG = ("BEGIN IMMEDIATE",)
WITH_LOG = ("PRAGMA journal_mode=WAL", "BEGIN IMMEDIATE")
ALONE = ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN IMMEDIATE", "CREATE TABLE x (y)")


@contextmanager
def held(path: Path, words: tuple[str, ...], *, for_s: float) -> Iterator[None]:
    """Let somebody else hold the file by these words, and let it go after a while."""
    holder = sqlite._module().connect(path, isolation_level=None, check_same_thread=False)
    for each in words:
        holder.execute(each)
    end = threading.Timer(for_s, holder.close)
    end.start()
    try:
        yield
    finally:
        end.cancel()
        end.join()
        holder.close()


@pytest.mark.parametrize("words", [WITHOUT_LOG, WITH_LOG], ids=["switching", "writing"])
@pytest.mark.parametrize("start", [SqliteStore.ready, SqliteStore.migrate])
def test_a_first_start_waits_for_others(
    path: Path,
    start: Callable[[SqliteStore], object],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where SQLite refuses at once, and for longer than a call would wait."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    with closing(SqliteStore(path)) as store, held(path, words, for_s=0.4):
        start(store)
        assert 1 == store.records.add([sealed(1)])


def test_a_later_start_waits_for_who_stops(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Working the log into the file takes it whole, and a slow disk takes its time."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    with closing(SqliteStore(path)) as first:
        first.ready()
    with closing(SqliteStore(path)) as store, held(path, ALONE, for_s=0.4):
        store.ready()
        assert 50 == patience(store._database.read), "calls are as impatient as before"


def patience(engine: Engine) -> object:
    """Return how long a connection waits for a lock, in milliseconds."""
    with engine.connect() as connection:
        return connection.exec_driver_sql("PRAGMA busy_timeout").scalar()


def test_a_start_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who never lets go is told of."""
    monkeypatch.setattr(sqlite, "START_S", 0.1)
    with (
        closing(SqliteStore(path)) as store,
        held(path, WITHOUT_LOG, for_s=60),
        pytest.raises(StoreUnavailable) as caught,
    ):
        store.ready()

    assert "locked" in str(caught.value.why)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Records hold callers' texts: the file and what SQLite keeps beside it are private."""
    store = SqliteStore(tmp_path / "seatrial.db")
    with closing(store):
        store.ready()
        store.records.add([sealed(1)])
        kept = [*tmp_path.iterdir()]
        assert {0o600} == {file.stat().st_mode & 0o777 for file in kept}


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    """The message says what it is; not a byte of it changes."""
    path.write_text("Dear diary, " * 100)
    with (
        closing(SqliteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="not a database"),
    ):
        store.ready()

    assert path.read_text().startswith("Dear diary")


def test_tables_of_somebody_else_are_left_alone(path: Path) -> None:
    """A database without our schema is not made ours by itself."""
    with closing(sqlite._module().connect(path)) as other:
        other.execute("CREATE TABLE diary (entry TEXT)")
    with (
        closing(SqliteStore(path)) as store,
        pytest.raises(StartRefused, match="no tables of Seatrial"),
    ):
        store.ready()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    with (
        closing(SqliteStore(tmp_path / "taken" / "x.db")) as store,
        pytest.raises(StoreUnavailable),
    ):
        store.ready()


def test_one_process_serves(path: Path, store: SqliteStore) -> None:
    """The second is refused kindly, commands beside it work, and its end frees the file."""
    store.acquire_serving_lock()
    store.acquire_serving_lock()  # whoever has it keeps it
    other = SqliteStore(path)
    with pytest.raises(StartRefused, match="postgresql://"):
        other.acquire_serving_lock()
    assert 1 == other.records.add([sealed(1)])

    store.close()
    other.acquire_serving_lock()
    other.close()


def test_death_frees_the_serving_lock(path: Path, store: SqliteStore) -> None:
    """After kill -9 the next process may serve at once."""
    program = (
        "import sys, time; from seatrial.store import open_store\n"
        "open_store('sqlite:' + sys.argv[1]).acquire_serving_lock(); print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        with pytest.raises(StartRefused):
            store.acquire_serving_lock()
        holder.kill()
        holder.wait(10)

    store.acquire_serving_lock()


def test_one_connection_writes(store: SqliteStore) -> None:
    """A second writer of this process waits for the first, not for SQLite's lock."""
    with store._database.writing(sync=False):
        with pytest.raises(StoreUnavailable, match="connections were in use"):
            store.records.add([sealed(1)])
        assert [] == store.records.find(RecordQuery())


def test_a_locked_file_is_waited_for_briefly(path: Path, store: SqliteStore) -> None:
    """Another process writes for longer than our patience: the call ends, the next succeeds."""
    module = sqlite._module()
    with closing(module.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="locked"):
            store.records.add([sealed(1)])
        assert time.monotonic() - began < sqlite.BUSY_S + 2
        assert [] == store.records.find(RecordQuery()), "reading does not wait for writers"
        holder.execute("ROLLBACK")

    assert 1 == store.records.add([sealed(1)])


def test_a_full_disk_is_said_and_survived(store: SqliteStore) -> None:
    """Nothing of the batch is there; once there is room it goes in whole."""
    batch = [sealed(number) for number in range(2_000)]
    with store._database.write.connect() as connection:
        driver = connection.connection.dbapi_connection
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count={pages + 3}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.records.add(batch)
    assert 0 == store.records.count(RecordQuery())

    with store._database.write.connect() as connection:
        connection.connection.dbapi_connection.execute("PRAGMA max_page_count=1000000")
    assert 2_000 == store.records.add(batch)


def test_synced_commits_are_synced(store: SqliteStore) -> None:
    """`sync` decides how SQLite treats the disk, transaction by transaction."""
    for sync, expected in ((True, 2), (False, 1), (True, 2)):
        with store._database.writing(sync=sync) as connection:
            assert expected == connection.exec_driver_sql("PRAGMA synchronous").scalar()


def test_the_write_ahead_log_stays_small(path: Path, store: SqliteStore) -> None:
    """The writing connection works it into the file as it grows."""
    text = "x" * 1_000
    for start in range(0, 30_000, 500):
        store.records.add(
            [
                Sealed(record, seal(record))
                for record in (
                    Record(f"rec_{n:08d}", "f", 1.0, "answer", output={"text": text})
                    for n in range(start, start + 500)
                )
            ]
        )

    assert path.with_name("seatrial.db-wal").stat().st_size < 4 * sqlite.CHECKPOINT_BYTES


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"feature": "f"},
        {"release": "r"},
        {"target": "t"},
        {"decision": "refused"},
        {"cause": "server_error"},
        {"key_id": "k"},
        {"user": "u"},
        {"session": "s"},
        {"since": 1.0, "until": 2.0},
        {"before": "rec_5"},
    ],
    ids=str,
)
def test_every_list_is_read_from_an_index(store: SqliteStore, filters: dict[str, object]) -> None:
    """No filter sorts the table or reads it whole."""
    from seatrial.store.records import _matching

    query = RecordQuery(**filters)  # type: ignore[arg-type]
    compiled = _matching(query).limit(50).compile(store._database.read)
    values = tuple(compiled.params[name] for name in compiled.positiontup or ())
    with store._database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
    steps = " ".join(str(row[-1]) for row in plan)

    assert "USING" in steps, steps
    assert "INDEX record_" in steps, steps
    assert "TEMP B-TREE" not in steps, steps


def test_kill_9_in_a_migration_leaves_the_next_run_to_do_it(tmp_path: Path) -> None:
    """At statement after statement of it: nothing half done, and the next run completes."""
    program = (
        "import os, signal, sys; import alembic.command; from sqlalchemy import event\n"
        "from pathlib import Path; from seatrial.store.sqlite import SqliteStore\n"
        "def migrate(nth):\n"
        "    store = SqliteStore(Path(sys.argv[1]) / f'{nth}.db'); left = [nth]\n"
        "    def count(*_):\n"
        "        left[0] -= 1\n"
        "        if left[0] < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    event.listen(store._database.write, 'after_cursor_execute', count)\n"
        "    store.migrate()\n"
        "for nth in [*range(3), *range(3, 100, 5)]:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        migrate(nth)\n"
        "        os._exit(0)\n"
        "    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "    print(nth, ended)\n"
        "    if not ended: break\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, timeout=100, check=True
    )
    ends = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    for nth, _ in ends:
        with closing(SqliteStore(tmp_path / f"{nth}.db")) as store:
            store.ready()
            assert 1 == store.records.add([sealed(1)])

    *killed, (last, whole) = ends
    assert last > 10
    assert 0 == whole, "the migration never ended"
    assert {-signal.SIGKILL} == {end for _, end in killed}


def test_an_old_sqlite_is_warned_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The known flaw of versions before 3.51.3 is named, with what to install."""
    monkeypatch.setattr(sqlite, "SOUND", (99, 0, 0))
    sqlite._module.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            sqlite._module()
            sqlite._module()
    finally:
        sqlite._module.cache_clear()

    assert 1 == sum("pysqlite3" in each.message for each in caplog.records)
