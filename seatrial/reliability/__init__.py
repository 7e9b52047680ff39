"""The rules by which every request gets a good answer, or an honest one.  Pure."""

__all__ = [
    "adaptive",
    "answers",
    "breaker",
    "budgets",
    "caching",
    "checks",
    "costs",
    "decide",
    "flow",
    "limits",
    "retries",
    "routing",
    "settings",
    "throttle",
]
