"""Texts that no answer may hold, found in one pass."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from seatrial.reliability.checks.figures import slices
from seatrial.values.checks import PASSED, Says, Verdict

_INVISIBLE: Final = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SCRIPTS_WITHOUT_BLANKS: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def forbid(texts: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds any of these texts in a text made `plain`; None when there are none.

    A text is found as whole words: `rival` is not in `arrival`.
    """
    wanted = sorted({plain(text) for text in texts} - {""}, key=len, reverse=True)
    return re.compile("|".join(map(_whole, wanted))) if wanted else None


def plain(text: str) -> str:
    r"""Return a text as forbidden ones are looked for: one case, one form, single blanks.

    >>> plain("ＲＩＶＡＬ\u200b  Ltd")
    'rival ltd'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    pieces = (unicodedata.normalize("NFKC", piece).casefold() for piece in slices(text))
    return " ".join("".join(piece.translate(_INVISIBLE) for piece in pieces).split())


def check_forbidden(text: str, forbidden: re.Pattern[str] | None, *, longest: int) -> Verdict:
    """Refuse a text that holds a forbidden one.

    Args:
        text: of the answer.
        forbidden: from `forbid`.
        longest: characters of the longest forbidden text.

    >>> check_forbidden("Ask our RIVAL.", forbid(["rival"]), longest=5).code
    'forbidden'
    """
    if forbidden is None or not text:
        return PASSED
    whole = plain(text)
    start = 0
    for piece in slices(whole):
        # What begins in this slice may end in the next one.
        if forbidden.search(whole, start, start + len(piece) + longest):
            return Verdict(Says.REFUSE, "forbidden", "The answer holds a forbidden text.")
        start += len(piece)
    return PASSED


def _whole(text: str) -> str:
    before = r"\b" if _is_word(text[0]) else ""
    after = r"\b" if _is_word(text[-1]) else ""
    return before + re.escape(text) + after


def _is_word(sign: str) -> bool:
    return sign.isalnum() and not _SCRIPTS_WITHOUT_BLANKS.match(sign)
