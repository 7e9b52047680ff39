"""Other programs on the gateway's core: a run that they disturb says so."""

import time
from collections.abc import Sequence
from typing import Protocol

from bench.processes import core_busy_ns


class Working(Protocol):
    """A process of this run."""

    def cpu_ns(self) -> int:
        """Processor time that it has used so far, in nanoseconds."""


class Neighbours:
    """How much of the gateway's core went to programs that are none of this run's."""

    def __init__(self, core: int | None, ours: Sequence[Working]) -> None:
        self._core = core
        self._ours = ours
        self._began = time.perf_counter_ns()
        self._foreign = self._foreign_ns()

    def share(self) -> float | None:
        """The share since the start, in [0, 1]; None when no core was set apart."""
        if self._core is None:
            return None
        passed = time.perf_counter_ns() - self._began
        return max(0.0, (self._foreign_ns() - self._foreign) / passed)

    def _foreign_ns(self) -> int:
        if self._core is None:
            return 0
        return core_busy_ns(self._core) - sum(one.cpu_ns() for one in self._ours)
