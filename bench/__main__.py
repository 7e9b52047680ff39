"""The command `python -m bench`."""

import argparse
import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench import contenders, report
from bench.campaign import NoStub, Settings, run
from bench.contenders import Seatrial

QUICK = Settings(
    rounds=2, starts=1, warm_s=0.15, closed_s=0.4, open_s=0.8, streams=64, events=25, calls=1000
)  # fmt: skip


def settings_from(words: list[str] | None) -> tuple[Settings, argparse.Namespace]:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures what Seatrial costs against direct calls, nginx and a bare proxy, "
        "interleaved in one run of about three and a half minutes.",
        epilog="example: python -m bench --quick --only nginx 'bare httptools' seatrial",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each contender (default 5)")
    parser.add_argument("--quick", action="store_true", help="about half a minute, rough figures")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=contenders.ALL,
        help="one or more of: " + ", ".join(contenders.ALL),
    )
    parser.add_argument(
        "--bare",
        choices=(contenders.HTTPTOOLS, contenders.AIOHTTP, contenders.PYREQWEST),
        default=contenders.HTTPTOOLS,
        help="the bare proxy on Seatrial's libraries (default: bare httptools)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when an aim is missed")
    parser.add_argument(
        "--seatrial-command",
        default=contenders.SEATRIAL_COMMAND,
        metavar="TEMPLATE",
        help="how Seatrial is served (default: %(default)s)",
    )
    parser.add_argument(
        "--seatrial-config",
        type=Path,
        default=contenders.SEATRIAL_TOML,
        metavar="FILE",
        help="its configuration, with $listen, $upstream and $store",
    )
    parser.add_argument(
        "--store", default=contenders.RECORDS_ON, help="where records go (default: %(default)s)"
    )
    parser.add_argument(
        "--no-records-command",
        default=contenders.NO_RECORDS_COMMAND,
        metavar="TEMPLATE",
        help="the same without records (default: %(default)s)",
    )
    asked = parser.parse_args(words)
    base = QUICK if asked.quick else Settings()
    seatrial = Seatrial(
        asked.seatrial_command, asked.no_records_command, asked.seatrial_config, asked.store
    )
    names = tuple(
        name
        for name in contenders.ALL
        if not asked.only or name in asked.only or name == contenders.DIRECT
    )
    rounds = asked.rounds or base.rounds
    return replace(base, rounds=rounds, names=names, bare=asked.bare, seatrial=seatrial), asked


def main(words: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the figures can be trusted."""
    settings, asked = settings_from(words)
    if not sys.platform.startswith("linux"):
        print("The benchmark reads Linux's process clocks and runs on Linux only.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all processes are ended
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", file=sys.stderr, flush=True)

    try:
        measured = run(settings, say)
    except NoStub as problem:
        print(f"The stub upstream did not start: {problem}", file=sys.stderr)
        return 2
    print(report.table(measured))
    if asked.json:
        asked.json.write_text(json.dumps(report.as_json(measured), indent=1))
    if any(one.errors for rounds in measured.rounds.values() for one in rounds):
        print("\nSome requests got no right answer: do not trust these figures.", file=sys.stderr)
        return 1
    return 1 if asked.strict and report.missed(measured) else 0


if __name__ == "__main__":
    sys.exit(main())
