"""`python -m seatrial.testing.overload`: overload on the wire; exit code 1 if an aim was missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace

from seatrial.testing.overload._figures import Figures
from seatrial.testing.overload._trials import Settings, run_trial

SHARED_PLACES = 100  # ten for each key: with fewer, chance alone fills a share
EPILOG = """\
  python -m seatrial.testing.overload                     three times the peak for 60 s
  python -m seatrial.testing.overload --share             one key of ten at ten times its share
  python -m seatrial.testing.overload --cpu --json        without max_in_flight

It starts `seatrial serve` and a model server, and ends them. Figures of a machine that does other
work as well say little: the table shows who used the processor.
"""


def arguments() -> argparse.ArgumentParser:
    """Give the command's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.testing.overload",
        description="Asks a gateway for more than it can do, on the wire.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Settings()
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--share", dest="trial", action="store_const", const="share")
    kind.add_argument("--cpu", dest="trial", action="store_const", const="cpu")
    parser.set_defaults(trial="overload")
    add = parser.add_argument
    add("--places", type=int, default=0, help="max_in_flight of the gateway: 32, or 100 for keys")
    add("--answer-s", type=float, default=usual.answer_s, help="how long the model thinks")
    add("--times", type=float, default=0.0, help="offered: 3 peaks, or 10 shares")
    add("--seconds", type=float, default=usual.flood_s, help="of the flood")
    add("--peak-seconds", type=float, default=usual.peak_s)
    add("--calm-seconds", type=float, default=usual.calm_s, help="after the flood")
    add("--seed", type=int, default=usual.seed)
    add("--json", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one trial and print what it found."""
    options = arguments().parse_args(argv)
    usual = Settings()
    settings = replace(
        usual,
        places=options.places or (SHARED_PLACES if options.trial == "share" else usual.places),
        answer_s=options.answer_s,
        times=options.times or (10.0 if options.trial == "share" else 3.0),
        peak_s=options.peak_seconds,
        flood_s=options.seconds,
        calm_s=options.calm_seconds,
        seed=options.seed,
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        found: Figures = runner.run(run_trial(options.trial, settings, _tell))
    print(json.dumps(found.as_json()) if options.json else found.as_text())
    return 0 if found.passed else 1


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    raise SystemExit(main())
