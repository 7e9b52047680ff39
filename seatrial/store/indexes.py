"""The indexes of the tables, for those who make or compare a schema.

Whoever only reads and writes rows leaves them out: to check a partial index SQLAlchemy loads both
databases' dialects, which would double the time that a server needs to load its store.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from seatrial.store.tables import idempotency, metadata, record, release

__all__ = ["metadata"]


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
Index("release_feature", release.c.feature, release.c.first_seen)
Index("idempotency_age", idempotency.c.at)
