"""Strings that break careless programs, in every text field of every door."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seatrial.testing.process import GatewayProcess
from tests.wire.nasty import LISTED, NASTY, listed

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CONFIG = """
[service]
store = "sqlite:{folder}/records.db"

[targets.echo]
provider = "python"
call = "tests.wire.echoing:answer"

[targets.vectors]
provider = "python"
call = "tests.wire.echoing:vectors"

[features.support]
route = ["echo"]
prompt = "prompt.md"

[features.near]
route = ["vectors"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, Path]]:
    """A gateway whose answers are what it was asked."""
    folder = tmp_path_factory.mktemp("naughty")
    (folder / "seatrial.toml").write_text(CONFIG.format(folder=folder))
    (folder / "prompt.md").write_text("Be kind to {{name}}.")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with GatewayProcess(folder / "seatrial.toml", environ=environ) as process:
        yield process, folder / "records.db"


def chat(text: str) -> dict[str, Any]:
    """Put a string wherever a chat request takes text."""
    function = {"name": text, "description": text, "parameters": {"title": text}}
    return {
        "model": "support",
        "messages": [
            {"role": "system", "content": text},
            {"role": "user", "name": text, "content": [{"type": "text", "text": text}]},
            {
                "role": "assistant",
                "content": text,
                "tool_calls": [
                    {"id": text, "type": "function", "function": {"name": text, "arguments": text}}
                ],
            },
            {"role": "tool", "tool_call_id": text, "content": text},
            {"role": "user", "content": text},
        ],
        "metadata": {"name": text, text[:60] or "a": text},
        "user": text[:200],
        "stop": [text],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": text,
        "service_tier": text,
        f"x{text}": text,
    }


def responses(text: str) -> dict[str, Any]:
    """Put a string wherever a request of the Responses takes text."""
    name = text or "a"
    return {
        "model": "support",
        "instructions": text,
        "input": [
            {"role": "user", "content": text},
            {
                "type": "function_call",
                "call_id": text or "a",
                "name": text or "a",
                "arguments": text,
            },
            {"type": "function_call_output", "call_id": text or "a", "output": text},
            {"role": "user", "content": [{"type": "input_text", "text": text}]},
        ],
        "prompt": {"id": "support", "variables": {"name": text}},
        "metadata": {text[:60] or "a": text},
        "safety_identifier": text[:200],
        "prompt_cache_key": text,
        "tools": [{"type": "function", "name": name, "description": text}],
        "reasoning": {"effort": text},
    }


def messages(text: str) -> dict[str, Any]:
    """Put a string wherever a request of the Messages takes text."""
    name = text or "a"
    return {
        "model": "support",
        "max_tokens": 9,
        "system": [{"type": "text", "text": text}],
        "messages": [
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool_use",
                        "id": text or "a",
                        "name": text or "a",
                        "input": {text: text},
                    }
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": name, "content": text},
                    {"type": "text", "text": text},
                ],
            },
        ],
        "metadata": {"name": text, "user_id": text[:200]},
        "stop_sequences": [text],
        "tools": [{"name": name, "description": text, "input_schema": {"title": text}}],
    }


def embeddings(text: str) -> dict[str, Any]:
    """Put a string wherever a request for vectors takes text."""
    return {"model": "near", "input": [text or "a", "b"], "user": text[:200]}


DOORS = {
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/messages": messages,
    "/v1/embeddings": embeddings,
}


def strings(whole: bool) -> list[str]:
    """Return the data set, or our own strings."""
    return listed() if whole else NASTY


@pytest.mark.parametrize("whole", [False, True], ids=["ours", "listed"])
@pytest.mark.parametrize("path", DOORS)
def test_no_string_breaks_a_door(
    path: str, whole: bool, gateway: tuple[GatewayProcess, Path]
) -> None:
    """No 500, no lost record, and the text comes back as it was, whole and streamed."""
    process, records = gateway
    asked: list[str] = []
    answered = 0
    with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)) as line:
        for text in strings(whole):
            for stream in (False, True) if "embed" not in path else (False,):
                body = {**DOORS[path](text), "stream": stream}
                if "embed" in path:
                    del body["stream"]
                said, record = tell(line, path, body)
                asked += [record] if record else []
                if stream or b'"error"' in said[:30]:
                    continue
                answered += 1
                if "embed" not in path:
                    assert (text if text.strip() else "(silence)") == spoken(path, json.loads(said))

    assert answered > 0.9 * len(strings(whole))
    assert set() == lost(set(asked), records)


@pytest.mark.parametrize("path", DOORS)
def test_no_string_breaks_a_name(path: str, gateway: tuple[GatewayProcess, Path]) -> None:
    """As a model, a field, a value of an enumeration: a 4xx that can be read."""
    process, _ = gateway
    with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)) as line:
        for text in strings(LISTED.exists()):
            good = DOORS[path]("Hi")
            for wrong in ({"model": text}, {"metadata": text}, {"input": text, "messages": text}):
                line.request(
                    "POST",
                    path,
                    json.dumps({**good, **wrong}),
                    {"content-type": "application/json"},
                )
                reply = line.getresponse()
                body = json.loads(reply.read())
                assert reply.status < 500, (text, body)


def test_log_lines_parse(gateway: tuple[GatewayProcess, Path]) -> None:
    """Whatever was sent, every line of the log is JSON."""
    process, _ = gateway

    assert [] == [event for event in process.events if "text" in event]


def tell(line: http.client.HTTPConnection, path: str, body: Any) -> tuple[bytes, str]:
    """Ask once; return what came, and the record's id."""
    line.request("POST", path, json.dumps(body).encode(), {"content-type": "application/json"})
    reply = line.getresponse()
    said = reply.read()
    # An echo may say what the checks of answers keep back: that is told, and no 500 either.
    assert reply.status in {200, 400} or b"no_target_left" in said, (reply.status, said, body)
    if reply.headers["content-type"] == "application/json":
        json.loads(said)
    else:
        check_events(said)
    return said, reply.headers.get("seatrial-record") or ""


def check_events(said: bytes) -> None:
    """Fail unless each event can be read, whatever is in its text."""
    for block in said.decode().removesuffix("\n\n").split("\n\n"):
        *_, data = block.split("\n")
        assert data.startswith("data: ")
        assert data == "data: [DONE]" or json.loads(data[6:])


def spoken(path: str, body: Any) -> str:
    """Return what the answer says."""
    match path:
        case "/v1/chat/completions":
            said = body["choices"][0]["message"]["content"]
        case "/v1/responses":
            said = body["output"][0]["content"][0]["text"]
        case _:
            said = body["content"][0]["text"]
    return str(said)


def lost(asked: set[str], records: Path) -> set[str]:
    """Return which records the store does not hold, once it had time to be handed all."""
    missing = asked
    deadline = time.monotonic() + 10
    while missing and time.monotonic() < deadline:
        time.sleep(0.1)
        with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as store:
            missing = asked - {str(row[0]) for row in store.execute("SELECT id FROM record")}
    return missing
