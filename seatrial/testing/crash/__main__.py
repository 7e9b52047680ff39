"""`python -m seatrial.testing.crash`: the crash cycler; exit code 1 when anything was lost."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from seatrial.testing.crash._cycles import CycleReport, kill_cycles, reload_cycles, term_cycles
from seatrial.testing.crash._ward import Ward
from seatrial.testing.upstream._server import FaultyUpstream

EPILOG = """\
Examples:
  python -m seatrial.testing.crash --kill 50 --term 20 --reload 100
  python -m seatrial.testing.crash --store postgresql://user@host/empty_database
"""


def arguments() -> argparse.ArgumentParser:
    """Give the command's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.testing.crash",
        description="Kills, stops and reloads a gateway under load; counts what was lost.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--store", default="sqlite:records.db", help="an empty store of its own")
    add("--kill", type=int, default=10, help="cycles of kill -9")
    add("--term", type=int, default=5, help="cycles of SIGTERM")
    add("--reload", type=int, default=20, help="reloads, each tenth with a broken file")
    add("--seed", type=int, default=1)
    add("--json", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the cycles in a folder that is removed afterwards."""
    options = arguments().parse_args(argv)
    reports: list[CycleReport] = []
    with (
        tempfile.TemporaryDirectory(prefix="seatrial-crash-") as folder,
        FaultyUpstream(gap_s=0.002, max_s=7200) as upstream,
    ):
        ward = Ward(Path(folder), upstream, store=options.store)
        ward.migrate()
        for trial, cycles in (
            (kill_cycles, options.kill),
            (term_cycles, options.term),
            (reload_cycles, options.reload),
        ):
            if cycles:
                reports.append(trial(ward, cycles=cycles, seed=options.seed))
                _tell(reports[-1], in_json=options.json)
    return 0 if all(report.passed for report in reports) else 1


def _tell(report: CycleReport, *, in_json: bool) -> None:
    print(json.dumps(report.as_json()) if in_json else f"{report.as_text()}\n", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
