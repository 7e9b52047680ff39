"""Citations and quotes of an answer, held against the documents that it cites."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from seatrial.reliability.checks.sources import Document

_NEAR_CHARS: Final = 60  # a quote and its citation stand this near
_QUOTE_CHARS: Final = 600
_LEAST_QUOTE: Final = 8
_MOST_QUOTES: Final = 100
_CITATION: Final = re.compile(
    r"\[(?P<sort>\^|(?:doc|document|source|ref)(?=[:# ]))?[:# ]?"
    r"(?P<names>[\w.:-]{1,40}(?:(?:, ?| ?[-–] ?)\d{1,4}){0,20})\](?!\()"
    r"|【(?P<lens>[^】\n]{1,120})】"
)
_QUOTES: Final = {'"': '"', "“": "”", "«": "»", "„": "“"}
_OPENER: Final = re.compile("[" + "".join(_QUOTES) + "]")
_NUMBERS: Final = re.compile(r"[\d –-]+")
_RANGE: Final = re.compile(r"(\d{1,4}) ?[-–] ?(\d{1,4})")
_CUT: Final = re.compile(r"\[?(?:…|\.\.\.)\]?")
_SAME: Final = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-"})


class _Cite(NamedTuple):
    start: int
    end: int
    documents: tuple[Document, ...]


class Faults(NamedTuple):
    """How many citations name nothing, and how many quotes stand in no cited document."""

    citation: int
    quote: int


@dataclass(frozen=True, slots=True)
class Library:
    """The documents of a request, by the names that an answer may call them."""

    documents: Sequence[Document]
    _named: dict[str, list[Document]] = field(default_factory=dict, repr=False)
    _plain: dict[int, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Give a number to each document, where no names are numbers."""
        for document in self.documents:
            for name in document.names:
                self._named.setdefault(name, []).append(document)
        if not any(name.isdecimal() for name in self._named):
            for number, document in enumerate(self.documents, start=1):
                self._named.setdefault(str(number), []).append(document)

    def called(self, name: str) -> list[Document]:
        """Return the documents of a name; empty when there is none."""
        return self._named.get(name.strip().casefold(), [])

    def holds(self, quote: str, documents: Sequence[Document]) -> bool:
        """Whether one of the documents says a quote, whatever its case, signs and breaks."""
        pieces = [_plain(piece).strip(" .,;:!?") for piece in _CUT.split(quote)]
        return any(all(piece in self._text(each) for piece in pieces) for each in documents)

    def _text(self, document: Document) -> str:
        if id(document) not in self._plain:
            self._plain[id(document)] = _plain(document.text)
        return self._plain[id(document)]


def examine_citations(text: str, documents: Sequence[Document]) -> tuple[Faults, str]:
    """Return what is wrong with the citations of a text, and the text without them.

    >>> examine_citations("At nine [2].", [Document("Low tide is at nine.")])
    (Faults(citation=1, quote=0), 'At nine  .')
    """
    library = Library(documents)
    cites = list(_cites(text, library))
    unknown = sum(not cite.documents for cite in cites)
    false = 0
    ends = [cite.start for cite in cites]
    quotes = _quotes(text) if cites else iter(())
    for _, (start, end) in zip(range(_MOST_QUOTES), quotes, strict=False):
        cite = _cite_of(start, end, cites, ends)
        if cite is not None and cite.documents:
            false += not library.holds(text[start + 1 : end - 1], cite.documents)
    return Faults(unknown, false), _without(text, cites)


def _cites(text: str, library: Library) -> Iterator[_Cite]:
    for found in _CITATION.finditer(text):
        if found["lens"]:
            whole = found["lens"]
            before, _, after = whole.partition("†")
            # "4:0†source" numbers a message and its source; another word there names a file.
            numbers = re.findall(r"\d+", before) if after in {"", "source"} else []
            names = [whole, before, after, *numbers]
            called = (library.called(name) for name in names)
            yield _Cite(*found.span(), next((tuple(held) for held in called if held), ()))
            continue
        names = _listed(found["names"])
        held = [library.called(name) for name in names]
        # [your name] and [x] cite nothing.
        if found["sort"] or _NUMBERS.fullmatch(names[0]) or held[0]:
            known = [each for some in held for each in some] if all(held) else []
            yield _Cite(*found.span(), tuple(known))


def _listed(names: str) -> list[str]:
    """Return each name of `1, 2` and `3-5`."""
    listed: list[str] = []
    for name in names.split(","):
        pair = _RANGE.fullmatch(name.strip())
        first, last = (int(pair[1]), int(pair[2])) if pair else (1, 0)
        if first <= last < first + 100:
            listed += [str(number) for number in range(first, last + 1)]
        else:
            listed.append(name.strip())
    return listed


def _quotes(text: str) -> Iterator[tuple[int, int]]:
    """Iterate over the places of quotes that are long enough to be one."""
    after = 0
    for opener in _OPENER.finditer(text):
        start = opener.start()
        if start < after:
            continue
        close = text.find(_QUOTES[opener[0]], start + 1, start + _QUOTE_CHARS)
        if close < 0:
            continue
        after = close + 1
        quote = text[start + 1 : close]
        # One word in quotes is a name; in scripts without blanks it may be a sentence.
        if close - start > _LEAST_QUOTE and (" " in quote or not quote.isascii()):
            yield start, after


def _cite_of(start: int, end: int, cites: Sequence[_Cite], starts: Sequence[int]) -> _Cite | None:
    """Return the citation behind a quote, else the one before it; None when none is near."""
    place = bisect_left(starts, end)
    if place < len(cites) and cites[place].start - end <= _NEAR_CHARS:
        return cites[place]
    place = bisect_left(starts, start) - 1
    if place >= 0 and start - cites[place].end <= _NEAR_CHARS:
        return cites[place]
    return None


def _without(text: str, cites: Sequence[_Cite]) -> str:
    pieces, start = [], 0
    for cite in cites:
        pieces += [text[start : cite.start], " "]
        start = cite.end
    return "".join((*pieces, text[start:]))


def _plain(text: str) -> str:
    return " ".join(text.casefold().translate(_SAME).split())
