"""A rush of new callers while the gateway is busy."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from seatrial.gateway.serve import Gateway
from seatrial.gateway.settings import DoorSettings
from tests.doors.gateway.scripted import FakeApp

uvloop = pytest.importorskip("uvloop")
pytestmark = pytest.mark.wire

NEWCOMERS = 160


class Started(FakeApp):
    """Answers by script; there is nothing to start."""

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass


def test_new_callers_are_let_in_by_the_dozen() -> None:
    """Each turn of a busy loop takes many: with one in a turn the last would wait for seconds."""

    async def main() -> int:
        gateway = Gateway(Started(), DoorSettings(port=0, lame_duck_s=0.0))
        await gateway.start()
        callers = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(NEWCOMERS)]
        edge: Any = gateway._edge
        turns = 0
        while len(edge.connections) < NEWCOMERS and turns < NEWCOMERS:
            turns += 1
            await asyncio.sleep(0)
        for caller in callers:
            caller.close()
        gateway.stop()
        await gateway.wait()
        return turns

    assert uvloop.run(main()) < NEWCOMERS / 4
