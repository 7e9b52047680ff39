"""Which language is a text in, and is it one that is understood?

The identifier is handed in as a function.  Short texts, code and addresses are no evidence: what
cannot be known passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from seatrial.values.checks import PASSED, Says, Verdict

Identify = Callable[[str], tuple[str, float]]
"""Returns the ISO 639-1 code of a text's language, and how sure that is, in [0, 1]."""

NO_LANGUAGE: Final = "zxx"
SURE: Final = 0.95
LEAST_LETTERS: Final = 24
LEAST_WORDS: Final = 4
# Scripts written without blanks say more per sign.
LEAST_DENSE: Final = 6
MOST_CHARS: Final = 2_000  # of a long text its beginning is enough

# Languages that an identifier takes for each other: who understands one is asked in any.
_KIN: Final = tuple(
    frozenset(each.split()) for each in ("da nb nn no", "bs hr sr", "id ms", "cs sk", "zh yue wuu")
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_NO_WORD: Final = re.compile(r"[@/\\_=<>{}\d\[\]]")
_DENSE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff]")


def language_of(text: str, identify: Identify) -> str:
    """Return the language of a text as an ISO 639-1 code; empty when that is not sure.

    Args:
        text: what a person or a model wrote; code, addresses and numbers in it are passed over.
        identify: the identifier.
    """
    told = _CODE.sub(" ", text[:MOST_CHARS]).split()
    words = [word for word in told if not _NO_WORD.search(word)]
    plain = " ".join(words)
    letters = sum(map(str.isalpha, plain))
    enough = letters >= LEAST_LETTERS and len(words) >= LEAST_WORDS
    if not enough and len(_DENSE.findall(plain)) < LEAST_DENSE:
        return ""
    code, sure = identify(plain)
    return code if sure >= SURE and code != NO_LANGUAGE else ""


def check_language(
    text: str, *, understood: Sequence[str], says: Says, identify: Identify
) -> Verdict:
    """Return what follows when a text is surely in a language that is not understood.

    Args:
        text: what the caller says.
        understood: ISO 639-1 codes.
        says: what follows.
        identify: the identifier.
    """
    code = language_of(text, identify)
    if not code or code in understood:
        return PASSED
    if any(code in kin and not kin.isdisjoint(understood) for kin in _KIN):
        return PASSED
    known = ", ".join(understood)
    return Verdict(says, "language", f"The input is in another language than {known}.", {code: 1})
