"""Tries a feature's checks on texts from a file: the engine's own way, without any target."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from seatrial.app.face import Seatrial
from seatrial.app.languages import Languages
from seatrial.app.wiring import Checkers, Outside
from seatrial.engine.checking import check_input, check_output
from seatrial.engine.prompting import put_prompt
from seatrial.engine.trail import Trail
from seatrial.engine.world import OffLoop, Snapshot, World
from seatrial.errors import UnknownFeature
from seatrial.ports import Clock
from seatrial.reliability.checks.duplicates import Recent
from seatrial.reliability.settings import Plan
from seatrial.values.attempts import Result
from seatrial.values.chat import Answer
from seatrial.values.checks import PASSED, CheckRecord, Says, Verdict, strictest
from seatrial.values.records import AttemptRecord
from seatrial.values.requests import Caller, Request

ANY_BUT_PASS: Final = "caught"  # an expectation: whatever it is, but not a pass
WHOLE: Final = ""  # the name under which a row's own verdict is expected
NEVER_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to try.

    Args:
        number: of its line or row, counted from 1.
        body: what is asked, in OpenAI's shape; None when there is only an answer.
        answer: what a target said; None when there is only a question.
        metadata: values for the prompt and for checks.
        user: who asks.
        expected: verdicts by check, such as `flag` or `caught`; `WHOLE` for that of the row.
        id: the file's own name for it.
    """

    number: int
    body: dict[str, Any] | None
    answer: Answer | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    expected: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What the checks said of a row.

    Args:
        row: which.
        said: every check that was asked, in order.
        verdict: the strictest.
    """

    row: Row
    said: tuple[CheckRecord, ...]
    verdict: str

    def found(self, check: str) -> str:
        """Return the strictest verdict of one check, of the row for `WHOLE`; else a pass."""
        if check == WHOLE:
            return self.verdict
        return _strictest([each for each in self.said if each.check == check])

    def differs(self, check: str) -> bool:
        """Whether something else was expected."""
        wanted, found = self.row.expected[check], self.found(check)
        return found == Says.PASS.value if wanted == ANY_BUT_PASS else found != wanted


class Trial:
    """Asks a feature's checks what they say; no target is called and nothing is kept.

    Rows are tried one after the other, as if one caller had sent them all.

    Args:
        app: opened; it need not be started.
        feature: whose checks.

    Raises:
        UnknownFeature: there is no such feature.
    """

    def __init__(self, app: Seatrial, feature: str) -> None:
        plan = app.plans().get(feature)
        if plan is None:
            known = ", ".join(app.plans()) or "none"
            raise UnknownFeature(f"There is no feature {feature!r}.", why=f"There are: {known}.")
        self.skipped = _skipped(plan)
        """What cannot be tried here, one sentence each."""
        self._plan = replace(plan, judge=None)
        self._checkers = Checkers()
        # Without providers there is nobody to call, whatever a check wants.
        self._known = Snapshot({feature: self._plan}, {}, checkers=self._checkers.build(app.config))
        outside = Outside()
        self._new_id = outside.new_id
        self._world = cast("World", _Room(outside.clock, outside.off_loop))
        for side in (plan.input, plan.output):
            if side is not None and isinstance(side.identify, Languages):
                side.identify.load()  # not within the first row's time

    async def run(self, row: Row) -> Tried:
        """Return what the checks say of a row."""
        trail = self._trail(row)
        if row.body is not None:
            put_prompt(trail)  # without its values, instructions are checked as the file has them
            await check_input(trail, self._world)
        if row.answer is not None:
            trail.attempts.append(AttemptRecord("", sent=True))
            result = Result(at=self._world.clock.now(), answer=row.answer)
            await check_output(trail, self._world, result)
        said = tuple(trail.checks)
        return Tried(row, said, _strictest(said))

    async def close(self) -> None:
        """Let go of the threads of the user's own functions."""
        await self._checkers.close()

    def _trail(self, row: Row) -> Trail:
        clock = self._world.clock
        request = Request(
            self._new_id(),
            self._plan.feature,
            row.body or {"messages": []},
            clock.now() + NEVER_S,
            variables=dict(row.metadata),
            caller=Caller(user=row.user),
        )
        now = clock.now()
        return Trail(request, self._plan, self._known, request.body, now, clock.wall(), False)


@dataclass(frozen=True, slots=True)
class _Room:
    """All of a world that checks need: what would call, count or keep something fails at once."""

    clock: Clock
    off_loop: OffLoop
    recent: Recent = field(default_factory=Recent)
    few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))


def _skipped(plan: Plan) -> tuple[str, ...]:
    found = []
    if plan.judge is not None:
        found.append(f"The judge {plan.judge.target.name} is not asked: no target is called here.")
    if plan.input is not None and plan.input.settings.types:
        found.append("Type hints are not checked: they are known where the function is decorated.")
    return tuple(found)


def _strictest(said: tuple[CheckRecord, ...] | list[CheckRecord]) -> str:
    verdicts = [Verdict(Says(each.verdict)) for each in said]
    return (strictest(verdicts) if verdicts else PASSED).says.value
