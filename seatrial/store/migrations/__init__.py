"""The schema's history as Alembic revisions, forward only."""

__all__ = ["env", "versions"]
