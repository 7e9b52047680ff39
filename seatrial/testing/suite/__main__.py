"""`python -m seatrial.testing.suite`: the fault suite; exit code 1 when something was wrong."""

from __future__ import annotations

import argparse
import json
import sys

from seatrial.testing.suite._cases import Selection, cases, targets
from seatrial.testing.suite._dynamics import DYNAMICS
from seatrial.testing.suite._findings import Found, SuiteReport
from seatrial.testing.suite._ground import Address, ground
from seatrial.testing.suite._run import SuiteSettings, run_against, run_alone, run_suite
from seatrial.testing.upstream._plan import ANTHROPIC, OPENAI

EPILOG = """\
Without --url it starts `seatrial serve` with a feature for each case, and ends it.

  python -m seatrial.testing.suite                    all of it, about two minutes
  python -m seatrial.testing.suite --every 4 --dynamics ""
  python -m seatrial.testing.suite --alone            no gateway: the score of no protection

Another gateway, in front of this suite's own upstreams:
  python -m seatrial.testing.suite --url http://127.0.0.1:8080/v1 \\
    --primary-port 9001 --fallback-port 9002
It is asked for the model `fault:NAME`, and must pass that name on to the primary; with
--by-feature it is asked for a feature of each case instead: --plan lists what it then needs.
"""


def arguments() -> argparse.ArgumentParser:
    """Give the command's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.testing.suite",
        description="Every upstream fault against a gateway with two targets.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--url", default="", help="test what listens there, instead of a gateway of our own")
    add("--alone", action="store_true", help="test the faulty upstream itself")
    add("--by-feature", action="store_true", help="ask --url for features, not for faults")
    add("--primary-port", type=int, default=0, help="of the faulty upstream; 0 picks a free one")
    add("--fallback-port", type=int, default=0, help="of the healthy upstream")
    add("--only", action="append", default=[], help="this fault; repeatable")
    add("--class", dest="classes", action="append", default=[], help="this class; repeatable")
    add("--dialect", action="append", default=[], choices=[OPENAI, ANTHROPIC])
    add("--every", type=int, default=1, help="run only each N-th case")
    add("--requests", type=int, default=3, help="of each case")
    add("--deadline-s", type=float, default=4.0)
    add("--slack-s", type=float, default=0.0, help="later than the deadline by so much is not late")
    add("--dynamics", default=",".join(DYNAMICS), help="trials, by comma; empty for none")
    add("--at-once", type=int, default=6, help="cases beside each other")
    add("--seed", type=int, default=1)
    add("--plan", action="store_true", help="list the features a gateway must have, and end")
    add("--json", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the suite and print what it found."""
    options = arguments().parse_args(argv)
    settings = SuiteSettings(
        selection=Selection(
            only=tuple(options.only),
            dialects=tuple(options.dialect) or (OPENAI, ANTHROPIC),
            classes=tuple(options.classes),
            every=options.every,
        ),
        requests=options.requests,
        deadline_s=options.deadline_s,
        dynamics=tuple(filter(None, options.dynamics.split(","))),
        at_once=options.at_once,
        seed=options.seed,
        slack_s=options.slack_s,
    )
    if unknown := [name for name in settings.dynamics if name not in DYNAMICS]:
        print(f"No such trial: {', '.join(unknown)}. Known: {', '.join(DYNAMICS)}.")
        return 2
    if options.plan:
        for target in targets(cases(settings.selection)):
            print(json.dumps({name: getattr(target, name) for name in target.__slots__}))
        return 0
    report = _run(options, settings)
    print(json.dumps(report.as_json()) if options.json else report.as_text())
    return 0 if report.passed else 1


def _run(options: argparse.Namespace, settings: SuiteSettings) -> SuiteReport:
    if options.alone:
        return run_alone(settings, told=_tell)
    if not options.url:
        return run_suite(settings, told=_tell)
    with ground(
        seed=options.seed, primary_port=options.primary_port, fallback_port=options.fallback_port
    ) as here:
        subject = Address(options.url, by_fault=not options.by_feature, name=options.url)
        return run_against(subject, here, settings, told=_tell)


def _tell(found: Found) -> None:
    sys.stderr.write("x" if found.wrong else ".")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
