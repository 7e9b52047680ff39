"""What a caller reads: whole answers, labels, errors."""

import json
import re
from pathlib import Path

import msgspec
import pytest

import seatrial
from seatrial.gateway.faults import FAULTS, show_refused
from seatrial.gateway.openai_out import plain, usage_json
from seatrial.values.attempts import ErrorBody
from seatrial.values.chat import Answer, ToolCall, Usage
from seatrial.values.decisions import Abandoned, Answered, Decision, HandedOff, Refused
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import Client, FakeApp, Reply, says

pytestmark = pytest.mark.anyio


async def told(decision: Decision, *, stream: bool = False) -> Reply:
    """Ask, and get this decision."""
    return await Client(FakeApp(script=says(decision))).chat(stream=stream)


async def test_written_answer_is_a_chat_completion() -> None:
    """To the letter of OpenAI's shape."""
    usage = Usage(10, 5, 2, 7, 3)
    reply = await told(Answered(Answer("Hello.", model="tiny", usage=usage), "large", 0))

    assert 200 == reply.status
    assert "application/json" == reply.headers["content-type"]
    assert str(len(reply.body)) == reply.headers["content-length"]
    created = reply.json["created"]
    assert isinstance(created, int)
    assert {
        "id": f"chatcmpl-{reply.headers['x-request-id']}",
        "object": "chat.completion",
        "created": created,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": usage_json(usage),
    } == reply.json


def test_usage_adds_up_as_openai_counts() -> None:
    """Cached tokens are part of the prompt, reasoning is part of the completion."""
    usage = usage_json(Usage(10, 5, 2, 7, 3))

    assert (17, 10, 27) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
        usage["total_tokens"],
    )
    assert {"cached_tokens": 5, "cache_write_tokens": 2} == usage["prompt_tokens_details"]
    assert {"reasoning_tokens": 3} == usage["completion_tokens_details"]


async def test_tool_calls_and_refusals_are_written() -> None:
    """An answer may have no text at all."""
    call = ToolCall("c1", "look", '{"a":1}')
    tools = await told(
        Answered(Answer(None, tool_calls=(call,), finish_reason="tool_calls"), "a", 0)
    )
    message = tools.json["choices"][0]["message"]

    assert message["content"] is None
    assert [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    ] == message["tool_calls"]
    refusal = await told(Answered(Answer(None, refusal="I cannot."), "a", 0))
    assert "I cannot." == refusal.json["choices"][0]["message"]["refusal"]


async def test_body_is_passed_on_as_it_came() -> None:
    """Byte for byte, so that fields we do not know survive."""
    body = b'{"id":"x",  "choices":[], "vendor":{"a":1}}'

    assert body == (await told(Answered(Answer("Hi", body=body), "large", 0))).body


async def test_labels_of_a_plain_answer() -> None:
    """Record, decision, tier, release, and nothing that is not so."""
    headers = (await told(Answered(Answer("Hi"), "large", 0))).headers

    assert headers["x-request-id"] == headers["seatrial-record"]
    assert ("answer", "0", "r1") == (
        headers["seatrial-decision"],
        headers["seatrial-tier"],
        headers["seatrial-release"],
    )
    assert not {"seatrial-reason", "seatrial-age"} & headers.keys()


@pytest.mark.parametrize("stream", [False, True])
async def test_degraded_answer_is_labelled(stream: bool) -> None:
    """With the reason, and the age of a cached one."""
    answer = Answer("Hi", age_s=61.9)
    reply = await told(
        Answered(answer, "cache", 2, "large rests; é\r\nset-cookie: x"), stream=stream
    )

    assert ("degraded", "2", "61") == (
        reply.headers["seatrial-decision"],
        reply.headers["seatrial-tier"],
        reply.headers["seatrial-age"],
    )
    assert "large rests; ?  set-cookie: x" == reply.headers["seatrial-reason"]


def test_reason_is_short() -> None:
    """Headers have limits on the other side as well."""
    assert 300 == len(plain("x" * 10_000))


