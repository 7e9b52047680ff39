"""The doors in a process of their own: `python -m tests.doors.gateway.served [setting=value ...]`.

Prints the port; the model names what happens.  Prints "closed" once the application is closed.
"""

import asyncio
import sys
from dataclasses import dataclass
from typing import Any

from seatrial.gateway.serve import run
from seatrial.gateway.settings import DoorSettings
from seatrial.values.chat import Answer, Piece
from seatrial.values.decisions import Answered, Settled
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import HELLO, FakeApp, settled, streams

PIECES = 20


async def scripted(request: Request, sink: Any) -> Settled:
    """Do what the model's name says."""
    match request.feature:
        case "slow":
            await asyncio.sleep(0.03)
        case "later":
            await asyncio.sleep(2)
        case "forever":
            await asyncio.Event().wait()
        case "stream":
            pieces = [Piece(text=f"{i} ") for i in range(PIECES)]
            return await streams(*pieces, gap_s=0.01)(request, sink)
        case "endless":
            await streams(Piece(text="a"))(request, sink)
            while True:
                await asyncio.sleep(0.01)
                await sink.send(Piece(text="a"))
        case "flood":
            await streams(Piece(text="a"))(request, sink)
            while True:
                await sink.send(Piece(text="x" * 10_000))
                await asyncio.sleep(0)
        case "large":
            return settled(request, Answered(Answer("x" * 8_000_000), "a", 0))
        case "echo":
            text = request.messages[-1]["content"]
            await asyncio.sleep(0.001 * (len(text) % 7))
            return settled(request, Answered(Answer(text), "a", 0))
    return settled(request, Answered(HELLO, "a", 0))


@dataclass
class Served(FakeApp):
    """Tells over HTTP what became of it, as a list of models."""

    def models(self, caller: object) -> list[tuple[str, int]]:
        return [
            ("cancelled", self.cancelled),
            ("asked", len(self.asked)),
            ("reloads", self.reloads),
        ]

    def find(self, feature: str, caller: object) -> None:
        return None

    async def close(self) -> None:
        print("closed", flush=True)  # noqa: T201 - for the test that started this process


def settings(arguments: list[str]) -> DoorSettings:
    """Read settings from the command line; all are numbers."""
    values: dict[str, Any] = {"port": 0, "drain_s": 5.0}
    for argument in arguments:
        name, _, value = argument.partition("=")
        values[name] = int(value) if value.isdigit() else float(value)
    return DoorSettings(**values)


if __name__ == "__main__":
    app = Served(script=scripted, feature_deadline_s=30.0)
    run(
        app,
        settings(sys.argv[1:]),
        listening=lambda _, port: print(port, flush=True),  # noqa: T201 - for the same test
    )
