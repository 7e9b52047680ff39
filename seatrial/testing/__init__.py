"""Tools to test what you build on Seatrial, and Seatrial itself.

`upstream` is a model server that fails on purpose, `driver` sends requests and names what became
of each, `clock` runs asyncio code in virtual time, `simulate` lets whole days pass in it, and
`scripted` is a provider that does what its script says, and `overload` asks for more than can be
done.  Each is imported only when asked for.
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
    "Answers": "scripted",
    "Fails": "scripted",
    "Hangs": "scripted",
    "Raises": "scripted",
    "ScriptedProvider": "scripted",
    "Streams": "scripted",
    "simulate_day": "simulate",
}

__all__ = [
    "FAULTS",
    "Answers",
    "Fails",
    "FaultyUpstream",
    "Hangs",
    "LeapingLoop",
    "Load",
    "Raises",
    "Report",
    "ScriptedProvider",
    "Streams",
    "Verdict",
    "clock",
    "crash",
    "drive",
    "driver",
    "overload",
    "process",
    "scripted",
    "simulate",
    "simulate_day",
    "suite",
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
