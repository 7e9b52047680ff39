"""Kill, stop and reload a real gateway under load, and hold its answers against its records.

Every answer whose last byte reached its caller must have its record afterwards, and one only.

    with FaultyUpstream() as upstream:
        print(kill_cycles(Ward(Path("trial"), upstream), cycles=10).as_text())

Run it with `python -m seatrial.testing.crash`.
"""

from __future__ import annotations

from seatrial.testing.crash._cycles import (
    CycleReport,
    kill_cycles,
    reload_cycles,
    term_cycles,
)
from seatrial.testing.crash._ward import FEATURE, Kept, Tally, Ward, doubled, wait_for_records

__all__ = [
    "FEATURE",
    "CycleReport",
    "Kept",
    "Tally",
    "Ward",
    "doubled",
    "kill_cycles",
    "reload_cycles",
    "term_cycles",
    "wait_for_records",
]
