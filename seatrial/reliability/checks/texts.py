"""Every text of a chat request: who says it, and the request with each of them rewritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

# Above this a text holds the event loop too long: run the checks in a thread.
LONG_CHARS: Final = 20_000

# One call of a pattern cannot be interrupted, not even in a thread: long texts are searched in
# slices.  What is looked for is shorter than their overlap: a private key, a sentence.
SLICE_CHARS: Final = 32_768
OVERLAP_CHARS: Final = 8_192

# Parts that bring somebody else's text into a message.
_DOCUMENT_PARTS: Final = frozenset({"document", "file", "search_result", "tool_result"})
# Keys that every request has; nothing about a person stands in them.
_PLAIN_KEYS: Final = frozenset(
    "arguments content description function function_call id messages metadata name parameters "
    "properties required role text tool_call_id tool_calls tools type url".split()
)
# No letters or digits of any language.
_PRINTED: Final = dict.fromkeys(map(ord, "\u00a0\u202f£«°·»‐‑‒–—―‘’‚‛“”„‟•…€"), " ")
# Shorter whole numbers tell nothing about a person.
_LEAST_NUMBER: Final = 10_000_000

# For `isinstance`: a union that is written there would be made anew each time.
_NUMBERS: Final = (int, float)
_ROWS: Final = (list, tuple)
_NAMED: Final = (dict, Mapping)

Change = Callable[[str], str]


class Source(Enum):
    """Who a text comes from, which says how far it may be trusted."""

    OPERATOR = "operator"  # system and developer messages, descriptions of tools
    CALLER = "caller"  # user messages, variables
    MODEL = "model"  # assistant messages
    DOCUMENT = "document"  # what tools returned, and files


class Spoken(NamedTuple):
    """One text that a model will read, and who it comes from."""

    text: str
    source: Source


class CannotRewrite(Exception):
    """A value that holds texts is of a kind that cannot be rewritten."""


def is_long(*values: object) -> bool:
    """Whether the texts are so long that their checks belong into a thread."""
    chars = 0
    stack: list[object] = [*values]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            if len(each) < LONG_CHARS or not _is_media(each):
                chars += len(each)
        elif each is None or isinstance(each, _NUMBERS):
            continue
        elif isinstance(each, _ROWS):
            chars += len(each)
            stack += each
        elif isinstance(each, _NAMED):
            chars += _length_of(each)
            stack += each.values()
        if chars > LONG_CHARS:
            return True
    return False


def spoken_of(body: Mapping[str, Any]) -> list[Spoken]:
    """Return the texts of a chat request that a model reads, in their order.

    >>> spoken_of({"messages": [{"role": "user", "content": "Hi"}]})[0].source.name
    'CALLER'
    """
    found = []
    for message in _dicts(body.get("messages")):
        source = _SOURCES.get(str(message.get("role")), Source.CALLER)
        content = message.get("content")
        if isinstance(content, str):
            found.append(Spoken(content, source))
        elif content is not None:
            found += _parts(content, source)
        for key, value in message.items():
            if key not in {"content", "role"}:
                found += [Spoken(text, source) for text in strings_of(value)]
    for key in ("tools", "functions"):
        if tools := body.get(key):
            found += [Spoken(text, Source.OPERATOR) for text in strings_of(tools)]
    return found


def caller_texts(body: Mapping[str, Any]) -> list[str]:
    """Return what the caller says in user messages, without documents."""
    return [text for text, source in spoken_of(body) if source is Source.CALLER]


def strings_of(value: object) -> Iterator[str]:
    """Iterate over every string inside a JSON value, keys and long numbers included.

    Media that were put into the request as base64 are passed over.
    """
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            if not _is_media(each):
                yield each
        elif isinstance(each, Mapping):
            yield from (key for key in each if isinstance(key, str) and key not in _PLAIN_KEYS)
            stack.extend(reversed(list(each.values())))
        elif isinstance(each, list | tuple):
            stack.extend(reversed(each))
        elif type(each) is int and abs(each) >= _LEAST_NUMBER:
            yield str(each)


def unprinted(text: str) -> str:
    """Return a text with blanks for quotation marks, dashes and the like: most is ASCII then.

    >>> unprinted("“Don’t” – she said")
    ' Don t    she said'
    """
    return text if text.isascii() else text.translate(_PRINTED)


def slices_of(text: str) -> Iterator[tuple[int, str]]:
    """Iterate over a text in slices that overlap, each with its place; begin them at a blank.

    >>> [(place, len(piece)) for place, piece in slices_of("a" * 40_000)]
    [(0, 32768), (24576, 15424)]
    """
    place = 0
    while len(text) - place > SLICE_CHARS:
        yield place, text[place : place + SLICE_CHARS]
        after = place + SLICE_CHARS - OVERLAP_CHARS
        blank = text.find(" ", after, after + OVERLAP_CHARS // 2)
        place = blank if blank >= 0 else after
    yield place, text[place:]


def rewrite_body(body: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return a chat request with every text in it changed; parts that stay are shared.

    Texts are contents, their parts, names, tool arguments (inside their JSON as well),
    metadata, descriptions of tools and whatever else is a string.  The request's own numbers,
    such as `seed`, stay.
    """
    fresh = {}
    changed = False
    for key, value in body.items():
        kept = value if isinstance(value, int | float) else rewrite(value, change)
        fresh[key] = kept
        changed = changed or kept is not value
    return fresh if changed else body


