"""Who serves from one PostgreSQL database: one process alone, or many that count together.

Two processes that each count for themselves would each grant the whole of every limit and
budget.  So a process that shares no counters holds the database's serving lock alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from seatrial.errors import StartRefused, StoreUnavailable
from seatrial.store.watchdog import Watchdog

SERVING: Final = 7_325_200_412  # key of the advisory lock
WAIT_S: Final = 3.0  # for one that is just stopping, or was killed a moment ago
LOOK_S: Final = 0.1


class ServingLock:
    """An advisory lock on a connection of its own; the server lets go of it when we die.

    Args:
        name: what people call the database.
        connect: opens a driver's connection outside of any transaction.
        cut: makes a call that waits on it fail.
        limit_s: for one call.
    """

    def __init__(
        self, name: str, connect: Callable[[], Any], cut: Callable[[Any], None], *, limit_s: float
    ) -> None:
        self._name = name
        self._connect = connect
        self._cut = cut
        self._limit_s = limit_s
        self._watchdog = Watchdog()
        self._driver: Any = None

    def take(self, *, alone: bool) -> None:
        """Hold the lock, alone or with others; once it is held, again is harmless.

        Raises:
            StartRefused: somebody holds it in a way that does not go with ours.
            StoreUnavailable: the server did not answer.
        """
        if self._driver is not None and not self._driver.closed:
            return
        driver = self._reach(self._connect)
        try:
            ends = time.monotonic() + WAIT_S
            while not self._try(driver, alone=alone):
                if time.monotonic() >= ends:
                    raise _refused(self._name, alone=alone)
                time.sleep(LOOK_S)
        except BaseException:
            driver.close()
            raise
        self._driver = driver

    def release(self) -> None:
        """Let go; harmless when nothing is held."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _try(self, driver: Any, *, alone: bool) -> bool:
        call = "pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared"
        token = self._watchdog.watch(self._limit_s, lambda: self._cut(driver))
        try:
            row = self._reach(lambda: driver.execute(f"SELECT {call}({SERVING})").fetchone())
        finally:
            self._watchdog.leave(token)
        return bool(row[0])

    def _reach(self, call: Callable[[], Any]) -> Any:
        import psycopg

        try:
            return call()
        except (psycopg.Error, OSError) as error:
            raise StoreUnavailable(
                f"The store {self._name} could not be locked.", why=" ".join(str(error).split())
            ) from error


def _refused(name: str, *, alone: bool) -> StartRefused:
    if alone:
        return StartRefused(
            f"Another Seatrial already serves from {name}.",
            why="Without shared counters each would grant the whole of every limit and budget.",
            fix='Write counters = "valkey://…" in [service] for all of them, or stop the other.',
        )
    return StartRefused(
        f"A Seatrial without shared counters already serves from {name}.",
        why="It would grant the whole of every limit and budget beside those that share.",
        fix="Stop it, and start it anew with the same counters in [service].",
    )
