"""Settings of a server's memory: small, and seldom searched for garbage."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

M_ARENA_MAX: Final = -8  # of malloc.h
BETWEEN_SEARCHES: Final = 10_000  # objects more than before; Python's own is 700


def keep_together() -> bool:
    """Let all threads share one arena of the allocator; return whether that was possible.

    glibc gives each thread an arena of its own, which under one interpreter lock buys no speed
    and costs about 7 MB here.  Call it before the threads start.
    """
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):  # another C library
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1))
    return False


def search_seldom() -> None:
    """Let the collector of cycles leave alone what is there now, and look seldom at the rest.

    Requests leave no cycles behind, yet the search for them took a twelfth of their time, and
    now and then held the loop while it went over every imported module.  Call it once the
    server has started.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(BETWEEN_SEARCHES, *gc.get_threshold()[1:])


def give_back() -> bool:
    """Return to the system what reading the configuration took; whether that was possible.

    It is 4 MB here.  Call it once the server has started.
    """
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).malloc_trim(0))
    return False
