"""One database: transactions that end in time, and errors that explain themselves.

Knows no table.  SQLite and PostgreSQL differ in what they hand to `Database`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

from seatrial.errors import StoreUnavailable
from seatrial.store.turns import Turns
from seatrial.store.watchdog import Watchdog

MIGRATE = "Run `seatrial migrate`, which brings the store's schema up to date."
NO_TABLE = ("no such table", "no such column", "does not exist", "has no column named")


@dataclass(frozen=True, slots=True)
class Database:
    """Reading and writing with limits of time.

    Args:
        name: what people call it: its address without the password.
        write: at most one connection on SQLite.
        read: connections that only read.
        interrupt: makes a call that another thread waits in fail; gets the driver's connection.
        prepare: told before each writing transaction whether it must be synced to disk, and
            its own limit of time if it has one.
        writers, readers: who comes next to the connections of `write` and `read`.
        limit_s: for one transaction, in seconds.
        watchdog: ends transactions that outstay it.
    """

    name: str
    write: Engine
    read: Engine
    interrupt: Callable[[Any], None]
    prepare: Callable[[Connection, bool, float | None], None]
    writers: Turns
    readers: Turns
    limit_s: float = 5.0
    watchdog: Watchdog = field(default_factory=Watchdog)

    @contextmanager
    def writing(self, *, sync: bool, limit_s: float | None = None) -> Iterator[Connection]:
        """Open a transaction that writes; with `sync` its commit reaches the disk.

        Raises:
            StoreUnavailable: it was not committed; the same may succeed later.
            ValueError: it can never succeed with this data.
        """
        with (
            self._explained(),
            self.writers.taken(),
            self.write.connect() as connection,
            self._limit(connection, limit_s),
        ):
            self.prepare(connection, sync, limit_s)
            with connection.begin():
                yield connection

    @contextmanager
    def reading(self, *, limit_s: float | None = None) -> Iterator[Connection]:
        """Open a transaction that reads; raise StoreUnavailable when that fails."""
        with (
            self._explained(),
            self.readers.taken(),
            self.read.connect() as connection,
            self._limit(connection, limit_s),
        ):
            yield connection

    def close(self) -> None:
        """Give back connections that nobody is using."""
        self.read.dispose()
        self.write.dispose()

    @contextmanager
    def _limit(self, connection: Connection, limit_s: float | None) -> Iterator[None]:
        seconds = self.limit_s if limit_s is None else limit_s
        driver = connection.connection.dbapi_connection
        late = False

        def stop() -> None:
            nonlocal late
            late = True
            self.interrupt(driver)

        token = self.watchdog.watch(seconds, stop)
        try:
            yield
        except SQLAlchemyError as error:
            if late:
                raise StoreUnavailable(
                    f"The store {self.name} did not answer in time.",
                    why=f"A call was stopped after {seconds:g} s.",
                    fix="Look at the load and the disk of the store's machine.",
                ) from error
            raise
        finally:
            self.watchdog.leave(token)
            if late:
                connection.invalidate()  # stopped at the last moment, it may be cut

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise ValueError(f"The store {self.name} cannot hold this: {error.orig}") from error
        except SQLAlchemyError as error:
            reason = _reason(error)
            if isinstance(error, StatementError) and isinstance(
                error.orig, ValueError | OverflowError
            ):
                raise ValueError(f"The store {self.name} cannot hold this: {reason}") from error
            unknown = any(sign in reason for sign in NO_TABLE)
            raise StoreUnavailable(
                f"The store {self.name} did not do what it was asked.",
                why=reason,
                fix=MIGRATE if unknown else "",
            ) from error
        except OverflowError as error:
            raise ValueError(f"The store {self.name} cannot hold this: {error}") from error


def insert_into(connection: Connection, table: Table) -> Any:
    """Return the insert of the connection's dialect, which can tell what to do with known rows.

    The other dialect is not loaded, for it costs a server's start a tenth of its time.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).execution_options(preserve_rowcount=True)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).execution_options(preserve_rowcount=True)


def _reason(error: SQLAlchemyError) -> str:
    """Return the driver's own words; SQLAlchemy's would quote the statement."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())
