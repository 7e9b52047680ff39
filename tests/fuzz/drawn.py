"""One target under Hypothesis: `python -m tests.fuzz.drawn NAME RUNS SEED`.

Hypothesis remembers what it has drawn: it draws in rounds, or memory would grow with the inputs.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS

ROUND: Final = 20_000
LONGEST: Final = 4096


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Draw bytes: any, or a good input with some of it cut out and something put there."""
    seeds = SEEDS.get(name, (b"\x20\x01\x02\x03",))
    whole = st.binary(max_size=LONGEST)
    places = st.floats(0, 1)
    bent = st.builds(_bend, st.sampled_from(seeds), places, places, st.binary(max_size=64))
    return st.one_of(whole, bent, st.sampled_from(seeds))


def _bend(good: bytes, one: float, other: float, put: bytes) -> bytes:
    first, last = sorted((int(one * len(good)), int(other * len(good))))
    return good[:first] + put + good[last:]


def main(argv: list[str]) -> int:
    """Feed a target until it is enough, or something is found, which is raised."""
    name, runs, first_seed = argv[0], int(argv[1]), int(argv[2])
    logging.disable(logging.CRITICAL)
    target, fed = TARGETS[name], 0
    while fed < runs:

        @seed(first_seed + fed)
        @settings(
            max_examples=min(ROUND, runs - fed),
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs(name))
        def feed(data: bytes) -> None:
            nonlocal fed
            fed += 1
            target(data)

        before = fed
        feed()
        if fed == before:
            break
    print(f"number_of_executed_units: {fed}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
