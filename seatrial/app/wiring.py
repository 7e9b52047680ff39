"""Joins the rooms: from a configuration to plans, providers, store and recorder."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from seatrial.app.languages import Languages
from seatrial.counters import LiveCounters, open_counters
from seatrial.engine.admission import Admission, Limiter
from seatrial.engine.gate import Gate
from seatrial.engine.recorder import Recorder
from seatrial.engine.world import Snapshot
from seatrial.ports import (
    Checker,
    Clock,
    Coin,
    Journal,
    Key,
    Provider,
    ReleaseRow,
    Store,
    Transport,
)
from seatrial.providers import build_provider
from seatrial.providers.checking import PythonChecker
from seatrial.providers.settings import TargetSettings
from seatrial.reliability.budgets import BudgetSettings, with_month
from seatrial.reliability.limits import LimitSettings
from seatrial.store import DurableStore, FileJournal, open_store

if TYPE_CHECKING:
    from seatrial.config import Config

T = TypeVar("T")
Function = Callable[..., Any]
SECRET_BYTES: Final = 32
RETIRE_AFTER_S: Final = 300.0  # a replaced provider's connections live on for running requests


class LiveClock:
    """Real time."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class TimeOrderedIds:
    """Makes ids of 32 hex digits that sort by time and never repeat.

    Args:
        wall: wall clock, seconds.
        dice: what tells two processes' ids of the same moment apart; no secret.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, dice: random.Random | None = None
    ) -> None:
        self._wall = wall
        self._dice = dice or random.Random()  # noqa: S311 - seeded by the system, no secret
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        """Return a fresh id."""
        # Microseconds, pushed on within one: order holds also when the clock steps back.
        with self._lock:
            self._last = max(self._last + 1, int(self._wall() * 1e6))
            stamp = self._last
            # Not urandom: its system call lets other threads in, at 60 µs a request.
            return f"{stamp:014x}{self._dice.getrandbits(72):018x}"


def secret_bytes(config: Config) -> bytes:
    """Return this installation's secret, made at the first call; only its owner can read it."""
    path = config.journal.parent / "secret"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = secrets.token_bytes(SECRET_BYTES)
        draft = path.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # whoever comes second takes the first one's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_bytes()


async def _in_thread(work: Callable[..., T], *args: Any, **named: Any) -> T:
    return await asyncio.to_thread(work, *args, **named)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is outside the house: real by default, swapped whole by the simulator.

    Args:
        clock: tells the time and sleeps.
        coin: throws numbers in [0, 1).
        new_id: makes ids that sort by time.
        transport: opens the wire to one target; None for the usual one.
        off_loop: carries out blocking work beside the event loop.
        store: given the configured store, returns the one to use.
        journal: opens the journal in a folder.
        inline: write records at once and start no threads of our own.
        counters: opens the counters at an address.
    """

    clock: Clock = field(default_factory=LiveClock)
    coin: Coin = field(default_factory=lambda: random.Random().random)  # noqa: S311 - jitter
    new_id: Callable[[], str] = field(default_factory=TimeOrderedIds)
    transport: Callable[[], Transport] | None = None
    off_loop: Callable[..., Awaitable[Any]] = _in_thread
    store: Callable[[DurableStore], DurableStore] = lambda store: store
    journal: Callable[[Path], Journal] = FileJournal
    inline: bool = False
    counters: Callable[[str, Clock], LiveCounters] = open_counters


class Providers:
    """Builds providers and keeps those whose settings a reload did not touch."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._built: dict[str, tuple[object, Provider]] = {}
        self._retired: list[tuple[float, Provider]] = []

    def build(self, config: Config, functions: Mapping[str, Function]) -> dict[str, Provider]:
        """Return a provider for every target that can be called in this process.

        Args:
            config: the effective configuration.
            functions: decorated ones, by feature.
        """
        fresh: dict[str, tuple[object, Provider]] = {}
        for name, settings in config.targets.items():
            function = config.functions.get(name)
            keys = [config.secrets[reference] for reference in settings.api_keys]
            concurrency = config.rules[name].concurrency
            revealed = tuple(key.reveal() for key in keys)
            fresh[name] = self._keep(
                name,
                (settings, revealed, concurrency, function),
                functools.partial(
                    build_provider,
                    name,
                    settings,
                    transport_factory=self._outside.transport,
                    keys=keys,
                    function=function,
                    concurrency=concurrency,
                    wall=self._outside.clock.wall,
                ),
            )
        for name, function in functions.items():
            settings = TargetSettings(provider="python")
            fresh[name] = self._keep(
                name,
                function,
                functools.partial(build_provider, name, settings, function=function),
            )
        now = self._outside.clock.now()
        replaced = [old for name, old in self._built.items() if fresh.get(name) is not old]
        self._retired.extend((now, provider) for _, provider in replaced)
        self._built = fresh
        return {name: provider for name, (_, provider) in fresh.items()}

    async def close_retired(self) -> None:
        """Close providers that were replaced long enough ago for their requests to be done."""
        cutoff = self._outside.clock.now() - RETIRE_AFTER_S
        due = [provider for at, provider in self._retired if at < cutoff]
        self._retired = [(at, provider) for at, provider in self._retired if at >= cutoff]
        for provider in due:
            await provider.close()

    async def close(self) -> None:
        """Close every provider."""
        for _, provider in self._retired:
            await provider.close()
        for _, provider in self._built.values():
            await provider.close()
        self._retired.clear()
        self._built.clear()

    def _keep(
        self, name: str, identity: object, build: Callable[[], Provider]
    ) -> tuple[object, Provider]:
        built = self._built.get(name)
        if built is not None and built[0] == identity:
            return built
        return identity, build()


