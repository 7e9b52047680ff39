"""The control port: set the schedule, heal, make an outage, read the log, over HTTP and JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Protocol
from urllib.parse import parse_qs

from seatrial.errors import Misuse
from seatrial.testing.upstream._faults import FAULTS
from seatrial.testing.upstream._log import Entry
from seatrial.testing.upstream._plan import Param
from seatrial.testing.upstream._schedule import Rule, read_rules
from seatrial.testing.upstream._wire import BadRequest, Incoming, Wire

PAGE = 10_000


class Controlled(Protocol):
    """What the control port needs of the server."""

    @property
    def log(self) -> list[Entry]:
        """Give the attempts."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Give the schedule."""

    def stats(self) -> dict[str, object]:
        """Give the counts."""

    def schedule(self, rules: tuple[Rule, ...]) -> None:
        """Set the schedule."""

    def heal(self) -> None:
        """Take the faults away."""

    def outage(self, for_s: float, fault: str = "http-503", **params: Param) -> None:
        """Strike everything for a while."""

    def stop(self) -> None:
        """End."""


class Control:
    """Serves the control port of one server.

    | request | does |
    |---|---|
    | `GET /faults` | lists all faults and the schedule in force |
    | `POST /faults` | sets the schedule: a list of rules |
    | `DELETE /faults` | takes all faults away |
    | `POST /outage` | `{"for_s": 5, "fault": "hang", "params": {}}` |
    | `GET /log?since=N` | attempts from number N on, 10,000 at most |
    | `GET /stats` | counts |
    | `POST /stop` | ends the server |
    """

    def __init__(self, server: Controlled) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def connect(self) -> Wire:
        """Give the protocol of a new connection."""
        return Wire(self._met, lambda wire: None)

    def _met(self, wire: Wire) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, wire: Wire) -> None:
        try:
            while (incoming := await wire.read_request()) is not None:
                status, data = self._answer(incoming)
                body = json.dumps(data).encode()
                wire.write(
                    b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\n"
                    b"content-length: %d\r\n\r\n" % (status, len(body)) + body
                )
                await wire.drained()
                if not incoming.keeps_alive:
                    return
        except BadRequest:
            return
        finally:
            wire.close()

    def _answer(self, incoming: Incoming) -> tuple[int, object]:
        try:
            return self._dispatch(incoming)
        except (Misuse, ValueError, TypeError, KeyError) as problem:
            return 400, {"error": str(problem)}

    def _dispatch(self, incoming: Incoming) -> tuple[int, object]:
        path, _, query = incoming.path.partition("?")
        server = self._server
        match incoming.method, path:
            case "GET", "/faults":
                return 200, {"known": _known(), "schedule": _lines(server.rules)}
            case "POST", "/faults":
                server.schedule(read_rules(json.loads(incoming.body)))
                return 200, {"schedule": _lines(server.rules)}
            case "DELETE", "/faults":
                server.heal()
                return 200, {"schedule": []}
            case "POST", "/outage":
                data = json.loads(incoming.body)
                fault = data.get("fault", "http-503")
                server.outage(float(data["for_s"]), fault, **data.get("params", {}))
                return 200, {"for_s": data["for_s"], "fault": fault}
            case "GET", "/log":
                since = int(parse_qs(query).get("since", ["0"])[0])
                entries = [entry for entry in server.log if entry.number >= since][:PAGE]
                return 200, {"attempts": [entry.as_json() for entry in entries]}
            case "GET", "/stats":
                return 200, server.stats()
            case "POST", "/stop":
                server.stop()
                return 200, {"stopped": True}
            case _:
                return 404, {"error": f"There is no {incoming.method} {path}."}


def _lines(rules: tuple[Rule, ...]) -> list[dict[str, object]]:
    return [
        {name: value for name, value in asdict(rule).items() if value not in ("", float("inf"))}
        for rule in rules
    ]


def _known() -> list[dict[str, object]]:
    return [
        {
            "name": fault.name,
            "row": fault.row,
            "expect": fault.expect.value,
            "says": fault.says,
            "params": dict(fault.defaults),
            "dialects": sorted(fault.dialects),
            "modes": sorted(fault.modes),
            "needs_tools": fault.needs_tools,
            "detectable": fault.detectable,
        }
        for fault in FAULTS.values()
    ]
