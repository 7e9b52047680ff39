"""Every client against a gateway: `make test-clients`.

The gateway and the scripted upstream behind it run here; each client runs in a process of
its own, in the clients' environment, and prints a line for each case.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FaultyUpstream, Rule

HERE: Final = Path(__file__).parent
CLIENT_S: Final = 180.0  # for all cases of one client

CONFIG: Final = """\
[service]
store = "sqlite:{folder}/seatrial.db"

[targets.speaks-openai]
provider = "openai"
model = "faulty-1"
base_url = "{url}/v1"
api_key = "env:UPSTREAM_KEY"

[targets.speaks-anthropic]
provider = "anthropic"
model = "faulty-1"
base_url = "{url}"
api_key = "env:UPSTREAM_KEY"

[targets.gives-vectors]
provider = "openai"
model = "embed-1"
base_url = "{url}/v1"
api_key = "env:UPSTREAM_KEY"

[targets.breaks]
provider = "openai"
model = "broken"
base_url = "{url}/v1"
api_key = "env:UPSTREAM_KEY"

[features.openai]
route = ["speaks-openai"]

[features.anthropic]
route = ["speaks-anthropic"]

[features.vectors]
route = ["gives-vectors"]

[features.broken]
route = ["breaks"]
"""


def main(argv: list[str]) -> int:
    """Run the clients named, or all of them; return how many cases failed.

    Args:
        argv: the Python of the clients' environment, then names of scripts.
    """
    python, *names = argv
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder, FaultyUpstream(max_s=900) as upstream:
        upstream.schedule([Rule("cut", {"at": 12}, model="broken")])
        config = Path(folder) / "seatrial.toml"
        config.write_text(CONFIG.format(folder=folder, url=upstream.url))
        for script in _scripts(names):
            # A fresh one for each: a breaker that one client tripped is no other's concern.
            with GatewayProcess(
                config, environ={**os.environ, "UPSTREAM_KEY": "unused"}
            ) as gateway:
                for line in _talk(script, python, gateway.url):
                    passed += line.startswith("passed ")
                    failed += line.startswith("failed ")
                    print(f"{script.stem:<20} {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed or not passed


def _scripts(names: list[str]) -> list[Path]:
    """Return the clients' scripts, in order of their names."""
    found = [path for path in HERE.iterdir() if path.stem.endswith(("_python", "_node"))]
    return sorted(path for path in found if not names or path.stem in names)


def _talk(script: Path, python: str, url: str) -> Iterator[str]:
    """Run one client, and give what it prints; a client that fails to run is a failed case."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "NO_PROXY": "127.0.0.1",
        "SEATRIAL_URL": url,
        "SEATRIAL_MODELS": "openai anthropic",
    }
    command = [python] if script.suffix == ".py" else ["node"]
    try:
        ran = subprocess.run(
            [*command, str(script)],
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            timeout=CLIENT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"failed to run: {type(error).__name__}"
        return
    lines = ran.stdout.splitlines()
    yield from lines
    if ran.returncode and not any(line.startswith("failed ") for line in lines):
        yield f"failed to run: it ended with {ran.returncode}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
