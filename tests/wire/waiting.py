"""Waiting for what another process does, never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(done: Callable[[], bool], *, limit_s: float, every_s: float = 0.05) -> float:
    """Return after how many seconds it was so; fail when it never is."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s"
        time.sleep(every_s)
    return time.monotonic() - began
