"""Stops the work that is done for a caller once they are gone."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from seatrial.gateway.ways import Way

LEFT: Final = "the caller left"


class CallerWatch:
    """Cancels a task once the caller is gone.

    Args:
        way: tells; under ASGI nobody else may read from it while the watch is on.
        task: works for that caller.

    Attributes:
        left: whether the caller is gone.
        on: whether it looks still.
    """

    __slots__ = ("_task", "_way", "left", "on")

    def __init__(self, way: Way, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._way = way
        self.left = False
        self.on = True
        way.notice(self.dismiss)

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
        self.on = False
        self._way.notice(None)
