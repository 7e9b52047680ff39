"""Seatrial while it runs: the world, the store behind it, and the jobs between requests."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seatrial.app.wiring import Outside, read_keys, write_keys
from seatrial.counters import LiveCounters
from seatrial.engine.admission import resident_bytes
from seatrial.engine.cache import AnswerCache
from seatrial.engine.gate import Gate
from seatrial.engine.granting import Grants
from seatrial.engine.health import Health
from seatrial.engine.idempotency import Twins
from seatrial.engine.keyring import Keyring
from seatrial.engine.recorder import Recorder
from seatrial.engine.world import World
from seatrial.errors import CountersUnavailable, StoreUnavailable
from seatrial.jobs.money import look_after_money
from seatrial.jobs.retention import delete_old
from seatrial.jobs.supervisor import Job, Supervisor
from seatrial.ports import Key, ReleaseRow
from seatrial.reliability.budgets import BudgetSettings
from seatrial.reliability.forecast import PLENTY
from seatrial.reliability.idempotency import KEEP_DAYS
from seatrial.store import DurableStore
from seatrial.values.chat import Answer

BEAT_S: Final = 0.25  # how often the loop is asked whether it keeps its time
LAG_LIMIT_S: Final = 1.0
KEYS_EVERY_S: Final = 2.0
COUNTERS_EVERY_S: Final = 1.0
MONEY_EVERY_S: Final = 60.0
STORE_PAUSE_S: Final = 5.0  # a store that came back must not wait longer to be noticed
CARRIED_WITHIN_S: Final = 5.0
CARRIED_LOOK_S: Final = 0.05
RETENTION_EVERY_S: Final = 3600.0
READY_WAIT_S: Final = 5.0
WARM_ANSWERS: Final = 1000  # of one feature, taken from the store into the cache at start

Tell = Callable[[str, dict[str, object]], None]
"""Told an event's name and its facts; never secrets, never callers' texts."""


@dataclass(slots=True)
class Parts:
    """What the face hands over.

    Args:
        outside: clock, coin, ids and how blocking work is done.
        health: of the targets.
        store, recorder, keyring: open and not yet started.
        secret: of this installation.
        counters: of money, requests and tokens.
        gate: lets requests in and out.
        keys_file: the last known keys, for a start while the store is away.
        retention_days: age at which records go.
        cached_features: whose last good answers are taken into the cache at start.
        tell: told what happens.
        releases: those in force, to be stored.
        exclusive: whether this process serves from the store, alone where that takes only one.
        alone: whether it shares its counters with no other process.
        budgets: tells those in force now, by feature.
        own_store: whether the store is this machine's alone, and so are its changes.
    """

    outside: Outside
    health: Health
    store: DurableStore
    recorder: Recorder
    keyring: Keyring
    secret: bytes
    keys_file: Path
    retention_days: int
    cached_features: tuple[str, ...]
    tell: Tell
    counters: LiveCounters
    gate: Gate
    budgets: Callable[[], Mapping[str, BudgetSettings]]
    releases: tuple[ReleaseRow, ...] = ()
    exclusive: bool = False
    alone: bool = True
    own_store: bool = True


class Running:
    """Starts, watches and stops everything that lives as long as the process."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        outside = parts.outside
        self.world = World(
            outside.clock,
            outside.coin,
            outside.new_id,
            parts.health,
            parts.recorder,
            parts.counters,
            parts.gate,
            Grants(parts.counters),
            parts.secret,
            asyncio.get_running_loop(),
            off_loop=outside.off_loop,
        )
        self.twins = Twins(parts.store.idempotency, self.world)
        self.problems: dict[str, str] = {}
        self._supervisor = Supervisor(self._report)
        self._beat_at = parts.outside.clock.now()
        self._lag_s = 0.0
        self._store_ready = False
        self._recording = False
        self._unsaved = list(parts.releases)

    @property
    def cache(self) -> AnswerCache:
        """The last good answers."""
        return self.world.cache

    def is_prompt(self) -> bool:
        """Whether the event loop keeps its time."""
        return (
            max(self._lag_s, self.parts.outside.clock.now() - self._beat_at - BEAT_S) < LAG_LIMIT_S
        )

    async def start(self, jobs: tuple[Job, ...] = ()) -> None:
        """Start the recorder and the jobs; a store that is away is waited for in the background.

        Raises:
            StartRefused: the store holds a schema that this version does not know.
        """
        known = read_keys(self.parts.keys_file)
        # That there are none opens the door: it is only believed where nobody can have made one
        # without its being noted in this very file.
        if known or (known is not None and self.parts.own_store):
            self.parts.keyring.load(known, current=False)
        await self._first_look()
        self.parts.recorder.start()
        self._recording = True
        if self._store_ready:
            await self._learn_spent()
        for job in (
            Job("beat", self._beat, BEAT_S),
            Job(
                "store",
                self._tend_store,
                KEYS_EVERY_S,
                at_once=not self._store_ready,
                longest_pause_s=STORE_PAUSE_S,
            ),
            Job("retention", self._retire, RETENTION_EVERY_S),
            Job("counters", self.parts.counters.beat, COUNTERS_EVERY_S),
            Job("money", self._tend_money, MONEY_EVERY_S, at_once=False),
            *jobs,
        ):
            self._supervisor.start(job)

    async def close(self, timeout_s: float) -> None:
        """Stop the jobs and bring what is queued to disk and, in time, to the store."""
        await self._supervisor.close()
        await self.twins.close(timeout_s)
        await self.parts.recorder.close(timeout_s)
        await self.parts.counters.close()
        await self.parts.outside.off_loop(self.parts.store.close)

    def remember(self, releases: tuple[ReleaseRow, ...]) -> None:
        """Store these releases as soon as the store takes them."""
        self._unsaved.extend(releases)

    # -- jobs -----------------------------------------------------------------------------

    async def _first_look(self) -> None:
        """Ask the store once before the first request; a slow one does not hold the start up."""
        look = asyncio.ensure_future(self._tend_store())
        done, _ = await asyncio.wait({look}, timeout=READY_WAIT_S)
        if not done:
            self.problems["store"] = f"no reply within {READY_WAIT_S:.0f} s"
            # What becomes of it is of no interest: the job asks again.
            look.add_done_callback(lambda late: late.cancelled() or late.exception())
            return
        try:
            look.result()
        except StoreUnavailable as error:
            self._report("store", error)

    async def _tend_store(self) -> None:
        """See that the store is there, and take and give what goes by way of it."""
        parts = self.parts
        if not self._store_ready:
            if parts.exclusive:
                lock = functools.partial(parts.store.acquire_serving_lock, alone=parts.alone)
                await self.parts.outside.off_loop(lock)
            await self.parts.outside.off_loop(parts.store.ready)
        keys = await self.parts.outside.off_loop(parts.store.keys.all)
        self._take_keys(keys)
        unsaved = self._unsaved
        if unsaved:
            await self.parts.outside.off_loop(parts.store.releases.remember, unsaved)
            self._unsaved = [row for row in self._unsaved if row not in unsaved]
        if not self._store_ready:
            self._store_ready = True
            await self._warm()
            if self._recording:
                await self._learn_spent()
        if self.problems.pop("store", None):
            parts.tell("store.back", {})

    def _take_keys(self, keys: list[Key]) -> None:
        self.parts.keyring.load(keys)
        write_keys(self.parts.keys_file, keys)

    async def _warm(self) -> None:
        for feature in self.parts.cached_features:
            records = await self.parts.outside.off_loop(
                self.parts.store.records.cached, feature=feature, limit=WARM_ANSWERS
            )
            for record in reversed(records):
                text = (record.output or {}).get("text")
                if text:
                    self.cache.put(record.cache_key, Answer(text), at=record.started_at)

    async def _retire(self) -> None:
        if not self._store_ready:
            return
        store, clock = self.parts.store, self.parts.outside.clock
        delete = functools.partial(delete_old, clock=clock, off_loop=self.parts.outside.off_loop)
        deleted = await delete(store.records, keep_days=self.parts.retention_days)
        await delete(store.idempotency, keep_days=KEEP_DAYS)
        if deleted:
            self.parts.tell("retention.deleted", {"records": deleted})

    async def _learn_spent(self) -> None:
        """Have counters know what earlier processes spent, to their last record.

        What the journal still holds is not in the ledger yet; a moment is given to carry it.
        """
        recorder, clock = self.parts.recorder, self.parts.outside.clock
        if not self.parts.budgets():
            return
        if self.parts.outside.inline:
            await self.parts.outside.off_loop(recorder.catch_up)
        until = clock.now() + CARRIED_WITHIN_S
        while recorder.counts().waiting and clock.now() < until:
            await clock.sleep(CARRIED_LOOK_S)
        try:
            await self._tend_money()
        except (StoreUnavailable, CountersUnavailable) as error:
            self._report("money", error)

    async def _tend_money(self) -> None:
        """See that counters know what was spent, and who must save."""
        if not self._store_ready:
            return
        parts, thrift = self.parts, self.world.thrift
        fresh = await look_after_money(
            parts.budgets(),
            ledger=parts.store.ledger,
            counters=parts.counters,
            clock=parts.outside.clock,
            off_loop=parts.outside.off_loop,
            now=thrift,
            tenants=parts.keyring.tenants(),
        )
        for feature in {*fresh, *thrift}:
            found = fresh.get(feature, PLENTY)
            if found.reason != thrift.get(feature, PLENTY).reason:
                parts.tell("budget.thrift", {"feature": feature, "reason": found.reason or "over"})
        thrift.clear()
        thrift.update(fresh)

    async def _beat(self) -> None:
        now = self.parts.outside.clock.now()
        late_s = max(0.0, now - self._beat_at - BEAT_S)
        self._lag_s = max(0.0, late_s - BEAT_S)
        self.parts.gate.admission.beat(late_s, resident_bytes())
        self._beat_at = now

    def _report(self, job: str, error: BaseException) -> None:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if job == "store":
            self.parts.keyring.current = False
        if self.problems.get(job) != reason:
            self.parts.tell("job.failed", {"job": job, "reason": reason})
        self.problems[job] = reason
