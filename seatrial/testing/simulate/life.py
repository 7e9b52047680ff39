"""One life of the process: started in a folder, it serves until it is closed or killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from seatrial.app import Outside, Seatrial
from seatrial.ports import Clock
from seatrial.testing.simulate import judging
from seatrial.testing.simulate.accounts import NOBODY
from seatrial.testing.simulate.callers import Seen, ask
from seatrial.testing.simulate.counting import Book, Counted
from seatrial.testing.simulate.demands import (
    FORBIDDEN,
    MAX_CHARS,
    UNCHECKED,
    CheckPlan,
)
from seatrial.testing.simulate.disk import SEGMENT_BYTES, Disk, FaultyJournal, FaultyStore
from seatrial.testing.simulate.facts import Saving
from seatrial.testing.simulate.pace import Meter, SimClock
from seatrial.testing.simulate.plan import DayPlan, FeaturePlan, TargetPlan
from seatrial.testing.simulate.shared import CounterServer
from seatrial.testing.simulate.wire import Network

ENVIRON: Final[Mapping[str, str]] = {"SIM_KEY_1": "sim-key-one", "SIM_KEY_2": "sim-key-two"}
SORRY: Final = "We are sorry, a colleague will write to you."
CARRY_EVERY_S: Final = 0.25  # how often waiting records are carried to the store
CARRY_CAP_S: Final = 5.0
RAMP_S: Final = 10.0  # a breaker that closed lets the traffic grow over this long
COUNTERS: Final = "valkey://counters.example:6379/0"
STRANGER: Final = "st-key9-0123456789abcdef"  # was never made
SCHEMA_FILE: Final = "answer.json"
NOT_COPIED: Final = ("*-shm", "*.serving", "lock")


class Outlets:
    """What the application itself shows of its breakers and windows, kept over time.

    A target that rests, or lets its traffic grow, may be passed by: that is no fault shown to
    callers.  That it comes back is judged by the traffic at the end of the day.
    """

    def __init__(self) -> None:
        self._bad_at: dict[tuple[str, str], float] = {}
        self._back_at: dict[tuple[str, str], float] = {}

    def look(self, app: Seatrial, now: float) -> None:
        """Take in the state of now."""
        for view in app.health():
            name = (view.target, view.outlet)
            if view.state != "closed" or view.rests_s > 0:
                self._bad_at[name] = now
                self._back_at.pop(name, None)
            elif name in self._bad_at:
                self._back_at.setdefault(name, now)

    def ready(self, targets: Sequence[str], now: float) -> frozenset[str]:
        """Return those of the targets that have nothing to rest from."""
        resting = {
            name[0]
            for name in self._bad_at
            if name not in self._back_at or now - self._back_at[name] < RAMP_S
        }
        return frozenset(targets) - resting

    def rested_since(self, target: str, since: float) -> bool:
        """Whether a target was seen resting since then."""
        return any(at >= since for (name, _), at in self._bad_at.items() if name == target)


class Life:
    """A process.

    Args:
        number: 0 for the first of the day.
        folder: with the configuration and everything durable.
        plan, clock, network, meter, disk, book, server: the day's.
        on_reply: called right after an answer's last byte has left.
    """

    def __init__(  # noqa: PLR0913 - the parts of a day
        self,
        number: int,
        folder: Path,
        *,
        plan: DayPlan,
        clock: SimClock,
        network: Network,
        meter: Meter,
        disk: Disk,
        book: Book,
        server: CounterServer,
        on_reply: Callable[[], None],
    ) -> None:
        self.number = number
        self.folder = folder
        self.dead = False
        self.outlets = Outlets()
        self.dropped = 0
        self.savings: list[Saving] = []
        self.tasks: dict[asyncio.Task[None], Seen] = {}
        self._plan = plan
        self._clock = clock
        self._disk = disk
        self._meter = meter
        self._on_reply = on_reply
        ids = itertools.count(number * 1_000_000 + 1)
        open_journal = cast("Any", Outside().journal)
        network.life = number
        self.app = Seatrial.open(
            folder / "seatrial.toml",
            environ=ENVIRON,
            outside=Outside(
                clock=clock,
                coin=Random(f"coin {plan.seed} {number}").random,
                new_id=lambda: f"{next(ids):032x}",
                transport=network.transport,
                off_loop=disk.off_loop,
                store=lambda store: FaultyStore(store, disk),
                journal=lambda path: FaultyJournal(
                    open_journal(path, segment_bytes=SEGMENT_BYTES), disk, meter
                ),
                inline=True,
                counters=lambda address, clock: Counted(
                    _opened(address, clock, server), book, number
                ),
            ),
        )
        self.app.on_event = self._hear
        self._carrier: asyncio.Task[None] | None = None
        self._tokens: dict[str, str | None] = {"": None, NOBODY: STRANGER}
        self._tokens |= {key.id: key.token for key in plan.keys}

    async def start(self) -> None:
        """Start serving."""
        await self.app.start(exclusive=True)
        self._carrier = asyncio.create_task(self._carry(), name="carry")

    def _hear(self, name: str, facts: dict[str, object]) -> None:
        if name == "budget.thrift":
            on = facts["reason"] != "over"
            self.savings.append(Saving(self._clock.now(), str(facts["feature"]), on))

    def take(self, seen: Seen) -> asyncio.Task[None]:
        """Serve one request."""
        task = asyncio.create_task(self._serve(seen), name="caller")
        self.tasks[task] = seen
        task.add_done_callback(self.tasks.pop)
        return task

    async def _serve(self, seen: Seen) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a caller needs a task")
        names = [target.name for target in self._plan.targets]
        self.outlets.look(self.app, self._clock.now())
        seen.ready = self.outlets.ready(names, self._clock.now())
        seen.token = self._tokens[seen.arrival.key]
        await ask(self.app, seen, task)
        if self.dead:
            return
        self.outlets.look(self.app, self._clock.now())
        seen.ready -= {name for name in names if self.outlets.rested_since(name, seen.started)}
        if seen.how in {"answer", "error", "cut"}:
            self._on_reply()

    async def _carry(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(min(CARRY_CAP_S, CARRY_EVERY_S * 2.0**failures))
            recorder = self.app.recorder
            kept = recorder is None or await self._disk.off_loop(recorder.catch_up)
            failures = 0 if kept else min(failures + 1, 8)

    def waiting(self) -> int:
        """Return how many records are not safe in the store yet."""
        recorder = self.app.recorder
        return recorder.counts().waiting if recorder else 0

    def die(self, into: Path) -> None:
        """Be killed: what is on disk at this moment is all that the next life finds."""
        self.dead = True
        if self.app.recorder is not None:
            # What its memory alone held dies uncounted: nobody is there to count.
            self.dropped = self.app.recorder.counts().dropped
        with self._meter.outside():
            shutil.copytree(self.folder, into, ignore=shutil.ignore_patterns(*NOT_COPIED))
        for task, seen in self.tasks.items():
            if not seen.how:
                seen.how, seen.ended = "killed", self._clock.now()
            task.cancel()

    async def bury(self) -> None:
        """Let go of what a killed process held; its folder is nobody's any more."""
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop."""
        if self._carrier is not None:
            self._carrier.cancel()
            await asyncio.gather(self._carrier, return_exceptions=True)
        recorder = self.app.recorder
        await self.app.close()
        self._forget_path()
        if recorder is not None and not self.dead:
            self.dropped = recorder.counts().dropped

    def _forget_path(self) -> None:
        """Take the folder out of Python's path, where the configuration's functions put it."""
        while str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))


def _opened(address: str, clock: Clock, server: CounterServer) -> Any:
    """Return the product's counters, over the simulated server where they are shared."""
    opened: Any = Outside().counters(address, clock)
    if address:
        opened._shared = server.client()
    return opened


