"""Bounded JSON: cheap gates on the bytes first, a real count only where they do not clear.

Everything here takes time in proportion to the body, whatever it holds.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

import msgspec

from seatrial.gateway.faults import Fault
from seatrial.gateway.settings import DoorSettings

_decode: Final = msgspec.json.Decoder().decode
_SAMPLE: Final = 8  # every so many bytes are looked at for long numbers
_NUMERIC: Final = b"0123456789+-.eE"
_MARK: Final = bytes(48 if byte in _NUMERIC else 120 for byte in range(256))
_DIGITS: Final = tuple(b"%d" % digit for digit in range(10))
_OPENERS: Final = (b",", b"{", b"[")
# An unfinished string reaches to the end, so that no byte is looked at twice.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_STRING_OR_NUMBER: Final = re.compile(_STRING.pattern + rb"|[-+.0-9eE]{16,}+", re.DOTALL)


def decode(body: bytes, settings: DoorSettings) -> Any:
    """Return the JSON value in `body`.

    Raises:
        Fault: it is no JSON, or deeper, larger or with longer numbers than allowed.
    """
    # A value takes two bytes at least, with its comma: most bodies are cleared by their size.
    small = len(body) <= 2 * settings.max_nodes
    if not small:
        _check_size(body, settings.max_nodes)
    _check_numbers(body, settings)
    try:
        value = _decode(body)
    except RecursionError:
        raise _too("deeply nested", settings.max_depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Fault("invalid_json", f"The body is not valid JSON: {error}.") from None
    if not small or body.count(b"{") + body.count(b"[") > settings.max_depth:
        _count(value, settings)
    return value


def _check_size(body: bytes, max_nodes: int) -> None:
    """Refuse a body with far too many values before it is decoded."""
    if sum(map(body.count, _OPENERS)) <= max_nodes:
        return
    # Some of these signs may be text: look again, without the strings.
    nodes = 1
    at = 0
    for strings, token in enumerate(_STRING.finditer(body)):
        gap = body[at : token.start()]
        at = token.end()
        nodes += sum(map(gap.count, _OPENERS))
        # Each value has one key at most.
        if nodes > max_nodes or strings > 2 * nodes:
            raise _many(max_nodes)
    if nodes + sum(map(body[at:].count, _OPENERS)) > max_nodes:
        raise _many(max_nodes)


def _count(value: Any, settings: DoorSettings) -> None:
    """Count depth and values, level by level."""
    level: list[Any] = [value] if type(value) is dict or type(value) is list else []
    nodes = 1
    for _ in range(settings.max_depth):
        if not level:
            return
        nodes += sum(map(len, level))
        if nodes > settings.max_nodes:
            raise _many(settings.max_nodes)
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) is dict or type(child) is list
        ]
    if level:
        raise _too("deeply nested", settings.max_depth)


def _check_numbers(body: bytes, settings: DoorSettings) -> None:
    """Refuse numbers that are costly to read.

    A number of more than `max_digits` characters covers that many bytes in a row, hence a
    known count of every eighth byte in a row: most bodies are cleared by that alone.
    """
    run = b"0" * ((settings.max_digits + 1) // _SAMPLE)
    if run not in body[::_SAMPLE].translate(_MARK):
        return
    for count, token in enumerate(_STRING_OR_NUMBER.finditer(body)):
        text = token[0]
        if text[:1] != b'"' and sum(map(text.count, _DIGITS)) > settings.max_digits:
            raise Fault(
                "invalid_json", f"A number in the body has more than {settings.max_digits} digits."
            )
        if count > 3 * settings.max_nodes:
            raise _many(settings.max_nodes)


def _many(limit: int) -> Fault:
    return _too("large: it has too many values", limit)


def _too(what: str, limit: int) -> Fault:
    return Fault("invalid_json", f"The body is too {what}; at most {limit} are taken.")


def inflate(body: bytes, settings: DoorSettings) -> bytes:
    """Return a gzip body inflated, within the limits of size and ratio.

    Raises:
        Fault: it is no gzip, or it inflates beyond the limits.
    """
    limit = min(settings.max_body_bytes, max(4096, len(body) * settings.max_ratio))
    engine = zlib.decompressobj(wbits=31)
    try:
        plain = engine.decompress(body, limit + 1)
    except zlib.error:
        raise Fault("invalid_request", "The body is not valid gzip.") from None
    if len(plain) > limit:
        raise Fault("body_too_large", f"The body inflates to more than {limit} bytes.")
    if not engine.eof or engine.unused_data:
        raise Fault("invalid_request", "The gzip body is cut short, or more follows it.")
    return plain
