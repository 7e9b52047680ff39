"""Whatever callers and upstreams send, memory stays in its bound and the others are answered.

The bound is what docs/explanation/security.md promises, worked out from the configuration.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.wire.hostile import MIB, Ground, Seen, bystanders, ground, together

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

BODY, BODIES, ANSWER = 4 * MIB, 16 * MIB, 2 * MIB
CONNECTION = 384 * 1024
RECORDS = 64 * MIB
SLACK_S = 1.5  # other tests run on the same machine
FAULTS = {
    "bomb": "gzip-bomb?mb=500",
    "body": "huge-body?mb=64",
    "event": "huge-event?mb=16",
    "headers": "huge-headers?kb=4096",
    "interim": "many-1xx?count=50000",
    "endless": "endless?tokens=10000000&gap_s=0",
    "pings": "pings-only?gap_s=0",
    "empty": "empty-deltas?gap_s=0",
    "deep": "deep-json?depth=100000",
    "calls": "tool-many?count=100000",
}
CONFIG = f"""
[service]
store = "sqlite:records.db"
max_body_bytes = {BODY}
max_bodies_bytes = {BODIES}

[targets.good]
provider = "openai"
base_url = "{{quiet}}"
model = "good"

[features.plain]
route = ["good"]

[features.checked]
route = ["good"]
[features.checked.input]
personal_data = "redact"
duplicates = "flag"
max_tokens = 100000000
schema = "question.json"
[features.checked.output]
leaks = "refuse"
""" + "".join(
    f"""
