"""Phone numbers: with a country's code, as they are written at home, or called so nearby.

They have no check digits: their form and the words before them must do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

NEAR: Final = 40  # characters before a number in which its name is looked for


def words(*names: str) -> re.Pattern[str]:
    """Return a pattern of words, each known by how it begins."""
    return re.compile(r"(?i)(?<![a-z])(?:" + "|".join(names) + ")")


def phones_in(text: str) -> Iterator[tuple[int, int]]:
    """Iterate over phone numbers: with a country's code, as written at home, or called so."""
    places = [match.start() for match in _BEGINS.finditer(text)]
    if "+" in text or "00" in text:
        for match in matches_at(places, _INTERNATIONAL, text):
            digits = re.sub(r"\D", "", match[0])
            plus = match[0][0] == "+"
            code = digits if plus else digits[2:]
            if _country(code) and (plus or (len(code) >= 10 and not _called(text, match))):
                yield match.span()
    for match in matches_at(places, _NATIONAL, text):
        count = sum(map(str.isdigit, match[0]))
        if 9 <= count <= 12 and not _DATE.match(match[0]) and not _called(text, match):
            yield match.span()
    small = text.lower()
    if not any(stem in small for stem in _PHONE_STEMS):
        return
    for match in matches_at(places, _BARE, text):
        near = text[max(0, match.start() - NEAR) : match.start()].lower()
        if any(stem in near for stem in _PHONE_STEMS) and _last_word(text, match) == "phone":
            yield match.span()


def matches_at(
    places: Iterable[int], pattern: re.Pattern[str], text: str
) -> Iterator[re.Match[str]]:
    """Iterate over a pattern's matches, as `finditer` would, where it can only begin at places."""
    after = 0
    for place in places:
        if place >= after and (match := pattern.match(text, place)):
            after = match.end()
            yield match


_BEGINS: Final = re.compile(r"[\d(+](?<!\w[\d(+])")  # where any of these can begin
_INTERNATIONAL: Final = re.compile(
    r"(?<![\w+])(?:\+|00)(?=[1-9])(?:\d{1,3}[ .\-/]?\(0\)[ .\-/]?\d|\d)"
    r"(?:[ .\-/()]{0,2}\d){6,13}(?!\w)"
)
_NATIONAL: Final = re.compile(
    r"(?<![\w+.,\-/])(?<!\d )(?:"
    r"\([2-9]\d{2}\)[ .-]?[2-9]\d{2}[ .-]\d{4}"  # (555) 234-5678
    r"|[2-9]\d{2}([.-])[2-9]\d{2}\1\d{4}"  # 555-234-5678
    r"|\(0\d{1,5}\)[ .\-/]?\d{2,8}(?:[ .\-/]\d{2,8}){0,3}"  # (020) 7946 0958
    # 020 7946 0958, 01 23 45 67 89, 0171/123 45 67
    r"|0[1-9]\d{0,4}[ .\-/]\d{2,8}(?:([ .-])\d{2,8}(?:\2\d{2,8}){0,3})?"
    r"|07\d{9}"  # a British mobile number
    r"|[679]\d{2}(?: \d{3} \d{3}|(?: \d{2}){3})"  # 612 345 678
    r")(?!\w|[.,\-/]\d)"
)
# Also 555 234 5678, and any run of digits.
_BARE: Final = re.compile(
    r"(?<![\w+.,\-/])(?:\d{7,12}|[2-9]\d{2} [2-9]\d{2} \d{4})(?!\w|[.,\-/]\d)"
)
_DATE: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}|\d{4}([./-])\d{1,2}\2\d{1,2}")
_PHONE_WORDS: Final = words(
    *"phone tele?ph mobile fax handy anruf rufnummer téléph portable appele teléf móvil".split(),
    *"llám cellulare chiam ffôn ffonio symudol".split(),
    *(f"{word}\\b" for word in "tel mob cell calls? ring sms".split()),
    *("text me", "whats ?app", "reach me", "nummer ist"),
)
# The cheap question before those words: each has one of these in it.
_PHONE_STEMS: Final = tuple(
    "pho tel tél mob fax hand anruf rufn porta appel móv llám cell chia ffôn ffon symu call ring "
    "sms text what reach numm".split()
)
_OTHER_WORDS: Final = words(
    *"order invoice ticket track article sku isbn account acct customer booking parcel".split(),
    *"paid price cost amount total serial policy contract transaction barcode".split(),
    *"bestell rechnung kunden vorgang commande facture pedido factura ordine fattura".split(),
    *"archeb cyfeirnod anfoneb".split(),
    *(f"{word}s?\\b" for word in "ref item case id no code pin ean part".split()),
)
# Of two digits, or the first two of three.
_CODES: Final = frozenset(
    "20 21 22 23 24 25 26 27 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 "
    "51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 80 81 82 84 85 86 87 88 90 91 92 "
    "93 94 95 96 97 98 99".split()
)


def _country(digits: str) -> bool:
    """Whether digits begin with the code of a country."""
    return 8 <= len(digits) <= 15 and (digits[0] in "17" or digits[:2] in _CODES)


def _called(text: str, match: re.Match[str]) -> bool:
    """Whether a number is called something else than a phone number shortly before."""
    return _last_word(text, match) == "other"


def _last_word(text: str, match: re.Match[str]) -> str:
    """Return what a number is called before it: `phone`, `other` or nothing."""
    before = text[max(0, match.start() - NEAR) : match.start()]
    phone = max((word.start() for word in _PHONE_WORDS.finditer(before)), default=-1)
    other = max((word.start() for word in _OTHER_WORDS.finditer(before)), default=-1)
    if before.endswith("#"):
        other = NEAR
    if phone == other:
        return ""
    return "phone" if phone > other else "other"
