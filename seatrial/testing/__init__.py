"""Tools to test what you build on Seatrial, and Seatrial itself.

`upstream` is a model server that fails on purpose, `driver` sends requests and names what became
of each, `clock` runs asyncio code in virtual time.  Each is imported only when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "FAULTS": "upstream",
    "FaultyUpstream": "upstream",
    "Verdict": "upstream",
    "verify": "upstream",
    "Load": "driver",
    "Report": "driver",
    "drive": "driver",
    "LeapingLoop": "clock",
}

__all__ = [
    "FAULTS",
    "FaultyUpstream",
    "LeapingLoop",
    "Load",
    "Report",
    "Verdict",
    "clock",
    "drive",
    "driver",
    "upstream",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name in set(_HOMES.values()):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
