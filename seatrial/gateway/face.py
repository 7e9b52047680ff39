"""What the HTTP doors need of the application: the part of `Seatrial` that they call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from seatrial.values.chat import Piece
from seatrial.values.criticality import Criticality
from seatrial.values.decisions import Head, Refused, Settled
from seatrial.values.requests import Caller, Request


class Readiness(Protocol):
    """Whether requests can be answered, and what is not as it should be."""

    @property
    def ok(self) -> bool:
        """Whether requests can be answered with what is there."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """Names of the parts that are away; never fatal by themselves."""


class TargetState(Protocol):
    """How one address and key of a target does."""

    @property
    def target(self) -> str:
        """The target's name."""

    @property
    def outlet(self) -> str:
        """Which of its addresses and keys."""

    @property
    def state(self) -> str:
        """Of its breaker: `closed`, `open` or `probing`."""

    @property
    def rests_s(self) -> float:
        """How long it is not asked yet, in seconds; also while it throttles us."""

    @property
    def in_flight(self) -> int:
        """Attempts under way."""


class Load(Protocol):
    """How much there is to do."""

    @property
    def in_flight(self) -> int:
        """Requests that are answered now."""

    @property
    def capacity(self) -> int:
        """How many may be."""

    @property
    def queued(self) -> int:
        """Requests that wait for a place."""

    @property
    def overloaded(self) -> bool:
        """Whether there is more to do than can be done."""

    @property
    def lag_s(self) -> float:
        """By how much the event loop was late, the worst of the last second."""

    @property
    def refused(self) -> Mapping[str, int]:
        """Requests that were not let in so far, by code."""

    @property
    def refusal_p99_s(self) -> float:
        """Within which nearly all of the latest of them were told, in seconds."""


class Outlet(Protocol):
    """Where a streamed answer leaves; the same shape as `ports.Sink`."""

    async def begin(self, head: Head) -> None:
        """Send status and headers; called once, right before the first piece."""

    async def send(self, piece: Piece) -> None:
        """Send one piece; returns when there is room for the next."""


class App(Protocol):
    """The application behind the doors."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def new_id(self) -> str:
        """Return a fresh record id, which is also the request id."""

    def authenticate(self, token: str | None) -> Caller | Refused:
        """Return who holds this key, without asking the store."""

    def models(self, caller: Caller) -> list[tuple[str, int]]:
        """Return the features this caller may ask, each with its Unix time of creation."""

    def find(self, feature: str, caller: Caller) -> Refused | None:
        """Return None when this caller may ask this feature."""

    def deadline_s(self, feature: str) -> float:
        """Return the feature's deadline, in seconds."""

    async def answer(self, request: Request, sink: Outlet | None = None) -> Settled:
        """Answer; cancelling means that the caller left."""

    def health(self) -> Sequence[TargetState]:
        """Return the state of every target that was asked so far."""

    def shed(self, caller: Caller, criticality: Criticality) -> Refused | None:
        """Refuse a request for want of places before it is read; None to read it."""

    def told(self, seconds: float) -> None:
        """Note how long it took to tell one that it is not let in."""

    def load(self) -> Load:
        """Return how much there is to do."""

    def live(self) -> bool:
        """Return whether the event loop keeps its time."""

    def ready(self) -> Readiness:
        """Return whether requests can be answered."""
