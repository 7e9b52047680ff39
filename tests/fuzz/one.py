"""One target under the fuzzer: `python -m tests.fuzz.one NAME FOLDER [libFuzzer's options]`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["seatrial"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def main(argv: list[str]) -> None:
    """Fuzz until it is enough, or something is found; does not return."""
    program, name, folder, *options = argv
    logging.disable(logging.CRITICAL)
    seeds = Path(folder) / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, seed in enumerate(SEEDS.get(name, (b"\x20\x01\x02\x03",))):
        (seeds / str(number)).write_bytes(seed)
    atheris.Setup([program, *options, str(seeds)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
