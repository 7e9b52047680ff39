"""Proper names in a text, as far as capitals tell them.

In scripts without capitals, and in German, where every noun has one, nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seatrial.reliability.checks.dates import MONTHS
from seatrial.reliability.checks.figures import slices

_WORD: Final = re.compile(r"[^\W\d_][\w'’]*(?:-[^\W\d_][\w'’]*)*")
_STARTS: Final = frozenset(".!?:;\"“”«»„'‘(【[•*#|>/…—–\n")
_GERMAN: Final = frozenset("der die das und ist nicht ein eine mit von für auf den dem zu".split())
_GERMAN_SHARE: Final = 0.15

# Words with capitals that name nobody.
_COMMON: Final = frozenset(
    "i i'm i'd i'll i've mr mrs ms miss dr prof sir madam dear monday tuesday wednesday thursday "
    "friday saturday sunday mon tue tues wed thu thur thurs fri sat sun am pm ok okay faq pdf url "
    "id ai api http https html json csv sms pin usd eur gbp vat tax am pm utc gmt ceo hr it tv pc "
    "note please yes no the a an in on at of for and or but if we you he she it they this that "
    "dydd llun mawrth mercher iau gwener sadwrn sul lundi mardi mercredi jeudi vendredi samedi "
    "dimanche english welsh cymraeg french german spanish".split()
) | frozenset(MONTHS)


def names(text: str) -> Iterator[tuple[str, ...]]:
    """Iterate over the names of a text, each as its words in small letters.

    The word that begins a sentence is none.

    >>> list(names("The office in Port Talbot is open. Ask Gwen Rees."))
    [('port', 'talbot'), ('gwen', 'rees')]
    """
    if _is_german(text):
        return
    for piece in slices(text):
        for line in piece.splitlines():
            if not _is_title(line):
                yield from _names_in(line)


def vocabulary(text: str) -> Iterator[str]:
    """Iterate over the words of a text, in small letters and without a possessive end."""
    for piece in slices(text):
        for found in _WORD.finditer(piece):
            word = _bare(found[0])
            yield word
            if "-" in word:
                yield from word.split("-")


def _names_in(line: str) -> Iterator[tuple[str, ...]]:
    held: list[str] = []
    opens = False  # whether the words held begin a sentence
    end = 0
    for found in _WORD.finditer(line):
        between = line[end : found.start()]
        capital = found[0][0].isupper() and not found[0][0].isdigit()
        if held and (not capital or between != " "):
            yield from _name(held, opens=opens, label=between.startswith((":", "**:")))
            held = []
        if capital:
            if not held:
                opens = end == 0 or any(sign in _STARTS for sign in between)
            held.append(_bare(found[0]))
        end = found.end()
    if held:
        yield from _name(held, opens=opens, label=line[end:].startswith((":", "**:")))


def _name(words: list[str], *, opens: bool, label: bool) -> Iterator[tuple[str, ...]]:
    if opens and label:
        return
    # What opens a sentence has its capital from that: "Ask Gwen".
    kept = tuple(word for word in words[opens:] if word not in _COMMON and len(word) > 1)
    if kept:
        yield kept


def _bare(word: str) -> str:
    word = word.casefold().replace("’", "'").rstrip("'")
    return word.removesuffix("'s")


def _is_title(line: str) -> bool:
    """Whether a line is a heading, where capitals mean nothing."""
    if line.lstrip().startswith("#"):
        return True
    if len(line) > 120 or line.rstrip().endswith((".", "!", "?", ";", ",")):
        return False
    words = [word for word in _WORD.findall(line) if len(word) > 3]
    return len(words) > 2 and all(word[0].isupper() for word in words)


def _is_german(text: str) -> bool:
    words = text[:2000].casefold().split()
    return len(words) > 4 and sum(map(_GERMAN.__contains__, words)) > _GERMAN_SHARE * len(words)
