"""Notices that a caller left, without costing quick requests anything."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from seatrial.gateway.scopes import Receive

LOOK_AFTER_S: Final = 0.02  # most quick answers are gone by then
LEFT: Final = "the caller left"


class CallerWatch:
    """Cancels a task once the caller is gone.

    Args:
        receive: ASGI's; nobody else may read from it while the watch is on.
        task: works for that caller.
    """

    __slots__ = ("_handle", "_reader", "_receive", "_task", "left")

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._receive = receive
        self._reader: asyncio.Task[None] | None = None
        self._handle: asyncio.TimerHandle | None = task.get_loop().call_later(
            LOOK_AFTER_S, self._look
        )
        self.left = False

    def _look(self) -> None:
        self._handle = None
        self._reader = self._task.get_loop().create_task(self._read())

    async def _read(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.dismiss()

    def dismiss(self) -> None:
        """Treat the caller as gone: stop the work that is done for them."""
        if not self.left:
            self.left = True
            self._task.cancel(LEFT)

    def forgive(self) -> bool:
        """Say whether a cancellation only means that the caller is gone; if so, take it back."""
        return self.left and self._task.uncancel() == 0

    def stop(self) -> None:
        """Look no longer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        elif self._reader is not None:
            self._reader.cancel()
