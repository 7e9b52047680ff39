"""Is there anything in a text that could be personal data or a secret?  One pass says it.

It changes nothing that is found: whatever it lets by, no pattern of any kind matches.
"""

from __future__ import annotations

from typing import Final

from seatrial.reliability.checks.linear import Patterns
from seatrial.reliability.checks.personal_data_secrets import LEAST_SECRET
from seatrial.reliability.checks.signs import SIGNS, class_of

# Dashes and blanks of typesetters stand between digits as those of typewriters do.
_DASHES: Final = "\u2010-\u2014"
_BLANKS: Final = "\t \u00a0\u2009\u202f"
# Letters of most languages of Europe: no digits, none of full width, none that is like an `s` or
# a `k` in another case.
_LETTERS: Final = "\u00c0-\u017e\u0180-\u024f"
_KNOWN: Final = f"\\x00-\\x7f{class_of(SIGNS)}{_LETTERS}\u00a0\u2009\u202f"
_MAY_HOLD: Final = Patterns(
    (
        f"[^{_KNOWN}]",
        "@",
        f"[0-9](?:[{_BLANKS}.\\-/(){_DASHES}]*[0-9]){{5}}",
        "[0-9][A-Za-z][0-9][0-9]",
        f"[A-Za-z0-9_.+/=\\-{_DASHES}]{{{LEAST_SECRET}}}",
        f"[-{_DASHES}]BEGIN",
        "://",
        r"(?i:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token)[\"']?[ \t]*[:=]",
        r"\.[0-9]{1,3}\.",
        ":[0-9A-Fa-f]{0,4}:",
    )
)


def may_hold_private(text: str) -> bool:
    """Whether `personal_data.find` could find anything in a text.

    >>> may_hold_private("Low tide is at 9:40."), may_hold_private("ann@example.org")
    (False, True)
    """
    return _MAY_HOLD.may_hold(text)
