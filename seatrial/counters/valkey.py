"""Counters shared by many processes, in Valkey."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from seatrial.counters import scripts
from seatrial.counters.scripts import BASE
from seatrial.counters.wire import NotSent, Wire
from seatrial.errors import CountersUnavailable, StartRefused
from seatrial.ports import Ask, Short

LIMIT_S: Final = 0.05  # for one round trip
SEEN: Final = 10_000  # accounts remembered, to put them back where the server lost them
VOID_MS: Final = 600_000  # how long a reservation given up may still be on its way
YOUNG_MS: Final = 3_000  # for everybody to put back what was seen
ALIVE_MS: Final = 5_000  # how long a sign of life counts
UNDO: Final = 10_000


class ValkeyCounters:
    """`Counters` in a Valkey server; each operation is one script, hence one step.

    Nothing waits longer than `limit_s`, and nothing at all right after failures.

    Args:
        address: `valkey://host:port/0`, `valkeys://…` with TLS, or `unix:///path`; it may hold a
            password.
        space: whose accounts these are; processes of the same space share them.
        limit_s: for one round trip, in seconds.

    Raises:
        StartRefused: the library is not installed, or the address is none.
    """

    def __init__(self, address: str, *, space: str = "seatrial", limit_s: float = LIMIT_S) -> None:
        self._wire = Wire(_client(address, limit_s), limit_s=limit_s)
        # One slot, so that a script may touch several keys of a cluster.
        self._space = "{" + space + "}"
        self._heads = [f"{self._space}:epoch", f"{self._space}:young"]
        self._circle = [f"{self._space}:replicas", self._heads[0], f"{self._space}:run"]
        self._epoch = ""
        self._adopting = asyncio.Lock()
        self._void: deque[str] = deque(maxlen=UNDO)
        self.replica = uuid4().hex
        self.losses = 0
        """How often the server was found to have lost what it held."""
        self.seen: OrderedDict[str, Ask] = OrderedDict()
        """What accounts of a calendar held when they were last used here; amounts are levels."""

    def __repr__(self) -> str:
        return f"ValkeyCounters({self._space})"

    async def reserve(
        self, id: str, asks: Sequence[Ask], *, lease_s: float, force: bool = False
    ) -> Short | None:
        """Take all that is asked, or nothing, under `id`; returns None when it was taken.

        `force` takes it whatever the ceilings: it was spent already.
        """
        reply = await self._reserve(id, asks, lease_s, force)
        if reply[0] == -1:
            await self._adopt()
            reply = await self._reserve(id, asks, lease_s, force)
        if reply[0] < 0:
            raise CountersUnavailable("The shared counters were lost a moment ago.")
        if reply[0] == 0:
            wait_us = int(reply[4])
            left = _whole(reply[2], reply[3])
            return Short(int(reply[1]), left, wait_us / 1e6 if wait_us >= 0 else None)
        for i, ask in enumerate(asks[: (len(reply) - 1) // 2]):
            if ask.refill_s is None:
                self._note(ask, _whole(reply[1 + 2 * i], reply[2 + 2 * i]))
        return None

    async def settle(self, id: str, amounts: Sequence[int]) -> None:
        """Put what was used in place of what was reserved, ask by ask; once per id."""
        await self._wire.call(scripts.SETTLE, [self._held(id)], [0, *_parts(amounts)])

    async def used(self, asks: Sequence[Ask]) -> list[int]:
        """Return what each account holds now; amounts asked do not matter."""
        args = [part for ask in asks for part in (*divmod(ask.ceiling, BASE), _refill_us(ask))]
        reply = await self._wire.call(scripts.USED, [self._account(ask) for ask in asks], args)
        return [_whole(reply[i], reply[i + 1]) for i in range(0, len(reply), 2)]

    async def lift(self, asks: Sequence[Ask]) -> None:
        """Make each account hold at least the amount asked."""
        if not self._epoch:
            await self._adopt()
        keys = [self._account(ask) for ask in asks]
        await self._wire.call(scripts.LIFT, keys, [each for ask in asks for each in _args(ask)])
        for ask in asks:
            if ask.refill_s is None:
                known = self.seen.get(ask.account)
                self._note(ask, max(ask.amount, known.amount if known else 0))

    async def beat(self) -> int:
        """Show that this replica lives; return how many do.  Takes back what was given up."""
        for _ in range(len(self._void)):
            given_up = self._void[0]
            await self._wire.call(
                scripts.SETTLE, [self._held(given_up)], [VOID_MS, *([0] * 2 * MOST_ASKS)]
            )
            if self._void and self._void[0] == given_up:
                self._void.popleft()
        alive = await self._wire.call(scripts.BEAT, self._circle, [self.replica, ALIVE_MS, "stay"])
        return int(alive)

    async def lease(
        self, ask: Ask, *, share: float, lasts_s: float, shrink: bool
    ) -> tuple[int, int]:
        """Put aside a share of what an account has left, for this replica while we are away.

        Args:
            ask: the account; the amount does not matter.
            share: of what is left, in [0, 1].
            lasts_s: after which others may have it.
            shrink: whether the lease may become less; otherwise it only grows.

        Returns:
            The lease as it is now, and what it should be.
        """
        args: list[Any] = [self._epoch, self.replica, *divmod(ask.ceiling, BASE), repr(share)]
        args += [_ends_ms(ask), int(lasts_s * 1000), int(shrink)]
        account = self._account(ask)
        reply = await self._wire.call(
            scripts.LEASE, [self._heads[0], account, f"{account}:leases"], args
        )
        if reply[0] == -1:
            await self._adopt()
            return 0, 0
        self._note(ask, _whole(reply[5], reply[6]))
        return _whole(reply[1], reply[2]), _whole(reply[3], reply[4])

    async def close(self) -> None:
        """Give back connections, and leave the circle of replicas if that can be said."""
        try:
            await self._wire.call(scripts.BEAT, self._circle, [self.replica, ALIVE_MS, "leave"])
        except CountersUnavailable:
            pass
        finally:
            await self._wire.close()

    async def _reserve(self, id: str, asks: Sequence[Ask], lease_s: float, force: bool) -> Any:
        keys = [*self._heads, self._held(id), *(self._account(ask) for ask in asks)]
        args: list[Any] = [self._epoch, math.ceil(lease_s * 1000), int(force)]
        for ask in asks:
            args += _args(ask)
        try:
            return await self._wire.call(scripts.RESERVE, keys, args)
        except NotSent:
            raise
        except BaseException:
            # Nobody knows whether it was taken, and nobody will settle it.
            if not force:
                self._void.append(id)
            raise

    async def _adopt(self) -> None:
        """Learn the server's epoch; where what it held is lost, put back what was seen."""
        async with self._adopting:
            known = self._epoch
            reply = await self._wire.call(scripts.ADOPT, self._heads, [known, YOUNG_MS])
            epoch = reply.decode()
            if known and epoch != known:
                self.losses += 1
                seen = list(self.seen.values())
                for start in range(0, len(seen), 500):
                    some = seen[start : start + 500]
                    keys = [self._account(ask) for ask in some]
                    args = [each for ask in some for each in _args(ask)]
                    await self._wire.call(scripts.LIFT, keys, args)
            self._epoch = epoch

    def _note(self, ask: Ask, level: int) -> None:
        self.seen[ask.account] = msgspec.structs.replace(ask, amount=level)
        self.seen.move_to_end(ask.account)
        if len(self.seen) > SEEN:
            self.seen.popitem(last=False)

    def _account(self, ask: Ask) -> str:
        return f"{self._space}:a:{ask.account}"

    def _held(self, id: str) -> str:
        return f"{self._space}:r:{id}"


