"""The rules by which every request gets a good answer, or an honest one.  Pure."""

__all__ = [
    "adaptive",
    "answers",
    "breaker",
    "budgets",
    "caching",
    "checks",
    "concurrency",
    "costs",
    "decide",
    "fairness",
    "flow",
    "forecast",
    "idempotency",
    "judging",
    "limits",
    "retries",
    "routing",
    "settings",
    "shedding",
    "throttle",
]
