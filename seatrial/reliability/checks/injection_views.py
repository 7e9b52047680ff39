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

MOST_DECODED: Final = 16  # pieces of a text that are decoded
LEAST_JOINED: Final = 3  # words held together by something else than blanks
LEAST_LONG: Final = 16  # signs of a word that may be encoded
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
_KINDS: Final = _kinds({string.ascii_lowercase: "a", "013457@$!": "0", "._~*+|-": ".", " ": " "})
_LONG: Final = _kinds({string.ascii_letters + string.digits + "+/_-": "a"})
_HEXES: Final = _kinds({string.hexdigits: "a"})
_DOTS: Final = _kinds({".-": ".", " /": " "})
_SHORTENED: Final = re.compile(r"'(?:(?<=n')(?=t\b)|(?<=\w')(?=(?:re|m|ve|s|ll|d)\b))")
_JOINED: Final = re.compile(r"(?<=[a-z])[_.~+*|-](?=[a-z])")
_BREAK: Final = re.compile(r"\n\s*\n")


def views_of(text: str) -> list[View]:
    """Return a text as it reads, and what it reads like where something is hidden in it."""
    views = []
    if text.isascii():
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
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(sign for sign in parts if not unicodedata.combining(sign))
        text = text.lower().translate(_LOOKS)
    if "\n" in text:
        text = _BREAK.sub(" . ", text)
    text = text.lower()
    if "'" in text:
        text = _SHORTENED.sub("", text)
    return " ".join(text.split())


def _folded(read: str) -> list[View]:
    """Return views of a text that was written so as not to be found."""
    views = []
    holds = read.__contains__
    # Cheap questions first: what each sign is, as one letter.
    kinds = read.encode("utf-8", "replace").translate(_KINDS)
    leet = b"0a" in kinds or "|" in read
    if leet and any(map(holds, "013457@$|")) and _LEET_WORD.search(read):
        views.append(View(read.translate(_LEET), "leet"))
    if b"a a a a a" in kinds.replace(b".", b" ") and _SPACED.search(read):
        joined = _SPACED.sub(lambda match: re.sub(r"[ ._*-]", "", match[0]) + " ", read)
        views.append(View(joined, "spaced"))
    held = kinds.count(b".a")
    if held >= LEAST_JOINED and len(_JOINED.findall(read)) >= LEAST_JOINED:
        views.append(View(_JOINED.sub(" ", read), "joined"))
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
    if text.count("%") + text.count("\\") > 5 and _ESCAPES.search(text):
        found.append(_ESCAPES.sub(_unescaped, text))
    return found


def _asked(raw: bytes) -> list[tuple[bool, re.Pattern[str], Callable[[str], bytes]]]:
    """Return which pieces a text may hold: whether, what they look like, how they are decoded."""
    digits = len(raw) - len(raw.translate(None, b"0123456789"))
    long = b"a" * LEAST_LONG in raw.translate(_LONG)
    dots = raw.count(b".") + raw.count(b"-")
    if not (long or digits > 9 or dots > 15):
        return []
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
