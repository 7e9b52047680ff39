"""Secrets planted everywhere, every fault through every door: nothing of them comes out anywhere.

Looked for in answers, in the log, in every file of the server, in what its commands print, and in
what reaches the targets; as they are, in base64 and in hex.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from seatrial.app import Seatrial
from seatrial.testing.process import GatewayProcess
from seatrial.testing.upstream import FAULTS, FaultyUpstream
from seatrial.testing.upstream._asks import key_digest
from tests.wire.waiting import until

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

TARGET_KEY = "zq7-target-canary-1f0c9a55d2"
SECOND_KEY = "sk-proj-zq7canary2nd0c9a55d2aabbcc"
VALKEY_WORD = "zq7-valkey-canary-41bb"
POSTGRES_WORD = "zq7-postgres-canary-93cc"
WRONG_KEY = "st-0000000000-zq7wrongcanary"
PERSONAL = ("zq7.canary@example.org", "4012888888881881", "GB33BUKB20201555555555")
TEXT = f"I am {PERSONAL[0]}, my card is {PERSONAL[1]}, my account {PERSONAL[2]}."
DOORS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": TEXT}],
        "metadata": {"mail": PERSONAL[0]},
    },
    "/v1/responses": {"input": TEXT},
    "/v1/messages": {"max_tokens": 99, "messages": [{"role": "user", "content": TEXT}]},
    "/v1/embeddings": {"input": [TEXT]},
}
FIRST = ("/v1/chat/completions", "crlf")
ECHOES = ("echo-400", "echo-401", "echo-403", "echo-404", "echo-429", "echo-500")


class Echo(BaseHTTPRequestHandler):
    """A target that says back whatever it was sent, its key and headers first."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status = int(asked["model"].rpartition("-")[2])
        heard = f"You sent {dict(self.headers)} and {asked}"
        body: dict[str, Any] = {"error": {"message": heard, "code": heard[:60], "type": heard}}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("x-heard", self.headers.get("authorization", ""))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """Run such a target."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def configuration(upstream: FaultyUpstream, echo: str, service: str) -> str:
    """Write a feature for each fault, in the dialects that have it."""
    parts = [f'[service]\nkeys = "required"\n{service}\n']
    places = [(name, f"fault:{name}", upstream.base_url) for name in sorted(FAULTS)]
    places += [(name, name, echo) for name in ECHOES]
    for name, model, url in places:
        parts.append(
            f'[targets.t-{name}]\nprovider = "openai"\nbase_url = "{url}"\nmodel = "{model}"\n'
            f'api_key = ["env:TARGET_KEY", "env:SECOND_KEY"]\n'
            f'[features.{name}]\nroute = ["t-{name}"]\n'
            f"[features.{name}.requirements]\ndeadline_s = 1\n"
            f'[features.{name}.input]\npersonal_data = "redact"\n'
            f'[features.{name}.output]\nleaks = "refuse"\n'
        )
    return "\n".join(parts)


def disguised(word: str) -> set[bytes]:
    """Return a secret as it may be written."""
    raw = word.encode()
    whole = base64.b64encode(raw).rstrip(b"=")
    return {raw, raw.hex().encode(), whole, base64.urlsafe_b64encode(raw).rstrip(b"=")}


class Hunt:
    """Collects everything that came out, and looks for secrets in it.

    Args:
        secrets: by name.
    """

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = {name: disguised(word) for name, word in secrets.items()}
        self.found: list[str] = []
        self.bytes = 0

    def look(self, where: str, data: bytes) -> None:
        """Look for every secret in what came out somewhere."""
        self.bytes += len(data)
        for name, words in self.secrets.items():
            if any(word in data for word in words):
                self.found.append(f"{name} in {where}")

    def look_into(self, folder: Path) -> None:
        """Look into every file but the secret's own."""
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in {"secret", "seatrial.toml"}:
                self.look(str(path.relative_to(folder)), path.read_bytes())


def ask(port: int, path: str, feature: str, key: str, *, stream: bool = False) -> bytes:
    """Ask once; return everything that came back."""
    body = {"model": feature, **DOORS[path], **({"stream": True} if stream else {})}
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
        line.request("POST", path, json.dumps(body), headers)
        reply = line.getresponse()
        return repr(reply.getheaders()).encode() + reply.read()


def printed(config: Path, *arguments: str, environ: dict[str, str]) -> bytes:
    """Return what a command prints, errors included."""
    command = [sys.executable, "-m", "seatrial", *arguments, "-c", str(config)]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("store", ["sqlite", "postgresql away"])
