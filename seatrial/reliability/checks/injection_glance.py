"""Does a text need a closer look for attempts to take over the model?  Hardly any does.

What no rule can do without is looked for in one pass: of each rule the words that ordinary texts
do not have.  It changes no verdict: whatever it lets by, the rules find nothing in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from seatrial.reliability.checks.injection_fences import FENCES
from seatrial.reliability.checks.injection_rules import Rule
from seatrial.reliability.checks.injection_tongues import TONGUES
from seatrial.reliability.checks.injection_words import CALL, ENGLISH
from seatrial.reliability.checks.linear import Patterns, translated
from seatrial.reliability.checks.signs import SIGNS, class_of

RULES: Final[tuple[Rule, ...]] = (*ENGLISH, *TONGUES)

# For other letters the engine does not know where words end.
_OTHER_LETTERS: Final = Patterns([f"[^\\x00-\\x7f{class_of(SIGNS)}]"])
# Marks of speakers, and what else is no rule.
_MARKS: Final = (
    *(translated(fence.pattern.pattern) for fence in FENCES),
    translated(CALL.pattern),
    re.escape("!["),
)


# In two passes: to see short and long ones in one, the engine would have to remember too much.
_SHORT: Final = tuple(rule for rule in RULES if len(rule.rare) == 1)
_LONG: Final = tuple(rule for rule in RULES if len(rule.rare) > 1)
_MAY_SHORT: Final = Patterns([*(rule.glance for rule in _SHORT), *_MARKS])
_MAY_LONG: Final = Patterns([rule.glance for rule in _LONG])


class Seen(NamedTuple):
    """What a text may hold: which rules, and whether marks; and if it has words not in ASCII."""

    rules: Sequence[Rule] = ()
    marks: bool = False
    foreign: bool = False


NOTHING: Final = Seen()


def glance(text: str) -> Seen:
    """Return what a plain text may hold.

    >>> glance("where is my card?")
    Seen(rules=(), marks=False, foreign=False)
    """
    if not text.isascii() and _OTHER_LETTERS.may_hold(text):
        return Seen(RULES, marks=True, foreign=True)
    short = _MAY_SHORT.may_hold(text)
    if _MAY_LONG.may_hold(text):
        return Seen(RULES if short else _LONG, short)
    return Seen(_SHORT, marks=True) if short else NOTHING
