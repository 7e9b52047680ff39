"""Counters of requests, tokens and money: in memory, or in Valkey for many machines.

Importing this room loads no client library; `open_counters` does.
"""

from seatrial.counters.memory import MemoryCounters
from seatrial.counters.opening import LiveCounters, open_counters

__all__ = [
    "LiveCounters",
    "MemoryCounters",
    "local_shares",
    "memory",
    "open_counters",
    "opening",
    "scripts",
    "valkey",
    "wire",
]
