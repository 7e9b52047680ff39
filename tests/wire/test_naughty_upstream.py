"""Strings that break careless programs, said by a model, sent in headers, and read in records."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import os
import re
import socket
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from rich.console import Console

from seatrial.app.lookup import read_record
from seatrial.cli.timeline import draw
from seatrial.store import open_store
from seatrial.testing.process import GatewayProcess
from seatrial.values.records import Record
from tests.wire.nasty import NASTY, listed
from tests.wire.parrot import WAYS, Parrot, parrot

pytestmark = [pytest.mark.wire, pytest.mark.timeout(600)]

CONFIG = """
[service]
store = "sqlite:{folder}/records.db"

[targets.one]
base_url = "{url}/v1"
model = "m"

[targets.other]
provider = "anthropic"
base_url = "{url}"
model = "m"
api_key = "env:NAUGHTY_KEY"

[targets.one.retry]
tries = 1

[targets.other.retry]
tries = 1

[targets.one.breaker]
consecutive = 1000
min_attempts = 100000

[targets.other.breaker]
consecutive = 1000
min_attempts = 100000

[features.openai]
route = ["one"]

[features.anthropic]
route = ["other"]
"""
DOORS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
HEADERS = set(
    "content-type content-length date server connection transfer-encoding cache-control "
    "x-request-id request-id x-accel-buffering retry-after retry-after-ms x-should-retry".split()
)
IN_A_ROW = 100  # fewer failures than open a breaker
JSON = {"content-type": "application/json"}


@dataclass
class House:
    """A gateway, what it asks, and where its records are."""

    gateway: GatewayProcess
    upstream: Parrot
    store: str
    ids: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)  # whole answers, by record

    def count(self) -> int:
        """Return how many records there are."""
        with closing(sqlite3.connect(self.store.removeprefix("sqlite:"))) as store:
            return int(store.execute("SELECT count(*) FROM record").fetchone()[0])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all."""
    folder = tmp_path_factory.mktemp("naughty")
    with parrot() as upstream:
        (folder / "seatrial.toml").write_text(CONFIG.format(folder=folder, url=upstream.url))
        environ = {**os.environ, "NAUGHTY_KEY": "k" * 20}
        with GatewayProcess(folder / "seatrial.toml", environ=environ) as gateway:
            yield House(gateway, upstream, f"sqlite:{folder / 'records.db'}")


def asked(path: str, feature: str, stream: bool) -> dict[str, Any]:
    """A request with a tool, as each door has it."""
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    body: dict[str, Any] = {"model": feature, "stream": stream}
    match path:
        case "/v1/chat/completions":
            function = {"name": "find", "parameters": schema}
            body["messages"] = [{"role": "user", "content": "Hi"}]
            body["tools"] = [{"type": "function", "function": function}]
        case "/v1/responses":
            body["input"] = "Hi"
            body["tools"] = [{"type": "function", "name": "find", "parameters": schema}]
        case _:
            body |= {"max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
            body["tools"] = [{"name": "find", "input_schema": schema}]
    return body


def one_way(house: House, path: str, feature: str, way: str, strings: list[str]) -> Counter[str]:
    """Let the upstream say every string in one way; return how often each status came."""
    house.upstream.way = way
    statuses: Counter[str] = Counter()
    with closing(http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=30)) as line:
        for text in strings:
            house.upstream.text = text
            for stream in (False, True):
                body = json.dumps(asked(path, feature, stream)).encode()
                line.request("POST", path, body, JSON)
                reply = line.getresponse()
                came = reply.read()
                told = (path, feature, way, stream, text[:80], reply.status, came[:400])
                check_headers(reply)
                house.ids.append(str(reply.headers["seatrial-record"]))
                statuses[str(reply.status)] += 1
                whole = reply.headers["content-type"] == "application/json"
                found = [json.loads(came)] if whole else events_of(came)
                assert b"internal_error" not in came, told
                if reply.status != 200:
                    assert way != "text" or not text.strip(), told
                    assert reply.status < 500 or b"no_target_left" in came, told
                elif way == "text":
                    assert text == spoken(path, found, stream), told
                    house.said[house.ids[-1]] = text
                elif way == "tool":
                    assert {"q": text} == json.loads(called(path, found, stream)), told
    return statuses