def rewrite(value: Any, change: Change, key: str = "") -> Any:
    """Return any value with every text in it changed; the same object when none did.

    Args:
        value: JSON, tuples, or another object: that is searched only.
        change: returns a text's new form, or the same text.
        key: under which the value stands; the `arguments` of a tool call are JSON in a text.

    Raises:
        CannotRewrite: such an object holds a text that would have to be changed.
    """
    match value:
        case str():
            return _rewrite_text(value, change, key)
        case bool() | None | float():
            return value
        case int():
            text = str(value)
            return value if abs(value) < _LEAST_NUMBER else _swap(value, text, change(text))
        case dict():
            return _rewrite_dict(value, change)
        case list() | tuple():
            items = [rewrite(each, change) for each in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return items if isinstance(value, list) else tuple(items)
        case _:
            text = msgspec.json.encode(value, enc_hook=repr).decode()
            if change(text) != text:
                raise CannotRewrite(type(value).__name__)
            return value


_SOURCES: Final = {
    "system": Source.OPERATOR,
    "developer": Source.OPERATOR,
    "assistant": Source.MODEL,
    "tool": Source.DOCUMENT,
    "function": Source.DOCUMENT,
}


def _parts(content: object, source: Source) -> Iterator[Spoken]:
    """Iterate over the texts of a content that is made of parts."""
    for part in content if isinstance(content, list) else [content]:
        foreign = isinstance(part, dict) and part.get("type") in _DOCUMENT_PARTS
        texts = part.items() if isinstance(part, dict) else [("", part)]
        for key, value in texts:
            if key != "type":
                where = Source.DOCUMENT if foreign else source
                yield from (Spoken(text, where) for text in strings_of(value))


def _length_of(names: Mapping[Any, Any]) -> int:
    """Return how long the names of values are together."""
    try:
        return len("".join(names))
    except TypeError:  # a Python dictionary, by numbers and the like
        return sum(len(name) for name in names if isinstance(name, str))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_media(text: str) -> bool:
    """Whether this is a picture, a sound or a file in base64: no text is in it to be read."""
    return text.startswith("data:") and ";base64," in text[:200]


def _rewrite_text(text: str, change: Change, key: str) -> str:
    if _is_media(text):
        return text
    if key == "arguments":
        try:
            inner = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return change(text)
        if isinstance(inner, dict | list):
            fresh = rewrite(inner, change)
            return text if fresh is inner else msgspec.json.encode(fresh).decode()
    return change(text)


def _rewrite_dict(value: dict[Any, Any], change: Change) -> dict[Any, Any]:
    fresh = {}
    changed = False
    for key, each in value.items():
        name = key
        if isinstance(key, str) and key not in _PLAIN_KEYS:
            name = change(key)
        kept = rewrite(each, change, name if isinstance(name, str) else "")
        fresh[name] = kept
        changed = changed or kept is not each or name != key
    return fresh if changed else value


def _swap(value: int, text: str, changed: str) -> int | str:
    return value if changed == text else changed
