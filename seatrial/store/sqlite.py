"""The store of one machine: a SQLite file in WAL mode with one writing connection."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect

from seatrial.errors import StartRefused, StoreUnavailable
from seatrial.ports import (
    Deliveries,
    Idempotency,
    Keys,
    Ledger,
    Outcomes,
    People,
    Proofs,
    Records,
    Releases,
    Reviews,
)
from seatrial.store import schema
from seatrial.store.database import Database
from seatrial.store.deliveries import SqlDeliveries
from seatrial.store.idempotency import SqlIdempotency
from seatrial.store.keys import SqlKeys
from seatrial.store.ledger import SqlLedger
from seatrial.store.locks import FileLock
from seatrial.store.outcomes import SqlOutcomes
from seatrial.store.people import SqlPeople
from seatrial.store.proofs import SqlProofs
from seatrial.store.records import SqlRecords
from seatrial.store.releases import SqlReleases
from seatrial.store.reviews import SqlReviews
from seatrial.store.turns import Turns

BUSY_S: Final = 2.0  # how long a call waits for another process that writes
START_S: Final = 30.0  # how long a first start waits for others that make the same file
AGAIN_S: Final = 0.01  # between two tries of what SQLite itself does not wait for
READERS: Final = 4
PAGE_BYTES: Final = 16 << 10
CHECKPOINT_BYTES: Final = 16 << 20  # of the write-ahead log, before it is worked into the file
BUSY: Final = 5  # SQLite's code for "somebody else holds the lock"
# Older ones can corrupt a WAL database when two connections write at the same moment.
SOUND: Final = (3, 51, 3)

_log = logging.getLogger("seatrial.store")


class SqliteStore:
    """A `Store` in one SQLite file.

    Args:
        path: the file; made by `ready` or `migrate` when it is missing.
        limit_s: for one transaction, in seconds.
    """

    records: Records
    keys: Keys
    releases: Releases
    ledger: Ledger
    idempotency: Idempotency
    reviews: Reviews
    outcomes: Outcomes
    proofs: Proofs
    people: People
    deliveries: Deliveries

    def __init__(self, path: Path, *, limit_s: float = 5.0) -> None:
        self.path = path
        self.name = f"sqlite:{path}"
        self.limit_s = limit_s
        self._lock = FileLock(path.with_name(path.name + ".serving"))
        self._database = Database(
            self.name,
            write=_engine(path, writes=True),
            read=_engine(path, writes=False),
            interrupt=lambda driver: driver.interrupt(),
            prepare=_prepare,
            writers=Turns(1, limit_s=BUSY_S, name=self.name),
            readers=Turns(READERS, limit_s=BUSY_S, name=self.name),
            limit_s=limit_s,
        )
        self.records = SqlRecords(self._database)
        self.keys = SqlKeys(self._database)
        self.releases = SqlReleases(self._database)
        self.ledger = SqlLedger(self._database)
        self.idempotency = SqlIdempotency(self._database)
        self.reviews = SqlReviews(self._database)
        self.outcomes = SqlOutcomes(self._database)
        self.proofs = SqlProofs(self._database)
        self.people = SqlPeople(self._database)
        self.deliveries = SqlDeliveries(self._database)

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r})"

    def ready(self) -> None:
        """Return if the schema is the one we know.

        A file that is missing, or empty of tables, is made: nothing can be lost by that.

        Raises:
            StoreUnavailable: the file could not be read or made.
            StartRefused: its schema is older or newer than ours.
        """
        if not self._is_new():
            found, empty = self._look()
            if not empty:
                schema.check(found, name=self.name)
                return
        self._make_file()
        with self._database.writing(sync=True, limit_s=START_S) as connection:
            schema.create(connection)

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the revisions applied."""
        self._make_file()
        with self._database.writing(sync=True, limit_s=3_600) as connection:
            return schema.upgrade(connection)

    def acquire_serving_lock(self, *, alone: bool = True) -> None:
        """Be the one process that serves from this file, until `close` or death.

        Raises:
            StartRefused: another process serves from it.
            StoreUnavailable: the lock's file cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            taken = self._lock.take()
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.name} could not be locked.", why=str(error)
            ) from error
        if not taken:
            raise StartRefused(
                f"Another Seatrial already serves from {self.name}.",
                why="One SQLite file is served by one process.",
                fix="Stop the other one, name another file, or use a postgresql:// store.",
            )

    def close(self) -> None:
        """Give back connections and the serving lock."""
        self._database.close()
        self._lock.release()

    def _look(self) -> tuple[str, bool]:
        """Return the schema's revision, and whether there is no table at all."""
        with self._database.reading(limit_s=START_S) as connection:
            # Whoever stops just now keeps the file until its log is worked into it.
            connection.exec_driver_sql(_patience(START_S))
            try:
                found = schema.revision_of(connection)
                # A first start that died in the middle leaves a file without tables.
                return found, not found and not inspect(connection).get_table_names()
            finally:
                connection.exec_driver_sql(_patience(BUSY_S))

    def _make_file(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Callers' texts are in it: only its owner may read it.  The log beside it follows.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.name} could not be made.",
                why=str(error),
                fix="Name a file in a folder that this user may write to.",
            ) from error

    def _is_new(self) -> bool:
        try:
            return self.path.stat().st_size == 0
        except FileNotFoundError:
            return True
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.name} could not be looked at.", why=str(error)
            ) from error


