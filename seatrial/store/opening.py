"""From an address to a store, without connecting."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from seatrial.errors import Misuse
from seatrial.ports import Store


class DurableStore(Store, Protocol):
    """A `Store` that can also be served from."""

    name: str
    """What people call it: its address without the password."""

    def acquire_serving_lock(self, *, alone: bool = True) -> None:
        """Be one that serves: from a SQLite file always alone, from PostgreSQL also with others.

        Args:
            alone: whether this process shares its counters with no other.
        """


def open_store(url: str, *, folder: Path | None = None, limit_s: float = 5.0) -> DurableStore:
    """Return the store at `url` without connecting.

    Args:
        url: `sqlite:seatrial.db`, `sqlite:/var/lib/seatrial.db`, SQLAlchemy's `sqlite:///` forms,
            or `postgresql://user:password@host/database`.
        folder: where a relative SQLite path begins; the current one when None.
        limit_s: for one transaction, in seconds.

    Raises:
        Misuse: the address is none of these.
        StartRefused: a library that it needs is missing.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        path = _path(rest)
        from seatrial.store.sqlite import SqliteStore

        return SqliteStore((folder or Path()) / path, limit_s=limit_s)
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        from seatrial.store.postgresql import PostgresStore

        try:
            address = make_url(f"postgresql:{rest}")
        except (ArgumentError, ValueError):
            # No cause is kept: its words would hold the password.
            raise Misuse(
                "The store's address is not a PostgreSQL address.",
                fix="Write postgresql://user:password@host:5432/database",
            ) from None
        return PostgresStore(address, limit_s=limit_s)
    raise Misuse(
        f"No store is known for addresses that begin with {scheme!r}.",
        fix="Write sqlite:seatrial.db or postgresql://user:password@host/database",
    )


def _path(rest: str) -> str:
    """Return the file of a SQLite address, in our short form or in SQLAlchemy's."""
    path = rest.removeprefix("///")
    if not path or path.startswith("//") or ":memory:" in path:
        raise Misuse(
            "The store's address names no file.",
            why="Records must survive the process.",
            fix="Write sqlite:seatrial.db",
        )
    return path
