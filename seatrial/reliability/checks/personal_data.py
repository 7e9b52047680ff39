"""Personal data in a text: which kinds, and where.

Cheap questions come first: a text without a run of digits and without an @ is hardly looked at.
Every pattern takes linear time.  What has no check digits of its own (phone numbers) or weak
ones (a bare nine or ten digit number) must be written as such, or be called so nearby.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Final, NamedTuple

from seatrial.reliability.checks.personal_data_numbers import HOLDS, IBAN_LENGTHS
from seatrial.reliability.checks.personal_data_phones import NEAR, matches_at, phones_in, words
from seatrial.reliability.checks.personal_data_secrets import has_long_run, secrets_in
from seatrial.reliability.checks.texts import SLICE_CHARS, slices_of

NATIONAL: Final = (
    "nhs nino ssn steuer_id insee dni bsn codice_fiscale pesel hetu personnummer rijksregister ahv "
    "cpf"
).split()
# Where two kinds claim the same signs, the one named first has them.
KINDS: Final = ("secret", "email", "iban", "card", *NATIONAL, "phone", "ip")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {"national": tuple(NATIONAL)}


class Found(NamedTuple):
    """One piece of personal data in a text."""

    kind: str
    start: int
    end: int


def kinds_of(names: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds that are meant by names of kinds and groups; every kind by none."""
    named = {kind for name in names for kind in GROUPS.get(name, (name,))}
    return frozenset(named or KINDS)


def find(text: str, kinds: frozenset[str] = frozenset(KINDS)) -> list[Found]:
    """Return the personal data in a text, in its order, without overlaps.

    >>> find("Mail ann@example.org now")
    [Found(kind='email', start=5, end=20)]
    """
    return list(finds(text, kinds))


def finds(text: str, kinds: frozenset[str]) -> Iterator[Found]:
    """Iterate over what `find` returns; of a long text, no more is held than of one slice."""
    if len(text) <= SLICE_CHARS:
        yield from _apart(_find(text, kinds))
        return
    waiting: list[Found] = []  # what the next slice may have more of
    for place, piece in slices_of(text):
        while waiting and waiting[0].end <= place:
            yield waiting.pop(0)
        moved = [
            Found(kind, start + place, end + place) for kind, start, end in _find(piece, kinds)
        ]
        waiting = _apart([*waiting, *moved])
    yield from waiting


def _find(text: str, kinds: frozenset[str]) -> list[Found]:
    plain = text if text.isascii() or not _FOLDED.search(text) else text.translate(_FOLD)
    found: list[Found] = []
    if "secret" in kinds:
        found += [Found("secret", *span) for span in secrets_in(plain)]
    if "email" in kinds and "@" in plain:
        found += _emails(plain)
    if _may_number(plain) and _DIGITS.search(plain):
        places = [match.start() for match in _RUNS.finditer(plain)]
        for kind, (pattern, weak) in _NUMBERS.items():
            if kind in kinds:
                matches = _matches(plain, kind, pattern, places)
                found += _numbers(plain, kind, matches, weak)
        if "phone" in kinds:
            found += [Found("phone", *span) for span in phones_in(plain)]
    if "ip" in kinds:
        found += _addresses(plain)
    return found


# The same length before and after, so that places stay: digits of other scripts, the blanks and
# dashes of typesetters, and signs of full width.
_FOLD: Final = (
    {ord(sign): " " for sign in "\u00a0\u2007\u2009\u202f\u200b\u2060\t"}
    | {ord(sign): "-" for sign in "\u2010\u2011\u2012\u2013\u2014\u2212"}
    | {0xFF01 + i: chr(0x21 + i) for i in range(94)}
    | {start + i: str(i) for start in (0x0660, 0x06F0, 0x0966, 0x09E6) for i in range(10)}
)
_FOLDED: Final = re.compile(f"[{re.escape(''.join(map(chr, _FOLD)))}]")
# Six digits, or digits with a letter between them as in Italy's numbers.  Here and below: what
# begins with a digit, and not with a question about the sign before it, is searched for faster.
_DIGITS: Final = re.compile(r"\d(?:(?:[ .\-/()]{0,2}\d){5}|\d[A-Za-z]\d\d)")
# A digit of ASCII is a 0, a letter an A, and what may stand between digits is left out.
_KINDS: Final = (
    bytes(
        ord("0") if chr(code).isdigit() else ord("A") if chr(code).isalpha() else ord("#")
        for code in range(128)
    )
    + b"#" * 128
)
_RUNS: Final = re.compile(r"\d(?<!\w\d)")  # where digits begin, behind no letter
# A number that begins with letters: right before a digit, or two of them apart from it.
_LETTERED: Final = re.compile(r"\d(?:(?<=[^\W\d_]\d)|(?<=\b[^\W\d_]{2} \d)|(?<=\b[XYZxyz]-\d))")
_NOT_IN: Final = r"(?<![\w.,+\-/])(?<!\d )"  # starts afresh, not inside a longer number
_ENDS: Final = r"(?![\w]|[.,\-/]\d)"
_SPACED: Final = re.compile(r"[ .\-/]")


