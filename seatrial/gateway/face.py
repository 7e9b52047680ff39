"""What the HTTP doors need of the application: the part of `Seatrial` that they call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from seatrial.values.chat import Piece
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

    def live(self) -> bool:
        """Return whether the event loop keeps its time."""

    def ready(self) -> Readiness:
        """Return whether requests can be answered."""
