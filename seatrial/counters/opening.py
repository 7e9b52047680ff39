"""From an address to counters, without connecting."""

from __future__ import annotations

from typing import Protocol

from seatrial.counters.memory import MemoryCounters
from seatrial.ports import Clock, Counters


class LiveCounters(Counters, Protocol):
    """`Counters` that must be looked after."""

    async def beat(self) -> None:
        """Do what is due: call it every second.  Raises `CountersUnavailable`."""


def open_counters(address: str, clock: Clock, *, space: str = "seatrial") -> LiveCounters:
    """Return the counters at `address` without connecting.

    Args:
        address: `valkey://host:port/0`, `valkeys://…`, `unix:///path`; empty for those of this
            process alone.
        clock: monotonic and wall time.
        space: whose accounts these are; processes of the same space share them.

    Raises:
        StartRefused: the library is not installed, or the address is none.
    """
    if not address:
        return MemoryCounters(clock)
    from seatrial.counters.local_shares import LocalShares
    from seatrial.counters.valkey import ValkeyCounters

    return LocalShares(ValkeyCounters(address, space=space), clock)
