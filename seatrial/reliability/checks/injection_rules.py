"""Rules by which a text is judged: groups of words that follow each other closely."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import itemgetter
from typing import Final

from seatrial.reliability.checks.linear import Patterns, translated

# Of a word, when it is asked whether a rule could hold at all.
START_LETTERS: Final = 4
_WHOLE: Final = (" ", "-", "_", ":", "[ _-]", r"\b")  # what ends a word in a pattern
_MANY: Final = 1_000
_OPTIONAL: Final = re.compile(r"[?*]|\{0,\d\}")
_REPEAT: Final = re.compile(r"[?*+]|\{\d,\d\}")
_FIRST: Final = re.compile(r"[a-z]+(?:\\w[*+])? (?![?*+{])")  # a word, and a blank that must be
_ENDS: Final = re.compile(r"[.!?;](?= |$)")
_SMALL: Final = range(ord("a"), ord("z") + 1)
_BETWEEN: Final = "(?:[^.!?;]|[.!?;][^ ])*"  # the rest of a sentence, in the syntax of `linear`
_LETTERS: Final = bytes(code if code in _SMALL else ord(" ") for code in range(256))
_start: Final = itemgetter(slice(START_LETTERS))


class Words:
    """The words of a plain text: how they begin, and where.

    >>> words = Words("a reset, then set it")
    >>> words.places("set"), words.places("rese")
    ([14], [2])
    """

    __slots__ = ("_places", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        spread = text.encode("utf-8", "replace").translate(_LETTERS).decode()
        self.starts = frozenset(map(_start, spread.split()))
        self._places: dict[str, list[int]] = {}

    def places(self, start: str) -> list[int]:
        """Return where words begin so; a start of fewer letters than all is a whole word."""
        found = self._places.get(start)
        if found is None:
            found = self._places[start] = list(self._find(start))
        return found

    def _find(self, start: str) -> Iterator[int]:
        text, length = self.text, len(start)
        at = text.find(start)
        while at >= 0:
            goes_on = length < START_LETTERS and "a" <= text[at + length : at + length + 1] <= "z"
            if not (goes_on or "a" <= text[at - 1 : at] <= "z"):
                yield at
            at = text.find(start, at + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One part of a rule: a flat pattern of alternatives that begin at a word.

    Args:
        pattern: what is looked for.
        starts: the first letters of the words that a match can begin with; empty if unknown.
        ends: the same of the words that stand last in a match.
    """

    pattern: re.Pattern[str]
    starts: frozenset[str]
    ends: frozenset[str]

    def rarity(self, words: Words) -> int:
        """Return in how many ways a match could begin; many when that is not known."""
        return len(self.starts & words.starts) if self.starts else _MANY

    def matches(self, words: Words) -> Iterator[tuple[int, int]]:
        """Iterate over where the pattern matches, as `finditer` would: start and end."""
        if not self.starts:
            yield from (match.span() for match in self.pattern.finditer(words.text))
            return
        after = 0
        match_at = self.pattern.match
        for place in sorted(chain.from_iterable(map(words.places, self.starts & words.starts))):
            if place >= after and (match := match_at(words.text, place)):
                after = match.end()
                yield place, after


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Groups of words in their order, and what it means to find them all.

    `glance` and `whole` are for `linear`, in texts whose words are in ASCII: the rule cannot hold
    where its rare groups, or all of them, do not follow each other in one sentence.

    Each group is looked for once, where a word begins as it must, so that a rule takes linear
    time.

    Args:
        code: stable; the family.
        weight: how much it counts; see `injection.THRESHOLD`.
        groups: each must begin at most `span` characters after the one before ended.
        span: that distance, in characters.
        rare: the places of groups that ordinary texts do not have one after the other.
    """

    code: str
    weight: float
    groups: tuple[Group, ...]
    span: int
    rare: tuple[int, ...]
    needs: tuple[frozenset[str], ...] = field(init=False)
    glance: str = field(init=False, repr=False)
    whole: Patterns = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out how words begin without which it cannot hold: one of each set, rarest last."""
        starts = [group.starts for group in self.groups]
        ends = [group.ends for group in self.groups]
        needs = tuple(each for each in (*starts, *ends) if each)
        object.__setattr__(self, "needs", needs)
        object.__setattr__(self, "glance", self._in_a_sentence(self.rare))
        whole = self._in_a_sentence(range(len(self.groups)))
        object.__setattr__(self, "whole", Patterns([whole]))

    def may_hold(self, words: Words) -> bool:
        """Whether the words are there without which it cannot hold."""
        return not any(map(words.starts.isdisjoint, self.needs))

    def holds(self, words: Words) -> bool:
        """Whether the groups follow each other closely within one sentence."""
        # Rare words first: most texts have none that a group could begin with.
        found: dict[Group, list[tuple[int, int]]] = {}
        for group in sorted(self.groups, key=lambda group: group.rarity(words)):
            found[group] = list(group.matches(words))
            if not found[group]:
                return False
        ends = [end for _, end in found[self.groups[0]]]
        for group in self.groups[1:]:
            ends = self._next(ends, found[group], words.text)
        return bool(ends)

    def _in_a_sentence(self, places: Iterable[int]) -> str:
        return _BETWEEN.join(translated(self.groups[place].pattern.pattern) for place in places)

    def _next(self, ends: list[int], matches: list[tuple[int, int]], text: str) -> list[int]:
        """Return the ends of those matches that follow one that ended before, closely."""
        found = []
        for start, end in matches:
            before = bisect_right(ends, start) - 1
            if before < 0 or start - ends[before] > self.span:
                continue
            if not _ENDS.search(text, ends[before], start):
                found.append(end)
        return found


