"""The version, at the lowest floor, so that every room can tell it."""

from typing import Final

__version__: Final = "0.1.0"
__all__ = ["__version__"]
