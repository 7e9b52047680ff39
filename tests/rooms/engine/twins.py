"""A process whose requests have keys, with a store that is a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from seatrial.engine.idempotency import Twins
from seatrial.errors import StoreUnavailable
from seatrial.ports import Claim
from seatrial.reliability.idempotency import place_of
from seatrial.values.chat import Answer
from seatrial.values.decisions import Answered, Decision, Head, Settled
from seatrial.values.requests import Request
from tests.rooms.engine.stage import Stage, now

YES = Answered(Answer("Yes."), "large", 0)


@dataclass
class Claims:
    """Who asked first, in a dictionary.

    Args:
        takes_s: how long each call takes.
        away: whether calls fail.

    It counts its calls, and how many ran at once.
    """

    takes_s: float = 0.0
    away: bool = False
    kept: dict[str, Claim] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    running: int = 0
    at_once: int = 0

    def claim(
        self, place: str, *, fingerprint: str, holder: str, now: float, lease_s: float
    ) -> Claim | None:
        self._look("claim")
        standing = self.kept.get(place)
        if standing and (standing.result is not None or standing.held_until > now):
            return standing
        self.kept[place] = Claim(fingerprint, holder, now + lease_s)
        return None

    def finish(self, place: str, *, holder: str, result: bytes, now: float) -> bool:
        self._look("finish")
        standing = self.kept.get(place)
        if standing is None or standing.holder != holder:
            return False
        self.kept[place] = msgspec.structs.replace(standing, result=result)
        return True

    def release(self, place: str, *, holder: str) -> None:
        self._look("release")
        if place in self.kept and self.kept[place].holder == holder:
            del self.kept[place]

    def delete_before(self, cutoff: float, *, limit: int = 500) -> int:
        raise NotImplementedError

    def _look(self, name: str) -> None:
        self.asked.append(name)
        if self.away:
            raise StoreUnavailable("The store is away.")

    async def aside(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Carry out a call as a thread would."""
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        try:
            await asyncio.sleep(self.takes_s)
            return work(*given, **named)
        finally:
            self.running -= 1


@dataclass
class Scene:
    """A process: its twins, and the work behind them.

    Args:
        claims: the store that it shares with others.
        decision: what every request gets.
        takes_s: how long that takes.
        keep_content: whether answers may be stored.
    """

    claims: Claims = field(default_factory=Claims)
    decision: Decision | BaseException = YES
    takes_s: float = 1.0
    keep_content: bool = True
    worked: int = 0
    numbered: int = 0

    def __post_init__(self) -> None:
        self.stage = Stage({})
        self.known = replace(self.stage.known, keep_content=self.keep_content)
        world = replace(self.stage.world, off_loop=self.claims.aside)
        self.twins = Twins(self.claims, world)

    def request(self, body: str = "b", *, deadline_s: float = 10.0, key: str = "k") -> Request:
        """Make a request with a key."""
        self.numbered += 1
        return Request(
            f"r{self.numbered}",
            "support",
            {},
            now() + deadline_s,
            idempotency_key=key,
            fingerprint=body,
            created=7 + self.numbered,
        )

    async def ask(self, body: str = "b", **more: Any) -> Settled:
        """Ask with a key."""
        request = self.request(body, **more)

        async def work() -> Settled:
            self.worked += 1
            await asyncio.sleep(self.takes_s)
            if isinstance(self.decision, BaseException):
                raise self.decision
            return Settled(Head(request.id, "r1", self.decision.kind), self.decision)

        return await self.twins.answer(request, self.known, work)

    def start(self, body: str = "b", **more: Any) -> asyncio.Task[Settled]:
        """Ask beside what else is asked."""
        return asyncio.create_task(self.ask(body, **more))

    def standing(self) -> Claim | None:
        """Return what the store holds of the usual key."""
        return self.claims.kept.get(place_of(self.request()))

    async def at_rest(self) -> None:
        """Fail unless nothing is left over after a while."""
        await asyncio.sleep(100.0)
        assert not self.twins._runs
        assert not self.twins._tasks
