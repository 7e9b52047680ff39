"""Frozen things that travel between the rooms."""

__all__ = [
    "attempts",
    "chat",
    "checks",
    "criticality",
    "decisions",
    "idempotency",
    "ledger",
    "prices",
    "records",
    "replies",
    "requests",
    "sealing",
    "secrets",
    "vectors",
]
