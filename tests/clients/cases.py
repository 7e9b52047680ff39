"""What every Python client does here: cases that print how they went, for `run.py` to count.

It runs in the clients' own environment and imports nothing of ours.
"""

import os
import re
import sys
import traceback
from collections.abc import Callable

URL = os.environ["SEATRIAL_URL"]
ROOT = URL.removesuffix("/v1")
MODELS = os.environ["SEATRIAL_MODELS"].split()
QUESTION = "How deep is the harbour?"
SIGNED = re.compile(r"\[id:\S+ q:[0-9a-f]{8} n:\d+\].*\[sum:[0-9a-f]{8}\]", re.DOTALL)

PARAMETERS = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def check_text(text: str | None) -> None:
    """Fail unless this is the whole of an answer, signed by the scripted upstream."""
    assert SIGNED.fullmatch((text or "").strip()), text


def run(*cases: Callable[[str], None]) -> None:
    """Run each case against each model, and print one line for each."""
    failed = 0
    for model in MODELS:
        for case in cases:
            name = f"{case.__name__} {model}"
            try:
                case(model)
            except Exception:  # noqa: BLE001 - whatever a client raises is told and counted
                failed += 1
                traceback.print_exc()
                print(f"failed {name}", flush=True)
            else:
                print(f"passed {name}", flush=True)
    sys.exit(1 if failed else 0)
