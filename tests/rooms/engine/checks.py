"""What the tests of checks have in common: settings, a check of one's own, the one record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.reliability.checks.incoming import InputPlan
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.checks.settings import InputSettings, OutputSettings
from seatrial.reliability.checks.shape import compile_shape
from seatrial.values.checks import PASSED, Verdict
from seatrial.values.records import Record
from tests.rooms.engine.stage import Stage

MAIL = "ann@example.org"
PRICE = compile_shape({"type": "object", "properties": {"price": {"type": "number"}}})


def inputs(**settings: Any) -> InputPlan:
    """Return checks of inputs, the usual ones switched off."""
    return InputPlan(InputSettings(**{"injection": "off", **settings}))


def outputs(**settings: Any) -> OutputPlan:
    """Return checks of answers, the usual ones switched off."""
    shape = settings.pop("shape", None)
    return OutputPlan(OutputSettings(**{"leaks": "off", "tools": "off", **settings}), shape)


@dataclass
class Checker:
    """A check of the user's own that says what the test says; it notes what it was told."""

    verdict: Verdict | Callable[[str], Verdict] = PASSED
    takes_s: float = 0.0
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask(self, text: str, known: Mapping[str, Any]) -> Verdict:
        self.told.append((text, known))
        await asyncio.sleep(self.takes_s)
        return self.verdict(text) if callable(self.verdict) else self.verdict

    async def close(self) -> None:
        """Nothing to give back."""


def only(stage: Stage) -> Record:
    """Return the one record."""
    (record,) = stage.recorder.records
    return record


def said(record: Record) -> list[tuple[str, str, str]]:
    """Return what each check said, as the record keeps it."""
    return [(each.check, each.side, each.verdict) for each in record.checks]
