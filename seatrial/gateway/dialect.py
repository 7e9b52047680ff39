"""What a shape of asking and answering must know, and nothing about how bytes travel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from seatrial.gateway.faults import Shown
from seatrial.gateway.fields import Ask
from seatrial.gateway.settings import DoorSettings
from seatrial.values.chat import Answer, Piece
from seatrial.values.decisions import Head


class WholeWriter(Protocol):
    """Writes an answer whole."""

    def whole(self, answer: Answer, head: Head) -> bytes:
        """Return the JSON of a whole answer."""


class Writer(WholeWriter, Protocol):
    """Writes one answer: whole, or event by event."""

    ping: bytes
    """What keeps a silent stream alive."""

    def name(self, model: str) -> None:
        """Take the model as served, before the first event."""

    def piece(self, piece: Piece) -> bytes:
        """Return the events for a piece; empty when it says nothing in this dialect."""

    def finish(self, tail: tuple[Piece, ...], answer: Answer) -> bytes:
        """Return the events of the pieces that waited for the record, and of the proper end."""

    def cut(self, shown: Shown) -> bytes:
        """Return the events that end an incomplete answer, without a proper end."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One shape of asking and answering.

    Args:
        read: a body to what is asked; raises `Fault`.
        writer: for one answer, from what was asked, the request's id and the Unix time.
        as_it_came: whether `Answer.body` is in this shape.
    """

    read: Callable[[bytes, DoorSettings], Ask]
    writer: Callable[[Ask, str, int], Writer]
    as_it_came: bool = False
