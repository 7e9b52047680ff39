"""Settings of a feature: what it is for, how it is answered, what is required of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seatrial.reliability.budgets import BudgetSettings
from seatrial.reliability.checks.settings import InputSettings, OutputSettings
from seatrial.reliability.hedging import HedgeSettings
from seatrial.reliability.limits import LimitSettings
from seatrial.reliability.similarity import CacheSettings


@dataclass(frozen=True, slots=True)
class Requirements:
    """What must hold, as hard constraints.

    Args:
        availability: share of requests that end in an answer of a target or `cache`; `say`
            and hand-offs do not count.
        error_rate: share of wrong answers among those sent without a person.
        latency_p95_s: the time within which 95 of 100 requests are answered.
        first_token_s: the time within which a streamed answer begins.
        deadline_s: after which a request is given up, whatever is running.
        cost_usd_month: money for targets per calendar month.
        requests_day: how many requests are expected per day.
        peak_rpm: how many requests are expected in the busiest minute.
    """

    availability: float | None = None
    error_rate: float | None = None
    latency_p95_s: float | None = None
    first_token_s: float | None = None
    deadline_s: float = 60.0
    cost_usd_month: float | None = None
    requests_day: int | None = None
    peak_rpm: int | None = None


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """A section [features.NAME].

    Args:
        route: the fallback chain: names of targets, `cache`, and last `say` or `human`; the
            feature's own name stands for the Python function decorated with it.
        purpose: what it is for, one sentence.
        owner: who answers for it.
        prompt: file with the system prompt; without one, prompts stay with the caller.
        say: the text that a caller reads at `say` and at a hand-off.
        on_refusal: what a target's refusal does, in a field of its own or in words: it is the
            answer (`return`), the `next` target is asked, or a person (`hand_off`).
        buffer_tokens: useful tokens held back before a stream is handed over.
        max_attempts: attempts per request in all.
        requirements: hard constraints.
        input: what may come in.
        output: what may go out.
        limits: how much may be asked, and by whom.
        budgets: what may be spent on targets, and by whom.
        cache: which kept answers may be given again.
        hedge: whether a second target is asked while the first is slow.
    """

    route: tuple[str, ...]
    purpose: str = ""
    owner: str = ""
    prompt: str | None = None
    say: str = ""
    on_refusal: Literal["return", "next", "hand_off"] = "return"
    buffer_tokens: int = 1
    max_attempts: int = 4
    requirements: Requirements = Requirements()
    input: InputSettings = field(default_factory=InputSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    hedge: HedgeSettings = field(default_factory=HedgeSettings)

    @property
    def asks(self) -> tuple[str, ...]:
        """The names of all that may be asked: the route, and who is asked besides."""
        besides = (self.input.injection_judge, self.cache.embeddings)
        return tuple(name for name in (*self.route, *besides) if name)
