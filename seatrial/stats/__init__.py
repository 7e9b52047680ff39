"""Plain maths without domain words."""

__all__ = ["buckets"]
