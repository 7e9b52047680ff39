"""The network and the model servers on it, in virtual time and at the level of bytes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final
from urllib.parse import urlsplit

from seatrial.ports import HttpCall, HttpReply, TransportError
from seatrial.testing.simulate.demands import HIDDEN, PERSONAL
from seatrial.testing.simulate.models import JUDGING, ORDINARY, TAKEOVER, SimModel, understood
from seatrial.testing.simulate.pace import Meter, SimClock
from seatrial.testing.simulate.plan import (
    CONTENT_FAULTS,
    OURS,
    WIRE_FAULTS,
    FaultPlan,
    TargetPlan,
    is_odd_but_legal,
)
from seatrial.testing.simulate.reading import Inflater, Message, invalid, lost
from seatrial.testing.upstream import FAULTS
from seatrial.testing.upstream._asks import key_digest
from seatrial.testing.upstream._log import Entry
from seatrial.testing.upstream._model import Manner
from seatrial.testing.upstream._plan import (
    STREAMED,
    WHOLE,
    Close,
    Pause,
    Refuse,
    Reset,
    Send,
    Step,
)
from seatrial.testing.upstream._schedule import Rule
from seatrial.testing.upstream._wire import Incoming
from seatrial.values.attempts import Cause, Failure

CONNECT_S: Final = 0.003
SLOW_DNS_S: Final = 5.0
READ_AHEAD_BYTES: Final = 64 * 1024
SPREAD: Final = 0.35  # of healthy thinking times: sigma of their logarithm
HINTED: Final = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(slots=True)
class Call:
    """One attempt as the network saw it.

    Args:
        request_id, life: whose it is.
        target, server, key: where it went; with which key, by its digest.
        at, ended: when it began and ended.
        how: `complete`, `failed` (the other side), `left` (our side let go); empty while it runs.
        fault: that struck; empty for none.
        sent: whether it reached the server.
        status: of the reply.
        hint_s, hint_at: how long the reply told us to stay away, and when that was read.
        repair: what its last answer was, where the target was told what was wrong with it.
        judged: what a judge should say; empty where an answer is wanted.
        leaked: whether a planted address came through.
        bill_pico: what the answer costs, in 1e-12 dollars.
    """

    request_id: str
    life: int
    target: str
    server: str
    key: str
    at: float
    ended: float | None = None
    how: str = ""
    fault: str = ""
    sent: bool = False
    status: int = 0
    hint_s: float | None = None
    hint_at: float = 0.0
    repair: str = ""
    judged: str = ""
    leaked: bool = False
    bill_pico: int = 0

    @property
    def billed_pico(self) -> int:
        """What may be billed at most: whoever answers with an error, and no word, bills nothing."""
        declined = self.status >= 400 or "error-first" in self.fault_names
        return self.bill_pico if self.sent and not declined else 0

    @property
    def fault_names(self) -> list[str]:
        """Names of what struck."""
        return [part.partition("?")[0] for part in self.fault.split("+") if part]


@dataclass(slots=True)
class Server:
    """One model server at one address."""

    name: str
    target: TargetPlan
    models: Mapping[bool, SimModel]  # for whole answers and for streams
    die: Random
    faults: list[FaultPlan] = field(default_factory=list)
    in_flight: int = 0
    served: int = 0
    refuses_until: float = -math.inf
    past: list[FaultPlan] = field(default_factory=list)

    def strike(self, names: Collection[str], now: float) -> FaultPlan | None:
        """Return which of these faults strikes."""
        for fault in self.faults:
            active = fault.name in names and fault.from_s <= now < fault.to_s
            if active and self.die.random() < fault.share:
                return fault
        return None

    def could_strike(self, since: float, until: float) -> Iterator[FaultPlan]:
        """Yield the faults that could strike between these times."""
        for fault in self.past + self.faults:
            if fault.from_s < until and fault.to_s > since:
                yield fault

    def think_s(self) -> float:
        """Return a healthy time to the first byte."""
        return self.target.think_s * math.exp(self.die.gauss(0, SPREAD))


class Network:
    """All servers, and the log of every attempt.

    Args:
        targets, faults: of the day.
        seed: of all dice.
        clock, meter: the day's.
    """

    def __init__(
        self,
        targets: Sequence[TargetPlan],
        faults: Sequence[FaultPlan],
        *,
        seed: int,
        clock: SimClock,
        meter: Meter,
    ) -> None:
        self.clock = clock
        self.meter = meter
        self.calls: list[Call] = []
        self.life = 0
        self.servers: dict[str, Server] = {}
        for target in targets:
            for name in target.servers:
                manner = Manner(
                    seed=seed,
                    name=name.partition(".")[0],
                    words=target.words,
                    gap_s=target.gap_s,
                    max_requests=1_000_000,
                    keys=frozenset(),
                    models=(),
                )
                self.servers[name] = Server(
                    name,
                    target,
                    {each: SimModel(manner, wall=clock.wall) for each in (False, True)},
                    Random(f"{seed}/{name}"),
                )
        self.set_faults(faults)

    def transport(self) -> SimTransport:
        """Return a wire for one target."""
        return SimTransport(self, self.life)

    def heal(self) -> None:
        """End every fault."""
        self.set_faults(())

    def set_faults(self, faults: Sequence[FaultPlan]) -> None:
        """Put these faults in the place of all others."""
        now = self.clock.now()
        for server in self.servers.values():
            server.past += [
                replace(fault, to_s=min(fault.to_s, now))
                for fault in server.faults
                if fault.from_s < now
            ]
            server.refuses_until = -math.inf
            server.faults = [fault for fault in faults if fault.server == server.name]
            for streamed, model in server.models.items():
                model.schedule(_rules(server.faults, streamed), now_s=0.0, number=0)

    def was_healthy(self, target: str, since: float, until: float) -> bool:
        """Whether nothing could strike at any address of a target between these times."""
        return all(is_odd_but_legal(fault.name) for fault in self._faults(target, since, until))

    def keys_were_good(self, target: str, since: float, until: float) -> bool:
        """Whether no key of a target could be refused between these times."""
        faults = self._faults(target, since, until)
        return all(fault.name != "key-revoked" for fault in faults)

    def _faults(self, target: str, since: float, until: float) -> Iterator[FaultPlan]:
        for server in self.servers.values():
            if server.target.name == target:
                yield from server.could_strike(since, until)


def _rules(faults: Sequence[FaultPlan], streamed: bool) -> tuple[Rule, ...]:
    mode = STREAMED if streamed else WHOLE
    return tuple(
        Rule(
            fault.name,
            fault.params,
            probability=fault.share,
            from_s=fault.from_s,
            to_s=fault.to_s,
        )
        for fault in faults
        if fault.name not in OURS and mode in FAULTS[fault.name].modes
    )


class SimTransport:
    """A `Transport` over the simulated network.

    Args:
        network: where the servers are.
        life: which process it belongs to.
    """

    def __init__(self, network: Network, life: int) -> None:
        self._network = network
        self._life = life

    async def send(self, call: HttpCall) -> HttpReply:
        """Send, and return once the reply's headers are here; raise `TransportError`."""
        network = self._network
        url = urlsplit(call.url)
        server = network.servers[url.netloc]
        key = key_digest(call.headers)
        log = Call(
            call.headers["x-request-id"],
            self._life,
            server.target.name,
            server.name,
            key,
            network.clock.now(),
        )
        if JUDGING in call.body:
            log.judged = TAKEOVER if HIDDEN.encode() in call.body else ORDINARY
        network.calls.append(log)
        reply: SimReply | None = None
        try:
            slow = await _connect(server, call, log, network)
            log.sent = True
            with network.meter.outside():
                steps = _steps(server, call, log, network.clock.now(), url.path)
            reply = SimReply(network, server, log, steps, slow)
            await reply.read_head()
        except BaseException as error:
            if reply is not None:
                reply.close()
            elif log.ended is None:
                log.ended = network.clock.now()
                log.how = "failed" if isinstance(error, TransportError) else "left"
            raise
        return reply

    async def close(self) -> None:
        """Nothing is kept."""


