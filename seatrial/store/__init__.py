"""What is durable: SQLite on one machine, PostgreSQL on many, and a local journal before both.

Importing this room loads no database library; `open_store` does.
"""

from seatrial.store.journal import FileJournal
from seatrial.store.opening import DurableStore, open_store

__all__ = [
    "DurableStore",
    "FileJournal",
    "database",
    "deliveries",
    "idempotency",
    "indexes",
    "items",
    "journal",
    "keys",
    "ledger",
    "locks",
    "migrations",
    "open_store",
    "opening",
    "outcomes",
    "people",
    "postgresql",
    "proofs",
    "records",
    "releases",
    "reviews",
    "schema",
    "segments",
    "serving",
    "sqlite",
    "tables",
    "turns",
    "watchdog",
]
