"""The faulty upstream and the driver as processes, with the control port."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def hello() -> Iterator[dict[str, str]]:
    """Run the upstream as a process, and give its first line."""
    command = [sys.executable, "-m", "seatrial.testing.upstream", "--control-port", "0"]
    process = subprocess.Popen(
        [*command, "--max-seconds", "30", "--name", "large"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        assert 0 == process.wait(5)
        process.stdout.close()


def call(url: str, method: str = "GET", data: object = None) -> tuple[int, Any]:
    """Send one request to the control port."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.load(problem)


def run_driver(url: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the driver as a process."""
    command = [sys.executable, "-m", "seatrial.testing.driver", "--url", url, "--json"]
    done = subprocess.run(
        [*command, "--deadline-s", "5", *options],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    return done.returncode, json.loads(done.stdout)


def test_the_control_port_sets_faults_and_shows_the_log(hello: dict[str, str]) -> None:
    """Faults set over HTTP strike, are logged, are counted, and go away again."""
    control = hello["control_url"]

    status, set_to = call(f"{control}/faults", "POST", [{"name": "cut", "params": {"at": 2}}])
    code, report = run_driver(hello["base_url"], "--requests", "10", "--streamed", "1")
    log = call(f"{control}/log")[1]["attempts"]
    stats = call(f"{control}/stats")[1]
    call(f"{control}/faults", "DELETE")
    healed, healthy = run_driver(hello["base_url"], "--requests", "10")

    assert (200, "cut") == (status, set_to["schedule"][0]["name"])
    assert (1, {"silent_cut": 10}) == (code, report["ends"])
    assert {("cut?at=2", "closed by us", 2)} == {
        (entry["fault"], entry["ended"], entry["tokens"]) for entry in log
    }
    assert 10 == stats["requests"]
    assert (0, {"answer": 10}) == (healed, healthy["ends"])


def test_the_control_port_refuses_what_it_does_not_know(hello: dict[str, str]) -> None:
    """A wrong schedule gets 400 and the nearest name; a wrong path gets 404."""
    control = hello["control_url"]

    status, error = call(f"{control}/faults", "POST", [{"name": "htpp-503"}])

    assert (400, True) == (status, "Did you mean 'http-503'?" in error["error"])
    assert 400 == call(f"{control}/faults", "POST", {"faults": 3})[0]
    assert 404 == call(f"{control}/nothing")[0]


def test_an_outage_can_be_called_for(hello: dict[str, str]) -> None:
    """`POST /outage` strikes everything for its time."""
    control = hello["control_url"]
    call(f"{control}/outage", "POST", {"for_s": 20, "fault": "http-502"})

    code, report = run_driver(hello["base_url"], "--requests", "5")
    call(f"{control}/faults", "DELETE")

    assert (0, {"refused": 5}) == (code, report["ends"])


def test_the_table_is_served_for_documents(hello: dict[str, str]) -> None:
    """`GET /faults` lists what is known, with classes and parameters."""
    known = {line["name"]: line for line in call(f"{hello['control_url']}/faults")[1]["known"]}

    assert {"at": 3} == known["cut"]["params"]
    assert "honest" == known["cut"]["expect"]


def test_models_are_listed(hello: dict[str, str]) -> None:
    """`GET /v1/models` has OpenAI's shape."""
    status, models = call(f"{hello['base_url']}/models")

    assert (200, "list", "faulty-1") == (status, models["object"], models["data"][0]["id"])
