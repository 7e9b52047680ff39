"""The gateway's own word on its targets' breakers, read from it a few times a second."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Final

from seatrial.testing.driver import Client

PATH: Final = "/api/v1/targets"
LOOK_S: Final = 0.4
PATIENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """How one target stands.

    Args:
        target: its name.
        state: `closed`, `open` or `probing`.
        until: when it may be asked again, on the monotonic clock; past when that is now.
    """

    target: str
    state: str
    until: float

    @property
    def rests_s(self) -> float:
        """How long it still rests, in seconds."""
        return max(0.0, self.until - time.monotonic())


class Breakers:
    """Follows the breakers of one gateway.

    Args:
        url: of the gateway, without a path.
    """

    def __init__(self, url: str) -> None:
        self._client = Client(url)
        self.now: tuple[Breaker, ...] = ()

    async def follow(self) -> None:
        """Look again and again, until cancelled; what cannot be read stays as it was."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            self._client.close()

    async def _look(self) -> None:
        reply = await self._client.get(PATH, give_up_s=PATIENCE_S)
        if reply.status != 200:
            return
        read_at = time.monotonic()
        self.now = tuple(
            Breaker(view["target"], view["state"], read_at + view["rests_s"])
            for view in json.loads(reply.body)
        )
