"""A stage for the engine: scripted targets, a recorder, a reader, and virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seatrial.counters import MemoryCounters
from seatrial.engine.admission import Admission, Limiter
from seatrial.engine.answer import answer
from seatrial.engine.gate import Gate
from seatrial.engine.granting import Grants
from seatrial.engine.health import Health
from seatrial.engine.world import Snapshot, World
from seatrial.ports import Call, Ended, Pulse
from seatrial.reliability.checks.incoming import InputPlan
from seatrial.reliability.checks.outgoing import OutputPlan
from seatrial.reliability.hedging import HedgeSettings
from seatrial.reliability.judging import Judge
from seatrial.reliability.settings import Plan, Policy, TargetRules
from seatrial.reliability.similarity import CachePlan
from seatrial.testing.clock import run
from seatrial.values.attempts import Failure
from seatrial.values.chat import Answer, Piece
from seatrial.values.decisions import Head, Settled
from seatrial.values.records import Record
from seatrial.values.requests import Caller, Request

T = TypeVar("T")
WALL_S = 1_700_000_000.0
GOOD = Answer("Yours is on its way.", model="m-1")
WORDS = ("Yours ", "is ", "on ", "its ", "way.")
HANG = 1e6


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


def play(scene: Coroutine[Any, Any, T]) -> T:
    """Run a scene in virtual time, from second 100."""
    return run(scene, start=100.0)


class LoopClock:
    """The loop's time as a `Clock`."""

    def now(self) -> float:
        return now()

    def wall(self) -> float:
        return WALL_S + now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


Line = Answer | Failure | BaseException | float
"""What a call gives; a number is a pause before the next line."""
Event = Piece | Ended | Failure | BaseException | float | str
"""What a stream gives; a text is a piece of it, a number a pause."""


def spoken(*, pause_s: float = 0.1, words: Sequence[str] = WORDS) -> list[Event]:
    """Return the script of a good stream: role, words, finish, usage, end."""
    events: list[Event] = [Piece(model="m-1")]
    for word in words:
        events += [pause_s, word]
    return [*events, Piece(finish_reason="stop"), Piece(bare_usage=True), Ended()]


@dataclass
class Target:
    """A scripted target.

    Args:
        script: one act per call, the last one again and again: a list of lines for a whole
            answer, or of events behind `first_byte_s` for a stream.
        outlets: as the provider names them.
        first_byte_s: until a stream's headers come.
        closes_s: how long closing a stream takes.

    It notes its calls, those that were cancelled, and the streams that are open.
    """

    script: list[list[Any]]
    outlets: Sequence[str] = ("only",)
    first_byte_s: float = 0.0
    closes_s: float = 0.0
    calls: list[Call] = field(default_factory=list)
    called_at: list[float] = field(default_factory=list)
    cancelled_at: list[float] = field(default_factory=list)
    closed_at: list[float] = field(default_factory=list)
    open_streams: int = 0

    def _next_act(self, call: Call) -> list[Any]:
        self.calls.append(call)
        self.called_at.append(now())
        return self.script[min(len(self.calls), len(self.script)) - 1]

    async def ask(self, call: Call, pulse: Pulse) -> Answer | Failure:
        act = self._next_act(call)
        pulse.connected()
        try:
            for line in act:
                if isinstance(line, float):
                    await asyncio.sleep(line)
                elif isinstance(line, BaseException):
                    raise line
                else:
                    return line
        except asyncio.CancelledError:
            self.cancelled_at.append(now())
            raise
        raise AssertionError("the script ended without an answer")

    async def stream(self, call: Call, pulse: Pulse) -> Talk | Answer | Failure:
        act = self._next_act(call)
        pulse.connected()
        try:
            await asyncio.sleep(self.first_byte_s)
        except asyncio.CancelledError:
            self.cancelled_at.append(now())
            raise
        if isinstance(act[0], Answer | Failure):
            return act[0]
        if isinstance(act[0], BaseException):
            raise act[0]
        pulse.first_byte()
        self.open_streams += 1
        return Talk(self, list(act), pulse)

    async def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Talk:
    """A scripted stream."""

    target: Target
    events: list[Event]
    pulse: Pulse
    closed: bool = False

    async def next(self) -> Piece | Ended | Failure:
        assert not self.closed, "nobody reads a closed stream"
        while True:
            event = self.events.pop(0)
            if isinstance(event, float):
                await asyncio.sleep(event)
            elif isinstance(event, BaseException):
                raise event
            else:
                piece = Piece(text=event) if isinstance(event, str) else event
                if isinstance(piece, Piece) and piece.useful:
                    self.pulse.token()
                return piece

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.target.open_streams -= 1
            self.target.closed_at.append(now())
            await asyncio.sleep(self.target.closes_s)


@dataclass
class Recorder:
    """Keeps records in a list.

    Args:
        durable: what it says about them.
        takes_s: how long that takes.
    """

    durable: bool = True
    takes_s: float = 0.0
    appended: list[Record] = field(default_factory=list)
    put_aside: list[Record] = field(default_factory=list)
    synced: list[str] = field(default_factory=list)
    durable_at: list[float] = field(default_factory=list)

    def append(self, record: Record, *, sync: bool = False, loop: object = None) -> Awaitable[bool]:
        self.appended.append(record)
        if sync:
            self.synced.append(record.id)
        return self._write()

    async def _write(self) -> bool:
        await asyncio.sleep(self.takes_s)
        self.durable_at.append(now())
        return self.durable

    def put(self, record: Record) -> None:
        self.put_aside.append(record)

    @property
    def records(self) -> list[Record]:
        """Every record, whichever way it came."""
        return self.appended + self.put_aside


