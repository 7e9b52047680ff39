"""What `app.ask` gives back."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.values.chat import Answer
from seatrial.values.decisions import Kind


class Reply(msgspec.Struct, frozen=True):
    """An answer, and how far it can be relied on.

    Args:
        text: what it says.
        decision: `answer`, `degraded` (a lower tier) or `handed_off` (a person will answer).
        record_id: leads to everything about it: `seatrial records show ID`.
        target, tier: who answered, and its place in the route.
        release: which version of the feature answered.
        reason: why it was not the first tier.
        answer: the whole answer; None at a hand-off.
    """

    text: str
    decision: Kind
    record_id: str
    target: str = ""
    tier: int = 0
    release: str = ""
    reason: str = ""
    answer: Answer | None = None

    @property
    def degraded(self) -> bool:
        """Whether anything but the first tier answered."""
        return self.decision is not Kind.ANSWER

    @property
    def value(self) -> Any:
        """What a Python function returned; the text for any other target."""
        if self.answer is not None and self.answer.value is not None:
            return self.answer.value
        return self.text
