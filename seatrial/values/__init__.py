"""Frozen things that travel between the rooms."""

__all__ = [
    "attempts",
    "chat",
    "decisions",
    "records",
    "replies",
    "requests",
    "sealing",
    "secrets",
]
