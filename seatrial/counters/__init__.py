"""Counters of requests, tokens and money: in memory, or in Valkey for many machines.

Importing this room loads no client library; `open_counters` does.
"""

from seatrial.counters.memory import MemoryCounters

__all__ = ["MemoryCounters", "memory"]
