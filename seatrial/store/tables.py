"""The tables, the same on both databases, and the schema's revision."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

REVISION: Final = "0001"
"""The schema this version of Seatrial knows: the newest Alembic revision."""

metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


# What lists filter and sort by stands in columns; the record itself is the blob.
record = Table(
    "record",
    metadata,
    Column("id", Text, primary_key=True),
    _text("tenant"),
    _text("feature"),
    Column("started_at", Double, nullable=False),
    _text("decision"),
    _text("release"),
    _text("arm"),
    _text("key_id"),
    _text("user"),
    _text("session"),
    _text("target"),
    Column("tier", Integer, nullable=False),
    _text("code"),
    Column("cut", Boolean, nullable=False),
    Column("took_s", Double, nullable=False),
    Column("first_token_s", Double),
    _text("cache_key"),
    _text("causes"),  # of all its attempts, each between spaces
    Column("blob", LargeBinary, nullable=False),  # MessagePack, deflated when large
)


def _partial(name: str, *columns: str, where: str) -> Index:
    """Make an index over the few rows that a list with this filter is about."""
    condition = text(where)
    return Index(
        name,
        *(record.c[column] for column in columns),
        sqlite_where=condition,
        postgresql_where=condition,
    )


Index("record_age", record.c.started_at)
# started_at rides along, so that a window of time is found without touching the rows.
Index("record_tenant", record.c.tenant, record.c.id, record.c.started_at)
Index("record_feature", record.c.tenant, record.c.feature, record.c.id)
Index("record_release", record.c.tenant, record.c.release, record.c.id)
Index("record_target", record.c.tenant, record.c.target, record.c.id)
_partial("record_decision", "tenant", "decision", "id", where="decision <> 'answer'")
_partial("record_causes", "tenant", "id", where="causes <> ''")
_partial("record_key", "tenant", "key_id", "id", where="key_id <> ''")
_partial("record_user", "tenant", "user", "id", where="\"user\" <> ''")
_partial("record_session", "tenant", "session", "id", where="session <> ''")
_partial("record_cache", "feature", "id", where="cache_key <> ''")

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    _text("digest"),
    _text("name"),
    _text("tenant"),
    _text("features"),  # a JSON array
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)

release = Table(
    "release",
    metadata,
    Column("id", Text, primary_key=True),
    _text("feature"),
    _text("content"),
    _text("commit"),
    Column("dirty", Boolean, nullable=False),
    Column("first_seen", Double, nullable=False),
)
Index("release_feature", release.c.feature, release.c.first_seen)
