"""What `app.ask` costs inside a program: processor time per call, on a target that answers at once.

Runs as its own process.  Each line `go` on its input is one slice; the answer is one
line of JSON, so that slices can stand between those of the gateways.
"""

import argparse
import asyncio
import cProfile
import importlib
import json
import pstats
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import uvloop

from bench import letters

QUESTIONS: Final = cycle([letters.letter(number, 60) for number in range(512)])
ANSWER: Final = "One of the two lines is a reservation and falls away within five working days."
FEATURE: Final = "ask"


async def instant(*_: object, **__: object) -> str:
    """The target: it answers at once, and needs no thread because it is async."""
    return ANSWER


def open_app(config: Path) -> Any:
    """Seatrial on a configuration; the one place that knows how it is opened."""
    return importlib.import_module("seatrial").Seatrial.open(config)


async def ask(app: Any) -> None:
    """One call; the one place that knows how it is made."""
    reply = await app.ask_async(FEATURE, next(QUESTIONS))
    if ANSWER not in str(getattr(reply, "text", reply)):
        raise RuntimeError(f"`app.ask` did not give the target's answer but {reply!r}")


async def slice_of_calls(app: Any, *, calls: int, at_once: int) -> float:
    """Make `calls` calls, `at_once` at a time; microseconds of processor time per call."""
    left = calls

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await ask(app)

    before = time.process_time_ns()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return (time.process_time_ns() - before) / calls / 1000


async def answer_lines(config: Path, *, calls: int, at_once: int) -> None:
    """One slice for each line of the input, after a short warm-up."""
    app = open_app(config)
    loop = asyncio.get_running_loop()
    await slice_of_calls(app, calls=max(at_once, calls // 4), at_once=at_once)
    print(json.dumps({"ready": True}), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        cost_us = await slice_of_calls(app, calls=calls, at_once=at_once)
        print(json.dumps({"us_per_call": cost_us}), flush=True)


async def profile(config: Path, *, calls: int, at_once: int) -> pstats.Stats:
    """Where the main thread's time goes over one slice, by cProfile."""
    app = open_app(config)
    await slice_of_calls(app, calls=calls, at_once=at_once)
    with cProfile.Profile() as profiler:
        await slice_of_calls(app, calls=calls, at_once=at_once)
    return pstats.Stats(profiler)


def main() -> None:
    """Run as a process that `python -m bench` drives."""
    parser = argparse.ArgumentParser(prog="python -m bench.inprocess")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--profile", action="store_true", help="one slice under cProfile")
    options = parser.parse_args()
    if options.profile:
        stats = uvloop.run(profile(options.config, calls=options.calls, at_once=options.at_once))
        stats.sort_stats("tottime").print_stats(40)
        return
    uvloop.run(answer_lines(options.config, calls=options.calls, at_once=options.at_once))


if __name__ == "__main__":
    main()