def check_headers(reply: http.client.HTTPResponse) -> None:
    """Fail when a header is none of ours, or stands there twice."""
    names = [name.lower() for name, _ in reply.getheaders()]
    assert len(names) == len(set(names)), names
    assert {n for n in names if not n.startswith("seatrial-")} <= HEADERS, names


def events_of(came: bytes) -> list[Any]:
    """Return the JSON of each event; fail when one cannot be read."""
    found = []
    for block in came.decode().removesuffix("\n\n").split("\n\n"):
        *names, data = block.split("\n")
        assert all(re.fullmatch(r"event: [a-z_.]+|id: \w+|: .*", name) for name in names), block
        assert data.startswith(("data: ", ": ")), block
        if data != "data: [DONE]" and data.startswith("data: "):
            found.append(json.loads(data[6:]))
    return found


def spoken(path: str, found: list[Any], stream: bool) -> str:
    """Return the text of an answer."""
    match path, stream:
        case "/v1/chat/completions", False:
            return str(found[0]["choices"][0]["message"]["content"])
        case "/v1/chat/completions", True:
            deltas = [each["choices"][0]["delta"] for each in found if each.get("choices")]
            return "".join(delta.get("content") or "" for delta in deltas)
        case "/v1/responses", False:
            return str(found[0]["output"][0]["content"][0]["text"])
        case "/v1/responses", True:
            return "".join(
                each["delta"] for each in found if each["type"] == "response.output_text.delta"
            )
        case _, False:
            return str(found[0]["content"][0]["text"])
        case _:
            deltas = [each["delta"] for each in found if each["type"] == "content_block_delta"]
            return "".join(delta.get("text", "") for delta in deltas)


def called(path: str, found: list[Any], stream: bool) -> str:
    """Return the arguments of the one tool call of an answer."""
    match path, stream:
        case "/v1/chat/completions", False:
            calls = found[0]["choices"][0]["message"]["tool_calls"]
            return str(calls[0]["function"]["arguments"])
        case "/v1/chat/completions", True:
            deltas = [each["choices"][0]["delta"] for each in found if each.get("choices")]
            parts = [part for delta in deltas for part in delta.get("tool_calls") or ()]
            return "".join(part["function"].get("arguments") or "" for part in parts)
        case "/v1/responses", False:
            return str(found[0]["output"][0]["arguments"])
        case "/v1/responses", True:
            kind = "response.function_call_arguments.delta"
            return "".join(each["delta"] for each in found if each["type"] == kind)
        case _, False:
            return json.dumps(found[0]["content"][0]["input"])
        case _:
            deltas = [each["delta"] for each in found if each["type"] == "content_block_delta"]
            return "".join(delta.get("partial_json", "") for delta in deltas)


def kept(house: House, ids: list[str]) -> list[Record]:
    """Return the records of these requests, once the store had time to be handed all."""
    assert len(ids) == len(set(ids))
    store = open_store(house.store)
    try:
        deadline = time.monotonic() + 20
        missing = set(ids)
        while missing and time.monotonic() < deadline:
            time.sleep(0.2)
            missing = {
                each for each in missing if store.records.get(each, tenant="default") is None
            }
        assert set() == missing
        return [read_record(store, each) for each in ids]
    finally:
        store.close()


def check_record(record: Record) -> None:
    """Fail unless a record can be exported as JSON, read again, and shown on a terminal."""
    text = msgspec.json.format(msgspec.json.encode(record, enc_hook=repr), indent=2)
    again = json.loads(text)
    assert record.id == again["id"]
    console = Console(file=io.StringIO(), width=100, highlight=False, force_terminal=False)
    console.print(draw(record, width=100))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    steering = [sign for sign in shown if not sign.isprintable() and sign != "\n"]
    assert [] == steering, (record.id, steering)


