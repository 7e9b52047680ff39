"""Carries out one request: awaits the ports, knows no adapter."""

__all__ = [
    "admission",
    "answer",
    "attempt",
    "cache",
    "carriage",
    "checking",
    "granting",
    "health",
    "keyring",
    "perform",
    "prompting",
    "recorder",
    "recording",
    "restoring",
    "spending",
    "streaming",
    "timer",
    "trail",
    "waiting",
    "world",
]
