"""Does an answer give away what must stay inside?

Secrets by their forms, canaries by their letters, the instructions by a long run of their own
words, and personal data that nobody brought into the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from seatrial.reliability.checks.figures import slices
from seatrial.reliability.checks.personal_data import find
from seatrial.reliability.checks.personal_data_glance import may_hold_private
from seatrial.reliability.checks.settings import OnOutput
from seatrial.reliability.checks.texts import SLICE_CHARS, unprinted
from seatrial.values.checks import PASSED, Says, Verdict

SHINGLE: Final = 8  # words that must follow each other as they do in the instructions
RUN_WORDS: Final = 30  # so many in one run give the instructions away
_LEAST_WORDS: Final = 12  # a shorter instruction is too common to be recognised
_STEP: Final = SHINGLE - 4 + 1
_COVERED: Final = 0.5  # this much of the instructions in shorter runs does as well
MOST_PROMPT_CHARS: Final = 200_000
PROMPTS_KEPT: Final = 64
_SHARED: Final = 64  # characters by which neighbouring slices overlap, so that none hides a secret

# A sign of a script without blanks is a word of its own.
_WORD: Final = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W_\u0e00-\u0e7f\u3040-\u9fff]+"
)
# The same for ASCII, in a tenth of the time.
_APART: Final = bytes(
    ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ")
    for code in range(256)
)
_INVISIBLE: Final = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])

_SAID: Final = {
    "canary": "a planted text",
    "secret": "a secret",
    "prompt": "its instructions",
    "personal": "personal data that was not in the input",
}


@dataclass(frozen=True, slots=True)
class Instructions:
    """The words of a prompt, as far as they can be recognised again."""

    known: frozenset[str] = field(repr=False)
    # Every run of eight words holds four that begin at a place divisible by `_STEP`.
    fours: frozenset[tuple[str, ...]] = field(repr=False)
    shingles: frozenset[tuple[str, ...]] = field(repr=False)


class Prompts:
    """Prompts made ready to be recognised; the least used are let go, as in `Shapes`."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: dict[str, Instructions] = {}
        self._old: dict[str, Instructions] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, prompt: str) -> Instructions:
        """Return the words of a prompt."""
        young = self._young
        found = young.get(prompt)
        if found is not None:
            return found
        found = self._old.get(prompt) or instructions(prompt)
        if len(young) >= PROMPTS_KEPT:
            self._old, young = young, {}
            self._young = young
        young[prompt] = found
        return found


def instructions(prompt: str) -> Instructions:
    """Return what of a prompt can be recognised again: its first `MOST_PROMPT_CHARS`."""
    words = _words(prompt[:MOST_PROMPT_CHARS])
    if len(words) < _LEAST_WORDS:
        return Instructions(frozenset(), frozenset(), frozenset())
    fours = frozenset(zip(*(words[place:] for place in range(4)), strict=False))
    return Instructions(frozenset(words), fours, frozenset(_shingles(words)))


def check_leaks(
    text: str,
    *,
    then: OnOutput,
    canaries: Sequence[str] = (),
    prompt: Instructions | None = None,
    given: Callable[[], Iterable[str]] = tuple,
    said: Callable[[], Iterable[str]] = tuple,
    open_texts: Callable[[], Iterable[str]] = tuple,
) -> Verdict:
    """Judge whether an answer gives something away.

    Args:
        text: of the answer, with the arguments of its tool calls.
        then: what follows when it does.
        canaries: planted texts, as they stand in the settings.
        prompt: the instructions, from `instructions`; None when there are none.
        given: returns the texts of the request and what its marks stand for; personal data
            in them is no leak.
        said: returns what the caller said: only a secret of theirs may be repeated.
        open_texts: returns what of the request may be repeated, such as documents.

    >>> check_leaks("Mail ann@example.org", then="refuse", given=lambda: ["ann@example.org"]).code
    ''
    """
    if then == "off" or not text:
        return PASSED
    counts = {
        "canary": _count_canaries(text, canaries),
        "prompt": int(prompt is not None and _repeats(text, prompt, open_texts)),
        **_count_private(text, given, said),
    }
    counts = {kind: number for kind, number in counts.items() if number}
    if not counts:
        return PASSED
    kinds = dict.fromkeys(kind if kind in _SAID else "personal" for kind in counts)
    reason = f"The answer gives away {' and '.join(_SAID[kind] for kind in kinds)}."
    return Verdict(Says(then), "leak", reason, counts)


def _count_canaries(text: str, canaries: Sequence[str]) -> int:
    if not canaries:
        return 0
    bare = _bare(text)
    return sum(_bare(canary) in bare for canary in canaries)


def _bare(text: str) -> str:
    """Return a text without case, blanks and signs that nobody sees: they hide nothing."""
    return "".join(
        "".join(piece.casefold().translate(_INVISIBLE).split()) for piece in slices(text)
    )


def _count_private(
    text: str, given: Callable[[], Iterable[str]], said: Callable[[], Iterable[str]]
) -> dict[str, int]:
    """Return how much of each kind stands in a text that nobody brought in."""
    found = set(_private(text))
    if not found:
        return {}
    told, known = _letters_of(said()), _letters_of(given())
    counts: dict[str, int] = {}
    for kind, value in found:
        if _letters(value) not in (told if kind == "secret" else known):
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def _private(text: str) -> Iterable[tuple[str, str]]:
    if not may_hold_private(text):
        return
    tail = ""
    for piece in slices(text):
        whole = tail + piece
        for found in find(whole):
            yield found.kind, whole[found.start : found.end]
        tail = piece[-_SHARED:]


def _letters_of(texts: Iterable[str]) -> str:
    """Return texts without gaps: numbers are written with other ones when they are said again."""
    return "\n".join(_letters(piece) for text in texts for piece in slices(text))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _repeats(text: str, prompt: Instructions, open_texts: Callable[[], Iterable[str]]) -> bool:
    """Whether a text repeats the instructions word by word."""
    if not prompt.shingles:
        return False
    words = _words(text)
    aligned = zip(*(words[place::_STEP] for place in range(4)), strict=False)
    if prompt.fours.isdisjoint(aligned) or not _gives_away(words, prompt, prompt.shingles):
        return False
    # Only now the dear question: what of it may be repeated?
    free = {shingle for each in open_texts() for shingle in _shingles(_words(each))}
    return not free or _gives_away(words, prompt, prompt.shingles - free)


def _gives_away(
    words: Sequence[str], prompt: Instructions, shingles: frozenset[tuple[str, ...]]
) -> bool:
    """Whether one long run of the words, or many short ones, stand in the instructions."""
    known = prompt.known
    found: set[tuple[str, ...]] = set()
    run = 0
    near = 0  # words in a row that the instructions know at all
    for place, word in enumerate(words):
        near = near + 1 if word in known else 0
        shingle = tuple(words[place - SHINGLE + 1 : place + 1]) if near >= SHINGLE else ()
        if shingle not in shingles:
            run = 0
            continue
        run = run + 1 if run else SHINGLE
        if run >= RUN_WORDS:
            return True
        found.add(shingle)
    return bool(found) and len(found) >= _COVERED * len(shingles)


def _words(text: str) -> list[str]:
    if len(text) < SLICE_CHARS and text.isascii():
        return text.encode().translate(_APART).decode().split()
    words: list[str] = []
    for piece in slices(text):
        plain = unprinted(piece)
        if plain.isascii():
            words += plain.encode().translate(_APART).decode().split()
        else:
            words += _WORD.findall(plain.casefold())
    return words


def _shingles(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[place:] for place in range(SHINGLE)), strict=False)