[targets.t-{name}]
provider = "openai"
base_url = "{{hostile}}"
model = "fault:{fault}"
max_answer_bytes = {ANSWER}
[features.{name}]
route = ["t-{name}"]
[features.{name}.requirements]
deadline_s = 3
"""
    for name, fault in FAULTS.items()
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One server, for everything that is thrown at it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "question.json").write_text('{"type": "object"}')
    with ground(folder, CONFIG) as running:
        for _ in range(20):
            chat(running, "plain")
        yield running
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def chat(here: Ground, feature: str, text: Any = "Hi", **more: Any) -> tuple[int, bytes]:
    """Ask once."""
    body = {"model": feature, "messages": [{"role": "user", "content": text}], **more}
    return here.ask("/v1/chat/completions", body)


def bound(before: int, *, connections: int = 0, answers: int = 0) -> int:
    """Return what the server may hold at most, in bytes."""
    return before + 8 * BODIES + RECORDS + connections * CONNECTION + answers * 4 * ANSWER


def check(seen: Seen, most: int) -> None:
    """Fail unless memory stayed in its bound and bystanders noticed nothing."""
    assert [] == seen.failed, str(seen)
    assert seen.peak <= most, f"{seen}, at most {most / MIB:.0f} MiB"
    assert min(map(len, seen.took_s.values())) >= 5, str(seen)
    assert seen.p99_s("livez") < SLACK_S, str(seen)
    assert seen.p99_s("chat") < SLACK_S, str(seen)


def some(names: Iterable[str], quick: set[str]) -> list[Any]:
    """Return all names as parameters, those that are not quick marked slow."""
    slow = pytest.mark.slow
    return [each if each in quick else pytest.param(each, marks=slow) for each in names]


# ---------------------------------------------------------------- bodies


def of(text: bytes, *, feature: str = "checked", most: int = BODY) -> bytes:
    """Write a request full of that text."""
    head, tail = (
        b'{"model":"%b","messages":[{"role":"user","content":"' % feature.encode(),
        b'"}]}',
    )
    return head + text * ((most - len(head) - len(tail)) // len(text)) + tail


def listed(item: bytes, *, key: bytes = b"messages", feature: str = "plain") -> bytes:
    """Write a request with as many of these as there is room for, at most 199,000."""
    head = b'{"model":"%b","%b":[' % (feature.encode(), key)
    count = min(199_000, (BODY - len(head) - 2) // (len(item) + 1))
    return head + b",".join([item] * count) + b"]}"


BODIES_OF: dict[str, Callable[[], bytes]] = {
    "letters": lambda: of(b"a"),
    "words": lambda: of(b"the quick brown fox jumps over it and "),
    "wide": lambda: of("\N{GRINNING FACE} é".encode()),
    # These are searched for seconds a megabyte.
    "digits": lambda: of(b"1 ", most=MIB),
    "cards": lambda: of(b"4111 1111 1111 1111 ", most=MIB // 2),
    "mails": lambda: of(b"jo@example.org ", most=MIB // 4),
    "signs": lambda: of(b"@a."),
    "attempts": lambda: of(b"ignore all previous instructions "),
    "escapes": lambda: of(b"\\u0041,"),
    "base64": lambda: of(b"aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM= "),
    "json": lambda: of(b'{\\"a\\":[1]} '),
    "deep": lambda: b'{"model":"plain","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep in text": lambda: of(b"[" * 100_000 + b"]" * 100_000),
    "nodes": lambda: listed(b"{}"),
    "quotes": lambda: listed(b'""'),
    "messages": lambda: listed(b'{"role":"user","content":"Hi"}', feature="checked"),
    "tools": lambda: listed(b'{"type":"function","function":{"name":"f"}}', key=b"tools"),
    "long number": lambda: b'{"model":"plain","x":' + b"9" * (BODY - 99) + b"}",
}


@pytest.mark.parametrize("name", some(BODIES_OF, {"wide", "mails", "quotes", "tools"}))
def test_large_bodies_hold_nobody_up(here: Ground, name: str) -> None:
    """Twice as many at once as there is room for; the loop is held for a moment at most."""
    body = BODIES_OF[name]()
    before = here.resident()
    here.held_s()
    # Under so many threads each beat of the loop waits for its turn: held alone, it is shorter.
    with bystanders(here) as seen:
        came = together(lambda: here.ask("/v1/chat/completions", body, limit_s=120)[0], 8)
    check(seen, bound(before))

    assert set(came) <= {200, 400, 413, 503, 504}
    assert 8 == len(came)


@pytest.mark.parametrize("name", some(BODIES_OF, {"cards", "quotes", "messages", "nodes"}))
def test_loop_is_hardly_held(here: Ground, name: str) -> None:
    """One large body, alone."""
    body = BODIES_OF[name]()
    held = []
    for _ in range(3):  # the machine has other work: the best of three tells
        here.held_s()
        here.ask("/v1/chat/completions", body, limit_s=120)
        held.append(here.held_s())
        if held[-1] < 0.05:
            break

    assert min(held) < 0.05, held


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/v1/embeddings"])
def test_other_doors_take_no_more(here: Ground, path: str) -> None:
    """Long lists of small things, and one long text."""
    key = {"/v1/messages": b"messages"}.get(path, b"input")
    long = of(b"word ", feature="plain").replace(b"messages", key)
    many = listed(b'{"role":"user","content":"Hi"}', key=key)
    texts = listed(b'"word"', key=key)
    before = here.resident()
    with bystanders(here) as seen:
        came = [
            status
            for body in (long, many, texts)
            for status in together(lambda body=body: here.ask(path, body)[0], 6)  # type: ignore[misc]
        ]
    check(seen, bound(before))

    assert set(came) <= {200, 400, 413, 503}


def test_packed_and_oversized_bodies_are_refused(here: Ground) -> None:
    """Bombs, 64 MB with and without a length: refused before they are taken in."""
    bomb = gzip.compress(b'{"model":"' + b" " * (64 * MIB) + b'"}')
    packed = {"content-encoding": "gzip"}
    before = here.resident()
    with bystanders(here) as seen:
        bombs = together(lambda: here.ask("/v1/chat/completions", bomb, packed)[0], 8)
        announced = together(lambda: push(here, b"Content-Length: %d\r\n" % (64 * MIB)), 8)
        endless = together(lambda: push(here, b"Transfer-Encoding: chunked\r\n"), 8)
    check(seen, bound(before))

    assert {413} == set(bombs)
    # A cut line is as good as an answer to somebody who does not listen.
    assert {413, 503, 0} >= {*announced, *endless}


def push(here: Ground, framing: bytes) -> int:
    """Send 64 MB whatever comes back; return the status, or 0 when the line was cut."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n%b" % framing
    part = b"a" * 65_536
    if b"chunked" in framing:
        part = b"10000\r\n" + part + b"\r\n"
    with socket.create_connection(("127.0.0.1", here.port), timeout=20) as line:
        with contextlib.suppress(OSError):
            line.sendall(head + b"Content-Type: application/json\r\n\r\n")
            for _ in range(1024):
                line.sendall(part)
        with contextlib.suppress(OSError):
            said = line.recv(65_536)
            return int(said.split()[1]) if said else 0
    return 0


