"""A gateway with a planted bug: its journal says yes and writes a second later.

`python -m tests.wire.forgetful CONFIG` serves as `seatrial serve` does; the crash cycler
must find what it loses.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from seatrial.app.wiring import Outside
from seatrial.cli.serve import Serving
from seatrial.gateway.serve import run
from seatrial.gateway.settings import DoorSettings
from seatrial.ports import Sealed
from seatrial.store import FileJournal

LATE_S = 1.0


class LateJournal:
    """Takes records at once and hands them to a real journal when it feels like it."""

    def __init__(self, folder: Path) -> None:
        self._journal = FileJournal(folder)

    def append(self, batch: Sequence[Sealed], *, sync: bool) -> None:
        """Say yes."""
        timer = threading.Timer(LATE_S, self._write, [list(batch)])
        timer.daemon = True
        timer.start()

    def _write(self, batch: list[Sealed]) -> None:
        self._journal.append(batch, sync=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)


def main() -> None:
    """Serve until stopped."""
    serving = Serving.open(sys.argv[1], outside=Outside(journal=LateJournal))

    def tell(host: str, port: int) -> None:
        sys.stdout.write(json.dumps({"event": "serving", "url": f"http://{host}:{port}/v1"}) + "\n")
        sys.stdout.flush()

    run(serving, DoorSettings(port=0), listening=tell)


if __name__ == "__main__":
    main()
