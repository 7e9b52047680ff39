"""One module per revision, named by number; each says whether it is safe before a deploy."""

__all__ = ["r0001_spine", "r0002_ledger", "r0003_idempotency", "r0004_people"]