async def test_hand_off_is_said_and_labelled() -> None:
    """A normal answer with the feature's text, so that every client can show it."""
    reply = await told(HandedOff("A colleague will write.", tier=3, reason="large rests"))

    assert ("handed_off", "3") == (
        reply.headers["seatrial-decision"],
        reply.headers["seatrial-tier"],
    )
    choice = reply.json["choices"][0]
    assert "A colleague will write." == choice["message"]["content"]
    assert "support" == reply.json["model"]


@pytest.mark.parametrize("stream", [False, True])
async def test_refused_is_an_error_with_its_record(stream: bool) -> None:
    """Also to a streaming caller it is a status, as nothing has left."""
    reply = await told(
        Refused("no_target_left", "None answered.", retry_after_s=1.2), stream=stream
    )

    assert 503 == reply.status
    assert ("refused", "true", "2", "1200") == (
        reply.headers["seatrial-decision"],
        reply.headers["x-should-retry"],
        reply.headers["retry-after"],
        reply.headers["retry-after-ms"],
    )
    assert {
        "message": "None answered.",
        "type": "server_error",
        "param": None,
        "code": "no_target_left",
        "request_id": reply.headers["x-request-id"],
        "retryable": True,
    } == reply.error


async def test_wait_is_at_most_a_minute() -> None:
    """Clients ignore longer ones."""
    headers = (await told(Refused("throttled", "Later.", retry_after_s=3600))).headers

    assert ("60", "60000") == (headers["retry-after"], headers["retry-after-ms"])


async def test_permanent_error_gives_no_wait() -> None:
    """Nothing that a second try could mend."""
    headers = (await told(Refused("insufficient_quota", "Spent.", retry_after_s=5))).headers

    assert "false" == headers["x-should-retry"]
    assert not {"retry-after", "retry-after-ms"} & headers.keys()


@pytest.mark.parametrize(
    ("status", "shown", "again"),
    [
        (400, 400, "false"),
        (422, 422, "false"),
        (429, 429, "true"),
        (None, 400, "false"),
        (200, 400, "false"),
    ],
)
async def test_providers_own_error_is_passed_on(status: int | None, shown: int, again: str) -> None:
    """What the provider says of the request is for the caller to read."""
    error = ErrorBody("too long", type="invalid_request_error", param="messages", code="context")
    reply = await told(Refused("invalid_request", "x", status=status, error=error))

    assert (shown, again) == (reply.status, reply.headers["x-should-retry"])
    assert msgspec.to_builtins(error).items() <= reply.error.items()


async def test_abandoned_with_a_caller_is_an_error() -> None:
    """It should not happen; it must not look like an answer."""
    assert 500 == (await told(Abandoned())).status


async def test_exception_keeps_its_text() -> None:
    """The caller gets a code and the request id."""

    async def breaks(request: Request, sink: object) -> None:
        raise ValueError("sk-secret at 10.0.0.1")

    reply = await Client(FakeApp(script=breaks)).chat()  # type: ignore[arg-type]

    assert (500, "internal_error") == (reply.status, reply.error["code"])
    assert "secret" not in reply.body.decode()
    assert reply.headers["x-request-id"] == reply.error["request_id"]


def test_unknown_code_is_a_server_error() -> None:
    """A code without a line in the table must not look like the caller's fault."""
    assert 500 == show_refused(Refused("brand_new", "x")).status


def test_every_code_in_the_house_has_a_line() -> None:
    """Codes that rooms give to `Refused` are known here."""
    source = "\n".join(
        path.read_text()
        for room in ("reliability", "engine", "app.py")
        for path in files(Path(seatrial.__file__).parent / room)
    )
    codes = set(re.findall(r'(?:Refused\(\s*|\bcode(?::[^=]*)? = )"(\w+)"', source))

    assert set() == codes - FAULTS.keys() - {"invalid_key", "budget_spent"}


def files(place: Path) -> list[Path]:
    """List a room's modules, or the module itself."""
    return [place] if place.is_file() else list(place.rglob("*.py"))


def test_error_objects_are_json_with_four_keys() -> None:
    """As OpenAI's schema requires; every line of the table has a sane status."""
    for code, kind in FAULTS.items():
        shown = show_refused(Refused(code, "x"))

        assert 400 <= kind.status < 600
        assert {"message", "type", "param", "code"} == json.loads(
            msgspec.json.encode(shown.error)
        ).keys()
