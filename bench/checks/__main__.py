"""The command `python -m bench.checks`: what the checks find on real data, against their floors."""

import argparse
import os
import sys
from pathlib import Path

from bench.checks import grounding, injections, languages, personal, refusals
from bench.checks.halves import HALVES

BESIDE = Path(__file__).parents[3] / "shared" / "data"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.checks", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("SEATRIAL_DATA", BESIDE)),
        help="the folder of data sets (default: $SEATRIAL_DATA, else ../shared/data)",
    )
    parser.add_argument(
        "--half", choices=HALVES, default="held_out", help="which half (default: %(default)s)"
    )
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"skipped: there is no folder {given.data}; name one with --data")
        return 0
    held = [each.measure(given.data, given.half) for each in (languages, personal, injections)]
    if given.half == "held_out":
        held += [each.measure(given.data) for each in (refusals, grounding)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
