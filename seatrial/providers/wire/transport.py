"""The transport that targets send their requests through."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from seatrial.ports import HttpCall, TransportError
from seatrial.providers.wire import troubles
from seatrial.providers.wire.dialling import dial
from seatrial.providers.wire.pool import Pool
from seatrial.providers.wire.reply import WireReply
from seatrial.providers.wire.requests import Place, head_of, place_of

IDLE_LIMIT: Final = 256
# Most servers that say nothing about it hang up after a minute.
IDLE_S: Final = 55.0
MAX_PLACES: Final = 1_000


class WireTransport:
    """Sends requests over kept connections; there is no limit on those at work.

    Args:
        idle_limit: free connections kept per origin.
        idle_s: how long a free connection is kept.
        context: whom to trust and who we are; the system's authorities when left out.
    """

    def __init__(
        self,
        *,
        idle_limit: int = IDLE_LIMIT,
        idle_s: float = IDLE_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._idle_limit = idle_limit
        self._idle_s = idle_s
        self._context = context
        self._pool: Pool | None = None
        self._places: dict[str, Place] = {}

    async def send(self, call: HttpCall) -> WireReply:
        """Send, and return once the reply's headers are here; raise `TransportError`."""
        loop = asyncio.get_running_loop()
        pool = self._pool
        if pool is None or pool.loop is not loop:
            pool = self._settle(loop)
        place = self._places.get(call.url) or self._place(call.url)
        try:
            head = head_of(place.opening, call.headers, length=len(call.body))
        except ValueError:
            # Without its cause: that would quote a header.
            raise TransportError(troubles.UNSENDABLE) from None
        connection = pool.take(place.origin)
        if connection is None:
            connection = pool.make(place.origin)
            await dial(connection, within_s=call.connect_s, context=self._context)
        reply = connection.ask(head, call.body)
        await reply.arrive()
        return reply

    async def close(self) -> None:
        """Hang up everywhere; what is sent later opens new connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            self._leave(pool, asyncio.get_running_loop())
            await asyncio.sleep(0)  # the event loop closes the sockets in its next round

    def _settle(self, loop: asyncio.AbstractEventLoop) -> Pool:
        """Begin in a loop; connections of another one are of no use in it."""
        if self._pool is not None:
            self._leave(self._pool, loop)
        self._pool = Pool(loop, idle_limit=self._idle_limit, idle_s=self._idle_s)
        return self._pool

    @staticmethod
    def _leave(pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        if pool.loop is loop:
            pool.close()
        elif not pool.loop.is_closed():
            pool.loop.call_soon_threadsafe(pool.close)

    def _place(self, url: str) -> Place:
        try:
            place = place_of(url)
        except ValueError as error:
            raise TransportError(troubles.NO_URL) from error
        if len(self._places) < MAX_PLACES:
            self._places[url] = place
        return place
