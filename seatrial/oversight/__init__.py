"""Who sees an answer before or after it leaves, and on what evidence.  Pure."""

__all__ = [
    "accuracy",
    "agreement",
    "certificate",
    "confidence",
    "contents",
    "decide",
    "difference",
    "drift",
    "following",
    "items",
    "ladder",
    "proving",
    "queues",
    "rulings",
    "settings",
]
