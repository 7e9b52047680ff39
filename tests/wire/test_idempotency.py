"""Twins across processes: killed in the middle, killed right after, and side by side."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seatrial.testing.process import GatewayProcess
from tests.conformance.own_valkey import OwnValkey
from tests.wire.waiting import until

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

DEADLINE_S = 2.0
CONFIG = """
[service]
store = "{store}"
counters = "{counters}"

[targets.model]
provider = "python"
call = "twins_model:answer"

[features.support]
purpose = "Answers"
owner = "me@example.org"
route = ["model"]

[features.support.requirements]
deadline_s = {deadline_s}
"""
# Notes each call in a file; one that ends in `once` takes for ever at its first call.
MODEL = """
import os, time, uuid
from pathlib import Path

CALLS = Path(__file__).with_name("calls")

def answer(question: str) -> str:
    with CALLS.open("a") as calls:
        calls.write(question + "\\n")
    first = CALLS.read_text().split("\\n").count(question) == 1
    time.sleep(30 if question.endswith("once") and first else 0.3)
    return f"{uuid.uuid4()} to {question}"
"""


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        code: str = json.loads(self.body)["error"]["code"]
        return code


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)])
def store(request: pytest.FixtureRequest) -> str:
    """Return a store's address, of each kind in turn."""
    if request.param == "sqlite":
        return "sqlite:seatrial.db"
    found: str = request.getfixturevalue("postgres_address")
    return found


def gateway(folder: Path, store: str, counters: str = "") -> GatewayProcess:
    """Write a gateway's configuration and the model behind it."""
    folder.mkdir(exist_ok=True)
    config = folder / "seatrial.toml"
    config.write_text(CONFIG.format(store=store, counters=counters, deadline_s=DEADLINE_S))
    shared = folder.parent / "twins_model.py"
    shared.write_text(MODEL)
    path = os.pathsep.join([str(folder.parent), os.environ.get("PYTHONPATH", "")])
    return GatewayProcess(config, environ={**os.environ, "PYTHONPATH": path})


def migrate(folder: Path, store: str) -> None:
    """Make the tables of a server; a file makes its own."""
    from seatrial.store import open_store

    opened = open_store(store, folder=folder)
    opened.migrate()
    opened.close()


def ask(process: GatewayProcess, key: str, question: str, **more: Any) -> Reply:
    """Ask with a key."""
    connection = HTTPConnection("127.0.0.1", process.port, timeout=30)
    try:
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps(
                {"model": "support", "messages": [{"role": "user", "content": question}], **more}
            ),
            {"content-type": "application/json", "idempotency-key": key},
        )
        reply = connection.getresponse()
        return Reply(reply.status, dict(reply.getheaders()), reply.read())
    finally:
        connection.close()


def calls(folder: Path) -> Counter[str]:
    """Count what the model was asked, in all processes."""
    try:
        return Counter((folder / "calls").read_text().split("\n")[:-1])
    except FileNotFoundError:
        return Counter()


def test_a_result_outlives_kill_9(tmp_path: Path, store: str) -> None:
    """Whoever has read the last byte finds the same answer in the next process."""
    folder = tmp_path / "one"
    folder.mkdir()
    migrate(folder, store)
    with gateway(folder, store) as process:
        firsts = [ask(process, f"k{n}", f"q{n}", stream=n % 2 == 1) for n in range(4)]
        process.kill()
    with gateway(folder, store) as process:
        again = [ask(process, f"k{n}", f"q{n}", stream=n % 2 == 1) for n in range(4)]
        other = ask(process, "k0", "something else")

    assert {200} == {reply.status for reply in firsts + again}
    assert [firsts[0].body, firsts[2].body] == [again[0].body, again[2].body]
    for n in (1, 3):
        assert "text/event-stream" in again[n].headers["content-type"]
        assert firsts[n].headers["seatrial-record"] == again[n].headers["seatrial-record"]
    assert ["true"] * 4 == [reply.headers.get("seatrial-replayed") for reply in again]
    assert (422, "idempotency_key_reused") == (other.status, other.code)
    assert {"q0": 1, "q1": 1, "q2": 1, "q3": 1} == calls(tmp_path)


def test_a_request_that_died_is_answered_anew(tmp_path: Path, store: str) -> None:
    """Once its lease has lapsed, a moment after its deadline; until then twins are told to wait."""
    folder = tmp_path / "one"
    folder.mkdir()
    migrate(folder, store)
    with gateway(folder, store) as process, ThreadPoolExecutor(1) as pool:
        dying = pool.submit(ask, process, "k", "only once")
        until(lambda: calls(tmp_path)["only once"] == 1, limit_s=60)
        claimed = time.monotonic()
        process.kill()
        with pytest.raises((OSError, HTTPException)):
            dying.result()
    with gateway(folder, store) as process:
        replies = []
        while time.monotonic() - claimed < 90:
            replies.append(ask(process, "k", "only once"))
            if replies[-1].status != 409:
                break
            time.sleep(0.25)
        lapsed_s = time.monotonic() - claimed
        again = ask(process, "k", "only once")

    assert 200 == replies[-1].status
    assert {"idempotency_running"} >= {reply.code for reply in replies[:-1]}
    assert all("retry-after" in reply.headers for reply in replies[:-1])
    assert replies[-1].body == again.body
    assert {"only once": 2} == calls(tmp_path)
    assert lapsed_s < 90


@pytest.mark.needs_postgres
@pytest.mark.needs_valkey
def test_two_processes_answer_twins_once(tmp_path: Path, postgres_address: str) -> None:
    """Whoever is told that the first one runs, asks again and reads the same bytes."""
    migrate(tmp_path, postgres_address)
    with (
        OwnValkey() as shared,
        gateway(tmp_path / "one", postgres_address, shared.address) as one,
        gateway(tmp_path / "two", postgres_address, shared.address) as two,
        ThreadPoolExecutor(40) as pool,
    ):

        def insist(number: int) -> tuple[Reply, int]:
            for tries in range(100):
                reply = ask((one, two)[number % 2], f"k{number % 5}", f"q{number % 5}")
                if reply.status != 409:
                    return reply, tries
                assert "idempotency_running" == reply.code
                time.sleep(0.1)
            raise AssertionError("told to wait for ever")

        found = list(pool.map(insist, range(100)))

    assert {200} == {reply.status for reply, _ in found}
    assert {f"q{n}": 1 for n in range(5)} == calls(tmp_path)
    for n in range(5):
        assert 1 == len({reply.body for reply, _ in found[n::5]})
    assert any(tries for _, tries in found), "nobody had to wait: the test shows nothing"
