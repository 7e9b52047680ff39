"""How much a request matters, as its caller says."""

from __future__ import annotations

from enum import Enum


class Criticality(Enum):
    """The classes, what matters most first.  The values are stable: records hold them."""

    __hash__ = object.__hash__  # as members are single; Enum's own is slow

    INTERACTIVE = "interactive"  # somebody sits and waits
    DEFAULT = "default"
    BATCH = "batch"  # may be asked again later
    SHADOW = "shadow"  # nobody reads the answer

    @property
    def rank(self) -> int:
        """Its place: 0 matters most."""
        return _RANKS[self]


_RANKS = {each: place for place, each in enumerate(Criticality)}
