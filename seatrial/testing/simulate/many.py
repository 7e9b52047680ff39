"""Many days, one after the other or in several processes."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
from collections.abc import Iterator

from seatrial.testing.simulate.day import DayReport, simulate_day


def simulate_days(seeds: range, *, jobs: int = 1, plant: str = "") -> Iterator[DayReport]:
    """Yield the report of each day, in no certain order where there are several processes.

    Args:
        seeds: of the days.
        jobs: processes at once.
        plant: `module:function`, called in each process first: it breaks something.
    """
    if jobs <= 1:
        prepare(plant)
        yield from map(_day, seeds)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, initializer=prepare, initargs=(plant,)) as pool:
        yield from pool.imap_unordered(_day, seeds, chunksize=2)


def _day(seed: int) -> DayReport:
    try:
        return simulate_day(seed)
    except Exception as error:  # noqa: BLE001 - its own kind may not pass between processes
        raise RuntimeError(f"seed {seed}: {type(error).__name__}: {error}") from None


def prepare(plant: str = "") -> None:
    """Make a process ready for days."""
    # The service tells of stores that are away; here they are away all day long.
    logging.getLogger("seatrial").setLevel(logging.CRITICAL)
    if plant:
        module, _, function = plant.partition(":")
        getattr(importlib.import_module(module), function)()
