"""Marks that stood for personal data on the way, turned back for the caller alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seatrial.ports import Sink
from seatrial.reliability.checks.personal_data_marks import Restorer, restore
from seatrial.reliability.checks.texts import CannotRewrite, rewrite
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment
from seatrial.values.decisions import Head


def restored(answer: Answer, marks: Mapping[str, str]) -> Answer:
    """Return an answer with what its marks stand for."""

    def back(text: str) -> str:
        return restore(text, marks)

    try:
        value = rewrite(answer.value, back)
    except CannotRewrite:
        value = answer.value  # an object of the user's own: it keeps its marks
    return msgspec.structs.replace(
        answer,
        text=None if answer.text is None else back(answer.text),
        refusal=None if answer.refusal is None else back(answer.refusal),
        reasoning=None if answer.reasoning is None else back(answer.reasoning),
        tool_calls=tuple(
            ToolCall(call.id, call.name, restore(call.arguments, marks, in_json=True))
            for call in answer.tool_calls
        ),
        value=value,
        body=b"",  # it has the marks
    )


class RestoringSink:
    """A sink that turns marks back, also those that are split over pieces.

    Args:
        sink: where the pieces leave.
        marks: what each mark stands for.
    """

    def __init__(self, sink: Sink, marks: Mapping[str, str]) -> None:
        self._sink = sink
        self._marks = marks
        self._text = Restorer(marks)
        self._reasoning = Restorer(marks)
        self._tools: dict[int, Restorer] = {}

    async def begin(self, head: Head) -> None:
        """Pass the beginning on."""
        await self._sink.begin(head)

    async def send(self, piece: Piece) -> None:
        """Pass a piece on, unless all of it may still be part of a mark."""
        turned = msgspec.structs.replace(
            piece,
            text=self._text.feed(piece.text),
            reasoning=self._reasoning.feed(piece.reasoning),
            tools=tuple(self._fragment(part) for part in piece.tools),
            data=b"",
        )
        if turned.useful or not piece.useful:
            await self._sink.send(turned)

    def tail(self, tail: tuple[Piece, ...]) -> tuple[Piece, ...]:
        """Return the last pieces, and before them what was held back."""
        turned = tuple(
            msgspec.structs.replace(
                piece,
                text=self._text.feed(piece.text),
                reasoning=self._reasoning.feed(piece.reasoning),
                tools=tuple(self._fragment(part) for part in piece.tools),
                data=b"",
            )
            for piece in tail
        )
        rest = Piece(
            text=self._text.end(),
            reasoning=self._reasoning.end(),
            tools=tuple(
                ToolFragment(index, arguments=left)
                for index, each in self._tools.items()
                if (left := each.end())
            ),
        )
        return (rest, *turned) if rest.useful else turned

    def _fragment(self, part: ToolFragment) -> ToolFragment:
        restorer = self._tools.setdefault(part.index, Restorer(self._marks, in_json=True))
        return msgspec.structs.replace(part, arguments=restorer.feed(part.arguments))
