"""Rules by which a text is judged: groups of words that follow each other closely."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

# Of a word, when it is asked whether a rule could hold at all.
START_LETTERS: Final = 4
_WHOLE: Final = (" ", "-", "_", ":", r"\b")  # what ends a word in a pattern
_ENDS: Final = re.compile(r"[.!?;](?= |$)")


@dataclass(frozen=True, slots=True)
class Rule:
    """Groups of words in their order, and what it means to find them all.

    Each group is one flat pattern and is looked for once, so that a rule takes linear time.

    Args:
        code: stable; the family.
        weight: how much it counts; see `injection.THRESHOLD`.
        groups: each must begin at most `span` characters after the one before ended.
        starts: for each group of which it is known, the first letters of the words that it can
            begin with: a text without any of them is not searched.
        span: that distance, in characters.
    """

    code: str
    weight: float
    groups: tuple[re.Pattern[str], ...]
    starts: tuple[frozenset[str], ...]
    span: int

    def holds(self, text: str) -> bool:
        """Whether the groups follow each other closely within one sentence."""
        ends: list[int] = []
        for place, group in enumerate(self.groups):
            next_ends = []
            for match in group.finditer(text):
                start = match.start()
                if place:
                    before = bisect_right(ends, start) - 1
                    if before < 0 or start - ends[before] > self.span:
                        continue
                    if _ENDS.search(text, ends[before], start):
                        continue
                next_ends.append(match.end())
            if not next_ends:
                return False
            ends = next_ends
        return True


def rule(code: str, weight: float, *groups: str, span: int = 48) -> Rule:
    """Return a rule; each group is a pattern of alternatives that begin at a word."""
    patterns = tuple(re.compile(rf"\b(?:{group})") for group in groups)
    starts = tuple(filter(None, map(starts_of, groups)))
    return Rule(code, weight, patterns, starts, span)


def starts_of(group: str) -> frozenset[str]:
    r"""Return how words begin of which a match of the group must have one; empty if unknown.

    >>> sorted(starts_of(r"ignor|(?:re)?set\b|dump"))
    ['dump', 'igno', 'rese', 'set']
    """
    found = set()
    for word in _expanded(group):
        letters = re.match(r"[a-z]*", word)
        start = letters[0] if letters else ""
        after = word[len(start) :]
        forms = [start]
        if after.startswith("?"):
            forms, after = [start, start[:-1]], after[1:]
        for form in forms:
            if len(form) < START_LETTERS and not after.startswith(_WHOLE):
                return frozenset()
            found.add(form[:START_LETTERS])
    return frozenset(found)


def _expanded(group: str) -> list[str]:
    """Return the alternatives of a pattern, those of a leading bracket written out."""
    words = []
    for word in _alternatives(group):
        if not word.startswith("(?:"):
            words.append(word)
            continue
        depths = accumulate((sign == "(") - (sign == ")") for sign in word)
        end = next(place for place, depth in enumerate(depths) if not depth)
        inner, rest = word[3:end], word[end + 1 :]
        if rest.startswith("?"):
            rest = rest[1:]
            words += _expanded(rest)
        words += [each + rest for each in _expanded(inner)]
    return words


def _alternatives(group: str) -> list[str]:
    """Return the alternatives of a pattern, without looking into its brackets."""
    parts = [""]
    depth = 0
    for sign in group:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts
