"""`python -m seatrial.testing.driver`: load from the command line; exit code 1 on a violation."""

from __future__ import annotations

import argparse
import asyncio
import json
import os

from seatrial.testing.driver._load import Arrivals, Load, Report, drive

EPILOG = """\
Example:
  python -m seatrial.testing.driver --url http://127.0.0.1:8080/v1 --model support --requests 1000
"""


def arguments() -> argparse.ArgumentParser:
    """Give the command's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.testing.driver",
        description="Sends requests and names what became of each; exit code 1 if a promise broke.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--url", required=True, help="the address with its /v1")
    add("--requests", type=int, default=100)
    add("--concurrency", type=int, default=8)
    add("--rate", type=float, default=0.0, help="requests per second; 0 makes a closed loop")
    add("--arrivals", type=Arrivals, choices=list(Arrivals), default=Arrivals.STEADY)
    add("--model", action="append", default=[], help="repeatable; taken in turn")
    add("--streamed", type=float, default=0.5, help="share of requests that stream")
    add("--key-env", default="", help="the environment variable that holds the API key")
    add("--deadline-s", type=float, default=60.0)
    add("--give-up-s", type=float, default=0.0, help="0: the deadline plus 5 s")
    add("--leave", type=float, default=0.0, help="share of callers who leave")
    add("--slow", type=float, default=0.0, help="share of callers who read slowly")
    add("--retries", type=int, default=0)
    add("--idempotent", action="store_true", help="tries of one request share a key")
    add("--tools", action="store_true", help="offer a tool")
    add("--unsigned", action="store_true", help="answers carry no checksum")
    add("--seed", type=int, default=0)
    add("--max-seconds", type=float, default=3600.0, help="no request begins later")
    add("--json", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Drive the load and print what became of it."""
    options = arguments().parse_args(argv)
    load = Load(
        url=options.url,
        requests=options.requests,
        concurrency=options.concurrency,
        rate_s=options.rate,
        arrivals=options.arrivals,
        models=tuple(options.model) or ("faulty-1",),
        streamed=options.streamed,
        key=os.environ.get(options.key_env, "") if options.key_env else "",
        deadline_s=options.deadline_s,
        give_up_s=options.give_up_s,
        leave=options.leave,
        slow=options.slow,
        retries=options.retries,
        idempotent=options.idempotent,
        tools=options.tools,
        signed=not options.unsigned,
        seed=options.seed,
        max_s=options.max_seconds,
    )
    report = asyncio.run(drive(load))
    print(json.dumps(report.as_json()) if options.json else _table(report))
    return 1 if report.violations else 0


def _table(report: Report) -> str:
    lines = [f"{len(report.outcomes)} requests in {report.duration_s:.1f} s"]
    lines += [f"  {end:<12} {count}" for end, count in report.ends.items()]
    lines += [f"violations: {len(report.violations)}"]
    for outcome in report.violations[:10]:
        lines.append(f"  #{outcome.number} {outcome.end}: {outcome.detail}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
