"""Prints which day catches each planted bug: `python -m tests.sim.table [NAME …]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from seatrial.testing.simulate import simulate_day
from seatrial.testing.simulate.many import prepare
from tests.sim.planted import PLANTED

SEARCHED = 60


def main(names: list[str]) -> int:
    """Search for each bug from the first day on; return how many are not caught."""
    prepare()
    missed = 0
    sys.stdout.write(f"{'bug':28} {'promise':>8} {'seed':>5}  what was seen\n")
    for plant in PLANTED:
        if names and plant.__name__ not in names:
            continue
        promise, seed, what = search(plant)
        missed += not promise
        sys.stdout.write(f"{plant.__name__:28} {promise:8} {seed:5}  {what}\n")
        sys.stdout.flush()
    return missed


def search(plant: Callable[..., None]) -> tuple[int, int, str]:
    """Return the promise, the seed and the words of the first violation that is the bug's own."""
    undone: list[tuple[Any, str, Any]] = []

    def patch(place: Any, name: str, value: Any) -> None:
        undone.append((place, name, getattr(place, name)))
        setattr(place, name, value)

    plant(patch)
    try:
        for seed in range(SEARCHED):
            for violation in simulate_day(seed).violations:
                if violation.promise in PLANTED[plant]:
                    return violation.promise, seed, str(violation)[:90]
    finally:
        for place, name, value in reversed(undone):
            setattr(place, name, value)
    return 0, -1, f"nothing in {SEARCHED} days"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
