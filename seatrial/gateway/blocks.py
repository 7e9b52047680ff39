"""An answer as blocks, one after the other: text, reasoning, a refusal, a call of a tool.

OpenAI's chat lets the fragments of several tool calls interleave; the younger dialects open
a block, fill it and close it before the next.  What comes too early for that waits here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from seatrial.values.chat import Answer, Piece

_STRUCTURE: Final = re.compile(r'["\\{}\[\]]')


class Form(Enum):
    """What a block holds."""

    REASONING = "reasoning"
    TEXT = "text"
    REFUSAL = "refusal"
    TOOL = "tool"


@dataclass(slots=True)
class Block:
    """One block.

    Args:
        form: what it holds.
        place: among the blocks of the answer, from 0.
        key: what its fragments are told apart by.
        id, name: of a tool call.
        parts: its text so far; of a tool call the arguments.
    """

    form: Form
    place: int
    key: str
    id: str = ""
    name: str = ""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)


@dataclass(slots=True)
class _Part:
    form: Form
    key: str
    text: str
    id: str = ""
    name: str = ""


class Pen(Protocol):
    """Writes what happens to blocks, in a dialect."""

    def opened(self, block: Block) -> bytes:
        """Return the events that open a block."""

    def added(self, block: Block, text: str) -> bytes:
        """Return the event that adds to it."""

    def closed(self, block: Block) -> bytes:
        """Return the events that close it."""


class Blocks:
    """Puts the pieces of a stream in order, block after block.

    Args:
        pen: writes them.
    """

    __slots__ = ("_balance", "_open", "_pen", "_shut", "_waiting", "done")

    def __init__(self, pen: Pen) -> None:
        self.done: list[Block] = []
        self._pen = pen
        self._open: Block | None = None
        self._balance = _Balance()
        self._shut: set[str] = set()  # tool calls that had their block
        self._waiting: dict[str, list[_Part]] = {}

    def feed(self, piece: Piece) -> bytes:
        """Return the events of the next piece."""
        return b"".join(event for part in _parts_of(piece) for event in self._put(part))

    def end(self) -> bytes:
        """Return what still waits, and the end of the last block."""
        events: list[bytes] = []
        for parts in self._waiting.values():
            for part in parts:
                events += self._take(part)
        self._waiting.clear()
        events += self._close()
        return b"".join(events)

    def _put(self, part: _Part) -> Iterator[bytes]:
        waiting = self._waiting.get(part.key)
        if waiting is not None:
            waiting.append(part)
            return
        block = self._open
        if block is not None and block.key != part.key and not self._is_whole(block):
            self._waiting[part.key] = [part]
            return
        yield from self._take(part)
        while self._waiting and (self._open is None or self._is_whole(self._open)):
            for each in self._waiting.pop(next(iter(self._waiting))):
                yield from self._take(each)

    def _take(self, part: _Part) -> Iterator[bytes]:
        """Write a part, in its own block."""
        block = self._open
        if block is None or block.key != part.key:
            if part.key in self._shut:
                return  # more of a call that was whole: nothing that can be said
            yield from self._close()
            block = Block(part.form, len(self.done), part.key, part.id, part.name)
            self._open = block
            self._balance = _Balance()
            yield self._pen.opened(block)
        if part.text:
            block.parts.append(part.text)
            yield self._pen.added(block, part.text)

    def _close(self) -> Iterator[bytes]:
        block, self._open = self._open, None
        if block is None:
            return
        if block.form is Form.TOOL:
            self._shut.add(block.key)
        self.done.append(block)
        yield self._pen.closed(block)

    def _is_whole(self, block: Block) -> bool:
        """Whether nothing more can belong to a block; text can always go on in another."""
        return block.form is not Form.TOOL or self._balance.closed(block.parts)


class _Balance:
    """Whether the JSON object that comes in parts is complete; reads each part once."""

    __slots__ = ("_depth", "_escaped", "_in_string", "_read")

    def __init__(self) -> None:
        self._read = 0
        self._depth = 0
        self._in_string = False
        self._escaped = -1

    def closed(self, parts: list[str]) -> bool:
        for part in parts[self._read :]:
            self._scan(part)
        self._read = len(parts)
        return self._depth <= 0 and bool(parts)

    def _scan(self, part: str) -> None:
        for match in _STRUCTURE.finditer(part):
            at, sign = match.start(), match[0]
            if self._in_string:
                if at == self._escaped:
                    continue
                if sign == "\\":
                    self._escaped = at + 1
                elif sign == '"':
                    self._in_string = False
            elif sign == '"':
                self._in_string = True
            elif sign in "{[":
                self._depth += 1
            elif sign in "}]":
                self._depth -= 1
        # A backslash at the very end escapes the first sign of the next part.
        self._escaped = 0 if self._escaped == len(part) else -1


def _parts_of(piece: Piece) -> Iterator[_Part]:
    if piece.reasoning:
        yield _Part(Form.REASONING, "reasoning", piece.reasoning)
    if piece.text:
        yield _Part(Form.TEXT, "text", piece.text)
    if piece.refusal:
        yield _Part(Form.REFUSAL, "refusal", piece.refusal)
    for tool in piece.tools:
        yield _Part(Form.TOOL, f"tool {tool.index}", tool.arguments, tool.id or "", tool.name or "")


def blocks_of(answer: Answer) -> list[Block]:
    """Return a whole answer as blocks."""
    said = (
        (Form.REASONING, answer.reasoning),
        (Form.TEXT, answer.text),
        (Form.REFUSAL, answer.refusal),
    )
    blocks = [Block(form, 0, form.value, parts=[text]) for form, text in said if text]
    blocks += [
        Block(Form.TOOL, 0, f"tool {index}", call.id, call.name, [call.arguments])
        for index, call in enumerate(answer.tool_calls)
    ]
    for place, block in enumerate(blocks):
        block.place = place
    return blocks
