"""Vectors from every kind of target."""

import json
from base64 import b64encode
from typing import Any

import pytest

from seatrial.ports import Call, Provider
from seatrial.providers.anthropic import AnthropicProvider
from seatrial.providers.openai import OpenAIProvider
from seatrial.providers.python import PythonProvider
from seatrial.providers.settings import TargetSettings
from seatrial.testing.upstream import FaultyUpstream
from seatrial.values.attempts import Cause, Failure, Timers
from seatrial.values.chat import Answer
from seatrial.values.vectors import pack, unpack
from tests.conformance.scripted_wire import LOST, Beats, FakeReply, FakeTransport

pytestmark = pytest.mark.anyio

A, B = pack([1.0, -0.5]), pack([0.25, 2.0])


def asks(*texts: str, **body: Any) -> Call:
    """Make a call for vectors."""
    return Call({"input": list(texts), **body}, False, 0, Timers(), "r1", kind="embed")


def target(*replies: FakeReply | Failure) -> tuple[OpenAIProvider, FakeTransport]:
    """Return a target in OpenAI's dialect."""
    transport = FakeTransport(*replies)
    settings = TargetSettings("openai", model="embed-1", base_url=("http://up/v1",))
    return OpenAIProvider(settings, transport), transport


def listed(*vectors: object, **more: Any) -> FakeReply:
    """Reply with these vectors."""
    data = [{"index": index, "embedding": each} for index, each in enumerate(vectors)]
    return FakeReply(json.dumps({"data": data, "model": "e", **more}).encode())


async def ask(provider: Provider, call: Call | None = None) -> Answer | Failure:
    """Ask once."""
    return await provider.ask(call or asks("a", "b"), Beats())


@pytest.mark.parametrize(
    "forms",
    [([1.0, -0.5], [0.25, 2]), (b64encode(A).decode(), b64encode(B).decode())],
    ids=["numbers", "base64"],
)
async def test_openai_vectors_in_both_forms(forms: tuple[Any, Any]) -> None:
    """Base64 is asked for; servers that know no better send numbers."""
    provider, transport = target(listed(*forms, usage={"prompt_tokens": 4, "total_tokens": 4}))
    answer = await ask(provider, asks("a", "b", dimensions=2))

    assert isinstance(answer, Answer)
    assert (A, B) == answer.vectors
    assert ("e", 4) == (answer.model, answer.usage and answer.usage.input_tokens)
    assert "http://up/v1/embeddings" == transport.calls[0].url
    assert {
        "encoding_format": "base64",
        "input": ["a", "b"],
        "dimensions": 2,
        "model": "embed-1",
    } == transport.body


async def test_openai_vectors_come_in_the_order_of_their_numbers() -> None:
    """Not in that of the reply."""
    data = [{"index": 1, "embedding": [0.25, 2.0]}, {"index": 0, "embedding": [1.0, -0.5]}]
    provider, _ = target(FakeReply(json.dumps({"data": data}).encode()))
    answer = await ask(provider)

    assert isinstance(answer, Answer)
    assert (A, B) == answer.vectors


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (FakeReply(b"{}"), Cause.INVALID_ANSWER),
        (FakeReply(b"<html>"), Cause.INVALID_ANSWER),
        (FakeReply(b'{"data": [{"embedding": "?"}]}'), Cause.INVALID_ANSWER),
        (FakeReply(b'{"data": [{"embedding": [1e99]}]}'), Cause.INVALID_ANSWER),
        (
            FakeReply(b'{"data": [{"index": 1, "embedding": []}, {"index": 1, "embedding": []}]}'),
            Cause.INVALID_ANSWER,
        ),
        (FakeReply(b'{"error": {"message": "no"}}', status=500), Cause.SERVER_ERROR),
        (FakeReply(b'{"error": {"message": "no", "type": "server_error"}}'), Cause.SERVER_ERROR),
        (FakeReply(LOST), Cause.CONNECTION_LOST),
        (LOST, Cause.CONNECTION_LOST),
    ],
)
async def test_openai_failures_are_values(reply: FakeReply | Failure, cause: Cause) -> None:
    """As for answers."""
    provider, _ = target(reply)
    failure = await ask(provider)

    assert isinstance(failure, Failure)
    assert cause is failure.cause
    assert isinstance(reply, Failure) or reply.closed


