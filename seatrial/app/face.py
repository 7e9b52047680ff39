"""`Seatrial`: the library's face.  Reads the configuration and joins the rooms."""

# long: one public class; half of it is what its methods promise, no method has 40 lines

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from seatrial.app import calling, wiring
from seatrial.app.languages import Languages
from seatrial.app.running import Parts, Running
from seatrial.app.wiring import Outside
from seatrial.engine.admission import LoadView
from seatrial.engine.answer import answer
from seatrial.engine.health import Health, OutletView
from seatrial.engine.keyring import Keyring, make_key
from seatrial.engine.recorder import Recorder
from seatrial.engine.world import Snapshot
from seatrial.errors import ConfigError, Misuse, StartRefused, StoreUnavailable, UnknownFeature
from seatrial.jobs.supervisor import Job
from seatrial.ports import Key, ReleaseRow, Sink
from seatrial.reliability.settings import Plan
from seatrial.store import DurableStore
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Refused, Settled
from seatrial.values.idempotency import fingerprint_of
from seatrial.values.replies import Reply
from seatrial.values.requests import Caller, Request

if TYPE_CHECKING:
    from seatrial.config import Config, Loaded
    from seatrial.config.watch import Watch

WATCH_EVERY_S: Final = 1.0
CLOSE_WITHIN_S: Final = 10.0
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be answered, and which parts are away."""

    ok: bool
    degraded: tuple[str, ...] = ()


class Seatrial:
    """AI features, served under their requirements.

    >>> app = Seatrial.open("seatrial.toml")  # doctest: +SKIP
    >>> app.ask("support", "Where is my order?").text  # doctest: +SKIP
    'It is on its way.'
    """

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        outside: Outside | None = None,
        for_asking: bool = True,
    ) -> None:
        self._outside = outside or Outside()
        self._load = load
        self._for_asking = for_asking
        self.config = self._read()
        self._clock = self._outside.clock
        self.created = int(self._clock.wall())
        self.on_event: Callable[[str, dict[str, object]], None] = lambda name, facts: None
        self._health = Health(self._clock, self._outside.coin)
        self._functions: dict[str, Callable[..., Any]] = {}
        self._providers = wiring.Providers(self._outside)
        self._checkers = wiring.Checkers()
        self._identify = Languages()
        self._snapshot, self._releases = self._join(self.config)
        self._store: DurableStore | None = None
        self._secret: bytes | None = None
        self._keyring: Keyring | None = None
        self._running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: calling.LoopThread | None = None
        self._starting = threading.Lock()
        self._one_start = asyncio.Lock()
        self._reload_problem = ""

    # -- life -----------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        path: str | Path = "seatrial.toml",
        *,
        overrides: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        outside: Outside | None = None,
        for_asking: bool = True,
    ) -> Self:
        """Return the application that a file describes; nothing is started yet.

        Args:
            path: of the configuration.
            overrides: settings that win over the file, by dotted path: `{"service.store": …}`.
            environ: environment variables; the process's own by default.
            outside: clock, dice, wire and disk; real by default.
            for_asking: False for a look at the store alone: no target's API key is needed then,
                and the application cannot be started.

        Raises:
            ConfigError: everything that is wrong with the file, at once.
        """
        from seatrial.config import attempt

        loading = functools.partial(
            attempt, path, overrides=overrides, environ=environ, with_keys=for_asking
        )
        return cls(loading, outside=outside, for_asking=for_asking)

    async def start(self, *, exclusive: bool = False) -> None:
        """Start recorder and background jobs on the running loop; once is enough.

        Args:
            exclusive: claim the store for this one serving process, as `seatrial serve` does.

        Raises:
            StartRefused: another process serves from this store, or its schema is not ours.
            Misuse: it was opened without the targets' keys.
        """
        async with self._one_start:
            if self._running is None:
                await self._start(exclusive=exclusive)

    async def _start(self, *, exclusive: bool) -> None:
        if not self._for_asking:
            raise Misuse(
                "This application was opened for a look at its store.",
                why="Its targets' API keys were left out, so nothing can be asked.",
                fix="Open it without `for_asking=False`.",
            )
        self._loop = asyncio.get_running_loop()
        running = Running(self._parts(exclusive=exclusive))
        try:
            await running.start((Job("config", self._watch, WATCH_EVERY_S, at_once=False),))
        except StartRefused:
            await running.close(0.0)
            raise
        self._running = running

    async def close(self) -> None:
        """Stop, and bring every record to disk; once is enough."""
        loop = self._loop
        if loop is not None and loop is not asyncio.get_running_loop() and loop.is_running():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.close(), loop))
            return
        running, self._running = self._running, None
        if running is not None:
            await running.close(CLOSE_WITHIN_S)
            await self._providers.close()
            await self._checkers.close()
        self._store = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    def __enter__(self) -> Self:
        """Start, for code without an event loop."""
        self._in_thread(self.start())
        return self

    def __exit__(self, *_: object) -> None:
        """Close, for code without an event loop."""
        self._in_thread(self.close())
        if self._thread is not None:
            self._thread.close()
            self._thread = None

    def reload(self) -> None:
        """Take up the configuration as it is now, whole or not at all.

        Raises:
            ConfigError: the file is broken; what ran before goes on.
        """
        try:
            config = self._read()
            snapshot, releases = self._join(config)
        except ConfigError as error:
            self._reload_problem = error.message
            self._tell("config.rejected", {"problems": [str(p) for p in error.problems]})
            raise
        self.config, self._snapshot, self._releases = config, snapshot, releases
        self._reload_problem = ""
        if self._running is not None:
            self._running.remember(releases)
            self._running.parts.gate.admission.adjust(
                max_in_flight=config.service.max_in_flight,
                max_memory_bytes=config.service.max_memory_bytes,
            )
        if self._keyring is not None:
            self._keyring.required = config.service.keys == "required"
        names = {name: plan.release for name, plan in snapshot.plans.items()}
        self._tell("config.loaded", {"releases": names})

    # -- asking, from Python ----------------------------------------------------------------

    def feature(self, name: str) -> Callable[[F], F]:
        """Put a function under a feature: its calls go by the feature's route, with records.

        The route names the function by the feature's own name. Sync and async functions keep
        their face; what they return comes back as it is, and a lower tier's text instead when
        they fail.

        Args:
            name: of the feature.

        Raises:
            UnknownFeature: the configuration has no such feature.
            Misuse: its route does not name it.
        """
        plan = self._plan(name)
        if name not in [target.name for target in plan.route]:
            raise Misuse(
                f"The route of {name!r} does not name its function.",
                why=f"It is {[target.name for target in plan.route]}.",
                fix=f'Put "{name}" where the function belongs: route = ["{name}", …].',
            )

        def wrap(function: F) -> F:
            self._functions[name] = function
            self._snapshot, self._releases = self._join(self.config)
            return calling.keep_face(function, functools.partial(self._call, name), self._in_thread)

        return wrap

    def ask(
        self,
        feature: str,
        question: str | list[dict[str, Any]],
        *,
        user: str = "",
        session: str = "",
        tags: tuple[str, ...] = (),
        deadline_s: float | None = None,
        idempotency_key: str = "",
        **variables: str,
    ) -> Reply:
        """Ask a feature and wait; see `ask_async`."""
        return self._in_thread(
            self.ask_async(
                feature,
                question,
                user=user,
                session=session,
                tags=tags,
                deadline_s=deadline_s,
                idempotency_key=idempotency_key,
                **variables,
            )
        )

    async def ask_async(
        self,
        feature: str,
        question: str | list[dict[str, Any]],
        *,
        user: str = "",
        session: str = "",
        tags: tuple[str, ...] = (),
        deadline_s: float | None = None,
        idempotency_key: str = "",
        **variables: str,
    ) -> Reply:
        """Ask a feature.

        Args:
            feature: its name.
            question: a text, or a conversation as OpenAI's `messages`.
            user: who asks, for records and, later, for what sticks to a user.
            session: the conversation it belongs to.
            tags: marks for search.
            deadline_s: below the feature's own, in seconds.
            idempotency_key: of at most 255 characters: whoever asks the same of this feature
                with the same key, within a day, gets the same reply.
            variables: for the prompt's `{{names}}`.

        Raises:
            UnknownFeature: the configuration has no such feature.
            MissingVariable: the prompt needs a value that was not given.
            BadRequest: a target found the request malformed, or the key was used for another.
            NoTargetLeft: nothing on the route gave a valid answer.
        """
        messages = (
            [{"role": "user", "content": question}] if isinstance(question, str) else question
        )
        caller = Caller(user=user, session=session, tags=tags)
        key = calling.checked_key(idempotency_key)
        return await self._ask(feature, messages, caller, deadline_s, variables, None, key)

    def _call(
        self, feature: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Coroutine[Any, Any, Reply]:
        messages = [{"role": "user", "content": calling.as_text(args, kwargs)}]
        caller = Caller(call_site=calling.call_site())
        return self._ask(feature, messages, caller, None, {}, (args, kwargs))

    async def _ask(
        self,
        feature: str,
        messages: list[dict[str, Any]],
        caller: Caller,
        deadline_s: float | None,
        variables: dict[str, str],
        arguments: tuple[tuple[Any, ...], dict[str, Any]] | None,
        key: str = "",
    ) -> Reply:
        policy = self._plan(feature).policy
        loop = asyncio.get_running_loop()
        if self._loop is not loop and self._running is not None:
            if self._loop is not None and self._loop.is_running():
                work = self._ask(feature, messages, caller, deadline_s, variables, arguments, key)
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
            await self._leave_dead_loop()
        if self._running is None:
            await self.start()
        request = Request(
            self._outside.new_id(),
            feature,
            {"messages": messages},
            self._clock.now() + min(deadline_s or policy.deadline_s, policy.deadline_s),
            variables=variables,
            caller=caller,
            arguments=arguments,
            idempotency_key=key,
            fingerprint=fingerprint_of([messages, variables]) if key else "",
        )
        return calling.reply_of(await self.answer(request))

    async def _leave_dead_loop(self) -> None:
        """Let go of what ran on a loop that has ended, as between two `asyncio.run`."""
        running, self._running, self._store = self._running, None, None
        if running is not None:
            await running.parts.recorder.close(CLOSE_WITHIN_S)
            await asyncio.to_thread(running.parts.store.close)
        self._one_start = asyncio.Lock()

    # -- for doors ----------------------------------------------------------------------------

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock.now()

    def new_id(self) -> str:
        """Return a fresh record id, which is also the request id."""
        return self._outside.new_id()

    def authenticate(self, token: str | None) -> Caller | Refused:
        """Return who holds this key, without asking the store."""
        return (self._keyring or self.keyring).authenticate(token)

    def models(self, caller: Caller) -> list[tuple[str, int]]:
        """Return the features this caller may ask, each with its Unix time of creation."""
        may_ask = self.keyring.may_ask
        return [(name, self.created) for name in self._snapshot.plans if may_ask(caller, name)]

    def find(self, feature: str, caller: Caller) -> Refused | None:
        """Return None when this caller may ask this feature, else why not."""
        if feature in self._snapshot.plans and (
            not caller.key_scope or self.keyring.may_ask(caller, feature)
        ):
            return None
        return Refused("model_not_found", f"There is no feature {feature!r}.", status=404)

    def deadline_s(self, feature: str) -> float:
        """Return the feature's deadline, in seconds."""
        return self._snapshot.plans[feature].policy.deadline_s

    def answer(self, request: Request, sink: Sink | None = None) -> Coroutine[Any, Any, Settled]:
        """Answer one request; cancelling means that the caller left."""
        running = self._running
        if running is None:
            raise RuntimeError("the application is not started")
        known, world = self._snapshot, running.world
        # Handed out, not awaited: a stream passes through every coroutine at each event.
        if request.idempotency_key:
            work = functools.partial(answer, request, known, world=world, sink=sink)
            return running.twins.answer(request, known, work)
        return answer(request, known, world=world, sink=sink)

    def shed(self, caller: Caller, criticality: Criticality) -> Refused | None:
        """Refuse a request for want of places before it is read; None to read it."""
        running = self._running
        return None if running is None else running.parts.gate.shed(caller, criticality)

    def told(self, seconds: float) -> None:
        """Note how long it took to tell one that it is not let in."""
        if self._running is not None:
            self._running.parts.gate.admission.told(seconds)

    def load(self) -> LoadView:
        """Return how much there is to do."""
        if self._running is None:
            return LoadView(0, 0, 0, overloaded=False, lag_s=0.0, refused={})
        return self._running.parts.gate.admission.view()

    def live(self) -> bool:
        """Return whether the event loop keeps its time."""
        return self._running is None or self._running.is_prompt()

    def ready(self) -> Readiness:
        """Return whether requests can be answered, and which parts are away."""
        if self._running is None:
            return Readiness(False, ("starting",))
        parts = [f"{name}: {reason}" for name, reason in self._running.problems.items()]
        if self._reload_problem:
            parts.append(f"config: {self._reload_problem} The one before is in force.")
        if self._running.parts.gate.admission.overloaded:
            parts.append("overloaded: there is more to do than can be done")
        counts = self._running.parts.recorder.counts()
        if counts.dropped:
            parts.append(f"records: {counts.dropped} could not be kept")
        if counts.stuck:
            parts.append(f"records: {counts.waiting} wait here, the store takes none")
        return Readiness(self.keyring.loaded, tuple(parts))

    @property
    def recorder(self) -> Recorder | None:
        """Where records go; None until it is started."""
        return self._running.parts.recorder if self._running else None

    def health(self) -> list[OutletView]:
        """Return the state of every address and key that was asked so far."""
        return self._health.views()

    def config_rows(self) -> list[tuple[str, str, str]]:
        """Return every setting in force: its path, its value and where it came from."""
        from seatrial.config.show import show

        return [(row.path, row.value, row.origin) for row in show(self.config)]

    def plans(self) -> Mapping[str, Plan]:
        """Return what each feature does with a request, by name."""
        return self._snapshot.plans

    # -- keys and store -----------------------------------------------------------------------

    @property
    def store(self) -> DurableStore:
        """The store; opened at the first use, connected at the first call."""
        if self._store is None:
            self._store = wiring.open_store_of(self.config, self._outside)
        return self._store

    @property
    def keyring(self) -> Keyring:
        """The API keys in force."""
        if self._keyring is None:
            required = self.config.service.keys == "required"
            self._keyring = Keyring(self._secret_bytes(), required=required)
        return self._keyring

    def create_key(
        self, name: str, *, features: tuple[str, ...] = (), tenant: str = "default"
    ) -> tuple[Key, str]:
        """Make an API key; return it as stored, and the key itself, to be shown once.

        Raises:
            UnknownFeature: the key should cover a feature that is not configured.
            StoreUnavailable: it could not be stored.
        """
        for feature in features:
            self._plan(feature)
        key, token = make_key(
            self._secret_bytes(), name, tenant=tenant, features=features, at=self._clock.wall()
        )
        self.store.keys.add(key)
        self._note_keys()
        return key, token

    def list_keys(self) -> list[Key]:
        """Return every API key, revoked ones too; never the keys themselves."""
        return self.store.keys.all()

    def revoke_key(self, id: str) -> bool:
        """Revoke an API key; return whether there was such a key in force."""
        revoked = self.store.keys.revoke(id, at=self._clock.wall())
        self._note_keys()
        return revoked

    # -- inside -------------------------------------------------------------------------------

    def _read(self) -> Config:
        """Read the configuration; whatever comes of it, its files are watched from now on."""
        from seatrial.config.watch import Watch

        loaded = self._load()
        self._watched: Watch = Watch(loaded.files)
        if loaded.config is None:
            raise loaded.error or RuntimeError("a reading gives a configuration or an error")
        return loaded.config

    def _join(self, config: Config) -> tuple[Snapshot, tuple[ReleaseRow, ...]]:
        providers = self._providers.build(config, self._functions) if self._for_asking else {}
        return wiring.build_snapshot(
            config,
            providers,
            self._functions,
            checkers=self._checkers.build(config) if self._for_asking else {},
            identify=self._identify,
            wall=self._clock.wall(),
        )

    def _parts(self, *, exclusive: bool) -> Parts:
        cached = [name for name, plan in self._snapshot.plans.items() if plan.keeps]
        counters = wiring.open_counters_of(self.config, self._outside)
        return Parts(
            self._outside,
            self._health,
            self.store,
            wiring.open_recorder(self.config, self.store, self._outside),
            self.keyring,
            self._secret_bytes(),
            self._keys_file(),
            self.config.service.retention_days,
            tuple(cached),
            self._tell,
            counters,
            wiring.build_gate(self.config, counters, self._outside),
            lambda: self._snapshot.budgets,
            self._releases,
            exclusive,
            not self.config.counters.reveal(),
            self.config.store.reveal().startswith("sqlite:"),
        )

    def _keys_file(self) -> Path:
        return self.config.journal.parent / "keys.json"

    def _note_keys(self) -> None:
        """Have a start without the store know of a change of keys, who serves or not."""
        with contextlib.suppress(StoreUnavailable):  # done it is; who serves looks again
            wiring.write_keys(self._keys_file(), self.store.keys.all())

    def _plan(self, feature: str) -> Plan:
        plan = self._snapshot.plans.get(feature)
        if plan is None:
            known = ", ".join(self._snapshot.plans)
            raise UnknownFeature(
                f"There is no feature {feature!r}.",
                why=f"{self.config.path} has: {known}.",
                fix=f"Add a section [features.{feature}], or ask one of those.",
            )
        return plan

    def _secret_bytes(self) -> bytes:
        if self._secret is None:
            self._secret = wiring.secret_bytes(self.config)
        return self._secret

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self.on_event(name, facts)

    async def _watch(self) -> None:
        await self._providers.close_retired()
        if self.config.service.reload and await self._outside.off_loop(self._watched.changed):
            # Told, and shown by `ready`; what ran before goes on.
            with contextlib.suppress(ConfigError):
                # Reading, importing and checking may take a while: not on the loop.
                await self._outside.off_loop(self.reload)

    def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
        with self._starting:
            if self._thread is None:
                self._thread = calling.LoopThread()
        return self._thread.submit(work).result()


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of seatrial.toml, for editors."""
    from seatrial.config.show import schema

    return schema()
