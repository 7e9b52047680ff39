"""The tables, the same on both databases, and the schema's revision; their indexes are beside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

REVISION: Final = "0003"
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


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# What was used and spent.  The id is the day and a hash of the other labels: the rows of a day
# stand together, and no index is needed beside it.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Text, primary_key=True),
    _text("tenant"),
    _text("day"),
    _text("feature"),
    _text("key_id"),
    _text("user"),
    _text("target"),
    _text("purpose"),
    _text("release"),
    _amount("requests"),
    _amount("attempts"),  # those that were sent
    _amount("unpriced"),  # of those, the ones whose cost is unknown
    _amount("input_tokens"),
    _amount("cached_tokens"),
    _amount("cache_write_tokens"),
    _amount("output_tokens"),
    _amount("reasoning_tokens"),
    _amount("cost_pico"),
    sqlite_with_rowid=False,
)

# What was asked under a key, and what came of it.  The id is a digest: keys are not kept.
idempotency = Table(
    "idempotency",
    metadata,
    Column("id", Text, primary_key=True),
    _text("fingerprint"),
    _text("holder"),  # the record of the request that is answered, or was
    Column("at", Double, nullable=False),
    Column("held_until", Double, nullable=False),  # while there is no result
    Column("result", LargeBinary),  # a byte that says whether it is deflated, then MessagePack
)
