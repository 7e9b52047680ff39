"""Frozen things that travel between the rooms."""

__all__ = [
    "attempts",
    "chat",
    "checks",
    "criticality",
    "decisions",
    "deliveries",
    "idempotency",
    "ledger",
    "outcomes",
    "oversight",
    "people",
    "prices",
    "records",
    "replies",
    "requests",
    "reviews",
    "sealing",
    "secrets",
    "vectors",
]