@cache
def _module() -> ModuleType:
    """Return the newest SQLite at hand; warn once when it has a known flaw."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        from sqlite3 import dbapi2
    module: ModuleType = dbapi2
    if module.sqlite_version_info < SOUND:
        _log.warning(
            "SQLite %s is older than 3.51.3 and can, very rarely, damage a database that two "
            "connections write at once. Install pysqlite3 or a newer SQLite.",
            module.sqlite_version,
        )
    return module


def _engine(path: Path, *, writes: bool) -> Engine:
    module = _module()
    engine = create_engine(
        "sqlite://",
        module=module,
        creator=_connector(module, path, writes=writes),
        poolclass=QueuePool,
        # One writing connection per process: writers wait for each other here, not in SQLite.
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=BUSY_S,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin_writing if writes else _begin_reading)
    return engine


def _connector(module: ModuleType, path: Path, *, writes: bool) -> Callable[[], Any]:
    def connect() -> Any:
        # No isolation level: transactions are begun by us alone, see `_begin_writing`.
        connection = module.connect(
            str(path), timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            if writes:
                # Only a new file takes this.  Large pages save a sixth of the CPU per record;
                # still larger ones would be written whole, at every commit, for every index.
                connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
                _switch_to_wal(connection)
                connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_BYTES // PAGE_BYTES}")
                connection.execute("PRAGMA journal_size_limit=67108864")
                connection.execute("PRAGMA cache_size=-4096")
            else:
                # Only the writing connection checkpoints.
                connection.execute("PRAGMA wal_autocheckpoint=0")
                connection.execute("PRAGMA query_only=1")
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def _switch_to_wal(driver: Any) -> None:
    """Have a write-ahead log, now and ever after; a file that has one is only read.

    A new file is read before its lock is taken.  Where two do this at once SQLite refuses one
    of them straight away, whatever its patience: waiting for each other would never end.
    """
    deadline = time.monotonic() + START_S
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL")
        except _module().OperationalError as error:
            if error.sqlite_errorcode & 0xFF != BUSY or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_S)
        else:
            return


def _begin_writing(connection: Connection) -> None:
    # Take the write lock first: a lock taken later could not be waited for.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare(connection: Connection, sync: bool, limit_s: float | None) -> None:
    """Set whether the next commit waits for the disk, and how long it waits for others.

    A synced commit covers all before it.  What may take long may also wait for its like.
    """
    wanted = ("FULL" if sync else "NORMAL", BUSY_S if limit_s is None else limit_s)
    pooled = connection.connection
    if pooled.info.get("prepared") != wanted:
        driver = pooled.dbapi_connection
        if driver is not None:
            driver.execute(f"PRAGMA synchronous={wanted[0]}")
            driver.execute(_patience(wanted[1]))
            pooled.info["prepared"] = wanted


def _patience(seconds: float) -> str:
    return f"PRAGMA busy_timeout={int(seconds * 1_000)}"
