"""`import seatrial` costs little: what is heavy waits until it is needed."""

import subprocess
import sys

HEAVY = (
    "aiohttp alembic httptools psycopg pydantic pysqlite3 rich sqlalchemy"
    " starlette typer uvicorn uvloop"
).split()


def test_import_loads_nothing_heavy() -> None:
    """A fresh interpreter that imports seatrial has none of the heavy libraries."""
    program = f"import sys, seatrial; print(*(each for each in {HEAVY} if each in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert "" == run.stdout.strip()
