"""Is the answer held by what it was given to go by?

Transparent, and no more than words: citations must exist, cited quotes must stand in the cited
document, and numbers, days and proper names must occur in the documents, the question or the
instructions.  Whether a sentence follows from them is a question for a judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.reliability.checks.citations import examine_citations
from seatrial.reliability.checks.dates import Date, dates, without_dates
from seatrial.reliability.checks.figures import figures, parts
from seatrial.reliability.checks.names import names, vocabulary
from seatrial.reliability.checks.settings import OnOutput
from seatrial.reliability.checks.sources import Document
from seatrial.values.checks import PASSED, Says, Verdict

# The numbers that order a text: of lists, of steps.
_ORDER: Final = re.compile(
    r"^[ \t]*(?:[*#>-]+[ \t]*)?\(?\d{1,3}[.):](?=\s)"
    r"|\b(?:step|option|part|point|question|cam|opsiwn|schritt|étape|paso) \d{1,2}\b",
    re.MULTILINE | re.IGNORECASE,
)
_WORDS_FOR: Final = {
    word: str(number)
    for number, words in enumerate(
        "zero,dim,null,cero|one,un,eins,uno,first|two,dau,dwy,deux,zwei,dos,second,twice|"
        "three,tri,tair,trois,drei,tres,third|four,pedwar,pedair,quatre,vier,cuatro,fourth|"
        "five,pump,cinq,fünf,cinco,fifth|six,chwech,sechs,seis,sixth|seven,saith,sept,sieben,"
        "siete,seventh|eight,wyth,huit,acht,ocho,eighth|nine,naw,neuf,neun,nueve,ninth|"
        "ten,deg,dix,zehn,diez,tenth|eleven,onze,elf,once|twelve,deuddeg,douze,zwölf,doce,dozen|"
        "thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|"
        "twenty,ugain,vingt,zwanzig".split("|")
    )
    for word in words.split(",")
} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80",
    "ninety": "90", "hundred": "100", "thousand": "1000", "half": "0.5",
}  # fmt: skip
_SAID: Final = {
    "citation": "cites what was not supplied",
    "quote": "quotes what the cited text does not say",
    "number": "gives numbers that the context does not hold",
    "date": "gives dates that the context does not hold",
    "name": "gives names that the context does not hold",
}


def check_grounding(
    text: str, documents: Sequence[Document], said: Sequence[str], *, then: OnOutput
) -> Verdict:
    """Judge whether an answer is held by the documents of its request.

    Args:
        text: of the answer.
        documents: what it was given to go by.
        said: what else it may repeat: the question and the instructions.
        then: what follows when it is not.  Without documents there is nothing to hold it
            against, which is flagged.

    >>> tide = [Document("Low tide is at nine.")]
    >>> check_grounding("It is at 10.", tide, [], then="refuse").counts
    {'number': 1}
    """
    if then == "off" or not text.strip():
        return PASSED
    if not documents:
        return Verdict(Says.FLAG, "no_context", "There is no context to hold the answer against.")
    faults, rest = examine_citations(_without_code(text), documents)
    ground = _ground(documents, said)
    claims = _ORDER.sub(" ", without_dates(rest))
    tally = {
        "citation": faults.citation,
        "quote": faults.quote,
        "number": sum(not ground.holds_number(*each) for each in figures(claims)),
        "date": sum(not ground.holds_date(days) for days in dates(rest)),
        "name": sum(not ground.holds_name(each) for each in names(rest)),
    }
    counts = {kind: number for kind, number in tally.items() if number}
    if not counts:
        return PASSED
    reason = f"The answer {' and '.join(_SAID[kind] for kind in counts)}."
    return Verdict(Says(then), "ungrounded", reason, counts)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What may be said: every number, day and word of the documents and the question."""

    numbers: frozenset[str]
    currencies: frozenset[tuple[str, str]]
    priced: frozenset[str]
    days: Mapping[tuple[int, int], frozenset[int]]  # years by month and day; 0 for any
    words: frozenset[str]

    def holds_number(self, readings: frozenset[str], currency: str) -> bool:
        known = readings & self.numbers
        if not known:
            return False
        # "$50" is not held by "£50", but by a bare 50.
        if not currency or not known & self.priced:
            return True
        return any((currency, each) in self.currencies for each in known)

    def holds_date(self, days: frozenset[Date]) -> bool:
        return any(self._holds_day(day) for day in days)

    def _holds_day(self, day: Date) -> bool:
        years = self.days.get(day[1:], frozenset())
        if not day.year or day.year in years:
            return bool(years)
        # "1 May", with the year elsewhere.
        return 0 in years and str(day.year) in self.numbers

    def holds_name(self, name: tuple[str, ...]) -> bool:
        return all(self._holds_word(word) for word in name)

    def _holds_word(self, word: str) -> bool:
        if word in self.words or word.rstrip("s") in self.words or f"{word}s" in self.words:
            return True
        return "-" in word and all(part in self.words for part in word.split("-"))


def _ground(documents: Sequence[Document], said: Sequence[str]) -> _Ground:
    numbers: set[str] = set()
    currencies: set[tuple[str, str]] = set()
    days: dict[tuple[int, int], frozenset[int]] = {}
    words: set[str] = set()
    for text in (*(document.text for document in documents), *said):
        for readings, currency in figures(text):
            numbers |= readings
            if currency:
                currencies |= {(currency, each) for each in readings}
        numbers.update(parts(text))
        for year, month, day in (each for readings in dates(text) for each in readings):
            days[month, day] = days.get((month, day), frozenset()) | {year}
        words.update(vocabulary(text))
    numbers |= {_WORDS_FOR[word] for word in words & _WORDS_FOR.keys()}
    for document in documents:
        words.update(word for name in document.names for word in vocabulary(name))
    priced = frozenset(number for _, number in currencies)
    return _Ground(frozenset(numbers), frozenset(currencies), priced, days, frozenset(words))


def _without_code(text: str) -> str:
    """Return a text without what stands between ` or ```: code claims nothing."""
    if "`" not in text:
        return text
    prose = " ".join(text.split("```")[::2])
    return "\n".join(" ".join(line.split("`")[::2]) for line in prose.splitlines())