def config_of(plan: DayPlan, *, version: int = 0, broken: bool = False, places: int = 0) -> str:
    """Write the day's configuration.

    Args:
        plan: of the day.
        version: changes the texts, and so the releases.
        broken: with mistakes in it.
        places: how many requests may be answered at once; 0 for the usual number.
    """
    service: dict[str, object] = {"store": "sqlite:seatrial.db"}
    if plan.shared:
        service["counters"] = COUNTERS
    if places:
        service["max_in_flight"] = places
    parts = [_section("service", service)]
    parts += [_target(target) for target in plan.targets]
    parts += [_feature(feature, version) for feature in plan.features]
    if broken:
        parts.append('[features.f0.requirments]\ndeadline = "soon"\n')
    return "\n".join(parts)


def _target(target: TargetPlan) -> str:
    addresses = ", ".join(f'"https://{server}/v1"' for server in target.servers)
    keys = ", ".join(f'"env:SIM_KEY_{place + 1}"' for place in range(target.keys))
    price = {} if target.price is None else asdict(target.price)
    return (
        f'[targets.{target.name}]\nprovider = "{target.dialect}"\nmodel = "{target.name}-model"\n'
        f"base_url = [{addresses}]\napi_key = [{keys}]\n"
        f"{_section(f'targets.{target.name}.price', price)}"
    )


def _feature(feature: FeaturePlan, version: int) -> str:
    route = ", ".join(f'"{name}"' for name in feature.route)
    hands = "hand_off" in {feature.on_refusal, feature.checks.injection}
    says = {"say", "human"} & set(feature.route) or hands
    say = f'say = "{SORRY}{" " * 0}{version or ""}"\n' if says else ""
    return (
        f"[features.{feature.name}]\nroute = [{route}]\n{say}"
        f'on_refusal = "{feature.on_refusal}"\npurpose = "version {version}"\n'
        f"[features.{feature.name}.requirements]\ndeadline_s = {feature.deadline_s}\n"
        f"{_checks(feature.name, feature.checks)}"
        f"{_section(f'features.{feature.name}.budgets', dict(feature.purse.budgets))}"
        f"{_section(f'features.{feature.name}.limits', dict(feature.purse.limits))}"
        f"{_section(f'features.{feature.name}.hedge', _hedge(feature))}"
    )


def _checks(name: str, checks: CheckPlan) -> str:
    if checks is UNCHECKED:
        return ""
    said: dict[str, object] = {
        "injection": checks.injection,
        "personal_data": checks.personal or "off",
        "restore": checks.restore,
        "check_s": checks.check_s,
    }
    if checks.max_chars:
        said["max_chars"] = MAX_CHARS
    if checks.own_input:
        said["checks"] = [f"{judging.__name__}:judge_question"]
    if checks.judge:
        said["injection_judge"] = checks.judge
    heard: dict[str, object] = {
        "repairs": checks.repairs,
        "stream": "check_after" if checks.check_after else "hold",
        "check_s": checks.check_s,
    }
    if checks.forbidden:
        heard["forbidden"] = [FORBIDDEN]
    if checks.schema:
        heard["schema"] = SCHEMA_FILE
    if checks.own_output:
        heard["checks"] = [f"{judging.__name__}:judge_answer"]
    return _section(f"features.{name}.input", said) + _section(f"features.{name}.output", heard)


def _hedge(feature: FeaturePlan) -> Mapping[str, object]:
    return {"share": feature.hedge} if feature.hedge else {}


def _section(name: str, settings: Mapping[str, object]) -> str:
    if not settings:
        return ""
    # JSON's texts, numbers, truths and lists are TOML's as well.
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join((f"[{name}]", *lines, ""))
