"""Callers who try to make the feature spend more than it may: the ceiling holds.

The target bills by what it was asked, at the most that anybody could ask it for.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from seatrial.testing.process import GatewayProcess

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

CEILING_USD = 0.5
INPUT_USD_MTOK, OUTPUT_USD_MTOK = 1.0, 10.0


class Till:
    """What was billed so far, in dollars, and for how many requests."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.usd = 0.0
        self.requests = 0


class Dear(BaseHTTPRequestHandler):
    """A target that always writes as much as it is allowed to, for each choice."""

    till: Till
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(raw)
        most = asked.get("max_completion_tokens") or asked.get("max_tokens") or 16_384
        written = most * (asked.get("n") or 1)
        read = len(raw) // 4
        with self.till.lock:
            self.till.requests += 1
            self.till.usd += (read * INPUT_USD_MTOK + written * OUTPUT_USD_MTOK) / 1e6
        said = {"role": "assistant", "content": "Hello."}
        data = json.dumps(
            {
                "id": "a",
                "model": "m",
                "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": read, "completion_tokens": written},
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def till() -> Iterator[tuple[Till, str]]:
    """Run such a target."""
    till = Till()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Dear,), {"till": till}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield till, f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def greedy(dice: random.Random) -> dict[str, Any]:
    """Return a request that wants much."""
    tool = {"type": "function", "function": {"name": "f", "description": "word " * 50}}
    wish: dict[str, Any] = dice.choice(
        [
            {},
            {"max_tokens": 10**9},
            {"max_completion_tokens": 2**31},
            {"max_tokens": 1, "max_completion_tokens": 100_000},
            {"max_tokens": 100},
            {"n": 128},
            {"n": 10**6, "max_tokens": 10},
            {"n": 5, "max_tokens": 100},
            {"reasoning_effort": "high"},
            {"max_tokens": None},
            {"max_tokens": -1},
            {"max_tokens": 0},
            {"max_tokens": 1e3},
            {"max_tokens": "100000"},
            {"max_tokens": True, "n": True},
            {"n": 0},
            {"n": -5, "max_tokens": 1000},
            {"best_of": 50},
            {"tools": [tool] * 200},
            {"service_tier": "priority"},
        ]
    )
    text = "word " * dice.choice([1, 10, 2_000])
    return {"model": "support", "messages": [{"role": "user", "content": text}], **wish}


def test_greedy_callers_pass_no_ceiling(till: tuple[Till, str], tmp_path: Path) -> None:
    """A thousand requests of 24 callers at once."""
    billed, url = till
    config = tmp_path / "seatrial.toml"
    config.write_text(
        f'[service]\nstore = "sqlite:records.db"\n'
        f'[targets.dear]\nprovider = "openai"\nbase_url = "{url}"\nmodel = "m"\n'
        f"price = {{ input_usd_mtok = {INPUT_USD_MTOK}, output_usd_mtok = {OUTPUT_USD_MTOK} }}\n"
        f'[features.support]\nroute = ["dear"]\n'
        f"[features.support.budgets]\nusd_day = {CEILING_USD}\n"
    )
    with GatewayProcess(config) as process:

        def caller(seed: int) -> list[int]:
            dice, statuses = random.Random(seed), []
            line = HTTPConnection("127.0.0.1", process.port, timeout=30)
            for _ in range(42):
                kind = {"content-type": "application/json"}
                line.request("POST", "/v1/chat/completions", json.dumps(greedy(dice)), kind)
                reply = line.getresponse()
                reply.read()
                statuses.append(reply.status)
            line.close()
            return statuses

        with ThreadPoolExecutor(24) as pool:
            came = [status for each in pool.map(caller, range(24)) for status in each]

    assert 1000 < len(came)
    assert billed.usd <= CEILING_USD, (billed.usd, billed.requests)
    # How much is spent depends on who comes when; that something is shows that it was tried.
    assert billed.requests >= 10, (billed.usd, billed.requests)
    assert set(came) <= {200, 400, 429, 503}, sorted(set(came))
    assert billed.requests >= came.count(200)