@pytest.mark.parametrize(
    "every",
    [8, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
    ids=["some", "all"],
)
def test_no_secret_comes_out(store: str, every: int, tmp_path: Path, echo: str) -> None:
    """Faults through each door, whole and streamed; then all that is kept and shown."""
    environ = {
        **os.environ,
        "TARGET_KEY": TARGET_KEY,
        "SECOND_KEY": SECOND_KEY,
        "COUNTERS": f"valkey://:{VALKEY_WORD}@127.0.0.1:9/0",
        "STORE": f"postgresql://me:{POSTGRES_WORD}@127.0.0.1:9/records",
    }
    config = tmp_path / "seatrial.toml"
    with pytest.MonkeyPatch.context() as patch, FaultyUpstream() as upstream:
        for name, value in environ.items():
            patch.setenv(name, value)
        config.write_text(configuration(upstream, echo, 'store = "sqlite:records.db"'))
        with GatewayProcess(config, environ=environ) as process:  # makes the store, learns the keys
            _, token = Seatrial.open(config).create_key("caller")
            revoked, gone = Seatrial.open(config).create_key("gone")
            Seatrial.open(config).revoke_key(revoked.id)
            until(lambda: b"invalid_api_key" not in ask(process.port, *FIRST, token), limit_s=60)
        service = 'store = "env:STORE"'
        if store == "sqlite":
            service = 'store = "sqlite:records.db"\ncounters = "env:COUNTERS"'
        config.write_text(configuration(upstream, echo, service))
        hunt = Hunt(
            {
                "target's key": TARGET_KEY,
                "target's second key": SECOND_KEY,
                "valkey's password": VALKEY_WORD,
                "postgresql's password": POSTGRES_WORD,
                "caller's key": token.rpartition("-")[2],
                "revoked key": gone.rpartition("-")[2],
                "wrong key": WRONG_KEY.rpartition("-")[2],
                **{f"personal data {word[:4]}": word for word in PERSONAL},
            }
        )
        secret = next(tmp_path.rglob("secret")).read_bytes()
        hunt.secrets["installation's secret"] = {secret, secret.hex().encode()} | {
            base64.b64encode(secret).rstrip(b"=")
        }
        with GatewayProcess(config, environ=environ) as process:
            for where, said in rounds(process.port, token, gone, every=every):
                hunt.look(where, said)
        hunt.look("the log", json.dumps(process.events).encode())
        hunt.look_into(tmp_path)
        if store == "sqlite":
            for arguments in commands(config, environ):
                hunt.look(" ".join(arguments), printed(config, *arguments, environ=environ))
        digests = {key_digest({"x-api-key": each}) for each in (TARGET_KEY, SECOND_KEY)}
        questions = json.dumps([entry.question for entry in upstream.log]).encode()
        headers = json.dumps([dict(entry.headers) for entry in upstream.log]).encode()
        hunt.look("what targets were asked", questions + headers)

        assert {entry.key for entry in upstream.log} <= digests
        assert hunt.bytes > 50_000
        assert [] == sorted(set(hunt.found)), "\n".join(sorted(set(hunt.found)))


def rounds(port: int, token: str, gone: str, *, every: int) -> list[tuple[str, bytes]]:
    """Ask for every fault through every door, and with keys that are none."""
    cases = [
        (path, key, feature, stream)
        for path in DOORS
        for feature in (*sorted(FAULTS)[::every], *ECHOES)
        for stream in ((False,) if "embed" in path else (False, True))
        for key in (token,)
    ]
    cases += [(path, key, "cut", False) for path in DOORS for key in (gone, WRONG_KEY)]

    def one(case: tuple[str, str, str, bool]) -> tuple[str, bytes]:
        path, key, feature, stream = case
        return f"{feature} by {path}", ask(port, path, feature, key, stream=stream)

    with ThreadPoolExecutor(24) as pool:
        return list(pool.map(one, cases))


def commands(config: Path, environ: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Iterate over commands that show what is kept."""
    listed = printed(config, "records", "list", "--json", "-n", "1000", environ=environ)
    ids = [record["id"] for record in json.loads(listed)["records"]]
    assert len(ids) > 50
    yield ("records", "list", "-n", "1000")
    for id_ in ids[:: len(ids) // 5]:
        yield ("records", "show", id_, "--json")
        yield ("records", "show", id_)
    yield ("keys", "list")
    yield ("keys", "list", "--json")
    yield ("config", "show")
    yield ("check",)
