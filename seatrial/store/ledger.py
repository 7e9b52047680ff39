"""The ledger: what was used and spent, by day, feature, key, user, target, purpose and release.

Booked in the transaction that adds the records, so that the two always agree; kept when records
are deleted.  Money is in 1e-12 dollars, a whole number.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.engine import Dialect

from seatrial.store.database import Database
from seatrial.store.tables import ledger as table
from seatrial.values.ledger import Booked, CostQuery
from seatrial.values.prices import pico_of
from seatrial.values.records import AttemptRecord, Record

# Rows per statement, as for records.
CHUNKS: Final = (64, 8, 1)
LABEL_CHARS: Final = 256
DAY_S: Final = 86_400.0

DIMENSIONS: Final = {
    "day": "day",
    "feature": "feature",
    "key": "key_id",
    "user": "user",
    "target": "target",
    "purpose": "purpose",
    "release": "release",
}
"""What costs can be told by, and the column of each."""

LABELS: Final = ("tenant", "day", "feature", "key_id", "user", "target", "purpose", "release")
TOKENS: Final = {
    "input_tokens": ("input_tokens", "input_audio_tokens", "input_image_tokens"),
    "cached_tokens": ("cached_tokens", "cached_audio_tokens", "cached_image_tokens"),
    "cache_write_tokens": ("cache_write_tokens", "cache_write_1h_tokens"),
    "output_tokens": ("output_tokens", "output_audio_tokens", "output_image_tokens"),
    "reasoning_tokens": ("reasoning_tokens",),
}
AMOUNTS: Final = ("requests", "attempts", "unpriced", *TOKENS, "cost_pico")
# So that a database's sum of whole numbers cannot overflow: 9 million dollars would.
SPLIT: Final = 1_000_000
# A row takes no more from here on (4.6 million dollars on one day, for one target and user): what
# a broken provider reports must not keep the records out.
FULL: Final = 1 << 62

# Where in the amounts of a row each class of tokens is added.
_PLACES: Final = {name: AMOUNTS.index(column) for column, names in TOKENS.items() for name in names}
_COST: Final = AMOUNTS.index("cost_pico")

Key = tuple[str, ...]


class SqlLedger:
    """`Ledger` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def costs(self, query: CostQuery) -> list[Booked]:
        """Return what was booked, by the dimensions asked for, in their order.

        Raises:
            StoreUnavailable: the store cannot be read.
            ValueError: there is no such dimension.
        """
        if unknown := [name for name in query.by if name not in DIMENSIONS]:
            raise ValueError(f"the ledger has no {unknown[0]!r}")
        with self._database.reading() as connection:
            rows = connection.execute(_totals(query)).all()
        width = len(query.by)
        return [_booked(tuple(row[:width]), row[width:]) for row in rows]


def book(connection: Connection, records: Iterable[Record]) -> None:
    """Add records, none of which was booked before, in the transaction that adds them."""
    rows = _sums(records)
    if not rows:
        return
    # In one order: two processes that book the same rows must not wait for each other.
    values = sorted((_id(key), *key, *amounts) for key, amounts in rows.items())
    start = 0
    for size in CHUNKS:
        while len(values) - start >= size:
            chunk = values[start : start + size]
            statement = _upsert(connection.dialect, size)
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(chunk)))
            start += size


def day_of(at: float) -> str:
    """Return the day of a wall-clock time, UTC.

    >>> day_of(0.0)
    '1970-01-01'
    """
    return _day(at // DAY_S)


@lru_cache(maxsize=64)
def _day(number: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(number * DAY_S))


def _sums(records: Iterable[Record]) -> dict[Key, list[int]]:
    """Return the amounts of each row that some records change."""
    rows: dict[Key, list[int]] = {}
    for record in records:
        day = day_of(record.started_at)
        _row(rows, record, day, record.target, "")[0] += 1
        for attempt in record.attempts:
            if attempt.sent:
                row = _row(rows, record, day, attempt.target, attempt.purpose)
                _add(row, attempt)
    return rows


def _row(
    rows: dict[Key, list[int]], record: Record, day: str, target: str, purpose: str
) -> list[int]:
    key: Key = (
        record.tenant,
        day,
        record.feature,
        record.key_id,
        record.user,
        target,
        purpose,
        record.release,
    )
    row = rows.get(key)
    if row is None:
        row = rows.setdefault(tuple([_label(each) for each in key]), [0] * len(AMOUNTS))
    return row


def _add(row: list[int], attempt: AttemptRecord) -> None:
    row[1] += 1
    if attempt.cost_usd is None:
        row[2] += 1
    else:
        row[_COST] = min(row[_COST] + pico_of(attempt.cost_usd), FULL)
    if attempt.usage:
        for name, count in attempt.usage.items():
            place = _PLACES.get(name)
            if place is not None:
                row[place] += count


def _label(text: str) -> str:
    """Return a label as the columns of records hold it."""
    return text[:LABEL_CHARS].replace("\0", "")


def _id(key: Key) -> str:
    """Return the row's name, which begins with its day: the rows of a day stand together."""
    digest = blake2b("\0".join(key).encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{key[1]} {digest.hexdigest()}"


@lru_cache(maxsize=16)
def _upsert(dialect: Dialect, rows: int) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    one = f"({', '.join([mark] * len(table.columns))})"
    more = ", ".join(
        f"{name} = CASE WHEN {table.name}.{name} < {FULL} "
        f"THEN {table.name}.{name} + excluded.{name} ELSE {table.name}.{name} END"
        for name in AMOUNTS
    )
    return (
        f"INSERT INTO {table.name} ({names}) VALUES {', '.join([one] * rows)} "  # noqa: S608 - names and marks only
        f"ON CONFLICT (id) DO UPDATE SET {more}"
    )


def _totals(query: CostQuery) -> Select[Any]:
    by = [table.c[DIMENSIONS[name]] for name in query.by]
    conditions: list[ColumnElement[bool]] = [table.c.tenant == query.tenant]
    conditions += [
        table.c[name] == _label(wanted)
        for name in ("feature", "key_id", "user", "target")
        if (wanted := getattr(query, name))
    ]
    # Ids begin with the day: the primary key finds a window of days.
    if query.since:
        conditions.append(table.c.id >= query.since)
    if query.until:
        conditions.append(table.c.id < query.until)
    cost = table.c.cost_pico
    sums = [func.sum(table.c[name]) for name in AMOUNTS if name != "cost_pico"]
    sums += [func.sum(cost // SPLIT), func.sum(cost % SPLIT)]
    return select(*by, *sums).where(*conditions).group_by(*by).order_by(*by)


def _booked(names: tuple[str, ...], amounts: Sequence[int | Decimal | None]) -> Booked:
    *counts, high, low = [int(each or 0) for each in amounts]
    return Booked(names, **dict(zip(AMOUNTS, [*counts, high * SPLIT + low], strict=True)))
