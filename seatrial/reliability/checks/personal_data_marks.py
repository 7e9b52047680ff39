"""Marks in the place of personal data, and back again: the same value has the same mark.

Marks live as long as their request; they are never stored.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from seatrial.reliability.checks.personal_data import KINDS, finds

_MARK: Final = re.compile(r"\[[A-Z_]{2,20}_(\d{1,6})\]")
_SEPARATORS: Final = re.compile(r"[\s.\-/()]")
# Nobody writes so many different ones; each takes memory until its request is answered.
MOST_MARKS: Final = 20_000
_JOINED: Final = 4_096  # pieces of a text that are held apart


class TooManyMarks(Exception):
    """A request holds more different personal data than marks are given out for."""


class Marks:
    """Puts marks in the place of personal data, text by text.

    Args:
        kinds: which kinds.
        texts: everything that will be changed; marks written there by somebody else are not
            given out again.
    """

    def __init__(self, kinds: frozenset[str] = frozenset(KINDS), texts: Iterable[str] = ()) -> None:
        self._kinds = kinds
        self._texts = texts
        self._first: int | None = None
        self._by_value: dict[tuple[str, str], str] = {}
        self._given: dict[str, int] = {}
        self.originals: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    def redact(self, text: str) -> str:
        """Return a text with marks in the place of personal data; the same text without any.

        Raises:
            TooManyMarks: the texts together hold too much.

        >>> Marks().redact("Mail ann@example.org or ANN@example.org")
        'Mail [EMAIL_1] or [EMAIL_1]'
        """
        parts: list[str] = []
        at = 0
        for kind, start, end in finds(text, self._kinds):
            parts += [text[at:start], self._mark(kind, text[start:end])]
            at = end
            if len(parts) > _JOINED:
                parts = ["".join(parts)]
        if not at:
            return text
        parts.append(text[at:])
        return "".join(parts)

    def count(self, text: str) -> str:
        """Count the personal data in a text, and return the text as it is."""
        for kind, _, _ in finds(text, self._kinds):
            self.counts[kind] = self.counts.get(kind, 0) + 1
        return text

    def _mark(self, kind: str, value: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        plain = value if kind == "secret" else _SEPARATORS.sub("", value).casefold()
        if kind == "email":
            plain = value.casefold()
        key = (kind, plain)
        if key not in self._by_value:
            if self._first is None:
                self._first = max(map(_highest, self._texts), default=0) + 1
            if len(self._by_value) >= MOST_MARKS:
                raise TooManyMarks
            number = self._first + self._given.get(kind, 0)
            self._given[kind] = self._given.get(kind, 0) + 1
            mark = f"[{kind.upper()}_{number}]"
            self._by_value[key] = mark
            self.originals[mark] = value
        return self._by_value[key]


def _highest(text: str) -> int:
    """Return the highest number of something that looks like a mark already."""
    if "[" not in text:
        return 0
    return max((int(mark[1]) for mark in _MARK.finditer(text)), default=0)


def restore(text: str, marks: Mapping[str, str], *, in_json: bool = False) -> str:
    """Return a text with each mark turned back into what it stands for.

    Args:
        text: an answer.
        marks: what each mark stands for.
        in_json: whether the text is JSON, as in the arguments of a tool call.

    >>> restore("I write to [EMAIL_1].", {"[EMAIL_1]": "ann@example.org"})
    'I write to ann@example.org.'
    """
    if not marks or "[" not in text:
        return text

    def original(match: re.Match[str]) -> str:
        value = marks.get(match[0])
        if value is None:
            return match[0]
        return msgspec.json.encode(value).decode()[1:-1] if in_json else value

    return _MARK.sub(original, text)


class Restorer:
    """Does what `restore` does for an answer in pieces, where marks may be split over them.

    Args:
        marks: what each mark stands for.
        in_json: as for `restore`.
    """

    def __init__(self, marks: Mapping[str, str], *, in_json: bool = False) -> None:
        self._marks = marks
        self._sorted = sorted(marks)
        self._in_json = in_json
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what may leave now; the beginning of what could be a mark waits."""
        text = self._held + piece
        opened = text.rfind("[")
        self._held = ""
        if opened >= 0:
            tail = text[opened:]
            if self._is_begun(tail):
                text, self._held = text[:opened], tail
        return restore(text, self._marks, in_json=self._in_json)

    def _is_begun(self, tail: str) -> bool:
        """Whether a mark begins like that and goes on."""
        place = bisect_left(self._sorted, tail)
        following = self._sorted[place : place + 1]
        return bool(following) and following[0] != tail and following[0].startswith(tail)

    def end(self) -> str:
        """Return what waited for more, once no more comes."""
        held, self._held = self._held, ""
        return held