class Checkers:
    """Builds the user's own checks, and keeps those that a reload did not touch."""

    def __init__(self) -> None:
        self._built: dict[tuple[str, Function], Checker] = {}

    def build(self, config: Config) -> dict[str, Checker]:
        """Return every check of the user's own, by name."""
        found = [*config.inputs.values(), *config.outputs.values()]
        return {
            name: self._keep(name, function)
            for checks in found
            for name, function in checks.functions.items()
        }

    async def close(self) -> None:
        """Take no more work."""
        for checker in self._built.values():
            await checker.close()
        self._built.clear()

    def _keep(self, name: str, function: Function) -> Checker:
        built = self._built.get((name, function))
        if built is None:
            built = self._built[name, function] = PythonChecker(function)
        return built


def tells_languages(config: Config) -> bool:
    """Whether some feature must know the language of a text."""
    return any(
        feature.input.languages or feature.output.language != "off"
        for feature in config.features.values()
    )


def build_snapshot(
    config: Config,
    providers: Mapping[str, Provider],
    functions: Mapping[str, Function],
    *,
    checkers: Mapping[str, Checker],
    identify: Languages,
    wall: float,
) -> tuple[Snapshot, tuple[ReleaseRow, ...]]:
    """Return what is configured now, and its releases to be remembered."""
    from seatrial.config import build_plans, release_rows
    from seatrial.config.functions import source_of
    from seatrial.config.git import commit_of
    from seatrial.reliability.checks.signature import hints_of

    sources = {name: source_of(function) for name, function in functions.items()}
    hints = {name: hints_of(function) for name, function in functions.items()}
    told_apart = identify if tells_languages(config) else None
    if told_apart is not None and providers:
        told_apart.load()  # now, and not at the first request
    plans = build_plans(config, sources=sources, hints=hints, identify=told_apart)
    rows = release_rows(
        config,
        sources=sources,
        commit=commit_of(config.path.parent),
        first_seen=wall,
    )
    snapshot = Snapshot(
        plans,
        providers,
        keep_content=config.service.record_content,
        checkers=checkers,
        prices=config.cards,
        budgets=_budgets(config),
        caps=_caps(config),
        limits={
            name: feature.limits
            for name, feature in config.features.items()
            if feature.limits != LimitSettings()
        },
    )
    return snapshot, rows


def _budgets(config: Config) -> dict[str, BudgetSettings]:
    """Return the budgets of features that have any; the requirement is the month's."""
    return {
        name: bounded
        for name, feature in config.features.items()
        if (bounded := with_month(feature.budgets, feature.requirements.cost_usd_month)).bounded
    }


def _caps(config: Config) -> dict[str, int]:
    """Return how many tokens targets may write by their own settings."""
    found: dict[str, int] = {}
    for name, target in config.targets.items():
        for key in ("max_completion_tokens", "max_tokens"):
            if isinstance(target.parameters.get(key), int):
                found[name] = max(found.get(name, 0), target.parameters[key])
    return found


def open_store_of(config: Config, outside: Outside) -> DurableStore:
    """Return the configured store; nothing is connected yet."""
    return outside.store(open_store(config.store.reveal(), folder=config.path.parent))


def open_counters_of(config: Config, outside: Outside) -> LiveCounters:
    """Return the configured counters; nothing is connected yet."""
    return outside.counters(config.counters.reveal(), outside.clock)


def build_gate(config: Config, counters: LiveCounters, outside: Outside) -> Gate:
    """Return the way in and out of the engine."""
    clock, service = outside.clock, config.service
    admission = Admission(
        clock,
        outside.coin,
        max_in_flight=service.max_in_flight,
        max_memory_bytes=service.max_memory_bytes,
    )
    return Gate(admission, Limiter(counters, clock, outside.new_id), clock)


def open_recorder(config: Config, store: Store, outside: Outside) -> Recorder:
    """Return the recorder over the configured journal and store."""
    journal = outside.journal(config.journal)
    return Recorder(journal, store.records, inline=outside.inline, coin=outside.coin)


def read_keys(file: Path) -> list[Key] | None:
    """Return the keys as they were last known on this machine; None when they never were."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Key])
    except (OSError, msgspec.DecodeError):
        return None


def write_keys(file: Path, keys: list[Key]) -> None:
    """Keep the keys' digests on this machine, for a start while the store is away."""
    content = msgspec.json.encode(keys)
    with contextlib.suppress(OSError):  # a full disk: the last known ones stay
        if file.exists() and file.read_bytes() == content:
            return
        draft = file.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(content)
        draft.replace(file)