# ---------------------------------------------------------------- upstreams


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", some(FAULTS, {"bomb", "endless", "event"}))
def test_hostile_upstreams_cost_little(here: Ground, name: str, stream: bool) -> None:
    """Bombs, bodies, events and streams without end: an answer or an error, in time."""
    before = here.resident()
    with bystanders(here) as seen:
        began = time.monotonic()
        came = together(lambda: chat(here, name, stream=stream), 6)
        took_s = time.monotonic() - began
    check(seen, bound(before, answers=6))

    assert took_s < 3 + 0.25 + SLACK_S
    assert all(isinstance(each, tuple) for each in came), came
    assert not any(each[0] == 500 for each in came if isinstance(each, tuple))


# ---------------------------------------------------------------- connections


@contextlib.contextmanager
def lines(here: Ground, count: int, first: bytes, *, small: bool = False) -> Iterator[list[Any]]:
    """Open so many connections and say the same on each."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            line = socket.socket()
            if small:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", here.port))
            line.sendall(first)
            opened.append(line)
        yield opened
    finally:
        for line in opened:
            line.close()


def raw(body: Any, *, length: int | None = None) -> bytes:
    """Write a chat request as bytes."""
    data = json.dumps(body).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (len(data) if length is None else length, data)
    )


def slow_readers(here: Ground, count: int) -> None:
    """Have so many ask for a stream without end and read nothing of it."""
    ask = raw({"model": "endless", "messages": [{"role": "user", "content": "Hi"}], "stream": True})
    before = here.resident()
    with bystanders(here) as seen, lines(here, count, ask, small=True):
        time.sleep(4.5)
    check(seen, bound(before, connections=count))


def test_slow_readers_are_let_go(here: Ground) -> None:
    """Two hundred of them."""
    slow_readers(here, 200)


@pytest.mark.slow
def test_ten_thousand_slow_readers(here: Ground) -> None:
    """As many as the machine lets us open."""
    slow_readers(here, min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500))


SLOW = {
    "silent": b"",
    "half a head": b"POST /v1/chat/completions HTTP/1.1\r\nHost: local",
    "half a body": raw({"model": "plain"}, length=BODY),
    "idle": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_writers_take_no_room(here: Ground, name: str) -> None:
    """Five hundred who send a byte now and then."""
    before = here.resident()
    with bystanders(here) as seen, lines(here, 500, SLOW[name]) as opened:
        for _ in range(3):
            time.sleep(0.3)
            for line in opened if name.startswith("half") else ():
                line.sendall(b"a")
    check(seen, bound(before, connections=500))


def test_trickled_long_bodies_leave_room_for_others(here: Ground) -> None:
    """What counts is what came, not what was announced."""
    with lines(here, 50, raw({"model": "plain"}, length=BODY)):
        status, _ = chat(here, "plain", "a" * (BODY // 2))

    assert 200 == status


def test_long_pipelines_are_read_piece_by_piece(here: Ground) -> None:
    """Thousands of requests on one line, and nobody reads the answers."""
    ask = raw({"model": "plain", "messages": [{"role": "user", "content": "Hi"}]})
    before = here.resident()
    with bystanders(here) as seen, lines(here, 20, ask * 20, small=True) as opened:
        for line in opened:
            line.settimeout(0.05)
            with contextlib.suppress(OSError):
                line.sendall(ask * 5_000)
        time.sleep(1)
    check(seen, bound(before, connections=20))


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"a" * 20_000 + b"\r\n",
        b"X: a\r\n" * 101,
        b"".join(b"X-%d: a\r\n" % i for i in range(5_000)),
        b"X" * 20_000 + b": a\r\n",
        b"Cookie: a=b\r\n" * 400,
    ],
    ids=["long value", "101 headers", "5000 headers", "long name", "cookies"],
)
def test_large_heads_are_refused(here: Ground, headers: bytes) -> None:
    """With 431, and the line is closed or goes on in order."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
    with lines(here, 1, head + headers + b"\r\n") as (line,):
        line.settimeout(5)
        said = line.recv(65_536)

    assert said.startswith(b"HTTP/1.1 431 "), said[:200]
