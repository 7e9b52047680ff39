"""Numbers in a text, in whatever way they are written.

`1,000` is `1000`, `5 %` is `0.05`.  What can be read in two ways, such as `1.234`, has both
readings: two numbers agree when they share one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Final, NamedTuple

SLICE_CHARS: Final = 65_536
_MOST_DIGITS: Final = 40  # a longer number is compared sign by sign

Readings = frozenset[str]


class Figure(NamedTuple):
    """One number of a text: what it may mean, and the currency beside it if there is one."""

    readings: Readings
    currency: str = ""


def slices(text: str, size: int = SLICE_CHARS) -> Iterator[str]:
    """Cut a text into pieces, between words where it can be.

    A thread that works through pieces lets others run in between.

    >>> list(slices("one two three", 8))
    ['one two ', 'three']
    """
    start = 0
    while len(text) - start > size:
        end = max(text.rfind(sign, start, start + size) for sign in " \n\t") + 1
        end = end if end > start else start + size
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


_NUMBER: Final = re.compile(
    # A point or a comma between digits, or three digits behind a space.
    r"(?<![\w.,])(?P<sign>US\$|[$€£¥₹]|\b(?:EUR|USD|GBP|CHF) )? ?"
    r"(?P<digits>\d+(?:[.,'’:\u00a0\u202f]\d+| \d{3}(?!\d))*)"
    r"(?P<after>[ \u00a0\u202f]?(?:%|€|£|\$|percent\b|per cent\b|y cant\b|Prozent\b|pour cent\b"
    r"|por ciento\b|[Mm]illi?on(?:s|en|es)?\b|miliwn\b|[Bb]illions?\b|[Tt]housand\b|mil\b"
    r"|[Tt]ausend\b|bn\b|[kKM]\b|[Ee]uros?\b|EUR\b|USD\b|GBP\b|CHF\b|pounds?\b|dollars?\b"
    r"|[ap]\.?m\b))?"
)
# Powers of ten.
_SCALES: Final = (
    ("milli", 6), ("milio", 6), ("miliwn", 6), ("billion", 9), ("bn", 9), ("thousand", 3),
    ("tausend", 3), ("mil", 3), ("k", 3),
)  # fmt: skip
_EXACT: Final = Context(prec=200)
_CURRENCIES: Final = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "€": "EUR",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "pound": "GBP",
    "pounds": "GBP", "¥": "JPY", "₹": "INR", "chf": "CHF",
}  # fmt: skip
_PERCENT: Final = frozenset(
    {"%", "percent", "per cent", "y cant", "prozent", "pour cent", "por ciento"}
)


def figures(text: str) -> Iterator[Figure]:
    """Iterate over the numbers of a text.

    >>> [sorted(figure.readings) for figure in figures("1,000 of 5 %")]
    [['1.000', '1000'], ['0.05', '5']]
    """
    for piece in slices(text):
        for found in _NUMBER.finditer(piece):
            after = (found["after"] or "").strip().casefold()
            sign = (found["sign"] or "").strip().casefold()
            readings = _scaled(_readings(found["digits"]), after)
            yield Figure(readings, _CURRENCIES.get(sign) or _CURRENCIES.get(after, ""))


def parts(text: str) -> Iterator[str]:
    """Iterate over every bare run of digits, as a number: the hours of a time, say."""
    for piece in slices(text):
        for found in re.finditer(r"\d+", piece):
            yield _plain(found[0])


def _readings(digits: str) -> Readings:
    """Return what a number may mean.

    A separator before the last one groups; the last one may group or be the decimal point.
    """
    if len(digits) > _MOST_DIGITS:
        return frozenset({digits})
    if ":" in digits:
        return frozenset({digits.lstrip("0")})
    groups = re.split(r"[.,'’ \u00a0\u202f]", digits)
    if len(groups) == 1:
        return frozenset({_plain(digits)})
    signs = [sign for sign in digits if not sign.isdigit()]
    found = set()
    grouped = all(len(group) == 3 for group in groups[1:])
    if grouped or not set(signs) & set(".,"):
        found.add(_plain("".join(groups)))
    if signs[-1] in ".," and signs.count(signs[-1]) == 1:
        number = "".join(groups[:-1]) + "." + groups[-1]
        # As 3,000 is hardly ever a 3, its zeros stay.
        found.add(number if found else _plain(number))
    return frozenset(found or {digits})


def _scaled(readings: Readings, after: str) -> Readings:
    if after in _PERCENT:
        return readings | _times(readings, -2)
    if after == "m":  # 5M; am and pm have their own letters
        return readings | _times(readings, 6)
    if after in {"pm", "p.m"}:
        return readings | {_afternoon(each) for each in readings}
    for word, power in _SCALES:
        if after.startswith(word):
            return readings | _times(readings, power)
    return readings


def _times(readings: Readings, power: int) -> set[str]:
    """Return numbers times a power of ten."""
    return {
        _plain(format(_EXACT.scaleb(Decimal(each), power), "f"))
        for each in readings
        if _is_plain(each)
    }


def _afternoon(reading: str) -> str:
    hour, _, minute = reading.partition(":")
    later = str(int(hour) + 12) if len(hour) < 3 and hour.isdecimal() and int(hour) < 12 else hour
    return f"{later}:{minute}" if minute else later


def _is_plain(reading: str) -> bool:
    return len(reading) <= 2 * _MOST_DIGITS and reading.replace(".", "", 1).isdecimal()


def _plain(number: str) -> str:
    """Return a number as it is compared: without zeros that mean nothing."""
    if len(number) > _MOST_DIGITS:
        return number
    whole, _, rest = format(Decimal(number), "f").partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")
