"""A counters server for several processes, in memory, that may be away, hung or unsure.

It stands where the real one would: what is counted outlives a process, and the product's own
shares and leases go on above it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Short
from seatrial.testing.simulate.plan import DiskFault

PATIENCE_S: Final = 0.05  # of a client with a server that hangs
ALIVE_S: Final = 5.0


@dataclass(slots=True)
class _Account:
    level: float = 0.0
    at: float = 0.0
    leases: dict[str, tuple[int, float]] = field(default_factory=dict)


class CounterServer:
    """What the server holds; it lives as long as the day.

    Args:
        now: virtual time.
        faults: when it is away, hung, or does what is asked without saying so.
    """

    def __init__(self, now: Callable[[], float], faults: Sequence[DiskFault]) -> None:
        self.now = now
        self.faults = tuple(faults)
        self.accounts: dict[str, _Account] = {}
        self.held: dict[str, list[tuple[str, int]]] = {}
        self.ended: set[str] = set()
        self.alive: dict[str, float] = {}
        self.struck: dict[str, int] = {}
        self._names = itertools.count(1)

    def heal(self) -> None:
        """End every fault."""
        self.faults = ()

    def client(self) -> CounterClient:
        """Return a connection for one process."""
        return CounterClient(self, f"replica {next(self._names)}")

    def fault(self) -> str:
        """Return what is wrong now; empty when nothing is."""
        now = self.now()
        kind = next((each.kind for each in self.faults if each.from_s <= now < each.to_s), "")
        if kind:
            self.struck[f"counters-{kind}"] = self.struck.get(f"counters-{kind}", 0) + 1
        return kind

    def level(self, ask: Ask) -> int:
        """Return what an account holds, once time has emptied what refills."""
        account = self.accounts.setdefault(ask.account, _Account(at=self.now()))
        if ask.refill_s is not None:
            drained = (self.now() - account.at) * ask.ceiling / ask.refill_s
            account.level = max(0.0, account.level - drained)
        account.at = self.now()
        return -int(-account.level // 1)

    def leased(self, ask: Ask, *, without: str = "") -> int:
        """Return what replicas have put aside of an account."""
        leases = self.accounts[ask.account].leases
        now = self.now()
        return sum(
            amount for name, (amount, until) in leases.items() if name != without and until > now
        )


class CounterClient:
    """A connection to the server; what the product's shares are built on.

    Args:
        server: the one of the day.
        name: of this replica.
    """

    def __init__(self, server: CounterServer, name: str) -> None:
        self._server = server
        self._name = name
        self._void: list[str] = []
        self.losses = 0
        self.seen: dict[str, Ask] = {}

    async def reserve(
        self, id: str, asks: Sequence[Ask], *, lease_s: float, force: bool = False
    ) -> Short | None:
        """Take all that is asked, or nothing; `force` whatever the ceilings."""
        server = self._server
        unsure = await self._reach()
        if id in server.held or id in server.ended:
            return None
        for index, ask in enumerate(asks):
            room = ask.ceiling - server.level(ask) - server.leased(ask)
            if not force and ask.amount > max(room, 0) and not unsure:
                return Short(index, max(room, 0), None if ask.refill_s is None else 1.0)
            if not force and ask.amount > max(room, 0):
                raise CountersUnavailable("The counters did not answer.")
        server.held[id] = [(ask.account, ask.amount) for ask in asks]
        for ask in asks:
            server.level(ask)
            server.accounts[ask.account].level += ask.amount
        if unsure:
            if not force:
                self._void.append(id)
            raise CountersUnavailable("The counters did not answer.")
        for ask in asks:
            self._note(ask)
        return None

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved."""
        unsure = await self._reach()
        self._settle(id, amounts)
        if unsure:
            raise CountersUnavailable("The counters did not answer.")

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now."""
        await self._reach()
        return [self._server.level(ask) for ask in asks]

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked."""
        await self._reach()
        for ask in asks:
            level = self._server.level(ask)
            self._server.accounts[ask.account].level = max(level, ask.amount)
            self._note(ask)

    async def lease(
        self, ask: Ask, *, share: float, lasts_s: float, shrink: bool
    ) -> tuple[int, int]:
        """Put aside a share of what is left; return it, and what it should be."""
        await self._reach()
        server = self._server
        left = ask.ceiling - server.level(ask) - server.leased(ask, without=self._name)
        leases = server.accounts[ask.account].leases
        wanted = max(0, int(left * share))
        held, _ = leases.get(self._name, (0, 0.0))
        amount = wanted if shrink else max(wanted, held)
        leases[self._name] = amount, server.now() + lasts_s
        self._note(ask)
        return amount, wanted

    async def beat(self) -> int:
        """Show a sign of life; return how many did."""
        await self._reach()
        server = self._server
        while self._void:
            id_ = self._void.pop()
            self._settle(id_, [0] * len(server.held.get(id_, ())))
        server.alive[self._name] = server.now()
        return sum(at > server.now() - ALIVE_S for at in server.alive.values())

    async def close(self) -> None:
        """Leave."""
        self._server.alive.pop(self._name, None)

    async def _reach(self) -> bool:
        """Come to the server; return whether its answer will be lost."""
        match self._server.fault():
            case "away":
                raise CountersUnavailable("The counters are away.")
            case "hung":
                await asyncio.sleep(PATIENCE_S)
                raise CountersUnavailable("The counters did not answer.")
            case "unsure":
                return True
        return False

    def _settle(self, id: str, amounts: Sequence[int]) -> None:
        server = self._server
        for (account, reserved), used in zip(server.held.pop(id, ()), amounts, strict=False):
            server.accounts[account].level += used - reserved
            server.ended.add(id)

    def _note(self, ask: Ask) -> None:
        if ask.refill_s is None:
            level = self._server.level(ask)
            self.seen[ask.account] = msgspec.structs.replace(ask, amount=level)