def _steps(server: Server, call: HttpCall, log: Call, now: float, path: str) -> Iterator[Step]:
    entry = Entry(server.served, now, "POST", path, 0, key=log.key)
    server.served += 1
    body, log.repair = understood(call.body)
    log.leaked = PERSONAL.encode() in call.body
    incoming = Incoming("POST", path, {}, body)
    model = server.models[b'"stream":true' in body]
    content = server.strike(CONTENT_FAULTS, now)
    model.content = content.name if content is not None else ""
    model.repairing, model.judging = bool(log.repair), bool(log.judged)
    steps = model.steps(incoming, entry, url=f"https://{server.name}", now_s=now)
    if server.target.price is not None:
        log.bill_pico = server.target.price.pico(*model.take_spent())
    struck = [part for part in (log.fault, model.content, entry.fault) if part]
    log.fault = "+".join(struck)
    return steps


async def _connect(server: Server, call: HttpCall, log: Call, network: Network) -> float:
    """Come to the server, or fail as the wire fails now; return by how much it is slowed."""
    now = network.clock.now()
    fault = server.strike(WIRE_FAULTS, now)
    name = fault.name if fault is not None else ""
    log.fault = name
    match name:
        case "connect-blackhole":
            await asyncio.sleep(call.connect_s)
            raise TransportError(Failure(Cause.CONNECT_TIMEOUT, "No connection.", sent=False))
        case "dns-failure" | "tls-failure":
            await asyncio.sleep(0.05)
            raise TransportError(Failure(Cause.UNREACHABLE, f"A {name}.", sent=False))
        case "dns-slow":
            await asyncio.sleep(min(SLOW_DNS_S, call.connect_s))
            if call.connect_s < SLOW_DNS_S:
                raise TransportError(Failure(Cause.CONNECT_TIMEOUT, "No name.", sent=False))
    if name == "connect-refused" or server.refuses_until > now:
        log.fault = log.fault or "refuse"
        await asyncio.sleep(CONNECT_S)
        raise TransportError(Failure(Cause.UNREACHABLE, "Refused.", sent=False))
    await asyncio.sleep(CONNECT_S)
    if fault is not None and name == "brown-out":
        return (1 + server.in_flight / float(fault.params["knee"])) ** 3
    return 1.0


