"""Runs the cases against a subject, many at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.testing.driver._load import Load, drive
from seatrial.testing.suite._cases import Case, Selection, cases, targets
from seatrial.testing.suite._dynamics import DYNAMICS, run_dynamics
from seatrial.testing.suite._findings import Figure, Found, SuiteReport, weigh
from seatrial.testing.suite._ground import Address, Ground, Subject, ground, own_gateway
from seatrial.testing.upstream._log import Entry

AT_ONCE: Final = 6
# Work for the upstream itself, which would keep the others waiting: two at a time, at the end.
HEAVY: Final = frozenset(
    {
        "tool-many", "huge-body", "huge-event", "huge-headers", "gzip-bomb", "deep-json", "endless",
        "many-1xx",
    }
)  # fmt: skip
HEAVY_AT_ONCE: Final = 2
ALL: Final = Selection()


@dataclass(frozen=True, slots=True)
class SuiteSettings:
    """How to run the suite.

    Args:
        selection: which cases.
        requests: of each case, all at once.
        deadline_s: of every request.
        dynamics: which trials over many requests, by name; empty for none.
        at_once: cases running beside each other.
        seed: of questions and faults.
        slack_s: how much later than the deadline an end may come before it counts as late; for
            machines that are busy with other things.
    """

    selection: Selection = ALL
    requests: int = 3
    deadline_s: float = 4.0
    dynamics: Sequence[str] = tuple(DYNAMICS)
    at_once: int = AT_ONCE
    seed: int = 1
    slack_s: float = 0.0


def run_suite(
    settings: SuiteSettings | None = None, *, told: Callable[[Found], None] = lambda found: None
) -> SuiteReport:
    """Run the suite against a gateway of our own, started and ended here.

    Args:
        settings: what to run.
        told: called as each case ends.
    """
    settings = settings or SuiteSettings()
    chosen = cases(settings.selection)
    wanted = [*targets(chosen), *(DYNAMICS[name].target for name in settings.dynamics)]
    with (
        ground(seed=settings.seed) as here,
        own_gateway(here, wanted, deadline_s=settings.deadline_s) as subject,
    ):
        return run_against(subject, here, settings, told=told)


def run_alone(
    settings: SuiteSettings | None = None, *, told: Callable[[Found], None] = lambda found: None
) -> SuiteReport:
    """Run the suite against the faulty upstream itself: the score of no protection at all."""
    with ground(seed=(settings or SuiteSettings()).seed) as here:
        subject = Address(here.primary.base_url, by_fault=True, name="no gateway")
        return run_against(subject, here, settings, told=told)


def run_against(
    subject: Subject,
    here: Ground,
    settings: SuiteSettings | None = None,
    *,
    told: Callable[[Found], None] = lambda found: None,
) -> SuiteReport:
    """Run the suite against what listens already."""
    settings = settings or SuiteSettings()
    began = time.monotonic()
    found, figures = asyncio.run(_run(subject, here, settings, told))
    return SuiteReport(subject.name, tuple(found), tuple(figures), time.monotonic() - began)


async def _run(
    subject: Subject, here: Ground, settings: SuiteSettings, told: Callable[[Found], None]
) -> tuple[list[Found], list[Figure]]:
    chosen = [case for case in cases(settings.selection) if subject.model_of(case)]
    found: list[Found] = []

    async def one(number: int, case: Case, free: asyncio.Semaphore) -> None:
        async with free:
            found.append(await _try(subject, here, settings, number, case))
        told(found[-1])

    for heavy, at_once in ((False, settings.at_once), (True, HEAVY_AT_ONCE)):
        free = asyncio.Semaphore(at_once)
        wave = [
            one(number, case, free)
            for number, case in enumerate(chosen)
            if (case.strike.fault.name in HEAVY) is heavy
        ]
        await asyncio.gather(*wave)
    figures = await run_dynamics(
        subject.url, here, settings.dynamics, deadline_s=settings.deadline_s, seed=settings.seed
    )
    return found, figures


async def _try(
    subject: Subject, here: Ground, settings: SuiteSettings, number: int, case: Case
) -> Found:
    seed = settings.seed * 100_000 + number
    load = Load(
        url=subject.url,
        requests=settings.requests,
        concurrency=settings.requests,
        models=(subject.model_of(case),),
        streamed=1.0 if case.streamed else 0.0,
        tools=case.strike.fault.needs_tools,
        deadline_s=settings.deadline_s + settings.slack_s,
        give_up_s=settings.deadline_s + settings.slack_s + 2,
        seed=seed,
        keep_alive=False,
    )
    report = await drive(load)
    attempts = (_asked(here.primary.log, seed), _asked(here.fallback.log, seed))
    return weigh(case, report.outcomes, attempts)


def _asked(log: Iterable[Entry], seed: int) -> int:
    mark = f" of run {seed}:"
    return sum(Counter(entry.question for entry in log if mark in entry.question).values())