async def test_anthropic_has_none() -> None:
    """The route goes on; nothing was sent."""
    settings = TargetSettings("anthropic", model="m", base_url=("http://up",))
    transport = FakeTransport()
    failure = await ask(AnthropicProvider(settings, transport))

    assert isinstance(failure, Failure)
    assert (Cause.NO_ANSWER, False, []) == (failure.cause, failure.sent, transport.calls)


class Array:
    """What numpy's arrays do, as far as it is asked of them."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return f"Array({self.rows})"  # names a test: the same in every process

    def tolist(self) -> Any:
        return self.rows


GOOD: list[tuple[tuple[str, ...], Any]] = [
    (("a", "b"), [[1.0, -0.5], [0.25, 2]]),
    (("a", "b"), ((1, -0.5), (0.25, 2))),
    (("a", "b"), Array([[1.0, -0.5], [0.25, 2.0]])),
    (("a", "b"), Answer(None, vectors=(A, B))),
    (("a",), [1.0, -0.5]),
    (("a",), Array([1.0, -0.5])),
]


@pytest.mark.parametrize(("texts", "given"), GOOD, ids=str)
async def test_function_gets_texts_and_gives_vectors(texts: tuple[str, ...], given: Any) -> None:
    """Lists of numbers, arrays, or a whole answer; a lone vector for a lone text."""
    seen: list[Any] = []

    def embed(question: list[str]) -> Any:
        seen.append(question)
        return given

    answer = await ask(PythonProvider(embed), asks(*texts))

    assert isinstance(answer, Answer), answer
    assert (A, B)[: len(texts)] == answer.vectors
    assert [list(texts)] == seen


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (None, Cause.NO_ANSWER),
        ("text", Cause.INVALID_ANSWER),
        (7, Cause.INVALID_ANSWER),
        ([["a"]], Cause.INVALID_ANSWER),
        ([1.0, 2.0], Cause.INVALID_ANSWER),
        ([[1e99]], Cause.INVALID_ANSWER),
    ],
)
async def test_what_is_no_vector_is_a_failure(given: Any, cause: Cause) -> None:
    """Whatever a function returns, nothing is raised."""
    failure = await ask(PythonProvider(lambda texts: given))

    assert isinstance(failure, Failure)
    assert cause is failure.cause


async def test_upstream_for_tests_serves_vectors() -> None:
    """Over a real socket: equal texts, equal vectors, in both forms."""
    from seatrial.providers.building import open_transport

    async with FaultyUpstream() as upstream:
        settings = TargetSettings("openai", model="embed-1", base_url=(upstream.base_url,))
        provider = OpenAIProvider(settings, open_transport())
        try:
            whole = await ask(provider, asks("a", "b", "a", dimensions=8))
            plain = await ask(provider, asks("a", dimensions=8, encoding_format="float"))
        finally:
            await provider.close()

    assert isinstance(whole, Answer)
    assert isinstance(plain, Answer)
    assert whole.vectors[0] == whole.vectors[2] == plain.vectors[0] != whole.vectors[1]
    assert 8 == len(unpack(whole.vectors[0]))


async def test_openai_hears_nothing_of_the_other_dialect() -> None:
    """What only Anthropic's targets know would be a 400 there."""
    provider, transport = target(FakeReply(b"{}"))
    body = {"messages": [], "anthropic": {"thinking": {"type": "adaptive"}}}
    await ask(provider, Call(body, False, 0, Timers(), "r1"))

    assert {"messages": [], "model": "embed-1"} == transport.body
