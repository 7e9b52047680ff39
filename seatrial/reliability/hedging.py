"""When a second target is asked because the first is slow, and how often at most.

Source: Dean and Barroso, The Tail at Scale (2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BURST: Final = 10.0  # second calls that may be saved up
_ROUNDING: Final = 1e-9  # ten tenths are a little less than one


@dataclass(frozen=True, slots=True)
class HedgeSettings:
    """A section [features.NAME.hedge]: a second target is asked while the first is slow.

    Args:
        share: of all requests that may have a second call, such as 0.05; 0 switches it off.
        tools: whether requests that offer tools may have one: a tool may then be called twice.
    """

    share: float = 0.0
    tools: bool = False

    def allows(self, body: Mapping[str, Any]) -> bool:
        """Whether a request may have a second call."""
        offers = bool(body.get("tools") or body.get("functions"))
        return self.share > 0 and (self.tools or not offers)


class HedgeBudget:
    """Counts the second calls of one feature, so that they stay a share of its requests."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved = 0.0

    def earn(self, share: float) -> None:
        """Note a request that might have a second call."""
        self._saved = min(BURST, self._saved + share)

    def spend(self) -> bool:
        """Take a second call; return whether there was one."""
        if self._saved < 1.0 - _ROUNDING:
            return False
        self._saved = max(0.0, self._saved - 1.0)
        return True