def said_everywhere(house: House, strings: list[str], *, thin: int = 1) -> None:
    """Let both dialects say strings in every way at every door; then read the records.

    Every string is said as a text; in each other way every `thin`-th one is.
    """
    statuses: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for path in DOORS:
        before, stored = len(house.ids), house.count()
        for feature, at in itertools.product(
            ("openai", "anthropic"), range(0, len(strings), IN_A_ROW)
        ):
            part = strings[at : at + IN_A_ROW]
            for turn, way in enumerate(WAYS):
                some = part if way == "text" else part[turn % thin :: thin]
                statuses[path, feature, way] += one_way(house, path, feature, way, some)
        for record in kept(house, house.ids[before:]):
            check_record(record)
            assert house.said.get(record.id) in {None, (record.output or {}).get("text")}
            assert "internal_error" != record.code
            assert "raised" not in {each.cause for each in record.attempts}
        assert house.count() - stored == len(house.ids) - before
    for key, counted in statuses.items():
        sys.stderr.write(f"{' '.join(key)} {dict(counted)}\n")  # seen with `-s`


def test_whatever_a_model_says_arrives_and_is_kept(house: House) -> None:
    """Our own strings."""
    said_everywhere(house, NASTY, thin=6)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_whatever_of_the_list_a_model_says_arrives_and_is_kept(house: House) -> None:
    """The data set."""
    said_everywhere(house, listed())


def in_headers(house: House, strings: list[str]) -> Counter[int]:
    """Send every string in our headers; return how often each status came."""
    house.upstream.way, house.upstream.text = "text", "Hello."
    statuses: Counter[int] = Counter()
    expected: dict[str, str] = {}
    body = json.dumps(asked(DOORS[0], "openai", False)).encode()
    for text in strings:
        value = text.encode("utf-8", "surrogatepass")
        with socket.create_connection(("127.0.0.1", house.gateway.port), timeout=10) as line:
            line.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\nseatrial-user: %b\r\n"
                b"seatrial-session: %b\r\nseatrial-tags: a,%b\r\n\r\n"
                % (len(body), *(value,) * 3)
                + body
            )
            reply = http.client.HTTPResponse(line)
            reply.begin()
            came = reply.read()
        check_headers(reply)
        statuses[reply.status] += 1
        assert reply.status < 500, (text, came)
        if reply.status == 200 and not {"\r", "\n", "\0"} & set(text):
            expected[str(reply.headers["seatrial-record"])] = text.strip()
    for record in kept(house, list(expected)):
        assert expected[record.id] == record.user
        assert expected[record.id] == record.session
        tags = ["a", *(tag.strip() for tag in expected[record.id].split(","))]
        assert [tag for tag in tags if tag] == list(record.tags)
        check_record(record)
    return statuses


def test_headers_are_text_or_refused(house: House) -> None:
    """What HTTP allows is kept as it came, the rest is a 4xx; never a second header."""
    statuses = in_headers(house, [text for text in NASTY if len(text) < 2_000])

    assert statuses[200] > 60


@pytest.mark.slow
def test_headers_of_the_list_are_text_or_refused(house: House) -> None:
    """The data set."""
    assert in_headers(house, listed())[200] > 400


@pytest.mark.parametrize("path", DOORS)
def test_half_a_character_is_refused(house: House, path: str) -> None:
    """A lone surrogate in an escape, and bytes that are no UTF-8: a 400 that says so."""
    house.upstream.way, house.upstream.text = "text", "Hello."
    good = json.dumps(asked(path, "openai", False))
    with closing(http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=10)) as line:
        for half in (rb"\ud800", rb"\udc00\ud800", b"\xff", b"\xc0\x80", b"\xed\xa0\x80"):
            line.request("POST", path, good.encode().replace(b"Hi", half), JSON)
            reply = line.getresponse()
            came = json.loads(reply.read())
            assert 400 == reply.status, (half, came)


def test_names_of_schemas_are_text(house: House) -> None:
    """In `response_format`: sent on, or refused as the caller's mistake."""
    house.upstream.way, house.upstream.text = "text", "{}"
    ids = []
    with closing(http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=10)) as line:
        for text in NASTY:
            schema = {"name": text, "description": text, "schema": {"title": text}}
            body = asked(DOORS[0], "openai", False)
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
            line.request("POST", DOORS[0], json.dumps(body).encode(), JSON)
            reply = line.getresponse()
            came = reply.read()
            assert reply.status in {200, 400}, (text, came)
            if record := reply.headers["seatrial-record"]:
                ids.append(record)

    for record in kept(house, ids):
        check_record(record)


def test_every_line_of_the_log_is_json(house: House) -> None:
    """Whatever was said; and none of it is in there."""
    assert house.gateway.events
    assert [] == [event for event in house.gateway.events if "text" in event]
