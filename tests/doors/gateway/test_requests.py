"""What a chat request may look like, and what is said of those that may not."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gateway.faults import Fault
from seatrial.gateway.fields import DENIED
from seatrial.gateway.openai_in import read_chat
from seatrial.gateway.settings import DoorSettings
from tests.doors.gateway.scripted import CHAT, HOST, JSON, KEY, Client, FakeApp, Wire, scope

pytestmark = pytest.mark.anyio


async def test_body_goes_on_as_it_came() -> None:
    """Fields that we do not know are data; `model` names the feature and is ours."""
    app = FakeApp()
    extra = {"temperature": 0.5, "top_k": 7, "tools": [], "x_vendor": {"a": None}, "timeout": 3}
    await Client(app).chat(extra)

    assert "support" == app.asked[0].feature
    assert {"messages": CHAT["messages"], **extra} == app.asked[0].body


async def test_caller_is_who_the_headers_say() -> None:
    """Our headers stand above the body's fields."""
    app = FakeApp()
    await Client(app).chat(
        {"user": "body", "metadata": {"product": "loan"}},
        headers=[
            ("authorization", f"Bearer {KEY}"),
            ("seatrial-user", "ann"),
            ("seatrial-session", "s1"),
            ("seatrial-tags", "beta, , web "),
        ],
    )
    request = app.asked[0]

    assert ("k1", "support", "ann", "s1", ("beta", "web")) == (
        request.caller.key_id,
        request.caller.key_scope,  # what the key may see stays with it
        request.caller.user,
        request.caller.session,
        request.caller.tags,
    )
    assert {"product": "loan"} == request.variables


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({}, ""),
        ({"user": "u"}, "u"),
        ({"safety_identifier": "s", "user": "u"}, "s"),
        ({"safety_identifier": None, "user": "u"}, "u"),
    ],
)
async def test_caller_is_who_the_body_says(fields: dict[str, Any], user: str) -> None:
    """`safety_identifier` is the newer name of `user`."""
    app = FakeApp()
    await Client(app).chat(fields)

    assert user == app.asked[0].caller.user


@pytest.mark.parametrize(("header", "left_s"), [(None, 10), ("2.5", 2.5), ("1e9", 10)])
async def test_deadline_is_the_shorter_one(header: str | None, left_s: float) -> None:
    """A caller may shorten the feature's deadline, never stretch it."""
    app = FakeApp(feature_deadline_s=10)
    await Client(app).chat(headers=[("seatrial-deadline", header)] if header else [])

    assert left_s - 1 < app.asked[0].deadline - app.now() <= left_s


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf", ""])
async def test_bad_deadline_is_refused(value: str) -> None:
    """It is a positive number of seconds."""
    reply = await Client(FakeApp()).chat(headers=[("seatrial-deadline", value)])

    assert (400, "seatrial-deadline") == (reply.status, reply.error["param"])


TEXT = {"type": "text", "text": "Hi"}
FINE = [
    {"role": "developer", "content": "Be kind."},
    {"role": "system", "content": [TEXT]},
    {"role": "user", "content": [TEXT, {"type": "image_url", "image_url": {"url": "data:,"}}]},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]},
    {"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]},
    {"role": "assistant", "content": None, "refusal": "No."},
    {"role": "tool", "content": "4", "tool_call_id": "1"},
    {"role": "function", "name": "f", "content": None},
]


@pytest.mark.parametrize("message", FINE, ids=json.dumps)
async def test_legal_messages_pass(message: dict[str, Any]) -> None:
    """Every shape that OpenAI's clients write."""
    assert 200 == (await Client(FakeApp()).chat(messages=[message])).status


BAD: list[tuple[Any, str]] = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": ["Hi"]}, "messages[0]"),
    ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "boss", "content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 4}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["Hi"]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}, "messages[0].content[0]"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 4}]}]},
        "messages[0].content[0].text",
    ),
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": ["support"]}, "model"),
    ({"model": "m" * 300}, "model"),
    ({"stream": "yes"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream": True, "stream_options": []}, "stream_options"),
    ({"stream_options": {}}, "stream_options"),
    ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"metadata": {str(i): "" for i in range(17)}}, "metadata"),
    ({"user": 4}, "user"),
    ({"safety_identifier": "s" * 300}, "safety_identifier"),
]


@pytest.mark.parametrize(("fields", "param"), BAD, ids=lambda each: json.dumps(each)[:60])
async def test_bad_request_names_the_part(fields: dict[str, Any], param: str) -> None:
    """400, `param`, and no attempt."""
    app = FakeApp()
    reply = await Client(app).chat(fields)

    assert 400 == reply.status
    assert param == reply.error["param"]
    assert ("invalid_request", "invalid_request_error") == (
        reply.error["code"],
        reply.error["type"],
    )
    assert "false" == reply.headers["x-should-retry"]
    assert [] == app.asked


PREFIXED = ["aws_region_name", "azure_ad_token", "litellm_params", "vertex_project", "API_BASE"]


@pytest.mark.parametrize("value", ["http://127.0.0.1:1/v1", {"url": "http://x"}, ["x"], None])
@pytest.mark.parametrize("name", ["api_base", "base_url", *PREFIXED])
async def test_steering_fields_get_400(name: str, value: Any) -> None:
    """Callers choose no upstream, whatever the shape."""
    app = FakeApp()
    reply = await Client(app).chat({name: value})

    assert (400, "field_not_allowed", name) == (
        reply.status,
        reply.error["code"],
        reply.error["param"],
    )
    assert [] == app.asked


async def test_every_denied_field_is_denied() -> None:
    """The whole list, one by one."""
    client = Client(FakeApp())

    assert [] == [name for name in DENIED if (await client.chat({name: "x"})).status != 400]


