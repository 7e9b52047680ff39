"""Other ways to read a text: without what hides it, and decoded.

Each view is small letters with single blanks and without accents, ready for the rules.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from seatrial.reliability.checks.linear import Patterns
from seatrial.reliability.checks.signs import SIGNS, class_of

MOST_DECODED: Final = 16  # pieces of a text that are decoded
LEAST_JOINED: Final = 3  # words held together by something else than blanks
LEAST_LONG: Final = 16  # signs of a word that may be encoded
LEAST_ESCAPES: Final = 6  # signs by which they begin
MOST_PIECE: Final = 20_000  # characters of each


class View(NamedTuple):
    """One way to read a text, and how it was hidden; empty when it was not."""

    text: str
    hidden: str


def _kinds(named: Mapping[str, str]) -> bytes:
    """Return a table for `bytes.translate`: each sign becomes what its group is named, or `#`."""
    table = bytearray(b"#" * 256)
    for signs, name in named.items():
        for sign in signs:
            table[ord(sign)] = ord(name)
    return bytes(table)


# Blanks of no width, joiners, direction marks, the invisible "tags", and the soft hyphen.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]{4,}")
_FLAG: Final = "\U0001f3f4"
_SPLIT: Final = re.compile("(?<=[A-Za-z])[\u00ad\u200b-\u200d\u2060\ufeff](?=[A-Za-z])")
# Letters of other scripts that look like Latin ones.
_LOOKS: Final = str.maketrans(
    "аеорсухіѕԁԛԝһјӏкмтвнԍɡαορτυνικχγⅼℓ⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵’",
    "aeopcyxisdqwhjlkmtbhggaoptuvikxyllabcdefghijklmnopqrstuvwxyz'",
) | {  # letters of flags, and white letters on black
    start + i: chr(97 + i) for start in (0x1F1E6, 0x1F130, 0x1F150, 0x1F170) for i in range(26)
}
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
# Both begin with the sign itself, which is quick to search for: a1b or a1!1b, and 1gn.
_LEET_WORD: Final = re.compile(
    r"[013457@$!|](?:(?<=[a-z].)[013457@$!|]{0,2}[a-z]|(?<=\b[014@$])[a-z]{2})"
)
_SPACED: Final = re.compile(r"(?<![a-z])(?:[a-z][ ._*-]){4,}[a-z](?![a-z])")
_ROT13: Final = ("vtaber", "qvfertneq", "sbetrg", "vafgehpgvba", "cebzcg", "erirny", "cnffjbeq")
_TURNED: Final = ("erongi", "drager", "tegrof", "noitcurtsni", "tpmorp", "laever", "drowssap")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ :,]?){10,}(?![0-9A-Za-z])")
_BITS: Final = re.compile(r"(?<!\d)(?:[01]{8} ?){6,}(?!\d)")
_ESCAPES: Final = re.compile(r"%([0-9A-Fa-f]{2})|\\u\{?([0-9A-Fa-f]{4,6})\}?|\\x([0-9A-Fa-f]{2})")
_MORSE: Final = re.compile(r"(?:[.-]{1,5}[ /]{1,3}){8,}[.-]{1,5}")
_MORSE_LETTERS: Final = dict(
    zip(
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...-"
        " .-- "
        "-..- -.-- --..".split(),
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)
_BASE32: Final = re.compile(r"(?<![A-Z0-9])[A-Z2-7]{24,}={0,6}(?![A-Z0-9])")
_CODES: Final = re.compile(r"(?<![\d.])(?:\d{2,3}[ ,]{1,2}){9,}\d{2,3}(?!\d)")
# Signs by their kind, for the cheap questions: a letter is an `a`.
_LONG: Final = _kinds({string.ascii_letters + string.digits + "+/_-": "a"})
_HEXES: Final = _kinds({string.hexdigits: "a"})
_DOTS: Final = _kinds({".-": ".", " /": " "})
_SHORTENED: Final = re.compile(r"'(?:(?<=n')(?=t\b)|(?<=\w')(?=(?:re|m|ve|s|ll|d)\b))")
_JOINED: Final = re.compile(r"[_.~+*|-](?<=[a-z].)(?=[a-z])")
_BREAK: Final = re.compile(r"\n\s*\n")
# What a plain text must hold for it to hide another one: signs for letters, letters apart, or
# words turned around; long words, rows of digits, of dots and dashes, or escapes; or joined words.
_LETTERED: Final = (r"[a-z][013457@$!|]{1,3}[a-z]", r"(?-u:\b)[014@$][a-z]{2}")
_APART: Final = "(?:[a-z][ ._*-]){4}[a-z]"
_HIDING: Final = Patterns(
    (
        *_LETTERED,
        _APART,
        *_ROT13,
        *_TURNED,
        rf"[a-z0-9+/_-]{{{LEAST_LONG}}}",
        r"(?:(?:0x|\\x)?[0-9a-f]{2}[ :,]?){10}",
        "(?:[01]{8} ?){6}",
        "(?:[0-9]{2,3}[ ,]{1,2}){9}[0-9]{2}",
        "(?:[.-]+[ /]+){8}[.-]",
        "&#",
        rf"(?s:(?:[%\\].*?){{{LEAST_ESCAPES}}})",
    )
)
_MAY_JOIN: Final = Patterns((rf"(?s:(?:[_.~+*|-][a-z].*?){{{LEAST_JOINED}}})",))
_MAY_LEET: Final = Patterns(_LETTERED)
_MAY_SPACE: Final = Patterns((_APART,))
_MAY_TURN: Final = Patterns((*_ROT13, *_TURNED))
_DOUBLED: Final = Patterns(("  ",))
_BLANKS: Final = "\n\t\r\v\f\x1c\x1d\x1e\x1f"
# What word processors set in place of what people write.
_PRINTED: Final = (
    ("\u2019", "'"), ("\u2026", "..."), ("\u00a0", " "), ("\u202f", " "), ("\u2009", " "),
    ("\u2011", "\u2010"),
)  # fmt: skip
# Anything but ASCII, what is printed, and signs that stand for themselves.
_STRANGE: Final = Patterns(
    [
        "[^\\x00-\\x7f"
        + class_of(
            [
                *(sign for sign, _ in _PRINTED),
                *(
                    sign
                    for sign in SIGNS
                    if unicodedata.normalize("NFKD", sign) == sign
                    and ord(sign) not in _LOOKS
                    and not _INVISIBLE.match(sign)
                ),
            ]
        )
        + "]"
    ]
)


def views_of(text: str) -> list[View]:
    """Return a text as it reads, and what it reads like where something is hidden in it."""
    views = []
    if not is_strange(text):
        bare = text
    else:
        bare = _INVISIBLE.sub("", text)
        if len(_SPLIT.findall(text)) > 2:
            views.append(View("", "split_words"))
        for tags in _TAGS.finditer(text):
            if text[tags.start() - 1 : tags.start()] != _FLAG:
                said = "".join(chr(ord(sign) - 0xE0000) for sign in tags[0])
                views.append(View(plain(said), "invisible"))
    read = plain(bare)
    views.insert(0, View(read, ""))
    if not (_HIDING.may_hold(read) or _MAY_JOIN.may_hold(read)):
        return views
    views += _folded(read)
    for said in _decoded(bare):
        views.append(View(plain(said), "encoded"))
        views += [View(plain(each), "encoded") for each in _decoded(said)]
        views += [View(each.text, "encoded") for each in _folded(views[-1].text)]
    return views


def plain(text: str) -> str:
    """Return a text in small Latin letters without accents, with single blanks.

    >>> plain("Ｉｇｎоre  ÁLL")
    'ignore all'
    """
    strange = is_strange(text)
    if strange:
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(sign for sign in parts if not unicodedata.combining(sign))
        text = text.lower().translate(_LOOKS)
    elif not text.isascii():
        for sign, written in _PRINTED:
            if sign in text:
                text = text.replace(sign, written)
    if "\n" in text:
        text = _BREAK.sub(" . ", text)
    text = text.lower()
    if "'" in text:
        text = _SHORTENED.sub("", text)
    return " ".join(text.split()) if strange else _squeezed(text)


def is_strange(text: str) -> bool:
    """Whether a text holds more than ASCII and signs that hide nothing."""
    return not text.isascii() and _STRANGE.may_hold(text)


def _squeezed(text: str) -> str:
    """Return a text that is not strange with single blanks, in a third of the time of `split`."""
    for blank in _BLANKS:
        if blank in text:
            text = text.replace(blank, " ")
    if _DOUBLED.may_hold(text):
        text = text.replace("  ", " ")
    return " ".join(text.split()) if _DOUBLED.may_hold(text) else text.strip(" ")


def _folded(read: str) -> list[View]:
    """Return views of a text that was written so as not to be found."""
    views = []
    holds = read.__contains__
    # Cheap questions first.
    leet = _MAY_LEET.may_hold(read) and any(map(holds, "013457@$|"))
    if leet and _LEET_WORD.search(read):
        views.append(View(read.translate(_LEET), "leet"))
    if _MAY_SPACE.may_hold(read) and _SPACED.search(read):
        joined = _SPACED.sub(lambda match: re.sub(r"[ ._*-]", "", match[0]) + " ", read)
        views.append(View(joined, "spaced"))
    if _MAY_JOIN.may_hold(read):
        joined, held = _JOINED.subn(" ", read)
        if held >= LEAST_JOINED:
            views.append(View(joined, "joined"))
    if _MAY_TURN.may_hold(read):
        if any(map(holds, _ROT13)):
            views.append(View(codecs.decode(read, "rot13"), "encoded"))
        if any(map(holds, _TURNED)):
            views.append(View(read[::-1], "encoded"))
    return views


def _decoded(text: str) -> list[str]:
    """Return what encoded pieces of a text say, if that is text."""
    found = []
    pieces = 0
    for asks, pattern, decode in _asked(text.encode("utf-8", "replace")):
        for match in pattern.finditer(text) if asks else ():
            pieces += 1
            if pieces > MOST_DECODED:
                break
            said = _as_text(decode(match[0][:MOST_PIECE]))
            if said:
                found.append(said)
    if "&#" in text:
        found.append(html.unescape(text))
    if text.count("%") + text.count("\\") >= LEAST_ESCAPES and _ESCAPES.search(text):
        found.append(_ESCAPES.sub(_unescaped, text))
    return found


def _asked(raw: bytes) -> list[tuple[bool, re.Pattern[str], Callable[[str], bytes]]]:
    """Return which pieces a text may hold: whether, what they look like, how they are decoded."""
    digits = len(raw) - len(raw.translate(None, b"0123456789"))
    long = b"a" * LEAST_LONG in raw.translate(_LONG)
    dots = raw.count(b".") + raw.count(b"-")
    return [
        (long, _BASE64, _from_base64),
        (long, _BASE32, _from_base32),
        (digits > 9 and b"a" * 20 in raw.translate(_HEXES, b" :,\\xX"), _HEX, _from_hex),
        (digits > 47, _BITS, _from_bits),
        (digits > 19, _CODES, _from_codes),
        (dots > 15 and raw.translate(_DOTS).count(b" .") > 7, _MORSE, _from_morse),
    ]


def _from_base64(piece: str) -> bytes:
    bare = piece.rstrip("=").replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def _from_hex(piece: str) -> bytes:
    return bytes.fromhex("".join(re.findall(r"(?:0x|\\x)?([0-9A-Fa-f]{2})", piece)))


def _from_bits(piece: str) -> bytes:
    return bytes(int(each, 2) for each in re.findall(r"[01]{8}", piece))


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1] or match[2] or match[3], 16)
    return chr(code) if code < 0xD800 else ""


def _from_base32(piece: str) -> bytes:
    bare = piece.rstrip("=")
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error:
        return b""


def _from_codes(piece: str) -> bytes:
    return bytes(int(each) % 256 for each in re.findall(r"\d+", piece))


def _from_morse(piece: str) -> bytes:
    words = (each.split() for each in piece.split("/"))
    said = " ".join("".join(_MORSE_LETTERS.get(sign, "") for sign in word) for word in words)
    return said.encode()


def _as_text(decoded: bytes) -> str:
    """Return bytes as text; empty when they are none that a person would write."""
    try:
        said = decoded.decode()
    except UnicodeDecodeError:
        return ""
    letters = sum(sign.isalpha() or sign == " " for sign in said)
    return said if len(said) >= 8 and letters > 0.8 * len(said) else ""
