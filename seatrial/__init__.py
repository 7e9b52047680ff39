"""Seatrial takes an AI experiment to a production system people can rely on.

>>> from seatrial import Seatrial
>>> app = Seatrial.open("seatrial.toml")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seatrial.version import __version__

if TYPE_CHECKING:
    from seatrial.app import Seatrial as Seatrial

__all__ = ["Seatrial", "__version__"]


def __getattr__(name: str) -> Any:
    """Import `Seatrial` when it is first asked for, so that the import of the package is light."""
    if name != "Seatrial":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seatrial.app import Seatrial

    return Seatrial
