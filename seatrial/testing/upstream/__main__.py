"""`python -m seatrial.testing.upstream`: the faulty upstream as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from seatrial.errors import Misuse
from seatrial.testing.upstream._faults import FAULTS
from seatrial.testing.upstream._schedule import Rule, read_rules
from seatrial.testing.upstream._server import FaultyUpstream

EPILOG = """\
The first line printed is JSON with `url`, `base_url` and `control_url`.  Example:
  python -m seatrial.testing.upstream --control-port 0 \\
    --faults '[{"name": "http-503", "probability": 0.1}]'
"""


def arguments() -> argparse.ArgumentParser:
    """Give the command's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.testing.upstream",
        description="A model server on the loopback that fails as it is told.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--control-port", type=int, default=None, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="up", help="begins the id of every answer")
    parser.add_argument("--words", type=int, default=24, help="in an answer")
    parser.add_argument("--gap-s", type=float, default=0.0, help="seconds between tokens")
    parser.add_argument("--max-seconds", type=float, default=600.0, help="then it stops by itself")
    parser.add_argument("--max-requests", type=int, default=10_000_000)
    parser.add_argument(
        "--key", action="append", default=[], help="accept only this credential; repeatable"
    )
    parser.add_argument("--model", action="append", default=[], help="list this model; repeatable")
    parser.add_argument("--faults", default="", help="a schedule: JSON, or the path of a JSON file")
    parser.add_argument("--list", action="store_true", help="list all faults and end")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the server until its time is over or a signal ends it."""
    options = arguments().parse_args(argv)
    if options.list:
        for fault in FAULTS.values():
            print(f"{fault.row:>3}  {fault.name:<20} {fault.expect.value:<9} {fault.says}")
        return 0
    try:
        rules = _rules(options.faults)
    except (Misuse, ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options, rules))
    return 0


def _rules(text: str) -> tuple[Rule, ...]:
    if not text:
        return ()
    return read_rules(
        json.loads(text if text.lstrip()[0] in "[{" else Path(text).read_text("utf-8"))
    )


async def _serve(options: argparse.Namespace, rules: tuple[Rule, ...]) -> None:
    server = FaultyUpstream(
        seed=options.seed,
        port=options.port,
        control_port=options.control_port,
        name=options.name,
        words=options.words,
        gap_s=options.gap_s,
        max_s=options.max_seconds,
        max_requests=options.max_requests,
        keys=options.key,
        models=options.model or ("faulty-1",),
    )
    async with server:
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, server.stop)
        server.schedule(rules)
        hello = {"url": server.url, "base_url": server.base_url}
        if server.control_port is not None:
            hello["control_url"] = server.control_url
        print(json.dumps(hello), flush=True)
        await server.wait()


if __name__ == "__main__":
    raise SystemExit(main())