async def test_unknown_feature_is_404() -> None:
    """With the code and the part that clients know."""
    reply = await Client(FakeApp()).chat(model="nobody")

    assert (404, "model_not_found", "model") == (
        reply.status,
        reply.error["code"],
        reply.error["param"],
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b'{"model": "\xff"}',
        b'{"model": "\\ud800"}',
        b'{"model": NaN}',
        b'{"model": 1e999}',
        b'{"model": 01}',
        b"{'model': 1}",
        b'{"model": "a\nb"}',
    ],
)
async def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    """400 with `invalid_json`, never a 500."""
    reply = await Client(FakeApp()).chat(raw=raw)

    assert (400, "invalid_json") == (reply.status, reply.error["code"])


async def test_duplicate_keys_are_json() -> None:
    """The last one counts, as in every JSON reader."""
    app = FakeApp()
    raw = json.dumps(CHAT)[:-1].encode() + b',"seed":1,"seed":2}'
    await Client(app).chat(raw=raw)

    assert 2 == app.asked[0].body["seed"]


async def test_large_body_is_refused_by_its_length() -> None:
    """Before a byte of it is read."""
    client = Client(FakeApp(), DoorSettings(max_body_bytes=100))
    reply = await client.chat(raw=b"{}", headers=[("content-length", "101")])

    assert (413, "body_too_large") == (reply.status, reply.error["code"])


async def test_large_body_is_refused_while_it_comes() -> None:
    """Without a length the bytes are counted."""
    client = Client(FakeApp(), DoorSettings(max_body_bytes=100))

    wire = Wire([b"x" * 60, b"x" * 60, b"x", b"x"])
    await client.asgi(scope(headers=[HOST, JSON]), wire.receive, wire.send)

    assert 413 == wire.reply.status
    assert 2 == len(wire._parts)
    assert 413 == (await client.chat(raw=b"x" * 101)).status


async def test_body_in_parts_is_one() -> None:
    """Parts are joined before they are read."""
    raw = json.dumps(CHAT).encode()

    assert 200 == (await Client(FakeApp()).chat(raw=[raw[:5], raw[5:20], b"", raw[20:]])).status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_other_types_are_refused(kind: str) -> None:
    """Browsers may send these across sites without asking."""
    raw = json.dumps(CHAT).encode()
    reply = await Client(FakeApp()).ask(
        "POST", "/v1/chat/completions", headers=[("content-type", kind)], body=raw
    )

    assert (415, "content-type") == (reply.status, reply.error["param"])


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_type_in_every_spelling(kind: str) -> None:
    """Parameters and case do not matter."""
    reply = await Client(FakeApp()).ask(
        "POST",
        "/v1/chat/completions",
        headers=[("content-type", kind)],
        body=json.dumps(CHAT).encode(),
    )

    assert 200 == reply.status


async def test_gzip_is_read() -> None:
    """Clients on slow lines may compress."""
    raw = gzip.compress(json.dumps(CHAT).encode(), mtime=0)

    assert 200 == (await Client(FakeApp()).chat(raw=raw, headers=[GZIP])).status


GZIP = ("content-encoding", "gzip")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (gzip.compress(b" " * 1_000_000, mtime=0), 413),
        (gzip.compress(json.dumps(CHAT).encode(), mtime=0)[:-4], 400),
        (gzip.compress(json.dumps(CHAT).encode(), mtime=0) + b"x", 400),
        (b"not gzip", 400),
        (b"", 400),
    ],
)
async def test_bad_gzip_is_refused(raw: bytes, status: int) -> None:
    """Bombs, cut files and files with something behind them."""
    assert status == (await Client(FakeApp()).chat(raw=raw, headers=[GZIP])).status


async def test_other_codings_are_refused() -> None:
    """415 says which are taken."""
    reply = await Client(FakeApp()).chat(headers=[("content-encoding", "br")])

    assert (415, "content-encoding") == (reply.status, reply.error["param"])


@pytest.mark.parametrize(
    "header",
    [
        ("seatrial-user", "u" * 300),
        ("seatrial-user", "a\tb"),
        ("seatrial-tags", ",".join("abcdefghijklmnopq")),
    ],
)
async def test_bad_hint_names_the_header(header: tuple[str, str]) -> None:
    """Hints are short printable text."""
    reply = await Client(FakeApp()).chat(headers=[header])

    assert (400, header[0]) == (reply.status, reply.error["param"])


async def test_hint_twice_is_refused() -> None:
    """Which one counts would be a guess."""
    twice = [("seatrial-user", "a"), ("seatrial-user", "b")]

    assert 400 == (await Client(FakeApp()).chat(headers=twice)).status
    assert 400 == (await Client(FakeApp()).chat(headers=[JSON])).status


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["user", "assistant", "tool"]) | VALUES,
            "content": st.text(max_size=5) | VALUES,
            "tool_calls": VALUES,
        },
    )
    | VALUES,
    max_size=3,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.just("support") | VALUES,
            "messages": MESSAGES | VALUES,
            "stream": VALUES,
            "stream_options": VALUES,
            "metadata": VALUES,
            "user": VALUES,
            "api_key": VALUES,
        },
    )
)
def test_any_object_is_read_or_refused(request: dict[str, Any]) -> None:
    """Nothing but a `Fault` comes of it, and what passes is what the engine relies on."""
    try:
        ask = read_chat(json.dumps(request).encode(), DoorSettings())
    except Fault:
        return
    assert isinstance(ask.feature, str)
    assert all(isinstance(each, dict) for each in ask.body["messages"])
    assert all(isinstance(value, str) for value in ask.variables.values())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing but a `Fault` comes of noise."""
    with pytest.raises(Fault):
        read_chat(raw, DoorSettings())
