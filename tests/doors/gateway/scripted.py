"""An application whose answers a test writes, and a caller that needs no socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from seatrial.errors import ConfigError
from seatrial.gateway.asgi import build
from seatrial.gateway.face import Outlet
from seatrial.gateway.faults import Fault
from seatrial.gateway.fields import Ask
from seatrial.gateway.settings import DoorSettings
from seatrial.values.chat import Answer, Piece
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Answered, Decision, Head, Refused, Settled
from seatrial.values.requests import Caller, Request

KEY = "st_good"
HELLO = Answer(text="Hello.", model="tiny")

Script = Callable[[Request, Outlet | None], Awaitable[Settled]]


@dataclass
class Ready:
    """What `/readyz` tells."""

    ok: bool = True
    degraded: tuple[str, ...] = ()


def head(request: Request, decision: Decision, **more: Any) -> Head:
    """Label an answer to this request."""
    tier = getattr(decision, "tier", 0)
    return Head(request.id, "r1", decision.kind, tier=tier, **more)


def settled(request: Request, decision: Decision, **more: Any) -> Settled:
    """Settle a request with this decision."""
    return Settled(head(request, decision), decision, **more)


def says(decision: Decision) -> Script:
    """Answer every request with the same decision, whole."""

    async def script(request: Request, sink: Outlet | None) -> Settled:
        return settled(request, decision)

    return script


def streams(
    *pieces: Piece,
    tail: tuple[Piece, ...] = (),
    decision: Decision | None = None,
    gap_s: float = 0.0,
) -> Script:
    """Stream pieces, then settle."""
    last = decision or Answered(HELLO, "large", 0)

    async def script(request: Request, sink: Outlet | None) -> Settled:
        assert sink is not None
        await sink.begin(head(request, Answered(HELLO, "large", 0)))
        for piece in pieces:
            await sink.send(piece)
            if gap_s:
                await asyncio.sleep(gap_s)
        return settled(request, last, began=True, tail=tail)

    return script


@dataclass
class State:
    """How one target does."""

    target: str
    outlet: str
    state: str = "closed"
    rests_s: float = 0.0
    in_flight: int = 0


@dataclass
class Work:
    """How much there is to do."""

    in_flight: int = 0
    capacity: int = 8
    queued: int = 0
    overloaded: bool = False
    lag_s: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    refusal_p99_s: float = 0.0


@dataclass
class FakeApp:
    """Answers by script; remembers what it was asked."""

    script: Script = field(default_factory=lambda: says(Answered(HELLO, "large", 0)))
    needs_key: bool = False
    features: tuple[str, ...] = ("support",)
    alive: bool = True
    readiness: Ready = field(default_factory=Ready)
    states: tuple[State, ...] = ()
    feature_deadline_s: float = 10.0
    asked: list[Request] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    cancelled: int = 0
    closed: bool = False
    reloads: int = 0
    sheds: Refused | None = None
    told_s: list[float] = field(default_factory=list)
    criticalities: list[Criticality] = field(default_factory=list)
    at_work: Work = field(default_factory=Work)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def now(self) -> float:
        return time.monotonic()

    def new_id(self) -> str:
        return f"{next(self._ids):032x}"

    def authenticate(self, token: str | None) -> Caller | Refused:
        self.tokens.append(token)
        if token is None:
            return Refused("missing_key", "No key.") if self.needs_key else Caller()
        if token == KEY:
            return Caller(key_id="k1", key_scope="support")
        return Refused("invalid_key", "Unknown key.")

    def models(self, caller: Caller) -> list[tuple[str, int]]:
        return [(name, 1_700_000_000) for name in self.features]

    def find(self, feature: str, caller: Caller) -> Refused | None:
        if feature in self.features:
            return None
        return Refused("model_not_found", f"There is no feature {feature!r}.")

    def deadline_s(self, feature: str) -> float:
        return self.feature_deadline_s

    async def answer(self, request: Request, sink: Outlet | None = None) -> Settled:
        self.asked.append(request)
        try:
            return await self.script(request, sink)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def health(self) -> tuple[State, ...]:
        return self.states

    def shed(self, caller: Caller, criticality: Criticality) -> Refused | None:
        self.criticalities.append(criticality)
        return self.sheds

    def told(self, seconds: float) -> None:
        self.told_s.append(seconds)

    def load(self) -> Work:
        return self.at_work

    def live(self) -> bool:
        return self.alive

    def ready(self) -> Ready:
        return self.readiness

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True

    def reload(self) -> None:
        self.reloads += 1
        if self.reloads > 1:
            raise ConfigError("seatrial.toml", ())


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    writes: list[bytes]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def events(self) -> list[Any]:
        """The events of a stream, `[DONE]` as that text."""
        assert self.body.endswith(b"\n\n")
        texts = [part for part in self.body.decode().split("\n\n") if part.startswith("data: ")]
        return [text[6:] if text == "data: [DONE]" else json.loads(text[6:]) for text in texts]


class Wire:
    """One ASGI exchange: what the caller sends, what they read."""

    def __init__(self, body: bytes | list[bytes] = b"") -> None:
        parts = body if isinstance(body, list) else [body]
        self._parts = [
            {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)}
            for index, part in enumerate(parts)
        ]
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.reads = True
        self.reading = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._parts:
            return self._parts.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if not self.reads:
            await self.reading.wait()
        self.sent.append(message)

    @property
    def reply(self) -> Reply:
        start, *rest = self.sent
        assert start["type"] == "http.response.start"
        assert all(each["type"] == "http.response.body" for each in rest)
        assert not rest or not rest[-1].get("more_body", False), "the body has no end"
        assert all(each.get("more_body", False) for each in rest[:-1]), "the body ended twice"
        names = [name for name, _ in start["headers"]]
        assert len(names) == len(set(names)), "a header came twice"
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(each.get("body", b"") for each in rest),
            [each.get("body", b"") for each in rest],
        )


def scope(
    method: str = "POST",
    path: str = "/v1/chat/completions",
    headers: list[tuple[str, str]] | None = None,
) -> Any:
    """Announce a request."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers or []],
    }


def read_or_fault(read: Callable[[bytes, DoorSettings], Ask], raw: bytes) -> Ask | Fault:
    """Return what a dialect reads, or why it does not; anything else is raised."""
    try:
        return read(raw, DoorSettings())
    except Fault as fault:
        return fault


HOST = ("host", "127.0.0.1:8080")
JSON = ("content-type", "application/json")
CHAT = {"model": "support", "messages": [{"role": "user", "content": "Hi"}]}


class Client:
    """Asks one app through its doors."""

    def __init__(self, app: FakeApp, settings: DoorSettings | None = None) -> None:
        self.app = app
        self.asgi = build(app, settings)

    async def ask(
        self,
        method: str = "GET",
        path: str = "/v1/models",
        *,
        headers: list[tuple[str, str]] | None = None,
        body: bytes | list[bytes] = b"",
    ) -> Reply:
        wire = Wire(body)
        await self.asgi(scope(method, path, [HOST, *(headers or [])]), wire.receive, wire.send)
        return wire.reply

    async def chat(
        self,
        request: Any = None,
        *,
        headers: list[tuple[str, str]] | None = None,
        raw: bytes | list[bytes] | None = None,
        **more: Any,
    ) -> Reply:
        body = raw if raw is not None else json.dumps({**CHAT, **(request or {}), **more}).encode()
        return await self.ask(
            "POST", "/v1/chat/completions", headers=[JSON, *(headers or [])], body=body
        )
