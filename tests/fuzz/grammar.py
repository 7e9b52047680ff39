"""From a fuzzer's bytes to JSON that comes far: built of the words that a parser knows."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

MOST_NODES = 60
ODD = (0, -1, 1, 2**63, 1e308, -0.5, "", " ", "\0", "\ud800", "é" * 9, [], {}, None, True)


def words_of(*modules: ModuleType) -> tuple[str, ...]:
    """Return the short words in the source of modules: names of fields, types, values."""
    found: set[str] = set()
    for module in modules:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {word for word in node.value.split() if 1 < len(word) < 40}
    return tuple(sorted(found))


class Draw:
    """Takes decisions from bytes; where they end, every further one is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._nodes = 0

    def number(self, below: int) -> int:
        """Return a number from 0."""
        if self._at >= len(self._data):
            return 0
        drawn = self._data[self._at]
        self._at += 1
        if below > 256 and self._at < len(self._data):
            drawn = drawn << 8 | self._data[self._at]
            self._at += 1
        return drawn % below

    def rest(self) -> bytes:
        """Return what was not used."""
        return self._data[self._at :]

    def value(self, words: tuple[str, ...], depth: int = 0) -> Any:
        """Return a JSON value, its names and texts mostly of these words."""
        self._nodes += 1
        kind = self.number(8) if depth < 8 and self._nodes < MOST_NODES else 0
        match kind:
            case 1 | 2 | 3:
                return {
                    words[self.number(len(words))]: self.value(words, depth + 1)
                    for _ in range(self.number(7))
                }
            case 4 | 5:
                return [self.value(words, depth + 1) for _ in range(self.number(4))]
            case 6:
                return ODD[self.number(len(ODD))]
        return words[self.number(len(words))]


def json_of(data: bytes, words: Iterable[str], base: dict[str, Any]) -> bytes:
    """Return a body: raw bytes at times, else an object over what every request needs."""
    if data[:1] < b"\x20":
        return data[1:]
    draw = Draw(data[1:])
    drawn = draw.value(tuple(words))
    made = {**base, **drawn} if isinstance(drawn, dict) else drawn
    return json.dumps(made).encode()
