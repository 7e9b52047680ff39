"""Plain maths without domain words."""

__all__ = [
    "accuracy",
    "attribution",
    "betting",
    "binomial",
    "buckets",
    "certify",
    "coin",
    "drift",
    "logistic",
    "paired",
    "sequences",
]
