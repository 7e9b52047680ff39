"""Days in a text, in whatever way they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from seatrial.reliability.checks.figures import slices

_LISTS: Final = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
)
MONTHS: Final = {name: 1 + i for names in _LISTS for i, name in enumerate(names.split())} | {
    "sept": 9
}
_NAMES: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY: Final = (
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|eg|fed|ain|af|il|ydd|\.|º)?(?: of| o| de)? "
    rf"(?P<month>{_NAMES})\b\.?(?:(?:,| de| del)? (?P<year>\d{{4}}))?"
)
_DATE: Final = re.compile(
    r"(?<![\w./-])(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    r"|(?P<numeric>\d{1,2}(?P<mark>[./-])\d{1,2}(?P=mark)\d{4})"
    rf"|{_DAY}"
    rf"|(?P<month2>{_NAMES})\b\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year2>\d{{4}}))?)"
    r"(?!\w)",
    re.IGNORECASE,
)


class Date(NamedTuple):
    """One day; the year is 0 when it was not said."""

    year: int
    month: int
    day: int


def dates(text: str) -> Iterator[frozenset[Date]]:
    """Iterate over the days of a text: each day that a writing may mean.

    >>> [sorted(days) for days in dates("1 May 2024")]
    [[Date(year=2024, month=5, day=1)]]
    """
    for piece in slices(text):
        for found in _DATE.finditer(piece):
            days = frozenset(day for day in _days(found) if _is_day(day))
            if days:
                yield days


def without_dates(text: str) -> str:
    """Return a text with its days taken out."""
    return "".join(_DATE.sub(_blank, piece) for piece in slices(text))


def _blank(found: re.Match[str]) -> str:
    return " " if any(_is_day(day) for day in _days(found)) else found[0]


def _days(found: re.Match[str]) -> list[Date]:
    if found["iso"]:
        year, month, day = map(int, found["iso"].split("-"))
        return [Date(year, month, day)]
    if found["numeric"]:
        first, second, year = map(int, found["numeric"].split(found["mark"]))
        return [Date(year, second, first), Date(year, first, second)]
    month = MONTHS[(found["month"] or found["month2"]).casefold()]
    said = found["year"] or found["year2"] or 0
    return [Date(int(said), month, int(found["day"] or found["day2"]))]


def _is_day(date: Date) -> bool:
    return 1 <= date.month <= 12 and 1 <= date.day <= 31
