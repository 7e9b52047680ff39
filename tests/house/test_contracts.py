"""The floors of the house, and proof that each contract can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "assessment cli codebase config console counters deployment engine gateway improvement jobs"
    " observability oversight prices providers reliability sinks stats store testing values"
).split()

# Where a line is planted, the line, and the contract that must name it.
BREACHES = [
    ("stats", "from seatrial import values", "floors"),
    ("values", "from seatrial import ports", "floors"),
    ("reliability", "from seatrial.deployment import planted", "floors"),
    ("engine", "from seatrial import config", "floors"),
    ("providers", "from seatrial import store", "floors"),
    ("gateway", "from seatrial import console", "floors"),
    ("cupboard", "", "floors"),
    ("reliability", "import asyncio", "purity"),
    ("oversight", "from time import monotonic", "purity"),
    ("stats", "import random", "purity"),
    ("deployment", "import os.path", "purity"),
    ("observability", "def late():\n    import urllib.request", "purity"),
    ("engine", "from seatrial import providers", "engine-adapters"),
    ("jobs", "from seatrial import sinks", "engine-adapters"),
    ("store", "from seatrial import reliability", "adapters-rules"),
    ("counters", "from seatrial import reliability", "adapters-rules"),
    ("engine", "from seatrial import counters", "engine-adapters"),
    ("engine", "import sqlite3", "library-store"),
    ("store", "import valkey", "library-counters"),
    ("prices", "from seatrial import reliability", "adapters-rules"),
    ("engine", "from seatrial import prices", "engine-adapters"),
    ("config", "import genai_prices", "library-prices"),
    ("engine", "import httptools", "library-http"),
    ("config", "import uvicorn", "library-server"),
    ("gateway", "import pydantic", "library-config"),
    ("gateway", "import rich", "library-terminal"),
    ("reliability", "import py3langid", "library-language"),
    ("cli", "from seatrial import engine", "doors"),
    ("testing", "from seatrial import engine", "doors"),
    ("gateway", "from seatrial import ports", "doors-ports"),
    ("engine", "from seatrial import testing", "doors-cli"),
]


def lint_imports(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `root`: all of them, or those named."""
    chosen = [part for each in contracts for part in ("--contract", each)]
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache", *chosen],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with our contracts and all rooms of the design, nothing in them."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "tests" / "house").mkdir(parents=True)
    (root / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "tests" / "house" / "contract_types.py", root / "tests" / "house")
    for room in ("", *ROOMS):
        (root / "seatrial" / room).mkdir()
        (root / "seatrial" / room / "__init__.py").touch()
        (root / "seatrial" / room / "planted.py").touch()
    for module in ("app", "errors", "ports"):
        (root / "seatrial" / f"{module}.py").touch()
    (root / "seatrial" / "planted.py").unlink()
    return root


def test_rooms_import_only_what_they_may() -> None:
    """All contracts hold in the source as it is."""
    run = lint_imports(ROOT)

    assert 0 == run.returncode, run.stdout + run.stderr


def test_empty_house_breaks_no_contract(empty_house: Path) -> None:
    """The planted breaches below are the only ones in their house."""
    run = lint_imports(empty_house)

    assert 0 == run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(("room", "line", "contract"), BREACHES)
def test_contract_catches(
    empty_house: Path, tmp_path: Path, room: str, line: str, contract: str
) -> None:
    """A planted import is reported by the contract that forbids it."""
    root = tmp_path / "copy"
    shutil.copytree(empty_house, root)
    (root / "seatrial" / room).mkdir(exist_ok=True)
    (root / "seatrial" / room / "__init__.py").touch()
    (root / "seatrial" / room / "planted.py").write_text(f"{line}\n")

    run = lint_imports(root, contract)

    assert 1 == run.returncode, run.stdout + run.stderr
    assert "0 kept, 1 broken" in run.stdout
    assert f"seatrial.{room}" in run.stdout
