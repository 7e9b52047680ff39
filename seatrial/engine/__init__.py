"""Carries out one request: awaits the ports, knows no adapter."""

__all__ = [
    "answer",
    "attempt",
    "cache",
    "carriage",
    "health",
    "keyring",
    "perform",
    "recorder",
    "recording",
    "streaming",
    "timer",
    "trail",
    "waiting",
    "world",
]
