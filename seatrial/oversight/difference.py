"""What a person changed in a draft: in structure for learning, as a diff for reading.

The kinds are told from the words alone and may miss some; tags that the person gave are kept
beside them and never contradicted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from itertools import groupby
from typing import Final, Literal

import msgspec

MOST_WORDS: Final = 20_000  # of each text are compared; the rest counts as one word
MOST_CHANGES: Final = 600  # words out and in; more is told as one long change

Side = Literal["same", "out", "in"]
Segment = tuple[Side, str]


class Change(Enum):
    """What was changed.  The values are stable: records hold them, and they are tags, too."""

    FACT = "fact"  # a number, date or name is another
    OMISSION = "omission"  # the draft lacked something
    ADDITION = "addition"  # the draft said something that had to go
    POLICY = "policy"  # only a person can tell
    TONE = "tone"  # politeness, emphasis
    FORMAT = "format"  # the words are the same, their layout is not


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person changed.

    Args:
        changes: the kinds, in the order of `Change`, found in the words or given as tags.
        facts_out, facts_in: numbers, dates and names that went and came.
        words_out, words_in: how many words went and came.
        segments: the diff: pieces that are the `same`, that went `out` and came `in`.
        whole: True when too much was changed to tell word from word.
    """

    changes: tuple[Change, ...] = ()
    facts_out: tuple[str, ...] = ()
    facts_in: tuple[str, ...] = ()
    words_out: int = 0
    words_in: int = 0
    segments: tuple[Segment, ...] = ()
    whole: bool = False

    def by_sort(self) -> dict[str, list[str]]:
        """Return what differs as a ruling keeps it: each kind with the words that show it."""
        facts = [*(f"-{each}" for each in self.facts_out), *(f"+{each}" for each in self.facts_in)]
        return {each.value: facts if each is Change.FACT else [] for each in self.changes}


