"""Is one of many patterns in a text?  One pass over it, however many they are.

The engine is the one that JSON Schemas have their patterns run on: it reads each character once,
at a tenth of the price of `re` for one pattern, but says neither where nor which.  Hence it only
tells which texts need no closer look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

_STATES_BYTES: Final = 4_000_000  # of what the engine remembers of how patterns overlap
_REGEX_BYTES: Final = 20_000_000  # of a compiled pattern

# From the syntax of `re`, where only letters and digits of ASCII and `_` belong to words.
_SYNTAX: Final = (
    (r"\S{0,24}", "[^ ]*"),  # limits would only make it remember more
    (r"\b", r"(?-u:\b)"),
    (r"\w", "[0-9A-Za-z_]"),
    (r"\S", "[^ ]"),
    (r"\d", "[0-9]"),
)


class Patterns:
    """Patterns that are looked for together; compiled when that is asked first.

    Args:
        patterns: in the engine's syntax, which knows no looking ahead, behind or back.

    >>> Patterns(["ab+c", "xyz"]).may_hold("a text with abbbc")
    True
    """

    __slots__ = ("_is_valid", "_pattern")

    def __init__(self, patterns: Iterable[str]) -> None:
        self._pattern = "|".join(patterns)
        self._is_valid: Callable[[str], bool] | None = None

    def may_hold(self, text: str) -> bool:
        """Whether one of them is in a text; true as well of what is no text to the engine."""
        ask = self._is_valid or self._compiled()
        try:
            return ask(text)
        except ValueError:  # half a surrogate
            return True

    def _compiled(self) -> Callable[[str], bool]:
        import jsonschema_rs  # 4 MB: only where there is something to check

        limits = jsonschema_rs.RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_STATES_BYTES)
        schema = {"pattern": self._pattern}
        validator = jsonschema_rs.validator_for(schema, pattern_options=limits, offline=True)
        self._is_valid = validator.is_valid
        return self._is_valid


def translated(pattern: str) -> str:
    """Return a pattern of `re` as this engine reads it: it finds what that finds, or more.

    It is for texts without blanks other than spaces, whose words are in ASCII.
    """
    for written, read in _SYNTAX:
        pattern = pattern.replace(written, read)
    return pattern
