"""`POST /v1/embeddings`: texts in, vectors out, in the two forms that clients ask for."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gateway.embeddings import read_embeddings
from seatrial.gateway.faults import Fault
from seatrial.values.chat import Answer, Usage
from seatrial.values.decisions import Answered, HandedOff, Refused
from seatrial.values.vectors import pack
from tests.doors.gateway.scripted import JSON, Client, FakeApp, Reply, Script, read_or_fault, says

pytestmark = pytest.mark.anyio

VECTORS = (pack([1.0, -0.5]), pack([0.25, 2.0]))
GIVEN = Answer(None, model="embed-1", usage=Usage(input_tokens=3), vectors=VECTORS)


async def ask(script: Script | None = None, app: FakeApp | None = None, **fields: Any) -> Reply:
    """Ask at the door."""
    app = app or FakeApp(script=script or says(Answered(GIVEN, "large", 0)))
    body = {"model": "support", "input": ["a", "b"], **fields}
    return await Client(app).ask(
        "POST", "/v1/embeddings", headers=[JSON], body=json.dumps(body).encode()
    )


async def test_vectors_are_numbers_unless_asked_otherwise() -> None:
    """OpenAI's list, with the labels beside it."""
    reply = await ask()

    assert {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1.0, -0.5]},
            {"object": "embedding", "index": 1, "embedding": [0.25, 2.0]},
        ],
        "model": "embed-1",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    } == reply.json
    assert "answer" == reply.headers["seatrial-decision"]


async def test_vectors_in_base64_are_the_same_bytes() -> None:
    """Little-endian float32, as OpenAI's Python client asks by default."""
    reply = await ask(encoding_format="base64")

    assert [b64encode(each).decode() for each in VECTORS] == [
        each["embedding"] for each in reply.json["data"]
    ]
    assert VECTORS == tuple(b64decode(each["embedding"]) for each in reply.json["data"])


@pytest.mark.parametrize(
    ("given_", "asked"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
    ],
)
async def test_input_is_a_list_whatever_came(given_: Any, asked: Any) -> None:
    """Texts or tokens; the engine meets one shape."""
    app = FakeApp(script=says(Answered(GIVEN, "large", 0)))
    await ask(app=app, input=given_, dimensions=2, user="ann", encoding_format="float", x=1)

    assert {"input": asked, "dimensions": 2, "user": "ann", "x": 1} == app.asked[0].body
    assert ("embed", "ann") == (app.asked[0].kind, app.asked[0].caller.user)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"input": ""}, "input[0]"),
    ({"input": []}, "input"),
    ({"input": {}}, "input"),
    ({"input": ["a", ""]}, "input[1]"),
    ({"input": ["a", 1]}, "input[1]"),
    ({"input": [[]]}, "input[0]"),
    ({"input": [[True]]}, "input[0]"),
    ({"input": ["a"] * 2049}, "input"),
    ({"encoding_format": "int8"}, "encoding_format"),
    ({"encoding_format": []}, "encoding_format"),
    ({"dimensions": 0}, "dimensions"),
    ({"dimensions": True}, "dimensions"),
    ({"user": 1}, "user"),
    ({"model": None}, "model"),
    ({"base_url": "x"}, "base_url"),
]


@pytest.mark.parametrize(("fields", "param"), BAD, ids=lambda each: str(each)[:40])
async def test_malformed_requests_are_named(fields: dict[str, Any], param: str) -> None:
    """400 with the path."""
    reply = await ask(**fields)

    assert (400, param) == (reply.status, reply.error["param"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    )
)
def test_any_input_is_read_or_refused(value: Any) -> None:
    """There is a list, or a fault that names the part."""
    read = read_or_fault(read_embeddings, json.dumps({"model": "m", "input": value}).encode())

    assert read.param or "invalid_json" == read.code if isinstance(read, Fault) else read.body


async def test_what_no_target_gave_is_an_error() -> None:
    """A refusal as everywhere; and a person gives no vector."""
    refused = await ask(says(Refused("no_target_left", "None.")))
    handed_off = await ask(says(HandedOff("Soon.")))

    assert (503, 503) == (refused.status, handed_off.status)
    assert "person" in handed_off.error["message"]
