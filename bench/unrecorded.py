"""The `seatrial` command without records: what is left is the price of everything else.

The product has no such switch, because a record is part of every answer.  Here the
recorder is replaced before the command runs: records are still made, but not kept.
"""

import importlib
from typing import Any


class NoRecords:
    """Stands where the recorder does, and keeps nothing."""

    def start(self) -> None:
        """Nothing to start."""

    async def close(self, timeout_s: float) -> None:
        """Nothing to bring to disk."""

    def put(self, record: object) -> None:
        """Forget it."""

    async def append(self, record: object, *, sync: bool = False, loop: object = None) -> bool:
        """Forget it, and say that it is kept."""
        return True

    def counts(self) -> Any:
        """What became of the records: nothing so far."""
        return importlib.import_module("seatrial.engine.recorder").RecorderCounts()


def main() -> None:
    """Run the command line with a recorder that keeps nothing."""
    # By name, so that the other lines of the benchmark need no Seatrial at all.
    wiring = importlib.import_module("seatrial.app.wiring")
    if not callable(getattr(wiring, "open_recorder", None)):
        raise SystemExit("seatrial.app.wiring has no open_recorder any more: adapt this file")
    vars(wiring)["open_recorder"] = lambda *_: NoRecords()
    importlib.import_module("seatrial.cli").main()


if __name__ == "__main__":
    main()
