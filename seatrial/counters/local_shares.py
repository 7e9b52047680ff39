"""What one replica may grant by itself while the shared counters are away.

Of what refills, a replica takes its part of the ceiling.  Of money it only spends a lease: a part
of what was left, put aside in the shared counters while they could be reached, so that nobody
else grants it meanwhile.  Where there is no lease, and when it is used up, money is closed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import msgspec

from seatrial.counters.memory import MemoryCounters
from seatrial.counters.valkey import ValkeyCounters
from seatrial.errors import CountersUnavailable
from seatrial.ports import Ask, Clock, Short

MONEY: Final = "usd:"
LEASED_SHARE: Final = 0.2  # of what is left, over all replicas
LEASE_S: Final = 3_600.0  # after so long without a sign others may have it
SAFETY_S: Final = 60.0  # by which we stop earlier: no two clocks run alike
MOST_LEASES: Final = 200
MOST_OWED: Final = 100_000


@dataclass(slots=True)
class _Lease:
    amount: int
    until: float


@dataclass(slots=True, eq=False)
class _Alone:
    """A reservation that was made here, and not settled yet.

    Args:
        asks: as they were asked.
        lapses_at: on the monotonic clock.
        debt: its id in the shared counters; its own may be taken back there, as one that was
            given up.
        told: whether the shared counters may know of it.
    """

    asks: Sequence[Ask]
    lapses_at: float
    debt: str
    told: bool = False


class LocalShares:
    """`Counters` over shared ones, which go on alone while those are away.

    Call `beat` every second.

    Args:
        shared: the counters of all replicas.
        clock: monotonic and wall time.
    """

    def __init__(self, shared: ValkeyCounters, clock: Clock) -> None:
        self._shared = shared
        self._clock = clock
        self._local = MemoryCounters(clock)
        self._open: dict[str, _Alone] = {}
        self._told: OrderedDict[str, str] = OrderedDict()
        self._spent: dict[str, Ask] = {}
        self._paying: dict[str, Ask] = {}
        self._owed: OrderedDict[str, Sequence[int]] = OrderedDict()
        self._leases: dict[str, _Lease] = {}
        self._wanted: OrderedDict[str, Ask] = OrderedDict()
        self._beating = asyncio.Lock()
        self._losses = 0
        self.replicas = 1
        """How many there were when we last heard."""
        self.away = False
        """Whether the shared counters could not be reached at the last try."""

    def __repr__(self) -> str:
        state = "away" if self.away else "here"
        return f"LocalShares({self._shared!r}, {state}, {self.replicas} replicas)"

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        """Take all that is asked, or nothing, under `id`; returns None when it was taken."""
        if not self._in_debt:
            try:
                short = await self._shared.reserve(id, asks, lease_s=lease_s)
            except CountersUnavailable:
                self.away = True
            else:
                self._want(asks)
                return short
        return await self._reserve_alone(id, asks, lease_s)

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved, ask by ask; once per id.

        Raises nothing: what cannot be told now is told later.
        """
        alone = self._open.pop(id, None)
        if alone is not None:
            await self._local.settle(id, amounts)
            self._keep_spent(alone.asks, amounts)
            if alone.told:  # it is told once more, as what was spent
                self._owed[alone.debt] = [0] * len(alone.asks)
            return
        known_as = self._told.pop(id, id)
        try:
            await self._shared.settle(known_as, amounts)
        except CountersUnavailable:
            self.away = True
            self._owed[known_as] = tuple(amounts)
            if len(self._owed) > MOST_OWED:
                self._owed.popitem(last=False)

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now, as far as it is known here."""
        try:
            return await self._shared.used(asks)
        except CountersUnavailable:
            self.away = True
        own = await self._local.used(asks)
        return [level + self._seen(ask) for level, ask in zip(own, asks, strict=True)]

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked."""
        await self._shared.lift(asks)

    async def close(self) -> None:
        """Tell what is owed, if it can be told, and give back connections."""
        try:
            await self._repay()
        except CountersUnavailable:
            pass
        finally:
            await self._shared.close()

    async def beat(self) -> None:
        """Show a sign of life, pay what is owed, and renew the leases.

        Raises:
            CountersUnavailable: they are away still.
        """
        async with self._beating:
            try:
                self.replicas = max(1, await self._shared.beat())
                self._notice_loss()
                await self._repay()
                self.away = False
                await self._renew()
            except CountersUnavailable:
                self.away = True
                raise

    # -- alone ----------------------------------------------------------------------------

    @property
    def _in_debt(self) -> bool:
        """Whether something was spent here that the shared counters do not know of yet."""
        return bool(self._open or self._spent or self._paying)

    async def _reserve_alone(self, id: str, asks: Sequence[Ask], lease_s: float) -> Short | None:
        self._notice_loss()
        own = [self._share_of(ask) for ask in asks]
        short = await self._local.reserve(id, own, lease_s=lease_s)
        if short is None:
            self._open[id] = _Alone(asks, self._clock.now() + lease_s, uuid4().hex)
        return short

    def _share_of(self, ask: Ask) -> Ask:
        """Return an ask as this replica alone may grant it."""
        if ask.refill_s is not None:
            share = max(1, ask.ceiling // self.replicas) if ask.ceiling else 0
            # Larger than a share but not than the whole: it may pass, alone.
            amount = min(ask.amount, share) if ask.amount <= ask.ceiling else ask.amount
            return msgspec.structs.replace(ask, amount=amount, ceiling=share)
        if ask.account.startswith(MONEY):
            lease = self._leases.get(ask.account)
            holds = lease is not None and self._clock.now() < lease.until
            return msgspec.structs.replace(ask, ceiling=lease.amount if lease and holds else 0)
        left = max(0, ask.ceiling - self._seen(ask))
        return msgspec.structs.replace(ask, ceiling=left // self.replicas)

    def _seen(self, ask: Ask) -> int:
        known = self._shared.seen.get(ask.account)
        return known.amount if known is not None else 0

    def _notice_loss(self) -> None:
        if self._shared.losses != self._losses:
            self._losses = self._shared.losses
            self._leases.clear()  # they were lost with the rest

    # -- together again -------------------------------------------------------------------

    def _keep_spent(self, asks: Sequence[Ask], amounts: Sequence[int]) -> None:
        for ask, amount in zip(asks, amounts, strict=False):
            if ask.refill_s is None and amount:
                known = self._spent.get(ask.account)
                before = known.amount if known is not None else 0
                self._spent[ask.account] = msgspec.structs.replace(ask, amount=before + amount)

    async def _repay(self) -> None:
        """Tell the shared counters what was spent here, whatever their ceilings.

        Each debt has an id, so that it is paid once however often it must be told.
        """
        if self._in_debt:
            self._leases.clear()  # until they are measured anew
        for id_, alone in list(self._open.items()):
            if id_ not in self._open:
                continue  # settled meanwhile: its cost stands in `_spent`
            alone.told = True
            left_s = max(1.0, alone.lapses_at - self._clock.now())
            await self._shared.reserve(alone.debt, alone.asks, lease_s=left_s, force=True)
            if self._open.pop(id_, None) is not None:  # from here on it is settled there
                self._told[id_] = alone.debt
                if len(self._told) > MOST_OWED:
                    self._told.popitem(last=False)
        spent, self._spent = self._spent, {}
        self._paying |= {uuid4().hex: ask for ask in spent.values()}
        for debt, ask in list(self._paying.items()):
            await self._shared.reserve(debt, [ask], lease_s=LEASE_S, force=True)
            del self._paying[debt]
        for debt, amounts in list(self._owed.items()):
            await self._shared.settle(debt, amounts)
            self._owed.pop(debt, None)
        if not self._in_debt:
            self._local = MemoryCounters(self._clock)

    def _want(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if ask.refill_s is None and ask.account.startswith(MONEY):
                self._wanted[ask.account] = ask
                self._wanted.move_to_end(ask.account)
                if len(self._wanted) > MOST_LEASES:
                    self._wanted.popitem(last=False)

    async def _renew(self) -> None:
        wall = self._clock.wall()
        share = LEASED_SHARE / self.replicas
        for account, ask in list(self._wanted.items()):
            if ask.ends_at is not None and ask.ends_at <= wall:
                del self._wanted[account]
                self._leases.pop(account, None)
                continue
            await self._renew_one(account, ask, share)

    async def _renew_one(self, account: str, ask: Ask, share: float) -> None:
        """Let the lease grow; make it less only after we have stopped counting on it."""
        asked_at = self._clock.now()
        amount, wanted = await self._shared.lease(
            ask, share=share, lasts_s=LEASE_S, shrink=account not in self._leases
        )
        if amount > 2 * wanted:
            if self._in_debt:
                return  # part of it may be spent: first that is told
            self._leases.pop(account, None)
            amount, wanted = await self._shared.lease(
                ask, share=share, lasts_s=LEASE_S, shrink=True
            )
        self._leases[account] = _Lease(amount, asked_at + LEASE_S - SAFETY_S)
