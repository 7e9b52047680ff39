"""Is it an answer?  The one validator, and the assembly of streamed pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.reliability.checks.refusals import reads_as_refusal
from seatrial.values.chat import FINISH_REASONS, Answer, Piece, ToolCall, ToolFragment, Usage
from seatrial.values.vectors import is_vector

STRAY: Final = "it calls a tool that was not offered"


def fault(answer: Answer, *, offered: frozenset[str] | None = None) -> str | None:
    """Return why this is no valid answer, or None when it is one.

    An answer says something, refuses or calls tools with arguments that parse, and ends for
    a known reason.  Being cut by a length limit is honest and valid.

    Args:
        answer: whole.
        offered: from `offered_tools`.
    """
    if answer.finish_reason not in FINISH_REASONS:
        return "it ends for an unknown reason"
    says = bool(answer.text and answer.text.strip())
    if not (says or answer.refused or answer.tool_calls):
        if answer.finish_reason == "length" and answer.reasoning:
            return None  # it spent all its tokens on reasoning: true, and said so
        return "it says nothing"
    if answer.finish_reason == "length":
        return None  # arguments may be cut where the text is
    for call in answer.tool_calls:
        if not call.name:
            return "a tool call names no tool"
        if offered is not None and call.name not in offered:
            return STRAY
        if not _parses(call.arguments):
            return "the arguments of a tool call are no JSON object"
    return None


def vector_fault(answer: Answer, *, wanted: int) -> str | None:
    """Return why this is no valid embedding, or None when it is one.

    Args:
        answer: whole.
        wanted: how many vectors were asked for.

    >>> from seatrial.values.vectors import pack
    >>> vector_fault(Answer(None, vectors=(pack([1.0]), pack([1.0, 2.0]))), wanted=2)
    'its vectors are of different lengths'
    """
    if len(answer.vectors) != wanted:
        return f"it has {len(answer.vectors)} vectors in place of {wanted}"
    if len({len(vector) for vector in answer.vectors}) > 1:
        return "its vectors are of different lengths"
    if not all(map(is_vector, answer.vectors)):
        return "its vectors are no vectors"
    return None


def offered_tools(body: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of the tools that a request offers; None when it cannot be said.

    >>> sorted(offered_tools({"tools": [{"type": "function", "function": {"name": "look"}}]}))
    ['look']
    """
    tools = body.get("tools")
    if not tools or not isinstance(tools, list):
        return None
    names = set()
    for tool in tools:
        kind = tool.get("type", "function") if isinstance(tool, dict) else None
        shape = tool.get(kind) if isinstance(kind, str) else None
        name = shape.get("name") if isinstance(shape, dict) else None
        if not isinstance(name, str):
            return None  # a kind of tool that we do not know
        names.add(name)
    return frozenset(names)


def _parses(arguments: str) -> bool:
    if not arguments.strip():
        return True  # a tool without parameters
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


class Assembly:
    """Puts the pieces of a stream together again.

    Args:
        offered: from `offered_tools`.
    """

    __slots__ = (
        "_finish", "_model", "_offered", "_reasoning", "_refusal", "_text", "_tools", "_usage",
        "strays",
    )  # fmt: skip

    def __init__(self, offered: frozenset[str] | None = None) -> None:
        self.strays = False  # it has begun to call a tool that was not offered
        self._offered = offered
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._tools: dict[int, tuple[str, str, list[str]]] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._model = ""

    @property
    def finished(self) -> bool:
        """Whether the piece with the reason of the end has come."""
        return self._finish is not None

    @property
    def refusing(self) -> bool:
        """Whether it declines and has said nothing else: in words, or by the provider's filter."""
        return not self._text and (bool(self._refusal) or self._finish == "content_filter")

    @property
    def chars(self) -> int:
        """How much text has come."""
        return sum(map(len, self._text))

    @property
    def calls_only(self) -> bool:
        """Whether it calls tools and has said nothing."""
        return bool(self._tools) and not self._text

    @property
    def declines(self) -> bool:
        """Whether what it has said reads as a refusal."""
        return not self._tools and reads_as_refusal("".join(self._text))

    @property
    def usage(self) -> Usage | None:
        """Tokens as reported so far."""
        return self._usage

    def feed(self, piece: Piece) -> None:
        """Take in the next piece."""
        if piece.text:
            self._text.append(piece.text)
        if piece.reasoning:
            self._reasoning.append(piece.reasoning)
        if piece.refusal:
            self._refusal.append(piece.refusal)
        if piece.tools:
            self._feed_tools(piece.tools)
        if piece.finish_reason:
            self._finish = piece.finish_reason
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.model:
            self._model = piece.model

    def _feed_tools(self, parts: tuple[ToolFragment, ...]) -> None:
        for part in parts:
            id_, name, arguments = self._tools.get(part.index, ("", "", []))
            arguments.append(part.arguments)
            self._tools[part.index] = (part.id or id_, part.name or name, arguments)
            if part.name and self._offered is not None and part.name not in self._offered:
                self.strays = True

    def fault(self) -> str | None:
        """Return why what was said so far is no valid answer, or None when it is one."""
        return fault(self.answer(), offered=self._offered)

    def answer(self, *, finish_reason: str | None = None) -> Answer:
        """Return what was said so far as one answer.

        Args:
            finish_reason: for a stream that did not come to its end; else its own.
        """
        return Answer(
            text="".join(self._text) or None,
            refusal="".join(self._refusal) or None,
            tool_calls=tuple(
                ToolCall(id_, name, "".join(arguments))
                for _, (id_, name, arguments) in sorted(self._tools.items())
            ),
            finish_reason=self._finish or finish_reason or "",
            model=self._model,
            usage=self._usage,
            reasoning="".join(self._reasoning) or None,
        )