@dataclass
class Reader:
    """The caller's side of a stream: notes what came and when.

    Args:
        takes_s: how long each piece takes it.
        begins_s: how long the head takes it.
    """

    takes_s: float = 0.0
    begins_s: float = 0.0
    head: Head | None = None
    pieces: list[Piece] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)

    async def begin(self, head: Head) -> None:
        assert self.head is None, "a stream begins once"
        self.head = head
        self.came_at.append(now())
        await asyncio.sleep(self.begins_s)

    async def send(self, piece: Piece) -> None:
        assert self.head is not None
        self.pieces.append(piece)
        self.came_at.append(now())
        await asyncio.sleep(self.takes_s)

    @property
    def text(self) -> str:
        """What it has read."""
        return "".join(piece.text for piece in self.pieces)


@dataclass
class Stage:
    """The engine with everything it is handed.

    Args:
        targets: by name; the route is theirs in this order, then `ends`.
        rules: of targets that need others than the usual.
        policy, prompt, say: of the feature.
        ends: built-in targets behind them.
        coins: thrown in turn, again and again.
        input, output: what is checked.
        checkers: checks of the user's own, by name.
        off_route: targets that stand on no route.
        judge: who judges inputs.
        cache: how kept answers are used.
        hedge: whether a second target is asked while the first is slow.
    """

    targets: dict[str, Target]
    rules: dict[str, TargetRules] = field(default_factory=dict)
    policy: Policy = field(default_factory=lambda: Policy(deadline_s=10.0))
    prompt: str | None = None
    say: str = "Later."
    ends: Iterable[str] = ()
    coins: Sequence[float] = (0.5,)
    input: InputPlan | None = None
    output: OutputPlan | None = None
    checkers: dict[str, Any] = field(default_factory=dict)
    off_route: Iterable[str] = ()
    judge: Judge | None = None
    cache: CachePlan | None = None
    hedge: HedgeSettings | None = None
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        thrown = 0

        def coin() -> float:
            nonlocal thrown
            thrown += 1
            return self.coins[thrown % len(self.coins)]

        names = [name for name in self.targets if name not in self.off_route]
        route = [self.rules.get(name, TargetRules(name)) for name in names]
        route += [TargetRules(name, kind=name) for name in self.ends]  # type: ignore[arg-type]
        plan = Plan(
            "support",
            "r1",
            tuple(route),
            self.policy,
            self.say,
            self.prompt,
            "p1",
            self.input,
            self.output,
            judge=self.judge,
            cache=self.cache,
            hedge=self.hedge,
        )
        self.known = Snapshot({"support": plan}, self.targets, checkers=self.checkers)
        clock = LoopClock()
        self.health = Health(clock, coin)
        counters = MemoryCounters(clock)
        self.world = World(
            clock=clock,
            coin=coin,
            new_id=lambda: "id",
            health=self.health,
            recorder=self.recorder,  # type: ignore[arg-type]
            counters=counters,
            gate=Gate(Admission(clock, coin), Limiter(counters, clock, lambda: "r"), clock),
            grants=Grants(counters),
            secret=b"secret",
            off_loop=self._aside,
        )
        self.aside = 0
        self.asked = 0

    async def _aside(self, work: Callable[..., T], *given: Any, **named: Any) -> T:
        """Carry out long work, and count it; virtual time knows no threads."""
        self.aside += 1
        return work(*given, **named)

    def request(
        self,
        text: str = "Where is it?",
        *,
        stream: bool = False,
        caller: Caller = Caller(),  # noqa: B008 - it is frozen
        variables: dict[str, str] | None = None,
        arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None,
        deadline_s: float | None = None,
        texts: list[str] | None = None,
        prompt_version: str = "",
    ) -> Request:
        """Return a request that starts now."""
        self.asked += 1
        return Request(
            id=f"req-{self.asked}",
            feature="support",
            body={"input": texts} if texts else {"messages": [{"role": "user", "content": text}]},
            deadline=now() + (deadline_s or self.policy.deadline_s),
            stream=stream,
            variables=variables or {},
            caller=caller,
            arguments=arguments,
            kind="embed" if texts else "chat",
            prompt_version=prompt_version,
        )

    async def ask(self, text: str = "Where is it?", **more: Any) -> Settled:
        """Ask for a whole answer."""
        return await answer(self.request(text, **more), self.known, world=self.world)

    async def listen(self, reader: Reader, text: str = "Where is it?", **more: Any) -> Settled:
        """Ask for a stream."""
        request = self.request(text, stream=True, **more)
        return await answer(request, self.known, world=self.world, sink=reader)

    def check_at_rest(self) -> None:
        """Nothing is in flight, open or unsettled, and each request has one record."""
        for view in self.health.views():
            assert 0 == view.in_flight, view
        for target in self.health._targets.values():
            assert 0 == target.in_flight
        assert [0] * len(self.targets) == [t.open_streams for t in self.targets.values()]
        ids = [record.id for record in self.recorder.records]
        assert [f"req-{turn + 1}" for turn in range(self.asked)] == sorted(
            ids, key=lambda id_: int(id_.removeprefix("req-"))
        )
