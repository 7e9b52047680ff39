"""The store of many machines: PostgreSQL through psycopg."""

from __future__ import annotations

import os
import socket
import time
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import DisconnectionError

from seatrial.errors import StartRefused
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
from seatrial.store.outcomes import SqlOutcomes
from seatrial.store.people import SqlPeople
from seatrial.store.proofs import SqlProofs
from seatrial.store.records import SqlRecords
from seatrial.store.releases import SqlReleases
from seatrial.store.reviews import SqlReviews
from seatrial.store.serving import ServingLock
from seatrial.store.turns import Turns
from seatrial.store.watchdog import Watchdog

CONNECT_S: Final = 3
SILENCE_MS: Final = 5_000  # unacknowledged bytes for so long mean that the server is gone
POOL: Final = 5
POOL_S: Final = 2.0  # how long a call waits for a connection
PING_AFTER_S: Final = 5.0  # a connection idle for longer is tried before it is used
MIGRATING: Final = 7_325_200_411  # key of the advisory lock: one migration at a time

_pings = Watchdog()


class PostgresStore:
    """A `Store` in a PostgreSQL database.

    Args:
        url: with user, password, host and database; the password is never shown.
        limit_s: for one transaction, in seconds.

    Raises:
        StartRefused: psycopg is not installed.
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

    def __init__(self, url: URL, *, limit_s: float = 5.0) -> None:
        try:
            import psycopg  # noqa: F401 - only to say kindly that it is missing
        except ImportError as error:
            raise StartRefused(
                "A postgresql:// store needs psycopg, which is not installed.",
                fix="Install it with: pip install 'seatrial[scale]'",
            ) from error
        self.name = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={
                "connect_timeout": CONNECT_S,
                "tcp_user_timeout": SILENCE_MS,
                "keepalives_idle": 10,
                "keepalives_interval": 3,
                "keepalives_count": 3,
                "application_name": "seatrial",
                # The server's limits come first; `Database` cuts the wire if it does not keep them.
                "options": f"-c statement_timeout={int(limit_s * 900)} -c lock_timeout=2000",
            },
            pool_size=POOL,
            max_overflow=0,
            pool_timeout=POOL_S,
            hide_parameters=True,
        )
        event.listen(engine, "checkout", _checkout)
        event.listen(engine, "checkin", _checkin)
        turns = Turns(POOL, limit_s=POOL_S, name=self.name)
        self._database = Database(
            self.name,
            engine,
            engine,
            interrupt=_cut,
            prepare=_prepare,
            writers=turns,
            readers=turns,
            limit_s=limit_s,
        )
        self._url = url
        self._serving = ServingLock(self.name, self._connect, _cut, limit_s=limit_s)
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
        return f"PostgresStore({self.name!r})"

    def ready(self) -> None:
        """Return if the schema is the one we know; raise StoreUnavailable or StartRefused."""
        with self._database.reading() as connection:
            found = schema.revision_of(connection)
        schema.check(found, name=self.name)

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the revisions applied."""
        with self._database.writing(sync=True, limit_s=3_600) as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            return schema.upgrade(connection)

    def acquire_serving_lock(self, *, alone: bool = True) -> None:
        """Serve from this database until `close` or death: alone, or with others that share.

        Raises:
            StartRefused: others serve from it who do not share counters with us.
            StoreUnavailable: the server did not answer.
        """
        self._serving.take(alone=alone)

    def close(self) -> None:
        """Give back connections and the serving lock."""
        self._database.close()
        self._serving.release()

    def _connect(self) -> Any:
        import psycopg

        url = self._url.set(drivername="postgresql")
        return psycopg.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="seatrial serving",
            keepalives_idle=10,
            keepalives_interval=3,
            keepalives_count=3,
        )


def _cut(driver: Any) -> None:
    """Shut the connection's socket down, so that a call waiting on a hung server fails."""
    with socket.socket(fileno=os.dup(driver.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _prepare(connection: Connection, sync: bool, limit_s: float | None) -> None:
    """Note whether the commit must wait for the disk; told to the server in the transaction."""
    connection.info["sync"] = sync
    if not event.contains(connection, "begin", _tell):
        event.listen(connection, "begin", _tell)


def _tell(connection: Connection) -> None:
    # A synced commit also brings every earlier one to disk.
    if connection.info.get("sync"):
        connection.exec_driver_sql(
            "SELECT set_config('synchronous_commit', 'on', true) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    else:
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


def _checkin(driver: Any, entry: Any) -> None:
    entry.info["idle_since"] = time.monotonic()


def _checkout(driver: Any, entry: Any, proxy: Any) -> None:
    """Try a connection that idled: after a restart of the server the pool holds dead ones."""
    since = entry.info.get("idle_since")
    if since is None or time.monotonic() - since < PING_AFTER_S:
        return
    # A hung server must not hang us here either, before any limit of time has begun.
    token = _pings.watch(CONNECT_S, lambda: _cut(driver))
    try:
        driver.execute("SELECT 1")
        driver.rollback()
    except Exception as error:
        raise DisconnectionError from error
    finally:
        _pings.leave(token)
