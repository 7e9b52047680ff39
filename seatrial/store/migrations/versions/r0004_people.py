"""Reviews, outcomes, proofs, people and deliveries.  Safe before a deploy: they are new tables.

Records that an older server wrote ask nothing of people: there is nothing to fill in.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    _reviews()
    _outcomes()
    _proofs()
    _people()
    _deliveries()


def _reviews() -> None:
    op.create_table(
        "review",
        _key("id"),
        *_texts("tenant", "feature", "release", "queue", "why"),
        sa.Column("patient", sa.Boolean, nullable=False),
        *_times("due_at", "created_at"),
        *_texts("state"),
        *_times("settled_at"),
        sa.Column("confidence", sa.Double),
        sa.Column("escalations", sa.Integer, nullable=False),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("ask", "notes")),
        sa.Column("settled", sa.LargeBinary),
        *(sa.Column(name, sa.Double) for name in ("free_at", "held_until", "ripe_at")),
    )
    is_open = "state = 'open'"
    op.create_index("review_list", "review", ["tenant", "state", "due_at", "id"])
    _partial("review_turn", "review", ["tenant", "patient", "due_at", "id"], "free_at IS NOT NULL")
    _partial("review_due", "review", ["due_at", "id"], is_open)
    _partial("review_ripe", "review", ["ripe_at", "id"], "ripe_at IS NOT NULL")
    _partial("review_settled", "review", ["settled_at", "id"], "state = 'settled'")
    op.create_index("review_release", "review", ["feature", "release", "created_at"])
    op.create_table(
        "review_seat",
        _key("review"),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("holder"),
        *_times("until"),
        *_texts("author"),
        sa.Column("ruling", sa.LargeBinary),
        *_times("final_at"),
    )
    _partial("review_seat_holder", "review_seat", ["holder", "review"], "holder <> ''")


def _outcomes() -> None:
    op.create_table(
        "outcome",
        _key("id"),
        *_texts("record_id", "kind", "source"),
        *_times("at"),
        *_texts("tenant", "feature"),
        sa.Column("wrong", sa.Boolean),
        *_texts("value", "text", "by"),
        *_times("received_at"),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("unjoined_at", sa.Double),
    )
    op.create_index("outcome_tenant", "outcome", ["tenant", "at", "id"])
    op.create_index("outcome_feature", "outcome", ["tenant", "feature", "at", "id"])
    op.create_index("outcome_record", "outcome", ["record_id"])
    _partial("outcome_unjoined", "outcome", ["unjoined_at", "id"], "unjoined_at IS NOT NULL")
    op.create_table(
        "label",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        *_texts("record_id", "feature", "release"),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("label_feature", "label", ["feature", "sequence"])
    op.create_index("label_release", "label", ["feature", "release", "sequence"])
    op.create_index("label_record", "label", ["record_id"])


def _proofs() -> None:
    op.create_table(
        "proof",
        _key("id"),
        *_texts("feature", "release", "segment"),
        *_times("made_at"),
        *_texts("content"),
    )
    op.create_index("proof_feature", "proof", ["feature", "made_at"])
    op.create_table(
        "standing",
        *(_key(name) for name in ("feature", "release", "segment")),
        *_texts("mode"),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        *_texts("content"),
        *_times("at"),
    )
    op.create_table(
        "moved",
        _key("id"),
        *_texts("feature", "release", "segment", "before", "after"),
        *_times("at"),
        *_texts("by", "reason", "evidence"),
    )
    op.create_index("moved_feature", "moved", ["feature", "at"])


def _people() -> None:
    op.create_table(
        "person",
        _key("id"),
        *_texts("name", "role", "tenant", "queues", "digest"),
        *_times("created_at"),
        sa.Column("disabled_at", sa.Double),
    )
    op.create_table(
        "session",
        _key("digest"),
        *_texts("person", "csrf"),
        *_times("created_at", "expires_at"),
    )
    op.create_index("session_person", "session", ["person"])
    op.create_index("session_end", "session", ["expires_at"])


def _deliveries() -> None:
    op.create_table(
        "delivery",
        _key("id"),
        *_texts("to", "event"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        *_times("created_at", "next_at"),
        sa.Column("tries", sa.Integer, nullable=False),
        *_texts("state", "last"),
    )
    op.create_index("delivery_age", "delivery", ["created_at", "id"])
    op.create_index("delivery_state", "delivery", ["state", "created_at", "id"])
    _partial("delivery_due", "delivery", ["next_at", "id"], "state = 'due'")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double, nullable=False) for name in names]


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
