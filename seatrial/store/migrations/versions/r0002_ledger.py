"""The ledger of costs.  Safe before a deploy: an older server does not look at it.

What such a server still answers after the migration is in no ledger: the books begin with the
first server of this version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LABELS = ("tenant", "day", "feature", "key_id", "user", "target", "purpose", "release")
AMOUNTS = (
    "requests",
    "attempts",
    "unpriced",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_pico",
)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "ledger",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in LABELS),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in AMOUNTS),
        sqlite_with_rowid=False,
    )
