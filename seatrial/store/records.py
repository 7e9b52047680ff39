"""Records in a database: written in batches, found by what lists filter by."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine import Dialect

from seatrial.ports import RecordQuery, Sealed
from seatrial.store.database import Database
from seatrial.store.items import IS_OPEN, ask_people, forget
from seatrial.store.ledger import book
from seatrial.store.outcomes import forget_texts, give_up_before
from seatrial.store.tables import record as table
from seatrial.store.tables import review
from seatrial.values.chat import content_text
from seatrial.values.records import Record
from seatrial.values.sealing import unseal

PACK_BYTES: Final = 16 << 10  # blobs from here on are deflated
LABEL_CHARS: Final = 256  # of an indexed column; PostgreSQL refuses index rows beyond 2.7 kB
SEARCH_WINDOW: Final = 20_000  # newest records, of those that the other filters leave
SEARCH_S: Final = 10.0  # a search that takes longer ends with what it has
PAGE: Final = 500  # records read at once by a search
MAX_LIMIT: Final = 1_000
# Rows per statement: one call into the database for many rows lets other threads run meanwhile.
CHUNKS: Final = (128, 16, 1)
# Python's SQLite takes numbers, texts and bytearrays as they are; for everything else, None and
# bytes too, it looks for an adapter first, which costs more than all the rest of a row.
ABSENT: Final = -1.0

NOTHING: Final[ColumnElement[str]] = literal_column(
    "''"
)  # literal, so that partial indexes are seen to apply


class SqlRecords:
    """`Records` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Sequence[Sealed], *, sync: bool = False) -> int:
        """Add those not there yet, by id; return how many were new.

        What they cost is booked and what they ask of people is made in the same transaction.

        Raises:
            StoreUnavailable: none was added; the same may succeed later.
            ValueError: none was added; one of them can never be.
        """
        try:
            with self._database.writing(sync=sync) as connection:
                _insert(connection, batch)
                records = [sealed.record for sealed in batch]
                book(connection, records)
                ask_people(connection, records)
            return len(batch)
        except _KnownAlreadyError:
            # Rare: a batch whose commit was not heard of.  Which ones are new must be known, or
            # their cost would be booked twice.
            with self._database.writing(sync=sync) as connection:
                new = [sealed.record for sealed in batch if _insert_one(connection, sealed)]
                book(connection, new)
                ask_people(connection, new)
            return len(new)

    def get(self, id: str, *, tenant: str) -> Record | None:
        """Return one record."""
        found = select(table.c.blob).where(table.c.id == id, table.c.tenant == tenant)
        with self._database.reading() as connection:
            blob = connection.execute(found).scalar_one_or_none()
        return _unpack(id, blob) if blob is not None else None

    def find(self, query: RecordQuery) -> list[Record]:
        """Return matching records, newest first.

        A text is looked for, in any case, in the newest 20,000 records that match otherwise.
        """
        limit = max(0, min(query.limit, MAX_LIMIT))
        if query.text:
            return list(islice(self._search(query), limit))
        return self._page(query, limit)

    def count(self, query: RecordQuery, *, cap: int = 10_000) -> int:
        """Return how many match, counted up to `cap`; of a text, as in `find`."""
        if query.text:
            return sum(1 for _ in islice(self._search(query), cap))
        ids = _matching(query).limit(cap).subquery()
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(ids)).scalar_one()

    def _page(self, query: RecordQuery, limit: int) -> list[Record]:
        ids = _matching(query).limit(limit).subquery()
        rows = (
            select(table.c.id, table.c.blob)
            .join(ids, table.c.id == ids.c.id)
            .order_by(table.c.id.desc())
        )
        with self._database.reading() as connection:
            return [_unpack(row.id, row.blob) for row in connection.execute(rows)]

    def _search(self, query: RecordQuery) -> Iterator[Record]:
        """Yield the records that hold the text, reading them newest first.

        Texts stand in the records alone, not in a column beside them: that would cost each
        request what a search costs now and then, and keep personal data twice.
        """
        wanted = query.text.casefold()
        ends_at = time.monotonic() + SEARCH_S
        for _ in range(SEARCH_WINDOW // PAGE):
            page = self._page(query, PAGE)
            yield from (record for record in page if wanted in _words(record))
            if len(page) < PAGE or time.monotonic() > ends_at:
                return
            query = msgspec.structs.replace(query, before=page[-1].id)

    def cached(self, *, feature: str, limit: int) -> list[Record]:
        """Return the newest records that may serve the cache, newest first."""
        rows = (
            select(table.c.id, table.c.blob)
            .where(table.c.feature == feature, table.c.cache_key != NOTHING)
            .order_by(table.c.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_unpack(row.id, row.blob) for row in connection.execute(rows)]

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        """Delete up to `limit` of the oldest records started before `cutoff`; return how many.

        A record that people have yet to look at stays.  What they said of a record, and free
        words about it, go with it; outcomes, labels and the books keep the figures.
        """
        waits = exists().where(review.c.id == table.c.id, IS_OPEN)
        oldest = (
            select(table.c.id)
            .where(table.c.started_at < cutoff, ~waits)
            .order_by(table.c.started_at)
            .limit(limit)
        )
        with self._database.writing(sync=False) as connection:
            give_up_before(connection, cutoff)
            ids = list(connection.scalars(oldest))
            if not ids:
                return 0
            forget(connection, ids)
            forget_texts(connection, ids)
            return connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount


def _matching(query: RecordQuery) -> Select[Any]:
    """Select the ids that match, newest first."""
    conditions: list[ColumnElement[bool]] = [table.c.tenant == query.tenant]
    for name in ("feature", "decision", "release", "key_id", "user", "session", "target"):
        wanted = getattr(query, name)
        if wanted:
            conditions.append(table.c[name] == _label(wanted))
            if name in {"key_id", "user", "session"}:
                conditions.append(table.c[name] != NOTHING)
    if query.decision and query.decision != "answer":
        conditions.append(table.c.decision != literal_column("'answer'"))
    if query.cause:
        conditions.append(table.c.causes != NOTHING)
        conditions.append(table.c.causes.contains(f" {query.cause} ", autoescape=True))
    if query.since is not None:
        conditions.append(table.c.started_at >= query.since)
    if query.until is not None:
        conditions.append(table.c.started_at < query.until)
    if query.before:
        conditions.append(table.c.id < query.before)
    return select(table.c.id).where(*conditions).order_by(table.c.id.desc())


# --- writing -------------------------------------------------------------------------------


class _KnownAlreadyError(Exception):
    """Some records of a batch are there: none was added."""


def _insert(connection: Connection, batch: Sequence[Sealed]) -> None:
    """Insert records, many per statement; raise when one is there already."""
    start = 0
    for size in CHUNKS:
        statement = _statement(connection.dialect, size)
        while len(batch) - start >= size:
            rows = map(_row, batch[start : start + size])
            values = tuple(chain.from_iterable(rows))
            if connection.exec_driver_sql(statement, values).rowcount != size:
                raise _KnownAlreadyError
            start += size


def _insert_one(connection: Connection, sealed: Sealed) -> bool:
    """Insert a record; return whether it is new."""
    statement = _statement(connection.dialect, 1)
    return connection.exec_driver_sql(statement, _row(sealed)).rowcount == 1


@lru_cache(maxsize=16)
def _statement(dialect: Dialect, rows: int) -> str:
    """Write the INSERT of so many rows; SQLAlchemy would build it anew for every batch."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    marks = dict.fromkeys(table.columns.keys(), mark)
    marks["cut"] = f"{mark} <> 0"
    marks["first_token_s"] = f"NULLIF({mark}, {ABSENT})"
    one = "(" + ", ".join(marks.values()) + ")"
    return (
        f"INSERT INTO {table.name} ({names}) VALUES {', '.join([one] * rows)} "  # noqa: S608 - names and marks only
        "ON CONFLICT DO NOTHING"
    )


def _row(sealed: Sealed) -> tuple[Any, ...]:
    """Write a record as the table's columns, in their order."""
    record, blob = sealed.record, sealed.blob
    labels: Sequence[str] = (
        record.tenant,
        record.feature,
        record.release,
        record.key_id,
        record.user,
        record.session,
        record.target,
    )
    together = "".join(labels)
    if len(together) > LABEL_CHARS or "\0" in together:
        labels = [_label(each) for each in labels]
    tenant, feature, release, key_id, user, session, target = labels
    causes = " ".join([attempt.cause for attempt in record.attempts if attempt.cause])
    return (
        record.id,
        tenant,
        feature,
        record.started_at,
        record.decision,
        release,
        record.arm,
        key_id,
        user,
        session,
        target,
        record.tier,
        record.code,
        int(record.cut),
        record.took_s,
        ABSENT if record.first_token_s is None else record.first_token_s,
        record.cache_key,
        f" {causes} " if causes else "",
        bytearray(blob if len(blob) < PACK_BYTES else zlib.compress(blob, 1)),
    )


def _unpack(id: str, blob: bytes) -> Record:
    """Read a record; one that no longer reads must not hide the others of its page."""
    try:
        # A MessagePack map never begins with zlib's first byte.
        return unseal(zlib.decompress(blob) if blob[:1] == b"\x78" else blob)
    except (msgspec.MsgspecError, zlib.error):
        return Record(id, "", 0.0, "", flags=("unreadable",))


def _label(text: str) -> str:
    return _plain(text[:LABEL_CHARS])


def _plain(text: str) -> str:
    """Drop zero bytes, which PostgreSQL's text cannot hold."""
    return text.replace("\0", "") if "\0" in text else text


def _words(record: Record) -> str:
    """Return what a search looks at: what the caller wrote, and what was answered."""
    words: list[str] = []
    messages = record.input.get("messages") if record.input else None
    if isinstance(messages, list):
        words = [
            content_text(message.get("content"))
            for message in messages
            if isinstance(message, dict) and message.get("role") != "system"
        ]
    if record.output:
        words += [str(record.output.get(name) or "") for name in ("text", "refusal")]
    return "\n".join(words).casefold()
