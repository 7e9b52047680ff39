"""The tables, the same on both databases, and the schema's revision; their indexes are beside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
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