class SimReply:
    """A reply on its way: the server has a time line of its own and never waits for the reader."""

    def __init__(
        self, network: Network, server: Server, log: Call, steps: Iterator[Step], slow: float
    ) -> None:
        self._network = network
        self._server = server
        self._log = log
        self._steps = steps
        self._message = Message()
        self._due = network.clock.now() + server.think_s() * slow
        self._over = False
        self._burst = 0
        self.status = 0
        self.headers: Mapping[str, str] = {}
        server.in_flight += 1

    async def read_head(self) -> None:
        """Wait for status and headers."""
        while not self._message.has_head:
            await self._more()
        self.status = self._log.status = self._message.status
        self.headers = self._message.headers
        if self._message.status in HINTED:
            self._log.hint_s = stated_s(self._message.headers, self._network.clock.wall())
            self._log.hint_at = self._network.clock.now()

    async def read(self, limit: int) -> bytes:
        """Return the whole body, inflated."""
        return b"".join([part async for part in self.chunks(limit)])

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes."""
        message = self._message
        coding = message.headers.get("content-encoding", "identity")
        inflater = None if coding == "identity" else Inflater(coding, message.status)
        size = 0
        while True:
            while message.parts:
                part = message.parts.popleft()
                for plain in [part] if inflater is None else inflater.feed(part):
                    size += len(plain)
                    if size > limit:
                        raise invalid("The reply is too large.", message.status)
                    yield plain
            if message.complete:
                break
            await self._more()
        if inflater is not None:
            inflater.end()

    def close(self) -> None:
        """Let go."""
        if self._log.ended is None:
            self._log.ended = self._network.clock.now()
            self._log.how = (
                "complete" if self._message.complete else "failed" if self._over else "left"
            )
            self._server.in_flight -= 1

    async def _more(self) -> None:
        """Take the server's next step that brings bytes, or an end."""
        if self._over:
            # It has said all it will say, and keeps the connection.
            await asyncio.get_running_loop().create_future()
        while True:
            with self._network.meter.outside():
                step = next(self._steps, None)
            match step:
                case Pause(seconds):
                    self._due += seconds
                    continue
                case None:
                    self._over = True
                    if not self._message.complete:
                        await asyncio.get_running_loop().create_future()
                    return
            await self._until_due()
            match step:
                case Send(data):
                    self._burst += len(data)
                    if self._burst >= READ_AHEAD_BYTES:
                        # More than a socket holds: the loop has a turn before the next bytes.
                        self._burst = 0
                        await asyncio.sleep(0)
                    with self._network.meter.outside():
                        self._message.feed(data)
                    return
                case Close():
                    self._over = True
                    self._message.end()
                    return
                case Reset():
                    self._over = True
                    raise lost(self._message.status or None)
                case Refuse(seconds):
                    self._over = True
                    self._server.refuses_until = self._network.clock.now() + seconds
                    raise lost()

    async def _until_due(self) -> None:
        wait_s = self._due - self._network.clock.now()
        if math.isinf(wait_s):
            await asyncio.get_running_loop().create_future()
        if wait_s > 0:
            await asyncio.sleep(wait_s)


def stated_s(headers: Mapping[str, str], wall: float) -> float | None:
    """Return how long a reply says to stay away, read independently of the product."""
    if "retry-after-ms" in headers:
        return float(headers["retry-after-ms"]) / 1000
    text = headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - wall
    except ValueError:
        return None
