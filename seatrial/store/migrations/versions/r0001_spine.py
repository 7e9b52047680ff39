"""Records, API keys and releases.  Safe before a deploy: there is nothing before it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    _records()
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text, primary_key=True),
        _text("digest"),
        _text("name"),
        _text("tenant"),
        _text("features"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Text, primary_key=True),
        _text("feature"),
        _text("content"),
        _text("commit"),
        sa.Column("dirty", sa.Boolean, nullable=False),
        sa.Column("first_seen", sa.Double, nullable=False),
    )
    op.create_index("release_feature", "release", ["feature", "first_seen"])


def _records() -> None:
    op.create_table(
        "record",
        sa.Column("id", sa.Text, primary_key=True),
        _text("tenant"),
        _text("feature"),
        sa.Column("started_at", sa.Double, nullable=False),
        _text("decision"),
        _text("release"),
        _text("arm"),
        _text("key_id"),
        _text("user"),
        _text("session"),
        _text("target"),
        sa.Column("tier", sa.Integer, nullable=False),
        _text("code"),
        sa.Column("cut", sa.Boolean, nullable=False),
        sa.Column("took_s", sa.Double, nullable=False),
        sa.Column("first_token_s", sa.Double),
        _text("cache_key"),
        _text("causes"),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_index("record_age", "record", ["started_at"])
    op.create_index("record_tenant", "record", ["tenant", "id", "started_at"])
    op.create_index("record_feature", "record", ["tenant", "feature", "id"])
    op.create_index("record_release", "record", ["tenant", "release", "id"])
    op.create_index("record_target", "record", ["tenant", "target", "id"])
    _partial("record_decision", ["tenant", "decision", "id"], "decision <> 'answer'")
    _partial("record_causes", ["tenant", "id"], "causes <> ''")
    _partial("record_key", ["tenant", "key_id", "id"], "key_id <> ''")
    _partial("record_user", ["tenant", "user", "id"], "\"user\" <> ''")
    _partial("record_session", ["tenant", "session", "id"], "session <> ''")
    _partial("record_cache", ["feature", "id"], "cache_key <> ''")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "record", columns, sqlite_where=condition, postgresql_where=condition)
