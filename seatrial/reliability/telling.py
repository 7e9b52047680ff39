"""What makes a question another one, however alike the words are.

Models of meaning put "Can I pay with 50 euros?" beside "Can't I pay with 500 euros?".  Numbers,
amounts, names, what is quoted, negations and words that turn the meaning round are compared
here, letter by letter.  It errs to one side: two questions that differ in one of these are
never taken for the same, and some that do mean the same are kept apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from seatrial.reliability.telling_words import NEGATIONS, STARTERS, TURNS

_APOSTROPHES: Final = str.maketrans("’‘ʼ`´", "'''''")
_QUOTED: Final = re.compile(r"\"[^\"]{1,300}\"|“[^”]{1,300}”|«[^»]{1,300}»|„[^“”]{1,300}[“”]")
_SINGLY: Final = re.compile(r"(?<!\w)'[^']{1,300}'(?!\w)")
_TOKEN: Final = re.compile(r"\w+(?:['.,:/_-]\w+)*|[^\w\s]")  # words, numbers, dates, codes; signs
_MARKS: Final = frozenset("%‰°<>=+#&§")
_ENDS: Final = frozenset(".!?:;…")
_AROUND: Final = ".,;:!?()[]<>…\"'“”„«»"
_CJK_NEGATIONS: Final = frozenset("不没沒无無非未勿莫别")


def telling(question: str) -> tuple[str, ...]:
    """Return what must be equal in two questions for one answer to serve both.

    Numbers, names and what is quoted stand in their order, the rest in the order of the
    alphabet.

    >>> telling("Can't I send 50 € to Ann?")
    ('50', '€', 'ann', '|', 'send', '¬')
    """
    text = unicodedata.normalize("NFKC", question.translate(_APOSTROPHES))
    named = [_folded(found) for found in _QUOTED.findall(text) + _SINGLY.findall(text)]
    turning: list[str] = []
    for line in text.splitlines():
        opens = True
        for token in _tokens(line):
            if _is_sign(token):
                if token in _MARKS or unicodedata.category(token) in {"Sc", "So"}:
                    named.append(token)
                opens = opens or token in _ENDS
                continue
            turning += _turns(token)
            if _is_named(token, opens=opens):
                named.append(token.casefold())
            opens = False
    return (*named, "|", *sorted(turning))


def _tokens(line: str) -> Iterator[str]:
    for chunk in line.split():
        if "@" in chunk or "://" in chunk:
            yield chunk.strip(_AROUND) or chunk  # an address, whole
        else:
            yield from _TOKEN.findall(chunk)


def _is_sign(token: str) -> bool:
    return len(token) == 1 and not token.isalnum() and token not in "@_"


def _is_named(token: str, *, opens: bool) -> bool:
    """Whether it is a number, a code, an address or a name."""
    if "@" in token or "://" in token or any(sign.isnumeric() for sign in token):
        return True
    if not any(sign.isupper() for sign in token):
        return False
    # The first word of a sentence is written large whatever it is.
    return token.casefold().partition("'")[0] not in (STARTERS if opens else _ALWAYS_LARGE)


_ALWAYS_LARGE: Final = frozenset({"i"})


def _turns(token: str) -> list[str]:
    """Return what a token does to the meaning."""
    word = token.casefold()
    if word in NEGATIONS or word.endswith("n't"):
        return ["¬"]
    found = [sign for sign in word if sign in _CJK_NEGATIONS]
    for part in re.split(r"['.,:/_-]", word):
        if part in TURNS:
            found.append(part)
        elif part in NEGATIONS:
            found.append("¬")
    return found


def _folded(quoted: str) -> str:
    return " ".join(quoted[1:-1].casefold().split())
