"""One simulated day: traffic and faults, then healing, then the reckoning."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from seatrial.errors import StoreUnavailable
from seatrial.testing.simulate import promises
from seatrial.testing.simulate.accounts import KeyPlan
from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.counting import Book
from seatrial.testing.simulate.demands import SCHEMA, plain_errand
from seatrial.testing.simulate.disk import Disk
from seatrial.testing.simulate.drawing import plan_day
from seatrial.testing.simulate.facts import Facts, Steady, Violation
from seatrial.testing.simulate.folders import all_records, leaking, prepare, store_away
from seatrial.testing.simulate.life import SCHEMA_FILE, Life, config_of
from seatrial.testing.simulate.pace import Meter, MeteredLoop, SimClock
from seatrial.testing.simulate.pairs import Met, met_on
from seatrial.testing.simulate.plan import (
    DRILL_S,
    RECOVERY_S,
    STEADY_GAP_S,
    Arrival,
    DayPlan,
    Death,
    FaultPlan,
    Reload,
)
from seatrial.testing.simulate.shared import CounterServer
from seatrial.testing.simulate.surges import (
    AFTER_S,
    BEFORE_S,
    SURGE_S,
    Surge,
    arrivals_of,
    takes_s,
)
from seatrial.testing.simulate.wire import Network
from seatrial.values.ledger import CostQuery

SETTLE_S: Final = 2.0  # between the last reply and the steady traffic
DRAIN_S: Final = 90.0  # virtual time for every record to come to rest
RELOADED_S: Final = 3.0
LEAST_PLACES: Final = 3
SURGE_RATE: Final = 12.0  # of answers in a second
LOOK_EVERY_S: Final = 0.5
REVOKE_TRIES: Final = 100


@dataclass(slots=True)
class DayReport:
    """What a day was like.

    Args:
        seed: of the day.
        violations: of the promises; empty on a good day.
        requests, attempts, deaths: how many there were.
        faults: how often each struck.
        decisions: how often each was made.
        cases: how often each promise was put to the test.
        met: which kinds of trouble met.
        worst_s, worst_name: the longest callback, in seconds of CPU, and whose it was.
    """

    seed: int
    violations: list[Violation] = field(default_factory=list)
    requests: int = 0
    attempts: int = 0
    deaths: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    cases: Counter[int] = field(default_factory=Counter)
    met: Met = field(default_factory=Met)
    worst_s: float = 0.0
    worst_name: str = ""


def simulate_day(seed: int, *, folder: Path | None = None) -> DayReport:
    """Run one day, and judge it.

    Args:
        seed: of the day; equal seeds give equal days.
        folder: where files live meanwhile; a temporary one by default.
    """
    return simulate_plan(plan_day(seed), folder=folder)


def simulate_plan(plan: DayPlan, *, folder: Path | None = None) -> DayReport:
    """Run a day that is planned already, and judge it."""
    facts = run_plan(plan, folder=folder)
    report = report_of(facts)
    if plan.store_faults:
        report.violations += _compared(plan, facts, folder)
        report.cases = facts.cases
    return report


def _compared(plan: DayPlan, facts: Facts, folder: Path | None) -> list[Violation]:
    """Run the same day with a sound store: what callers get must not depend on it."""
    comparable = promises.without_questions_for_the_store(plan)
    if not comparable.arrivals:
        return []
    troubled = facts if comparable == plan else run_plan(comparable, folder=folder)
    sound = run_plan(replace(comparable, store_faults=()), folder=folder)
    found = promises.store_outage_changes_nothing(troubled, sound)
    facts.cases[15] += troubled.cases[15] if troubled is not facts else 0
    return found


def run_plan(plan: DayPlan, *, folder: Path | None = None) -> Facts:
    """Run a day; return what happened."""
    meter = Meter()
    quick = Path("/dev/shm")  # noqa: S108 - the system's own place for files in memory
    home = folder or (quick if quick.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="seatrial-day-", dir=home) as place:
        loop = MeteredLoop(meter, start=0.0)
        gc_was_on = gc.isenabled()
        gc.disable()  # a pause of the collector is nobody's callback
        try:
            day = Day(plan, Path(place), loop, meter)
            return loop.run_until_complete(day.run())
        finally:
            _close(loop)
            if gc_was_on:
                gc.enable()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


class Day:
    """A day while it passes.

    Args:
        plan: of the day.
        folder: for everything durable.
        loop, meter: of virtual time.
    """

    def __init__(self, plan: DayPlan, folder: Path, loop: MeteredLoop, meter: Meter) -> None:
        self.plan = plan
        self.loop = loop
        self.meter = meter
        self.clock = SimClock(loop)
        self.disk = Disk(self.clock.now, meter, plan.store_faults, plan.journal_faults)
        self.network = Network(
            plan.targets, plan.faults, seed=plan.seed, clock=self.clock, meter=meter
        )
        self.folder = folder
        self.seen: list[Seen] = []
        self.deaths: list[float] = []
        self.lives: list[Life] = []
        self.life: Life | None = None
        self.steady: list[Steady] = []
        self.leaked_files: set[str] = set()
        self.book = Book()
        self.server = CounterServer(self.clock.now, plan.counter_faults)
        self.loads: list[Surge] = []
        self.revoking: dict[str, asyncio.Task[None]] = {}
        self._replies = 0
        self._version = 0
        self._after_reply = sorted(
            (death for death in plan.deaths if death.after_reply),
            key=lambda death: death.after_reply,
        )
        self._down_s = 0.0

    async def run(self) -> Facts:
        """Let the day pass."""
        first = self.folder / "life-0"
        prepare(first, keys=self.plan.keys, forgotten=self.plan.forgotten)
        (first / "seatrial.toml").write_text(config_of(self.plan))
        (first / SCHEMA_FILE).write_text(SCHEMA)
        await self._begin_life(first)
        await self._pass_time()
        await self._end_requests()
        self._heal()
        await self._steady_traffic()
        if self.plan.surge:
            await self._surge()
        return await self._reckon()

    # -- lives ----------------------------------------------------------------------------

    async def _begin_life(self, folder: Path) -> None:
        life = Life(
            len(self.lives),
            folder,
            plan=self.plan,
            clock=self.clock,
            network=self.network,
            meter=self.meter,
            disk=self.disk,
            book=self.book,
            server=self.server,
            on_reply=self._replied,
        )
        self.lives.append(life)
        await life.start()
        self.life = life

    def _replied(self) -> None:
        self._replies += 1
        if self._after_reply and self._replies >= self._after_reply[0].after_reply:
            self._die(self._after_reply.pop(0))

    def _die(self, death: Death) -> None:
        life, self.life = self.life, None
        if life is None:
            return
        self.deaths.append(self.clock.now())
        self._down_s = death.down_s
        following = self.folder / f"life-{len(self.lives)}"
        life.die(following)
        with self.meter.outside():
            self.leaked_files |= leaking(following)

    async def _revive(self) -> None:
        """Start again after a death, once the process has been down for its time."""
        if self.life is not None or not self.lives[-1].dead:
            return
        dead = self.lives[-1]
        await asyncio.sleep(self._down_s)
        await dead.bury()
        folder = self.folder / f"life-{len(self.lives)}"
        # With a broken file the service would not start: somebody mends it first.
        (folder / "seatrial.toml").write_text(config_of(self.plan, version=self._version))
        await self._begin_life(folder)

    # -- what happens ---------------------------------------------------------------------

    async def _pass_time(self) -> None:
        plan = self.plan
        happenings: list[tuple[float, Arrival | Death | Reload | KeyPlan | float]] = [
            *((arrival.at_s, arrival) for arrival in plan.arrivals),
            *((death.at_s, death) for death in plan.deaths if not death.after_reply),
            *((reload.at_s, reload) for reload in plan.reloads),
            *((key.revoked_s, key) for key in plan.keys if key.revoked_s is not None),
            *plan.leaps,
        ]
        for at_s, what in sorted(happenings, key=lambda each: each[0]):
            await self._wait_until(at_s)
            match what:
                case Arrival():
                    self._arrive(what)
                case Death():
                    self._die(what)
                case KeyPlan():
                    self.revoking[what.id] = asyncio.create_task(self._revoke(what), name="revoke")
                case float():
                    self._leap(what)
                case Reload(broken=broken):
                    self._reload(broken=broken)

    async def _wait_until(self, at_s: float) -> None:
        await self._revive()
        while (left_s := at_s - self.clock.now()) > 0:
            # A death may come while we wait: look again before long.
            await asyncio.sleep(min(left_s, 1.0))
            await self._revive()

    def _arrive(self, arrival: Arrival, *, steady: bool = False, surge: bool = False) -> None:
        if self.life is None:
            return  # the connection is refused: no request was accepted
        seen = Seen(arrival, self.life.number, steady=steady, surge=surge)
        self.seen.append(seen)
        self.life.take(seen)

    def _leap(self, long_s: float) -> None:
        if self.life is not None and not self.life.tasks:
            self.loop.leap(long_s)

    def _reload(self, *, broken: bool) -> None:
        if self.life is None:
            return
        self._version += 1
        path = self.life.folder / "seatrial.toml"
        path.write_text(config_of(self.plan, version=self._version, broken=broken))

    async def _revoke(self, key: KeyPlan) -> None:
        """Be the operator who revokes a key, and tries until the store takes it."""
        for _ in range(REVOKE_TRIES):
            if self.life is not None:
                try:
                    await self.disk.off_loop(self.life.app.revoke_key, key.id)
                except StoreUnavailable:
                    pass
                else:
                    return
            await asyncio.sleep(1.0)

    async def _end_requests(self) -> None:
        """Safety: everything that was accepted comes to its end, whatever still strikes."""
        self._after_reply.clear()
        await self._revive()
        life = self.life
        deadline = self.clock.now() + 120
        while life is not None and life.tasks and self.clock.now() < deadline:
            await asyncio.wait(life.tasks, timeout=1.0)

    def _heal(self) -> None:
        self.network.heal()
        self.disk.heal()
        self.server.heal()

    # -- liveness -------------------------------------------------------------------------

    async def _steady_traffic(self) -> None:
        """Liveness: with all faults gone, or one target out, traffic flows as it should."""
        await asyncio.sleep(SETTLE_S)
        feature = self.plan.features[0]
        if self.plan.drill and sum(each.name in feature.route for each in self.plan.targets) > 1:
            target = next(each for each in self.plan.targets if each.name == feature.route[0])
            await self._steady(target.name, "", RECOVERY_S)
            began = self.clock.now()
            self.network.set_faults(
                [
                    FaultPlan(server, self.plan.drill, {}, 1.0, began, began + DRILL_S)
                    for server in target.servers
                ]
            )
            await self._steady(target.name, self.plan.drill, DRILL_S)
            self.network.heal()
        await self._steady(feature.route[0], "", RECOVERY_S)

    async def _steady(self, target: str, outage: str, for_s: float) -> None:
        began = self.clock.now()
        feature = self.plan.features[0]
        count = 0
        while count * STEADY_GAP_S < for_s:
            await self._wait_until(began + count * STEADY_GAP_S)
            errand = plain_errand(
                feature.checks, f"steady {len(self.steady)}.{count} of {self.plan.seed}"
            )
            asked = Arrival(
                self.clock.now(),
                feature.name,
                errand.question,
                False,
                errand=errand,
                key=self.plan.keys[0].id if self.plan.keys else "",
                bounded=True,
            )
            self._arrive(asked, steady=True)
            count += 1
        self.steady.append(Steady(feature, target, outage, began, self.clock.now()))
        if outage != "hang":
            return
        await self._end_requests()

    async def _surge(self) -> None:
        """Ask for more than can be done, with few places, so that few requests are enough."""
        await self._end_requests()
        life, feature = self.life, self.plan.features[0]
        if life is None:
            return
        target = next(each for each in self.plan.targets if each.name == feature.route[0])
        took_s = takes_s(target)
        places = max(LEAST_PLACES, round(SURGE_RATE * took_s))
        self._version += 1
        text = config_of(self.plan, version=self._version, places=places)
        (life.folder / "seatrial.toml").write_text(text)
        began = self.clock.now() + RELOADED_S
        keys = [key.id for key in self.plan.keys if key.revoked_s is None]
        kind = self.plan.surge if len(keys) > 1 else "overload"
        surged = began + BEFORE_S
        surge = Surge(
            kind,
            places,
            places / took_s,
            began,
            surged,
            surged + SURGE_S,
            surged + SURGE_S + AFTER_S,
            greedy=keys[0] if kind == "greed" else "",
        )
        self.loads.append(surge)
        asked = arrivals_of(surge, keys, self.plan.seed)
        for number, (at_s, key, criticality) in enumerate(asked):
            await self._wait_until(at_s)
            errand = plain_errand(feature.checks, f"surge {number} of {self.plan.seed}")
            self._arrive(
                Arrival(
                    at_s,
                    feature.name,
                    errand.question,
                    False,
                    errand=errand,
                    key=key,
                    criticality=criticality,
                ),
                surge=True,
            )

    async def _reckon(self) -> Facts:
        life = self.life
        if life is None:
            raise RuntimeError("the day ended without a process")
        await self._end_requests()
        for _ in range(int(DRAIN_S / LOOK_EVERY_S)):
            # The job that tends the store looks again within a minute.
            if not life.waiting() and not store_away(life):
                break
            await asyncio.sleep(LOOK_EVERY_S)
        degraded = life.app.ready().degraded
        waiting = life.waiting()
        records = all_records(life)
        query = CostQuery(by=("day", "feature", "key", "user", "target", "purpose"))
        ledger = life.app.store.ledger.costs(query)
        await life.close()
        self.leaked_files |= leaking(life.folder)
        return Facts(
            plan=self.plan,
            seen=self.seen,
            calls=self.network.calls,
            records=records,
            deaths=self.deaths,
            dropped=sum(each.dropped for each in self.lives),
            waiting=waiting,
            degraded=degraded,
            steady=self.steady,
            network=self.network,
            disk=self.disk,
            worst_s=self.meter.worst_s,
            worst_name=self.meter.worst_name,
            leaked_files=sorted(self.leaked_files),
            book=self.book,
            ledger=ledger,
            loads=self.loads,
            savings=[saving for each in self.lives for saving in each.savings],
            counters_struck=self.server.struck,
        )


def report_of(facts: Facts) -> DayReport:
    """Judge a day and count it."""
    plan = facts.plan
    struck = Counter(facts.disk.struck) + Counter(facts.counters_struck)
    for call in facts.calls:
        struck.update(call.fault_names)
    return DayReport(
        plan.seed,
        promises.judge(facts),
        requests=len(facts.seen),
        attempts=len(facts.calls),
        deaths=len(facts.deaths),
        faults=struck,
        decisions=Counter(
            each.decision.kind.value if each.decision else each.how for each in facts.seen
        ),
        cases=facts.cases,
        met=met_on(facts),
        worst_s=facts.worst_s,
        worst_name=facts.worst_name,
    )
