"""`seatrial serve` as a process."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from seatrial.cli.serve import open_serving, start_facts
from seatrial.gateway.settings import door_settings
from tests.doors.cli.conftest import Run

LIMIT_S = 60.0


@contextmanager
def served(
    folder: Path, *options: str, python: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Serve a folder on a free port; give the process and what it said at its start."""
    command = [
        sys.executable, *python, "-m", "seatrial", "serve", "--listen", "127.0.0.1:0", "--json",
    ]  # fmt: skip
    process = subprocess.Popen(
        [*command, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline() or process.communicate()[1])
    finally:
        process.kill()
        process.communicate()


def post(url: str, key: str = "") -> dict[str, Any]:
    """Ask the starter's feature over HTTP."""
    body = {"model": "support", "messages": [{"role": "user", "content": "Where is my order?"}]}
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    request = Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=LIMIT_S) as reply:
        content: dict[str, Any] = json.load(reply)
    return content


def refused_serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a server that should not start."""
    return subprocess.run(
        [sys.executable, "-m", "seatrial", "serve", "--listen", "127.0.0.1:0", *options],
        cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip


@pytest.mark.wire
def test_serve_answers_and_ends(run: Run, service: Path) -> None:
    """It says where it is, answers there, keeps a record, and ends well when told to."""
    with served(service) as (process, start):
        reply = post(start["url"])
        began_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LIMIT_S)

    assert ("serving", 0, False) == (start["event"], start["keys"], start["keys_needed"])
    assert {"support"} == set(start["features"])
    assert reply["choices"][0]["message"]["content"].startswith("Your order is on its way.")
    assert (0, "") == (process.returncode, err)
    assert "stopped" == json.loads(out.splitlines()[-1])["event"]
    assert time.monotonic() - began_at < 10
    assert 1 == run("records", "list", "--json").json["matching"]


@pytest.mark.wire
def test_serve_tells_of_a_reload(service: Path) -> None:
    """A changed file is taken up and told; a broken one is told with its problems."""
    file = service / "seatrial.toml"
    good = file.read_text()
    with served(service) as (process, _):
        assert process.stdout is not None
        file.write_text(good.replace("Sorry, I", "I"))
        loaded = json.loads(process.stdout.readline())
        file.write_text(good.replace("route", "rout"))
        rejected = json.loads(process.stdout.readline())

    assert "config.loaded" == loaded["event"]
    assert "config.rejected" == rejected["event"]
    assert "Did you mean route?" in rejected["problems"][0]


@pytest.mark.wire
def test_second_server_on_one_file_is_refused(run: Run, service: Path) -> None:
    """One SQLite file has one serving process; the second one says so, with exit code 1."""
    with served(service):
        second = refused_serve(service)

    assert 1 == second.returncode
    assert "already serves" in second.stderr


@pytest.mark.wire
def test_public_address_without_keys_is_refused(run: Run, service: Path) -> None:
    """Where others could ask, there must be a key first; the way to one is told."""
    refused = refused_serve(service, "--listen", "0.0.0.0:0")

    assert 1 == refused.returncode
    assert "seatrial keys create" in refused.stderr


@pytest.mark.wire
def test_key_opens_the_door(run: Run, service: Path) -> None:
    """Once there is a key, callers need it."""
    key = run("keys", "create", "web", "--json").json["key"]
    with served(service) as (_, start):
        with pytest.raises(HTTPError, match="401"):
            post(start["url"])
        reply = post(start["url"], key)

    assert (1, True) == (start["keys"], start["keys_needed"])
    assert reply["choices"]


@pytest.mark.wire
def test_people_see_where_it_is(service: Path) -> None:
    """Without --json the start tells address, features, keys, store and file in words."""
    environment = os.environ | {"SEATRIAL_SERVICE__LOG": "pretty"}
    process = subprocess.Popen(
        [sys.executable, "-m", "seatrial", "serve", "--listen", "127.0.0.1:0"],
        cwd=service, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    try:
        while "Ctrl-C" not in said and (line := process.stdout.readline()):
            said += line
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=LIMIT_S)[0]
    finally:
        process.kill()
        process.communicate()

    for words in (
        "Serving at http://127.0.0.1:",
        "answers → cache → say",
        "not needed: only this machine can ask",
        f"sqlite:{service / 'seatrial.db'}",
        str(service / "seatrial.toml"),
        "Stopped",
    ):
        assert words in said
    assert 0 == process.returncode


@pytest.mark.wire
def test_server_carries_no_luggage(run: Run, service: Path) -> None:
    """What draws for people, makes schemas or speaks to the other database is not loaded."""
    assert 0 == run("migrate").code
    with served(service, python=("-X", "importtime")) as (process, start):
        post(start["url"])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=LIMIT_S)
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines()}

    assert "sqlalchemy.dialects.sqlite" in loaded
    assert set() == loaded & {
        "rich", "pygments", "structlog", "colorama", "alembic", "mako", "aiohttp", "http.client",
        "psycopg", "sqlalchemy.dialects.postgresql", "seatrial.testing", "seatrial.cli.timeline",
    }  # fmt: skip


def test_keys_are_unknown_while_the_store_is_away(service: Path) -> None:
    """Before the store was ever read nobody can say whether keys are needed: they are."""
    serving = open_serving(service / "seatrial.toml", listen="", store="")
    facts = start_facts(serving, door_settings(serving.config.service), port=1)

    assert ("unknown", True) == (facts["keys"], facts["keys_needed"])


def test_start_tells_no_password(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is told by its name, whatever its address holds."""
    address = "postgresql://me:swordfish@127.0.0.1:1/records"
    monkeypatch.setenv("SEATRIAL_SERVICE__STORE", address)
    serving = open_serving(service / "seatrial.toml", listen="", store="")
    facts = start_facts(serving, door_settings(serving.config.service), port=1)

    assert "127.0.0.1:1/records" in facts["store"]
    assert "swordfish" not in str(facts)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_threads_share_their_memory() -> None:
    """The allocator takes the advice, in a process of its own."""
    code = "from seatrial.cli.memory import keep_together; print(keep_together())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() in {"True", "False"}
    assert "True" == said.stdout.strip() or "musl" in sys.version.lower()


def test_collector_looks_seldom() -> None:
    """What was there at the start is left alone, and the rest is looked at now and then."""
    code = (
        "import gc; from seatrial.cli.memory import search_seldom; search_seldom();"
        "print(gc.get_freeze_count() > 1000, gc.get_threshold()[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "True 10000" == said.stdout.strip()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its own memory")
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc only")
def test_memory_is_given_back() -> None:
    """What lies free between things in use goes back to the system, in a process of its own."""
    code = (
        "from seatrial.cli.memory import give_back\n"
        "def pages(): return int(open('/proc/self/statm').read().split()[1])\n"
        "kept = [bytes(2000) for _ in range(20_000)]\n"
        "kept = kept[::100]\n"
        "before = pages()\n"
        "print(give_back(), before - pages() > 5000)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "True True" == said.stdout.strip()
