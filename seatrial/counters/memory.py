"""Counters of one process."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seatrial.ports import Ask, Clock, Short

KEPT_S: Final = 86_400.0  # past its end an account still takes settlements, and a clock set back
MOST_ACCOUNTS: Final = 1_000_000
SWEPT: Final = 4  # dead entries looked at per reservation


@dataclass(slots=True)
class _Account:
    """What one account holds.

    Args:
        level: used and reserved.
        gone: what has run out of it since it was made, by time and by settlements.
        at: until when `level` is right, on the monotonic clock.
        dies_at: when it may be forgotten, on the monotonic clock.
        calendar: whether only its end empties it.
    """

    level: int = 0
    gone: int = 0
    at: float = 0.0
    dies_at: float = 0.0
    calendar: bool = False


@dataclass(slots=True)
class _Held:
    account: _Account
    amount: int
    mark: int  # once so much is gone from the account, nothing of this is left in it


class MemoryCounters:
    """`Counters` of one process: exact, and never away.

    They die with the process; what must not be forgotten is lifted from the ledger at a start.

    Args:
        clock: monotonic for what refills, wall clock for what ends.
        most_accounts: beyond it those that end soonest are forgotten.
    """

    def __init__(self, clock: Clock, *, most_accounts: int = MOST_ACCOUNTS) -> None:
        self._clock = clock
        self._most = most_accounts
        self._accounts: dict[str, _Account] = {}
        self._deaths: list[tuple[float, str]] = []
        self._held: dict[str, list[_Held]] = {}
        self._lapses: list[tuple[float, str]] = []

    def __repr__(self) -> str:
        return f"MemoryCounters({len(self._accounts)} accounts, {len(self._held)} reservations)"

    async def reserve(self, id: str, asks: Sequence[Ask], *, lease_s: float) -> Short | None:
        """Take all that is asked, or nothing, under `id`; returns None when it was taken."""
        now = self._clock.now()
        self._sweep(now)
        if id in self._held:
            return None
        accounts = [self._account(ask, now) for ask in asks]
        for index, (ask, account) in enumerate(zip(asks, accounts, strict=True)):
            # An account may be asked twice in one breath: what comes before counts.
            before = sum(asks[i].amount for i in range(index) if accounts[i] is account)
            left = ask.ceiling - account.level - before
            if ask.amount > max(left, 0):  # nothing always fits
                return Short(index, max(left, 0), _wait_s(ask, account, before, now))
        held = []
        for ask, account in zip(asks, accounts, strict=True):
            account.level += ask.amount
            account.dies_at = max(account.dies_at, now + (ask.refill_s or 0.0) + lease_s)
            held.append(_Held(account, ask.amount, account.level + account.gone))
        self._held[id] = held
        heapq.heappush(self._lapses, (now + lease_s, id))
        return None

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved, ask by ask; once per id."""
        self._sweep(self._clock.now())
        for one, used in zip(self._held.pop(id, ()), amounts, strict=False):
            account = one.account
            if used >= one.amount:
                account.level += used - one.amount
                continue
            unused = one.amount - used
            if not account.calendar:
                # What time has emptied already cannot be given back a second time.
                unused = min(unused, max(0, one.mark - account.gone))
            unused = min(unused, account.level)
            account.level -= unused
            account.gone += unused

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now; amounts asked do not matter."""
        now = self._clock.now()
        levels = []
        for ask in asks:
            account = self._accounts.get(ask.account)
            if account is not None:
                _empty(account, ask, now)
            levels.append(account.level if account is not None else 0)
        return levels

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked."""
        now = self._clock.now()
        for ask in asks:
            account = self._account(ask, now)
            account.level = max(account.level, ask.amount)

    async def beat(self) -> None:
        """Do nothing: there is nobody to show a sign of life to."""

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _account(self, ask: Ask, now: float) -> _Account:
        account = self._accounts.get(ask.account)
        if account is None:
            account = self._accounts[ask.account] = _Account(at=now)
            heapq.heappush(self._deaths, (self._death(ask, now), ask.account))
        _empty(account, ask, now)
        account.calendar = ask.refill_s is None
        account.dies_at = max(account.dies_at, self._death(ask, now))
        return account

    def _death(self, ask: Ask, now: float) -> float:
        if ask.ends_at is not None:
            return now + max(0.0, ask.ends_at - self._clock.wall()) + KEPT_S
        return now + ask.refill_s if ask.refill_s is not None else now + 400 * KEPT_S

    def _sweep(self, now: float) -> None:
        """Forget a few of those whose time is over: the tables stay as small as the traffic."""
        for _ in range(SWEPT):
            if not self._lapses or self._lapses[0][0] > now:
                break
            self._held.pop(heapq.heappop(self._lapses)[1], None)
        for _ in range(SWEPT):
            crowded = len(self._accounts) > self._most
            if not self._deaths or (self._deaths[0][0] > now and not crowded):
                break
            name = heapq.heappop(self._deaths)[1]
            account = self._accounts[name]
            if account.dies_at > now and not crowded:
                heapq.heappush(self._deaths, (account.dies_at, name))
            else:
                del self._accounts[name]


def _empty(account: _Account, ask: Ask, now: float) -> None:
    """Let run out what time has emptied, in whole units."""
    if ask.refill_s is None:
        return
    rate = ask.ceiling / ask.refill_s
    drained = int((now - account.at) * rate)
    if drained >= account.level:
        account.gone += account.level
        account.level = 0
        account.at = now
    elif drained > 0:
        account.gone += drained
        account.level -= drained
        account.at += drained / rate


def _wait_s(ask: Ask, account: _Account, before: int, now: float) -> float | None:
    if ask.refill_s is None or ask.ceiling == 0 or ask.amount + before > ask.ceiling:
        return None
    excess = account.level + before + ask.amount - ask.ceiling
    return max(0.0, excess * ask.refill_s / ask.ceiling - (now - account.at))
