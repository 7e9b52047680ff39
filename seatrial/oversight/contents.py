"""What stores keep of this room's states: canonical JSON, and back.

Fields are added with a default and never renamed: what was written stays readable.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.oversight.following import Course
from seatrial.oversight.ladder import Move
from seatrial.oversight.proving import Proven


def write(state: Course | Proven) -> str:
    """Return the JSON of a state; equal states have equal JSON."""
    return msgspec.json.encode(state, order="deterministic").decode()


def read_course(text: str) -> Course:
    """Return what `write` wrote of a course; raise msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=Course)


def read_proven(text: str) -> Proven:
    """Return what `write` wrote of a proof; raise msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=Proven)


def evidence_of(move: Move) -> str:
    """Return the JSON that is kept of a move's evidence, with what was not proved."""
    content: dict[str, Any] = {**move.evidence, "forced": move.forced}
    if move.not_proved:
        content["not_proved"] = move.not_proved
    return msgspec.json.encode(content, order="deterministic").decode()