class _Weak(NamedTuple):
    """How a number with weak check digits must be written or called to count as one."""

    form: re.Pattern[str] | None
    words: re.Pattern[str]


_NUMBERS: Final[Mapping[str, tuple[re.Pattern[str], _Weak | None]]] = {
    "iban": (re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])"), None),
    "card": (
        re.compile(
            r"(?<![\w.+])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}"
            r"|\d{13,19})(?!\w|[.,]\d)"
        ),
        None,
    ),
    "nhs": (
        re.compile(_NOT_IN + r"\d{3}([ -]?)\d{3}\1\d{4}" + _ENDS),
        _Weak(
            re.compile(r"\d{3} \d{3} \d{4}"), words("nhs", "national health", "gig", "patient")
        ),
    ),
    "nino": (
        re.compile(r"(?i)(?<![\w])[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"),
        None,
    ),
    "ssn": (
        re.compile(_NOT_IN + r"\d{3}([ -]?)\d{2}\1\d{4}" + _ENDS),
        _Weak(re.compile(r"\d{3}-\d{2}-\d{4}"), words("ssn", "social security", r"soc\.? ?sec")),
    ),
    "steuer_id": (
        re.compile(_NOT_IN + r"\d{2}( ?)\d{3}\1\d{3}\1\d{3}" + _ENDS),
        _Weak(
            re.compile(r"\d{2} \d{3} \d{3} \d{3}"),
            words("steuer", "idnr", "id-nr", "tax id"),
        ),
    ),
    "insee": (
        re.compile(r"(?<!\w)[12378] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)"),
        None,
    ),
    "dni": (re.compile(r"(?i)(?<!\w)(?:\d{8}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z](?!\w)"), None),
    "bsn": (
        re.compile(_NOT_IN + r"\d{9}" + _ENDS),
        _Weak(None, words("bsn", "burgerservice", "sofi")),
    ),
    "codice_fiscale": (
        re.compile(r"(?i)(?<!\w)[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}"
                   r"[A-Z][0-9LMNP-V]{3}[A-Z](?!\w)"),
        None,
    ),
    "pesel": (re.compile(_NOT_IN + r"\d{11}" + _ENDS), _Weak(None, words("pesel"))),
    "personnummer": (
        re.compile(_NOT_IN + r"(?:19|20)?\d{6}[-+]?\d{4}" + _ENDS),
        _Weak(
            re.compile(r"(?:19|20)?\d{6}[-+]\d{4}|(?:19|20)\d{10}"),
            words("person", "samordning", "pnr"),
        ),
    ),
    "rijksregister": (
        re.compile(_NOT_IN + r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}" + _ENDS),
        _Weak(
            re.compile(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"),
            words("rijksregister", "registre national", "national number", "insz", "niss"),
        ),
    ),
    "ahv": (re.compile(_NOT_IN + r"756(\.?)\d{4}\1\d{4}\1\d{2}" + _ENDS), None),
    "hetu": (re.compile(r"(?i)(?<!\w)\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?!\w)"), None),
    "cpf": (
        re.compile(_NOT_IN + r"\d{3}(\.?)\d{3}\1\d{3}-?\d{2}" + _ENDS),
        _Weak(re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), words("cpf")),
    ),
}  # fmt: skip


def _may_number(text: str) -> bool:
    """Whether the signs of `_DIGITS` could be there; cheap, and yes for other scripts."""
    if not text.isascii():
        return True
    kinds = text.encode().translate(_KINDS, b" .-/()")
    return b"000000" in kinds or b"00A00" in kinds


