"""The indexes of the tables, for those who make or compare a schema.

Whoever only reads and writes rows leaves them out: to check a partial index SQLAlchemy loads both
databases' dialects, which would double the time that a server needs to load its store.
"""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from seatrial.store.tables import (
    delivery,
    idempotency,
    label,
    metadata,
    moved,
    outcome,
    proof,
    record,
    release,
    review,
    review_seat,
    session,
)

__all__ = ["metadata"]


def _partial(name: str, *columns: str, where: str, table: Table = record) -> Index:
    """Make an index over the few rows that a list with this filter is about."""
    condition = text(where)
    return Index(
        name,
        *(table.c[column] for column in columns),
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
Index("release_feature", release.c.feature, release.c.first_seen)
Index("idempotency_age", idempotency.c.at)

OPEN = "state = 'open'"
Index("review_list", review.c.tenant, review.c.state, review.c.due_at, review.c.id)
# Those with a seat that nobody has ruled from.
_partial(
    "review_turn",
    *("tenant", "patient", "due_at", "id"),
    where="free_at IS NOT NULL",
    table=review,
)
_partial("review_due", "due_at", "id", where=OPEN, table=review)
_partial("review_ripe", "ripe_at", "id", where="ripe_at IS NOT NULL", table=review)
_partial("review_settled", "settled_at", "id", where="state = 'settled'", table=review)
Index("review_release", review.c.feature, review.c.release, review.c.created_at)
_partial("review_seat_holder", "holder", "review", where="holder <> ''", table=review_seat)
Index("outcome_tenant", outcome.c.tenant, outcome.c.at, outcome.c.id)
Index("outcome_feature", outcome.c.tenant, outcome.c.feature, outcome.c.at, outcome.c.id)
Index("outcome_record", outcome.c.record_id)
_partial("outcome_unjoined", "unjoined_at", "id", where="unjoined_at IS NOT NULL", table=outcome)
Index("label_feature", label.c.feature, label.c.sequence)
Index("label_release", label.c.feature, label.c.release, label.c.sequence)
Index("label_record", label.c.record_id)
Index("proof_feature", proof.c.feature, proof.c.made_at)
Index("moved_feature", moved.c.feature, moved.c.at)
Index("session_person", session.c.person)
Index("session_end", session.c.expires_at)
Index("delivery_age", delivery.c.created_at, delivery.c.id)
Index("delivery_state", delivery.c.state, delivery.c.created_at, delivery.c.id)
_partial("delivery_due", "next_at", "id", where="state = 'due'", table=delivery)
