"""What an answer was given to go by: the documents of a request, and how they are called.

Documents come in the variable `context` (or in `metadata`), in messages of tools, in parts of
a message that are marked as documents, or in a text between tags such as `<document id="3">`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from seatrial.reliability.checks.shape import NotJson, read_json
from seatrial.values.chat import content_text

MOST_SOURCES: Final = 1_000
_MOST_JSON_CHARS: Final = 1_000_000

_NAMING: Final = ("id", "doc_id", "document_id", "key", "name", "title", "source", "url", "file")
_HOLDING: Final = ("text", "content", "page_content", "body", "snippet", "value", "data", "source")
_LISTING: Final = ("results", "documents", "docs", "items", "hits", "chunks", "passages", "sources")
_DOCUMENT_PARTS: Final = frozenset({"document", "file", "search_result"})
_OPENS: Final = re.compile(r"<(?:document|doc|context|source|passage|chunk)(?: [^<>]{0,200})?>")
# Where another document begins inside a text.
_MARK: Final = re.compile(
    r"^[ \t]*(?:\[(?:doc|document|source|ref)?[:# ]?(?P<bracket>[\w.:-]{1,40})\]"
    r"|<(?:document|doc|context|source|passage|chunk)(?P<tag> [^<>]{0,200})?>"
    r"|(?:document|doc|source|passage) ?#?(?P<number>\d{1,4}) ?:)",
    re.MULTILINE | re.IGNORECASE,
)
_NAME_OF_TAG: Final = re.compile(r"(?:id|index|name|title|n)=[\"']?([^\"'>\s]{1,80})")


@dataclass(frozen=True, slots=True)
class Document:
    """One text to go by.

    Args:
        text: what it says.
        names: what an answer may call it, in small letters; empty when it has no name.
    """

    text: str
    names: frozenset[str] = frozenset()


def documents_of(body: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[Document, ...]:
    """Return the documents of a request, in their order, at most `MOST_SOURCES`.

    >>> documents_of({}, {"context": "[1] Low tide is at nine."})[0].names
    frozenset({'1'})
    """
    found: list[Document] = []
    for each in _all(body, variables):
        if len(found) == MOST_SOURCES:
            break
        found.append(each)
    return tuple(found)


def _all(body: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[Document]:
    metadata = body.get("metadata")
    given = variables.get("context")
    if given is None and isinstance(metadata, Mapping):
        given = metadata.get("context")
    if given is not None:
        yield from _read(given)
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, Mapping):
            yield from _of_message(message)


def _of_message(message: Mapping[str, Any]) -> Iterator[Document]:
    role, content = message.get("role"), message.get("content")
    if role == "assistant":
        return
    if role in {"tool", "function"}:
        yield from _read(content_text(content))
        return
    for part in content if isinstance(content, list) else []:
        if isinstance(part, Mapping) and part.get("type") in _DOCUMENT_PARTS:
            yield from _read({key: each for key, each in part.items() if key != "type"})
    text = content_text(content)
    opened = _OPENS.search(text)
    if opened:
        yield from _split(text[opened.start() :])


def _read(value: object, names: frozenset[str] = frozenset(), depth: int = 0) -> Iterator[Document]:
    """Iterate over the documents in a text, a list or an object."""
    if isinstance(value, str):
        inner = _as_json(value) if depth < 2 else None
        if inner is not None:
            yield from _read(inner, names, depth + 1)
        elif value.strip():
            yield from _split(value, names)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _read(each, frozenset(), depth + 1) if depth < 6 else ()
    elif isinstance(value, Mapping):
        yield from _read_object(value, names, depth)


def _read_object(value: Mapping[str, Any], names: frozenset[str], depth: int) -> Iterator[Document]:
    """Iterate over the documents of an object: those it lists, its text, or all its values."""
    own = {str(value[key]).casefold() for key in _NAMING if isinstance(value.get(key), str | int)}
    if isinstance(value.get("metadata"), Mapping):
        inner = value["metadata"]
        own |= {str(inner[key]).casefold() for key in _NAMING if isinstance(inner.get(key), str)}
    for key in _LISTING:
        if isinstance(value.get(key), list):
            yield from _read(value[key], frozenset(), depth + 1)
            return
    for key in _HOLDING:
        held = value.get(key)
        if isinstance(held, Mapping | list) or (isinstance(held, str) and key != "source"):
            # A title is part of what a document says.
            for document in _read(held, names | own, depth + 1):
                title = value.get("title")
                text = f"{title}\n{document.text}" if isinstance(title, str) else document.text
                yield Document(text, document.names | names | own)
            return
    texts = [f"{key}: {each}" for key, each in value.items() if isinstance(each, str | int | float)]
    if texts:
        yield Document("\n".join(texts), names | own)
    for each in value.values():
        if isinstance(each, Mapping | list) and depth < 6:
            yield from _read(each, names | own, depth + 1)


def _as_json(text: str) -> object:
    start = text[:100].lstrip()[:1]
    if start not in ("[", "{") or len(text) > _MOST_JSON_CHARS:
        return None
    try:
        found = read_json(text)
    except NotJson:
        return None
    return found if isinstance(found, dict | list) else None


def _split(text: str, names: frozenset[str] = frozenset()) -> Iterator[Document]:
    """Iterate over the documents of a text in which marks tell where each begins."""
    start, own = 0, names
    for mark in _MARK.finditer(text):
        if text[start : mark.start()].strip():
            yield Document(text[start : mark.start()], own)
        start, own = mark.end(), names | _names_of(mark)
    if text[start:].strip():
        yield Document(text[start:], own)


def _names_of(mark: re.Match[str]) -> frozenset[str]:
    if mark["tag"]:
        return frozenset(name.casefold() for name in _NAME_OF_TAG.findall(mark["tag"]))
    name = mark["bracket"] or mark["number"]
    return frozenset({name.casefold()}) if name else frozenset()
