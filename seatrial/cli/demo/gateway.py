"""A real `seatrial serve` for the demo: its own process, its own folder, a free port."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

from seatrial.cli.demo.experiment import UNSURE_TEXT
from seatrial.errors import Unavailable

FEATURE: Final = "help"
ROUTE: Final = ("model", "cache", "rules", "say")

START_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 15.0
LOG: Final = "serve.log"


def write_config(folder: Path, *, base_url: str) -> Path:
    """Write the demo's seatrial.toml and return where it is."""
    template = Path(__file__).with_name("setting.toml").read_text(encoding="utf-8")
    config = folder / "seatrial.toml"
    text = Template(template).substitute(base_url=base_url, say=UNSURE_TEXT)
    config.write_text(text, encoding="utf-8")
    return config


@contextmanager
def serving(config: Path) -> Iterator[str]:
    """Run `seatrial serve` and give its address; stopped, records and all, at the end.

    Raises:
        Unavailable: it did not start; its log says why.
    """
    log = config.with_name(LOG)
    command = [sys.executable, "-m", "seatrial", "serve", "--config", str(config), "--json"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield _wait_for_address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    ends = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < ends:
        for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n") and '"event":"serving"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.02)
    raise Unavailable(
        "The demo's gateway did not start.",
        why=log.read_text(encoding="utf-8").strip()[-1000:],
        fix=f"The whole log is in {log}.",
    )