def rule(
    code: str, weight: float, *groups: str, span: int = 48, rare: tuple[int, ...] = (0,)
) -> Rule:
    """Return a rule; each group is a pattern of alternatives that begin at a word."""
    made = tuple(
        Group(re.compile(rf"\b(?:{group})"), starts_of(group), ends_of(group)) for group in groups
    )
    return Rule(code, weight, made, span, rare)


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


def ends_of(group: str) -> frozenset[str]:
    r"""Return how the last words of a match begin, where one must be there; empty if unknown.

    >>> sorted(ends_of(r"(?:all |any )*(?:\w+ )?(?:rule|law)s?\b|do not\b|free from"))
    ['from', 'law', 'laws', 'not', 'rule']
    """
    return _together(map(_end_of, _alternatives(group)))


def _end_of(word: str) -> frozenset[str]:
    if shorter := _without_first(word):
        return _end_of(shorter) or starts_of(word)
    if word.startswith("(?:") and (known := _together(map(_end_of, _expanded(word)))):
        return known
    return starts_of(word)


def _together(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return all that stands in sets; nothing when one of them is empty, that is, unknown."""
    known = list(sets)
    return frozenset().union(*known) if all(known) else frozenset()


def _without_first(word: str) -> str:
    """Return a pattern without the words that it begins with; empty when that is not sure."""
    if first := _FIRST.match(word):
        return word[first.end() :]
    if not word.startswith("(?:"):
        return ""
    inner, rest = _bracket(word)
    repeat = _REPEAT.match(rest)
    if repeat and all(each.endswith(" ") for each in _alternatives(inner)):
        return rest[repeat.end() :]
    return rest[1:] if re.match(r" (?![?*+{])", rest) else ""


def _expanded(group: str) -> list[str]:
    """Return the alternatives of a pattern, those of a leading bracket written out."""
    words = []
    for word in _alternatives(group):
        if not word.startswith("(?:"):
            words.append(word)
            continue
        inner, rest = _bracket(word)
        if optional := _OPTIONAL.match(rest):
            rest = rest[optional.end() :]
            words += _expanded(rest)
        words += [each + rest for each in _expanded(inner)]
    return words


def _bracket(word: str) -> tuple[str, str]:
    """Return what stands in the bracket that a pattern begins with, and what behind it."""
    depths = accumulate((sign == "(") - (sign == ")") for sign in word)
    end = next(place for place, depth in enumerate(depths) if not depth)
    return word[3:end], word[end + 1 :]


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
