"""Frozen things that travel between the rooms."""

__all__ = [
    "attempts",
    "chat",
    "checks",
    "decisions",
    "records",
    "replies",
    "requests",
    "sealing",
    "secrets",
]
