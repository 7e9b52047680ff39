"""Bugs to plant in second calls; `planted` has the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.engine import together
from seatrial.reliability.hedging import HedgeBudget

Patch = Callable[[Any, str, Any], None]


def overtaken_go_on(patch: Patch = setattr) -> None:
    """Of two calls the slower one is forgotten, and not cancelled."""
    patch(together.Running, "stop", lambda self: setattr(self, "stopped", True))


def second_calls_for_all(patch: Patch = setattr) -> None:
    """Every slow call has a second one beside it, whatever share was declared."""
    patch(HedgeBudget, "spend", lambda self: True)


BESIDE: dict[Callable[..., None], tuple[int, ...]] = {
    overtaken_go_on: (47,),
    second_calls_for_all: (47,),
}