_TOKEN: Final = re.compile(r"\s+|\w+(?:[.,:/'’-]\w+)*|[^\w\s]")
_WORD: Final = re.compile(r"\w")
_NUMBER: Final = re.compile(r"\d")
_MARKUP: Final = re.compile(r"[*_`#>|~\-•]")
_MONTHS: Final = frozenset(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_TONE: Final = frozenset(
    "please thank thanks sorry apologise apologize apologies unfortunately kindly dear hi hello "
    "regards sincerely welcome happy glad appreciate really very just simply obviously ! ?".split()
)
_ENDS: Final = frozenset(".!?:")


def difference(before: str, after: str, tags: Sequence[str] = ()) -> Difference:
    """Return what a person changed in a draft.

    Args:
        before: the draft.
        after: what the person made of it.
        tags: the reasons that they gave; those that are kinds of change are kept as such.

    >>> [each.value for each in difference("It costs $5.", "It costs $7.").changes]
    ['fact']
    """
    old, new = _tokens(before), _tokens(after)
    segments, whole = _diff(old, new)
    gone = _words(each for side, text in segments if side == "out" for each in _tokens(text))
    come = _words(each for side, text in segments if side == "in" for each in _tokens(text))
    old_facts, new_facts = Counter(_facts(old)), Counter(_facts(new))
    facts_out = tuple((old_facts - new_facts).elements())
    facts_in = tuple((new_facts - old_facts).elements())
    found = {each for each in Change if each.value in tags}
    if facts_out or facts_in:
        found.add(Change.FACT)
    found |= _kinds(before, after, gone=gone, come=come)
    return Difference(
        tuple(each for each in Change if each in found),
        facts_out,
        facts_in,
        len(gone),
        len(come),
        segments,
        whole,
    )


def _kinds(before: str, after: str, *, gone: list[str], come: list[str]) -> set[Change]:
    """Return the kinds that the words show, facts left out."""
    if before == after:
        return set()
    found: set[Change] = set()
    polite = any(word.casefold() in _TONE for word in (*gone, *come))
    if polite or before.count("!") != after.count("!"):
        found.add(Change.TONE)
    if _layout(before) != _layout(after) or (not found and _plain(before) == _plain(after)):
        found.add(Change.FORMAT)
    lost = [word for word in gone if word.casefold() not in _TONE]
    won = [word for word in come if word.casefold() not in _TONE]
    if len(won) > len(lost) + 2:
        found.add(Change.OMISSION)
    elif len(lost) > len(won) + 2:
        found.add(Change.ADDITION)
    return found


def _tokens(text: str) -> list[str]:
    """Return words, spaces and signs in order; what is beyond the bound is one token."""
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        if len(found) == MOST_WORDS:
            found.append(text[match.start() :])
            break
        found.append(match[0])
    return found


def _words(tokens: Iterable[str]) -> list[str]:
    return [token for token in tokens if _WORD.search(token)]


def _facts(tokens: Sequence[str]) -> list[str]:
    """Return numbers, months, and words with a capital that do not begin a sentence."""
    found = []
    begins = True
    for token in tokens:
        if token.isspace():
            begins = begins or "\n" in token
            continue
        named = not begins and token[0].isupper() and token != "I"
        if named or _NUMBER.search(token) or token.casefold() in _MONTHS:
            found.append(token)
        begins = token in _ENDS or (begins and not _WORD.search(token))
    return found


def _plain(text: str) -> list[str]:
    """Return the words alone, whatever their layout and case."""
    return [token.casefold() for token in _words(_tokens(text))]


def _layout(text: str) -> tuple[int, int]:
    """Return what shows of a layout: lines, and signs of markup at their beginnings."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return len(lines), sum(bool(_MARKUP.match(line)) for line in lines)


def _diff(old: list[str], new: list[str]) -> tuple[tuple[Segment, ...], bool]:
    """Return the pieces of both texts, and whether the middle was too different to compare."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    steps = _shortest(left, right)
    whole = steps is None
    if steps is None:
        steps = [("out", "".join(left)), ("in", "".join(right))]
    ends: list[Segment] = [("same", "".join(old[len(old) - tail :]))]
    return _joined([("same", "".join(old[:head])), *steps, *ends]), whole


def _joined(steps: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return neighbours of one side as one piece: out before in, and nothing empty."""
    runs: list[Segment] = []
    for same, group in groupby((each for each in steps if each[1]), lambda each: each[0] == "same"):
        pieces = list(group)
        sides: tuple[Side, ...] = ("same",) if same else ("out", "in")
        runs += [(side, "".join(text for kind, text in pieces if kind == side)) for side in sides]
    return tuple(run for run in runs if run[1])


def _shortest(old: Sequence[str], new: Sequence[str]) -> list[Segment] | None:
    """Return the fewest changes from one list to the other; None when there are too many.

    Time is bounded by the changes times the words, which difflib's is not.

    Source: Myers, An O(ND) Difference Algorithm and Its Variations (1986).
    """
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for changes in range(min(len(old) + len(new), MOST_CHANGES) + 1):
        trail.append(dict(reach))
        for diagonal in range(-changes, changes + 1, 2):
            x = _start(reach, diagonal, changes)
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            reach[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _walk_back(trail, old, new)
    return None


def _enters_down(reach: Mapping[int, int], diagonal: int, changes: int) -> bool:
    """Whether the farthest way to a diagonal takes a word in, rather than one out."""
    if diagonal in {-changes, changes}:
        return diagonal == -changes
    return reach[diagonal - 1] < reach[diagonal + 1]


def _start(reach: Mapping[int, int], diagonal: int, changes: int) -> int:
    """Return how far the old text is used up where a diagonal is entered."""
    if _enters_down(reach, diagonal, changes):
        return reach[diagonal + 1]
    return reach[diagonal - 1] + 1


def _walk_back(
    trail: Sequence[Mapping[int, int]], old: Sequence[str], new: Sequence[str]
) -> list[Segment]:
    """Return the changes in order, from where each round of the search had come."""
    steps: list[Segment] = []
    x, y = len(old), len(new)
    for changes in range(len(trail) - 1, -1, -1):
        reach, diagonal = trail[changes], x - y
        entered = _start(reach, diagonal, changes)
        while x > entered:
            x, y = x - 1, y - 1
            steps.append(("same", old[x]))
        if changes and _enters_down(reach, diagonal, changes):
            y -= 1
            steps.append(("in", new[y]))
        elif changes:
            x -= 1
            steps.append(("out", old[x]))
    return steps[::-1]
