"""Outcomes in a database, and the labels that they become beside their records.

An outcome that says right or wrong is *joined* to its record: what both say is written down as
one label, under the next sequence.  Often the record is there first, and joining is part of
adding.  Else it is done before labels are read: records come by the thousand, and must not
look each for outcomes that came early.  Whoever joins holds one lock until it commits, so that
no sequence appears after a later one was seen.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from seatrial.store.database import Database, insert_into
from seatrial.store.items import label as short
from seatrial.store.tables import label, outcome, record, review
from seatrial.values.outcomes import Labelled, Outcome, OutcomeQuery, Source
from seatrial.values.records import Record
from seatrial.values.sealing import unseal

JOINING: Final = 7_325_200_413  # key of PostgreSQL's advisory lock: one joins at a time
MAX_LIMIT: Final = 1_000
MAX_LABELS: Final = 10_000
CHUNK: Final = 500  # outcomes joined by one statement
WINDOW: Final = 1_000  # of those without a record, looked at by one reading

_LABELS: Final = msgspec.msgpack.Decoder(Labelled)
_BEGIN: Final = (-math.inf, "")
_OF_RECORD: Final = and_(record.c.id == outcome.c.record_id, record.c.tenant == outcome.c.tenant)


class SqlOutcomes:
    """`Outcomes` in SQL, the same on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked_at = _BEGIN  # of those without a record, the last one looked at

    def add(self, batch: Sequence[Outcome]) -> int:
        """Add those not there yet, by id, synced to disk; return how many were new."""
        with self._database.writing(sync=True) as connection:
            return keep_outcomes(connection, batch)

    def find(self, query: OutcomeQuery) -> list[Outcome]:
        """Return matching outcomes, newest first."""
        order = (outcome.c.at.desc(), outcome.c.id.desc())
        limit = max(0, min(query.limit, MAX_LIMIT))
        rows = select(outcome).where(*_matching(query)).order_by(*order).limit(limit)
        with self._database.reading() as connection:
            return [_outcome(row) for row in connection.execute(rows)]

    def labelled(
        self, *, feature: str, release: str = "", after: int = 0, limit: int = 1000
    ) -> list[Labelled]:
        """Return outcomes that say right or wrong beside what their records say, as they came.

        An outcome whose record is not there yet comes when it is, with a later sequence.
        """
        self._join_early_ones()
        rows = (
            select(label.c.content)
            .where(label.c.feature == short(feature), label.c.sequence > after)
            .order_by(label.c.sequence)
            .limit(max(0, min(limit, MAX_LABELS)))
        )
        if release:
            rows = rows.where(label.c.release == short(release))
        with self._database.reading() as connection:
            return [_LABELS.decode(content) for content in connection.scalars(rows)]

    def unlabelled(self, *, feature: str, release: str, since: float, limit: int) -> list[Labelled]:
        """Return chosen records without an outcome yet, oldest first; `wrong` says nothing."""
        known = exists().where(label.c.record_id == review.c.id)
        rows = (
            select(record.c.id, record.c.blob)
            .join(review, review.c.id == record.c.id)
            .where(
                review.c.feature == short(feature),
                review.c.release == short(release),
                review.c.created_at >= since,
                ~known,
            )
            .order_by(review.c.created_at, review.c.id)
            .limit(max(0, min(limit, MAX_LABELS)))
        )
        with self._database.reading() as connection:
            found = [_record(row.id, row.blob) for row in connection.execute(rows)]
        return [_labelled(0, each, wrong=False, source=Source.PERSON) for each in found]

    def _join_early_ones(self) -> None:
        """Join outcomes whose records have come since.

        Some never do; so that these cost little, each call looks at the next few.
        """
        with self._database.reading() as connection:
            window = connection.execute(_unjoined_after(self._looked_at)).all()
        self._looked_at = (
            (window[-1].unjoined_at, window[-1].id) if len(window) == WINDOW else _BEGIN
        )
        joinable = [row.id for row in window if row.there]
        if joinable:
            with self._database.writing(sync=True) as connection:
                _join(connection, joinable)


def keep_outcomes(connection: Connection, batch: Sequence[Outcome]) -> int:
    """Add outcomes in somebody's transaction, which must be synced; return how many were new.

    The last thing to do in it: from here on nobody else joins until it ends.
    """
    if not batch:
        return 0
    # In one order: two who add the same must not wait for each other.
    rows = [_row(each) for each in sorted(batch, key=lambda each: each.id)]
    added = connection.execute(insert_into(connection, outcome).on_conflict_do_nothing(), rows)
    _join(connection, [each.id for each in batch if each.wrong is not None])
    return added.rowcount


def forget_texts(connection: Connection, ids: Sequence[str]) -> None:
    """Empty the free words about records that are deleted; the figures stay."""
    connection.execute(
        update(outcome).where(outcome.c.record_id.in_(ids), outcome.c.text != "").values(text="")
    )


