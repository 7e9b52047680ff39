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

REVISION: Final = "0004"
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


def _at(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


# An item for people.  Its id is its record's; it is deleted with its record.
review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    _text("tenant"),
    _text("feature"),
    _text("release"),
    _text("queue"),
    _text("why"),
    Column("patient", Boolean, nullable=False),  # no caller waits; so that those who do sort first
    _at("due_at"),
    _at("created_at"),
    _text("state"),
    _at("settled_at"),
    Column("confidence", Double),
    Column("escalations", Integer, nullable=False),
    Column("ask", LargeBinary, nullable=False),  # MessagePack, as the two below and rulings
    Column("notes", LargeBinary, nullable=False),
    Column("settled", LargeBinary),
    # What follows from the seats, for indexes; see `reviews.retell`.
    Column("free_at", Double),  # when a seat without a ruling is free; absent when none is left
    Column("held_until", Double),  # when the last lease ends
    Column("ripe_at", Double),  # when all rulings are final; absent while one is missing
)

review_seat = Table(
    "review_seat",
    metadata,
    Column("review", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("holder"),
    _at("until"),  # 0.0 when nobody holds it
    _text("author"),  # of the ruling
    Column("ruling", LargeBinary),
    _at("final_at"),
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", Text, primary_key=True),
    _text("record_id"),
    _text("kind"),
    _text("source"),
    _at("at"),
    _text("tenant"),
    _text("feature"),
    Column("wrong", Boolean),
    _text("value"),
    _text("text"),  # goes with its record
    _text("by"),
    _at("received_at"),
    Column("blind", Boolean, nullable=False),
    Column("unjoined_at", Double),  # when it came, while its record is missing; absent after that
)

# An outcome that says right or wrong, beside what its record said: evidence, for ever.
label = Table(
    "label",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _text("record_id"),
    _text("feature"),
    _text("release"),
    Column("content", LargeBinary, nullable=False),  # MessagePack
)

proof = Table(
    "proof",
    metadata,
    Column("id", Text, primary_key=True),
    _text("feature"),
    _text("release"),
    _text("segment"),
    _at("made_at"),
    _text("content"),
)

standing = Table(
    "standing",
    metadata,
    Column("feature", Text, primary_key=True),
    Column("release", Text, primary_key=True),
    Column("segment", Text, primary_key=True),
    _text("mode"),
    _amount("sequence"),
    _text("content"),
    _at("at"),
)

moved = Table(
    "moved",
    metadata,
    Column("id", Text, primary_key=True),
    _text("feature"),
    _text("release"),
    _text("segment"),
    _text("before"),
    _text("after"),
    _at("at"),
    _text("by"),
    _text("reason"),
    _text("evidence"),
)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("role"),
    _text("tenant"),
    _text("queues"),  # a JSON array
    _text("digest"),
    _at("created_at"),
    Column("disabled_at", Double),
)

session = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("person"),
    _text("csrf"),
    _at("created_at"),
    _at("expires_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    _text("to"),
    _text("event"),
    Column("body", LargeBinary, nullable=False),
    _at("created_at"),
    _at("next_at"),
    Column("tries", Integer, nullable=False),
    _text("state"),
    _text("last"),
)
