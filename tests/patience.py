"""How tests wait: as long as a busy machine needs, and never for ever.

Nothing here asks a clock how fast something was: that would judge the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

REST_S = 0.01
LONG_S = 30.0


async def soon(holds: Callable[[], bool], *, within_s: float = 0.1) -> bool:
    """Return whether something comes to hold within so many short rests of this event loop.

    On a machine with nothing else to do they take `within_s`.  A busy one makes each of them
    longer, and not fewer: whatever is ready has its turn in each.
    """
    for _ in range(round(within_s / REST_S)):
        if holds():
            return True
        await asyncio.sleep(REST_S)
    return holds()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it never does."""
    assert await soon(holds, within_s=LONG_S), "it never came to hold"
