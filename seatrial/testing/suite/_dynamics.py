"""Trials over many requests: outages, hints to wait, noise, callers who leave."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from seatrial.testing.driver._judge import End
from seatrial.testing.driver._load import Load, Outcome, Report, drive
from seatrial.testing.suite._cases import Target
from seatrial.testing.suite._findings import ANSWERED, Figure
from seatrial.testing.suite._ground import Ground
from seatrial.testing.upstream._log import Entry
from seatrial.testing.upstream._plan import OPENAI
from seatrial.testing.upstream._schedule import Rule

WASTE: Final = 1.2  # attempts per request, on average
MOST: Final = 4  # attempts for one request
RECOVER_S: Final = 30.0
LEFT_S: Final = 0.1  # until the upstream call is cancelled
OUTAGE: Final = (3.0, 9.0)  # from, to; seconds since the trial began
HINT_S: Final = 4.0
RATE_S: Final = 20.0
NOISE: Final = ("http-503", "reset-early", "empty-choices", "truncated-json", "html-error")


@dataclass(frozen=True, slots=True)
class Field:
    """Where one trial takes place."""

    url: str
    here: Ground
    model: str
    deadline_s: float
    seed: int

    async def drive(self, **load: object) -> tuple[Report, float]:
        """Send a load; return what became of it, and when it began, on the upstream's clock."""
        settings = {
            "url": self.url,
            "models": (self.model,),
            "deadline_s": self.deadline_s,
            "seed": self.seed,
            "concurrency": 200,
            **load,
        }
        began_s = self.here.primary.now_s()
        return await drive(Load(**settings)), began_s  # type: ignore[arg-type]  # fields of Load

    def attempts(self, upstream: str = "") -> list[Entry]:
        """Give this trial's attempts, of one upstream or of all."""
        mark = f" of run {self.seed}:"
        names = (upstream,) if upstream else ("primary", "refusing", "fallback")
        return [
            entry
            for name in names
            for entry in getattr(self.here, name).log
            if mark in entry.question
        ]

    def waste(self, requests: int) -> list[Figure]:
        """Give attempts per request, on average and at most."""
        per_question = Counter(entry.question for entry in self.attempts())
        most = max(per_question.values(), default=0)
        mean = sum(per_question.values()) / max(1, requests)
        return [
            Figure("attempts per request", mean, WASTE),
            Figure("attempts for one request", most, MOST),
        ]


