"""Runs a fuzzer over each target: `python -m tests.fuzz.run [--by hypothesis] [--runs N] [names]`.

libFuzzer ends its process by itself: each target has one of its own.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

PER_INPUT_S = 10  # a longer one is a finding
MEMORY_MB = 2048
LONGEST = 4096
ROOT = Path(__file__).parents[2]


def main(argv: list[str]) -> int:
    """Fuzz the targets named, or all; return how many had a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--by", choices=("atheris", "hypothesis"), default="atheris")
    parser.add_argument("--runs", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--at-once", type=int, default=2, help="processes side by side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(argv)
    if options.by == "atheris" and find_spec("atheris") is None:
        print("Nothing was fuzzed: atheris has no wheel for this machine and Python.")
        return 1
    names = options.names or _names()
    with ThreadPoolExecutor(options.at_once) as pool:
        found = list(
            pool.map(lambda name: _fuzz(name, options.by, options.runs, options.seed), names)
        )
    print(f"{found.count(False)} passed, {found.count(True)} failed")
    return found.count(True)


def _names() -> list[str]:
    listed = subprocess.run(
        [sys.executable, "-c", "from tests.fuzz.targets import TARGETS; print(*TARGETS)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return listed.stdout.split()


def _command(name: str, by: str, folder: str, runs: int, seed: int) -> list[str]:
    if by == "hypothesis":
        return [sys.executable, "-m", "tests.fuzz.drawn", name, str(runs), str(seed)]
    return [
        *(sys.executable, "-m", "tests.fuzz.one", name, folder, f"-runs={runs}"),
        *(f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={PER_INPUT_S}"),
        *(f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={folder}/", "-print_final_stats=1"),
    ]


def _fuzz(name: str, by: str, runs: int, seed: int) -> bool:
    """Fuzz one target in a process; return whether it found something."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seatrial-fuzz-") as folder:
        ran = subprocess.run(
            _command(name, by, folder, runs, seed),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        inputs = re.findall(r"number_of_executed_units: (\d+)", ran.stdout)
        covered = re.findall(r"cov: (\d+)", ran.stdout)
        for crash in Path(folder).glob("crash-*"):
            print(f"{name}: {crash.read_bytes()[:2000]!r}")
    failed = ran.returncode != 0
    if failed:
        told = (line for line in ran.stdout.splitlines() if not line.startswith(("#", "INFO")))
        print("\n".join(told)[-6000:])
    branches = f"{int(covered[-1]):>5} branches, " if covered else ""
    print(
        f"{name:<18} {int(inputs[-1]) if inputs else 0:>9,} inputs, {branches}"
        f"{time.monotonic() - begun:6.1f} s, {'FOUND SOMETHING' if failed else 'nothing found'}",
        flush=True,
    )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
