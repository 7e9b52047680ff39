"""What a simulated day left behind, for the promises to be held against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.counting import Book
from seatrial.testing.simulate.disk import Disk
from seatrial.testing.simulate.plan import DayPlan, FeaturePlan, TargetPlan
from seatrial.testing.simulate.wire import Call, Network
from seatrial.values.ledger import Booked
from seatrial.values.records import AttemptRecord, Record

NOTICED_S: Final = 15.0  # a look every 2 s, a pause after a failure, a store that hangs meanwhile

if TYPE_CHECKING:
    from seatrial.testing.simulate.surges import Surge


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: its number, by whom, and how."""

    promise: int
    what: str
    request_id: str = ""

    def __str__(self) -> str:
        who = f" [{self.request_id.lstrip('0')}]" if self.request_id else ""
        return f"promise {self.promise}: {self.what}{who}"


@dataclass(frozen=True, slots=True)
class Steady:
    """A stretch of steady traffic on one feature.

    Args:
        feature: that was asked.
        target: its first tier.
        outage: the fault that all calls of that target met; empty when all was well.
        began, ended: virtual seconds.
    """

    feature: FeaturePlan
    target: str
    outage: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Saving:
    """A feature's less critical requests begin to make do with less, or end it.

    Args:
        at: virtual seconds.
        feature: its name.
        on: whether it begins.
    """

    at: float
    feature: str
    on: bool


@dataclass
class Facts:
    """A day.

    Args:
        plan: what was meant to happen.
        seen: every accepted request, as its caller saw it.
        calls: every attempt, as the network saw it.
        records: all that is in the store in the end.
        deaths: when the process was killed.
        dropped: records that the service says it lost.
        waiting: records that had not reached the store in time after everything healed.
        degraded: parts that the service still called away then.
        steady: stretches of steady traffic.
        network, disk: for what was wrong when.
        worst_s, worst_name: the longest callback of the event loop.
        leaked_files: those of a process in which a planted address was found.
        book: what was reserved and settled.
        ledger: what was booked, by day, feature, key, user, target and purpose.
        loads: when more was asked than can be done.
        savings: who made do with less since when, as the service told it.
        counters_struck: how often shared counters failed, by name.
        cases: how often each promise was put to the test, counted while it is judged.
    """

    plan: DayPlan
    seen: Sequence[Seen]
    calls: Sequence[Call]
    records: Sequence[Record]
    deaths: Sequence[float]
    dropped: int
    waiting: int
    degraded: Sequence[str]
    steady: Sequence[Steady]
    network: Network
    disk: Disk
    worst_s: float
    worst_name: str
    leaked_files: Sequence[str] = ()
    book: Book = field(default_factory=Book)
    ledger: Sequence[Booked] = ()
    loads: Sequence[Surge] = ()
    savings: Sequence[Saving] = ()
    counters_struck: Mapping[str, int] = field(default_factory=dict)
    cases: Counter[int] = field(default_factory=Counter)

    @cached_property
    def calls_of(self) -> dict[str, list[Call]]:
        """The attempts of each request."""
        return _by_request(self.calls)

    @cached_property
    def asked_of(self) -> dict[str, list[Call]]:
        """The attempts of each request to get an answer."""
        return _by_request(call for call in self.calls if not call.judged)

    @cached_property
    def judged_of(self) -> dict[str, list[Call]]:
        """The attempts to have the input of each request judged."""
        return _by_request(call for call in self.calls if call.judged)

    @cached_property
    def record_of(self) -> dict[str, Record]:
        """The record of each request."""
        return {record.id: record for record in self.records}

    @cached_property
    def features(self) -> dict[str, FeaturePlan]:
        """Features by name."""
        return {feature.name: feature for feature in self.plan.features}

    @cached_property
    def targets(self) -> dict[str, TargetPlan]:
        """Targets by name."""
        return {target.name: target for target in self.plan.targets}

    def attempts_of(self, record: Record) -> list[AttemptRecord]:
        """Return what a record says was tried, in the order in which it began."""
        return sorted(record.attempts, key=lambda each: each.started_s)

    def started(self, life: int) -> float:
        """Return when a process was the one that serves, at the earliest."""
        return self.deaths[life - 1] if life else 0.0

    def could_know_keys(self, seen: Seen) -> bool:
        """Whether this process, or one before it, had the time to read the keys from the store.

        Where nothing on the machine knew them in the morning, a store that was in trouble all
        the while leaves nobody who could tell them, however often the process began anew.
        """
        if not self.plan.forgotten:
            return True
        lives = range(seen.life + 1)
        return any(
            self._was_readable(
                self.started(life),
                min([seen.started, *self.deaths[life : life + 1]]),
            )
            for life in lives
        )

    def _was_readable(self, from_s: float, to_s: float) -> bool:
        """Whether the store was well for long enough at a stretch between these times."""
        for fault in sorted(self.plan.store_faults, key=lambda each: each.from_s):
            if fault.kind == "full":
                continue  # it can be read
            if min(fault.from_s, to_s) - from_s >= NOTICED_S:
                return True
            from_s = max(from_s, fault.to_s)
        return to_s - from_s >= NOTICED_S

    def twins_near(self, seen: Seen) -> bool:
        """Whether requests with idempotency keys may have taken from the same limits."""
        return any(
            other.arrival.twin and abs(other.started - seen.started) < 120.0 for other in self.seen
        )

    def bounded(self, seen: Seen) -> bool:
        """Whether a budget bounds what is spent on a request."""
        arrival = seen.arrival
        budgets = self.features[arrival.feature].purse.budgets
        whose = {"key": arrival.key, "user": arrival.user}
        return any(whose.get(name.partition("_")[0], "all") for name, _ in budgets)

    def models(self, seen: Seen) -> list[str]:
        """Return the models on a request's route, in order."""
        route = self.features[seen.arrival.feature].route
        return [name for name in route if name in self.targets]


def _by_request(calls: Iterable[Call]) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        found[call.request_id].append(call)
    return found