Run = Callable[[Field], Awaitable[list[Figure]]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial.

    Args:
        name: of it, and of the feature and the model it asks for.
        rules: faults of that model.
        run: the load, and what is made of it.
        at: which upstream its primary is.
        quiet: whether the others must wait.
    """

    name: str
    run: Run
    rules: tuple[tuple[str, Mapping[str, object]], ...] = ()
    at: str = "primary"
    quiet: bool = False

    @property
    def target(self) -> Target:
        """Give the primary that a gateway under test must have for it."""
        return Target(self.name, OPENAI, self.name, self.at)


async def run_dynamics(
    url: str, here: Ground, names: Sequence[str], *, deadline_s: float, seed: int
) -> list[Figure]:
    """Run these trials, most of them at once, and give their figures."""
    chosen = [DYNAMICS[name] for name in names]
    fields = [
        Field(url, here, trial.name, deadline_s, seed * 100_000 + 90_000 + place)
        for place, trial in enumerate(chosen)
    ]
    pairs = list(zip(chosen, fields, strict=True))
    results: dict[str, list[Figure]] = {}
    for quiet in (True, False):  # what is measured in milliseconds has the machine to itself
        wave = [(trial, field) for trial, field in pairs if trial.quiet is quiet]
        here.primary.schedule(_schedule(trial for trial, _ in wave))
        found = await asyncio.gather(*(trial.run(field) for trial, field in wave))
        results.update({trial.name: each for (trial, _), each in zip(wave, found, strict=True)})
    here.primary.heal()
    return [
        replace(figure, name=f"{trial.name}: {figure.name}")
        for trial in chosen
        for figure in results[trial.name]
    ]


def _schedule(trials: Iterable[Trial]) -> list[Rule]:
    return [
        Rule(name=fault, model=trial.name, **how)  # type: ignore[arg-type]  # fields of Rule
        for trial in trials
        for fault, how in trial.rules
    ]


# ---------------------------------------------------------------- the trials


async def _failing(field: Field) -> list[Figure]:
    """The primary answers 500 throughout."""
    report, _ = await field.drive(requests=200, rate_s=RATE_S * 2)
    return [_answered(report), _p99(report, 0.5), *field.waste(200)]


async def _hanging(field: Field) -> list[Figure]:
    """The primary answers for three seconds, and hangs from then on."""
    report, _ = await field.drive(requests=400, rate_s=RATE_S)
    return [_answered(report), _p99(report, 0.6 * field.deadline_s), *field.waste(400)]


async def _outage(field: Field) -> list[Figure]:
    """The primary answers 503 for six seconds, and comes back."""
    last_s = OUTAGE[1] + RECOVER_S + 3
    report, began_s = await field.drive(requests=int(RATE_S * last_s), rate_s=RATE_S)
    served = [entry for entry in field.attempts("primary") if entry.status == 200]
    back_s = _back_after([entry.at_s - began_s for entry in served], OUTAGE[1], last_s)
    figures = [_answered(report), Figure("serves 90 % again after", back_s, RECOVER_S, "s")]
    peak = max(Counter(int(entry.at_s) for entry in served).values(), default=0)
    return [
        *figures,
        Figure("peak while coming back", peak, 1.5 * RATE_S, "/s"),
        *field.waste(len(report.outcomes)),
    ]


async def _refused(field: Field) -> list[Figure]:
    """Nobody listens at the primary for six seconds; then it is back."""
    upstream = field.here.refusing

    async def fall() -> None:
        await asyncio.sleep(OUTAGE[0])
        upstream.outage(OUTAGE[1] - OUTAGE[0], "refuse")

    last_s = OUTAGE[1] + RECOVER_S + 3
    began_s = upstream.now_s()
    (report, _), _ = await asyncio.gather(
        field.drive(requests=int(RATE_S / 2 * last_s), rate_s=RATE_S / 2), fall()
    )
    served = [entry.at_s - began_s for entry in field.attempts("refusing") if entry.status == 200]
    back_s = _back_after(served, OUTAGE[1], last_s, rate_s=RATE_S / 2)
    return [_answered(report), Figure("serves 90 % again after", back_s, RECOVER_S, "s")]


async def _throttled(field: Field) -> list[Figure]:
    """The primary says 429 and how long to wait."""
    report, _ = await field.drive(requests=int(RATE_S * 8), rate_s=RATE_S)
    attempts = sorted(field.attempts("primary"), key=lambda entry: entry.at_s)
    return [_answered(report), _disobeyed(attempts, HINT_S), *field.waste(len(report.outcomes))]


async def _limited(field: Field) -> list[Figure]:
    """The primary takes a few requests a minute, says so, and says when to come back."""
    report, _ = await field.drive(requests=int(RATE_S * 6), rate_s=RATE_S)
    attempts = sorted(field.attempts("primary"), key=lambda entry: entry.at_s)
    # Its hints are whole seconds, one at least.
    return [_answered(report), _disobeyed(attempts, 1.0), *field.waste(len(report.outcomes))]


async def _noisy(field: Field) -> list[Figure]:
    """One request in ten meets a fault of some kind."""
    report, _ = await field.drive(requests=400, rate_s=RATE_S * 2)
    return [_answered(report), *field.waste(len(report.outcomes))]


async def _late(field: Field) -> list[Figure]:
    """The primary thinks for as long as its law says; that is no failure."""
    report, _ = await field.drive(requests=100, rate_s=RATE_S)
    return [_answered(report)]


async def _gone(field: Field) -> list[Figure]:
    """Callers leave in the middle of a stream."""
    return await _leaving(field, streamed=1.0, leave=1.0)


async def _gone_early(field: Field) -> list[Figure]:
    """Callers leave before anything came."""
    return await _leaving(field, streamed=0.0, give_up_s=0.4)


async def _leaving(field: Field, **load: object) -> list[Figure]:
    report, began_s = await field.drive(requests=40, rate_s=RATE_S / 2, keep_alive=False, **load)
    left_s = {
        f"Question {outcome.number} of run": began_s + outcome.at_s + outcome.total_s
        for outcome in report.outcomes
        if outcome.end in {End.ABANDONED, End.HANG}
    }
    await asyncio.sleep(3.0)
    attempts = [entry for entry in field.attempts("primary") if _who(entry) in left_s]
    delays = [
        (math.inf if entry.ended_s is None else entry.ended_s) - left_s[_who(entry)]
        for entry in attempts
    ]
    still_open = sum(entry.ended_s is None for entry in attempts)
    return [
        Figure("callers who left", len(delays), 20, least=True),
        Figure("upstream ended after", max(delays, default=math.inf), LEFT_S, "s"),
        Figure("still open 3 s later", still_open, 0),
    ]


def _who(entry: Entry) -> str:
    return entry.question.partition(" of run ")[0] + " of run"


# ---------------------------------------------------------------- figures


def _answered(report: Report) -> Figure:
    good = sum(outcome.end in ANSWERED for outcome in report.outcomes)
    share = 100.0 * good / max(1, len(report.outcomes))
    return Figure("answered", share, 100.0, "%", least=True)


def _p99(report: Report, bound_s: float) -> Figure:
    return Figure("p99", percentile(report.outcomes, 0.99), bound_s, "s")


def percentile(outcomes: Sequence[Outcome], point: float) -> float:
    """Give the time below which that share of the requests ended, in seconds."""
    ordered = sorted(outcome.total_s for outcome in outcomes)
    return ordered[min(len(ordered) - 1, int(point * len(ordered)))] if ordered else math.nan


def _back_after(
    served_s: Sequence[float], healed_s: float, last_s: float, *, rate_s: float = RATE_S
) -> float:
    """Give the seconds from the healing until a second in which 90 % were served, to the end."""
    counts = Counter(math.floor(at_s) for at_s in served_s if at_s >= healed_s)
    for second in range(math.floor(healed_s), math.floor(last_s) - 1):
        window = [counts[each] for each in range(second, min(second + 3, math.floor(last_s) - 1))]
        if sum(window) >= 0.9 * rate_s * len(window):
            return second + 1 - healed_s
    return math.inf


def _disobeyed(attempts: Sequence[Entry], hint_s: float) -> Figure:
    """Count attempts that began inside the time for which the primary had told to wait."""
    told_s = [entry.ended_s for entry in attempts if entry.status == 429 and entry.ended_s]
    inside = sum(
        # What was under way when the hint came could not know it.
        any(told + 0.1 < entry.at_s < told + hint_s - 0.05 for told in told_s)
        for entry in attempts
    )
    return Figure("attempts inside Retry-After", inside, 0)


def _rules(
    *rules: tuple[str, Mapping[str, object]],
) -> tuple[tuple[str, Mapping[str, object]], ...]:
    return rules


DYNAMICS: Final[Mapping[str, Trial]] = {
    trial.name: trial
    for trial in (
        Trial("failing", _failing, _rules(("http-500", {})), quiet=True),
        Trial("hanging", _hanging, _rules(("hang", {"from_s": 3}))),
        Trial(
            "throttled",
            _throttled,
            _rules(
                ("http-429", {"params": {"retry_after": f"{HINT_S:g}"}, "from_s": 1, "to_s": 2}),
            ),
        ),
        Trial(
            "limited",
            _limited,
            _rules(
                ("rate-limit-requests", {"params": {"limit": 60, "burst": 10, "headers": "exact"}}),
            ),
        ),
        Trial("noisy", _noisy, tuple((name, {"probability": 0.02}) for name in NOISE)),
        Trial("gone", _gone, _rules(("drip", {"params": {"gap_s": 0.1}})), quiet=True),
        Trial("gone-early", _gone_early, _rules(("hang", {})), quiet=True),
        *(
            Trial(
                f"late-{law}",
                _late,
                _rules(
                    (f"latency-{law}", {"params": {"p50_s": 0.05, "ratio": 5}}),
                ),
            )
            for law in ("lognormal", "bimodal", "pareto", "step")
        ),
        Trial("outage", _outage, _rules(("http-503", {"from_s": OUTAGE[0], "to_s": OUTAGE[1]}))),
        Trial("refused", _refused, at="refusing"),
    )
}