def _matches(
    text: str, kind: str, pattern: re.Pattern[str], places: list[int]
) -> Iterator[re.Match[str]]:
    """Iterate over a pattern's matches: where digits begin, unless letters may stand before."""
    if kind == "codice_fiscale":  # its digits may all be letters
        if has_long_run(text) or not text.isascii():
            yield from pattern.finditer(text)
    elif kind in {"iban", "nino", "dni"} and _LETTERED.search(text):
        yield from pattern.finditer(text)
    else:
        yield from matches_at(places, pattern, text)


def _numbers(
    text: str, kind: str, matches: Iterable[re.Match[str]], weak: _Weak | None
) -> Iterator[Found]:
    holds = HOLDS[kind]
    for match in matches:
        start, end = match.span()
        if kind == "iban":
            end = _iban_end(text, start)
        elif kind == "card":
            end = _card_end(text, start, end)
        written = text[start:end]
        signs = _SPACED.sub("", written).upper()
        if kind == "personnummer":
            signs = signs.replace("+", "")
        elif kind == "hetu":
            signs = written.upper()  # its sign tells the century
        if weak and not _is_called(text, start, weak, written):
            continue
        if holds(signs):
            yield Found(kind, start, end)


def _is_called(text: str, start: int, weak: _Weak, written: str) -> bool:
    """Whether a number is written as one of its kind, or called so shortly before."""
    if weak.form and weak.form.fullmatch(written):
        return True
    return bool(weak.words.search(text[max(0, start - NEAR) : start]))


def _card_end(text: str, start: int, end: int) -> int:
    """Return where a card's number ends: the month of its expiry may stand behind it."""
    written = text[start:end]
    cut = max(written.rfind(" "), written.rfind("-"))
    if cut > 0 and not HOLDS["card"](_SPACED.sub("", written)):
        return start + cut
    return end


def _iban_end(text: str, start: int) -> int:
    """Return where an IBAN that starts here would end by its country's length; else `start`."""
    left = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    at = start
    while left and at < len(text):
        if text[at].isalnum() and text[at].isascii():
            left -= 1
        elif text[at] not in " -" or text[at - 1] in " -":
            return start
        at += 1
    return at if not left and not text[at : at + 1].isalnum() else start


# --- e-mail ------------------------------------------------------------------------------

# RFC 5322 allows more, `=` and `/` among them; nobody's address has them.
_LOCAL: Final = re.compile(r"[\w.!#$%&'*+?^`{|}~-]{1,64}\Z")
_DOMAIN: Final = re.compile(
    r"@(?:[\w-]{1,63}\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w-])"
)


def _emails(text: str) -> Iterator[Found]:
    """Iterate over addresses: a domain after each @, then the name before it."""
    after = 0
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        local = _LOCAL.search(text[max(after, at - 64) : at])
        if local is None:
            continue
        name = local[0].lstrip(".'`|?*&!#{")
        if name and not (name == "git" and text[domain.end() : domain.end() + 1] == ":"):
            yield Found("email", at - len(name), domain.end())
            after = domain.end()


# --- addresses of computers --------------------------------------------------------------

_IP4: Final = re.compile(r"\d(?<![\w.]\d)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\w|\.\d)")
_IP6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_POINTS: Final = re.compile(r"\.\d{1,3}\.")
_COLONS: Final = re.compile(":[0-9A-Fa-f]{0,4}:")
_VERSION: Final = words("version", "release", "build", "section", "chapter", r"v\b", "firmware")


def _addresses(text: str) -> Iterator[Found]:
    """Iterate over public addresses; those of one's own network tell of nobody."""
    if text.count(".") >= 3 and _POINTS.search(text):
        for match in _IP4.finditer(text):
            if not _VERSION.search(text[max(0, match.start() - 16) : match.start()]):
                yield from _public(match)
    if _COLONS.search(text):
        for match in _IP6.finditer(text):
            if any(sign.isalnum() for sign in match[0]):
                yield from _public(match)


def _public(match: re.Match[str]) -> Iterator[Found]:
    try:
        address = ip_address(match[0])
    except ValueError:
        return
    if address.is_global and not address.is_multicast:
        yield Found("ip", *match.span())


def _apart(found: list[Found]) -> list[Found]:
    """Return what does not overlap; of overlapping finds, their union under the first kind."""
    if len(found) < 2:
        return found
    kept: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if kept and each.start < kept[-1].end:
            last = kept[-1]
            kind = min(last.kind, each.kind, key=KINDS.index)
            kept[-1] = Found(kind, last.start, max(last.end, each.end))
        else:
            kept.append(each)
    return kept
