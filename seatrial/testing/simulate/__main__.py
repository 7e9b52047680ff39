"""Run days: `python -m seatrial.testing.simulate --days 500`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from seatrial.testing.simulate.drawing import plan_day
from seatrial.testing.simulate.many import simulate_days
from seatrial.testing.simulate.promises import CHECKED
from seatrial.testing.simulate.summary import SHOWN, Summary

PROGRESS_S = 10.0

ABOUT = f"""
Runs seeded days of traffic, faults, callers who leave and process deaths through the real
configuration, engine, adapters, recorder, journal and SQLite store, in virtual time, and holds
the promises {", ".join(map(str, CHECKED))} against what happened.
Ends with 1 when one was broken, and prints the plan of the day: `--seed N` replays exactly that.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser("python -m seatrial.testing.simulate", description=ABOUT)
    parser.add_argument("--days", type=int, default=None, help="how many (1 with --seed, else 20)")
    parser.add_argument("--seed", type=int, default=None, help="of the first day (0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument(
        "--pairs", action="store_true", help="show which kinds of trouble met, and which never did"
    )
    parser.add_argument("--plan", action="store_true", help="only print the plans of the days")
    parser.add_argument(
        "--plant",
        metavar="MODULE:FUNCTION",
        default="",
        help="call this function first: it breaks something, and the days should notice",
    )
    chosen = parser.parse_args(arguments)
    first = chosen.seed or 0
    days = chosen.days or (20 if chosen.seed is None else 1)
    seeds = range(first, first + days)
    if chosen.plan:
        for seed in seeds:
            _say(plan_day(seed).describe())
        return 0
    began = time.monotonic()
    summary = _run(seeds, chosen.jobs, chosen.plant, began)
    if chosen.json:
        _say(json.dumps(summary.as_json(), indent=1))
    else:
        _tell(summary, time.monotonic() - began, pairs=chosen.pairs)
    return 1 if summary.failing else 0


def _run(seeds: range, jobs: int, plant: str, began: float) -> Summary:
    summary = Summary()
    told = began
    for report in simulate_days(seeds, jobs=jobs, plant=plant):
        summary.add(report)
        for violation in report.violations[:SHOWN]:
            _progress(f"seed {report.seed}: {violation}")
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            _progress(f"{summary.days} of {len(seeds)} days, {told - began:.0f} s")
    return summary


def _tell(summary: Summary, took_s: float, *, pairs: bool) -> None:
    for line in summary.lines(pairs=pairs):
        _say(line)
    for seed, violations in sorted(summary.failing.items())[:SHOWN]:
        _say(f"\n{plan_day(seed).describe()}")
        for violation in violations[:SHOWN]:
            _say(f"  {violation}")
        _say(f"  again: python -m seatrial.testing.simulate --seed {seed}")
    _say(f"{took_s:.0f} s; {len(summary.failing)} of {summary.days} days broke a promise")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
