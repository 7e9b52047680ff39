"""Overload on the wire: a real gateway, asked for more than it can do.

`python -m seatrial.testing.overload` measures what it answers at most, offers three times as much,
and then little again; with `--share` one key of ten asks for ten times its share; with `--cpu`
nothing but the processor is the limit.  Callers, gateway and model server are processes of their
own on this machine.
"""

from __future__ import annotations

from seatrial.testing.overload._callers import Heard, Lines, closed_loop, open_loop
from seatrial.testing.overload._figures import Figure, Figures
from seatrial.testing.overload._scene import Scene, scene
from seatrial.testing.overload._trials import TRIALS, Settings, run_trial

__all__ = [
    "TRIALS",
    "Figure",
    "Figures",
    "Heard",
    "Lines",
    "Scene",
    "Settings",
    "closed_loop",
    "open_loop",
    "run_trial",
    "scene",
]
