"""The rules by which every request gets a good answer, or an honest one.  Pure."""

__all__ = [
    "adaptive",
    "answers",
    "breaker",
    "caching",
    "checks",
    "decide",
    "flow",
    "retries",
    "routing",
    "settings",
    "throttle",
]