def give_up_before(connection: Connection, cutoff: float) -> None:
    """Stop looking for the records of outcomes that came before `cutoff`."""
    connection.execute(
        update(outcome).where(outcome.c.unjoined_at < cutoff).values(unjoined_at=None)
    )


# --- joining -------------------------------------------------------------------------------


def _unjoined_after(last: tuple[float, str]) -> Select[Any]:
    there = exists().where(_OF_RECORD)
    return (
        select(outcome.c.id, outcome.c.unjoined_at, there.label("there"))
        .where(
            outcome.c.unjoined_at.is_not(None),
            tuple_(outcome.c.unjoined_at, outcome.c.id) > tuple_(*last),
        )
        .order_by(outcome.c.unjoined_at, outcome.c.id)
        .limit(WINDOW)
    )


def _join(connection: Connection, ids: Sequence[str]) -> None:
    """Write the labels of those outcomes whose records are there, in the order of `ids`."""
    if not ids:
        return
    if connection.dialect.name == "postgresql":  # SQLite has one writer
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": JOINING})
    last: int = connection.execute(select(func.max(label.c.sequence))).scalar_one() or 0
    for start in range(0, len(ids), CHUNK):
        chunk = list(dict.fromkeys(ids[start : start + CHUNK]))
        found = _pairs(connection, chunk)
        labels = []
        for each in chunk:
            if each in found:
                last += 1
                labels.append(_label_row(last, *found[each]))
        if labels:
            connection.execute(insert(label), labels)
            connection.execute(
                update(outcome).where(outcome.c.id.in_(found)).values(unjoined_at=None)
            )


def _pairs(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Outcome, Record]]:
    """Return the unjoined ones of these outcomes that have a record, with it."""
    rows = (
        select(outcome, record.c.blob)
        .join(record, _OF_RECORD)
        .where(outcome.c.id.in_(ids), outcome.c.unjoined_at.is_not(None))
    )
    return {
        row.id: (_outcome(row), _record(row.record_id, row.blob))
        for row in connection.execute(rows)
    }


def _label_row(sequence: int, said: Outcome, about: Record) -> dict[str, Any]:
    full = _labelled(sequence, about, wrong=bool(said.wrong), source=said.source, blind=said.blind)
    return {
        "sequence": sequence,
        "record_id": about.id,
        "feature": short(about.feature),
        "release": short(about.release),
        "content": msgspec.msgpack.encode(full),
    }


def _labelled(
    sequence: int, about: Record, *, wrong: bool, source: Source, blind: bool = False
) -> Labelled:
    asked = about.review
    return Labelled(
        sequence,
        about.id,
        about.feature,
        about.release,
        asked.segment if asked else "",
        about.started_at,
        about.decision,
        asked.why if asked else "",
        wrong,
        source,
        blind,
        about.confidence,
        about.signals,
        about.label_share,
    )


def _record(id: str, blob: bytes) -> Record:
    """Read a record as it is stored; see `records`."""
    return unseal(zlib.decompress(blob) if blob[:1] == b"\x78" else blob)


# --- rows ----------------------------------------------------------------------------------


def _matching(query: OutcomeQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [outcome.c.tenant == short(query.tenant)]
    if query.feature:
        conditions.append(outcome.c.feature == short(query.feature))
    conditions += [
        outcome.c[name] == wanted
        for name in ("kind", "record_id", "source")
        if (wanted := getattr(query, name))
    ]
    if query.since is not None:
        conditions.append(outcome.c.at >= query.since)
    if query.until is not None:
        conditions.append(outcome.c.at < query.until)
    if query.before:
        last = select(outcome.c.at).where(outcome.c.id == query.before).scalar_subquery()
        conditions.append(tuple_(outcome.c.at, outcome.c.id) < tuple_(last, query.before))
    return conditions


def _row(said: Outcome) -> dict[str, Any]:
    received_at = said.received_at or said.at
    return {
        "id": said.id,
        "record_id": said.record_id,
        "kind": said.kind,
        "source": said.source.value,
        "at": said.at,
        "tenant": short(said.tenant),
        "feature": short(said.feature),
        "wrong": said.wrong,
        "value": _plain(said.value),
        "text": _plain(said.text),
        "by": _plain(said.by),
        "received_at": said.received_at,
        "blind": said.blind,
        "unjoined_at": None if said.wrong is None else received_at,
    }


def _outcome(row: Any) -> Outcome:
    return Outcome(
        row.id,
        row.record_id,
        row.kind,
        Source(row.source),
        row.at,
        row.tenant,
        row.feature,
        row.wrong,
        row.value,
        row.text,
        row.by,
        row.received_at,
        row.blind,
    )


def _plain(words: str) -> str:
    """Drop zero bytes, which PostgreSQL's text cannot hold."""
    return words.replace("\0", "")