MOST_ASKS: Final = 32


def _client(address: str, limit_s: float) -> Any:
    try:
        from valkey.asyncio import Valkey
    except ImportError as error:
        raise StartRefused(
            "Shared counters need the library valkey, which is not installed.",
            fix="Install it with: pip install 'seatrial[scale]'",
        ) from error
    try:
        return Valkey.from_url(
            address,
            socket_connect_timeout=limit_s,
            max_connections=4,
            health_check_interval=0,
        )
    except ValueError:
        # No cause is kept: its words might hold the password.
        raise StartRefused(
            "The address of the shared counters is none.",
            fix="Write valkey://host:6379/0, valkeys://… for TLS, or unix:///path/to/socket",
        ) from None


def _args(ask: Ask) -> tuple[int, int, int, int, int, int]:
    """Return an ask as the scripts read it."""
    return (
        *divmod(ask.amount, BASE),
        *divmod(ask.ceiling, BASE),
        _refill_us(ask),
        _ends_ms(ask),
    )


def _refill_us(ask: Ask) -> int:
    return 0 if ask.refill_s is None else max(1, int(ask.refill_s * 1e6))


def _ends_ms(ask: Ask) -> int:
    return 0 if ask.ends_at is None else int(ask.ends_at * 1000)


def _parts(amounts: Iterable[int]) -> list[int]:
    return [part for amount in amounts for part in divmod(amount, BASE)]


def _whole(high: bytes, low: bytes) -> int:
    return int(high) * BASE + int(low)
