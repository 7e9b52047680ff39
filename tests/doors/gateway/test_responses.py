"""`POST /v1/responses`: what it takes, what it answers, event by event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from seatrial.gateway.faults import Fault
from seatrial.gateway.responses_in import read_responses
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment, Usage
from seatrial.values.decisions import Answered, HandedOff, Refused
from tests.doors.gateway.scripted import (
    HELLO,
    JSON,
    Client,
    FakeApp,
    Reply,
    Script,
    read_or_fault,
    says,
    streams,
)

pytestmark = pytest.mark.anyio

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = Usage(3, 2, 1, 4, 5)


async def ask(script: Script | None = None, app: FakeApp | None = None, **fields: Any) -> Reply:
    """Ask at the door."""
    app = app or (FakeApp(script=script) if script else FakeApp())
    body = {"model": "support", "input": "Hi", **fields}
    return await Client(app).ask(
        "POST", "/v1/responses", headers=[JSON], body=json.dumps(body).encode()
    )


async def asked(**fields: Any) -> Any:
    """Return the request that reached the application."""
    app = FakeApp()
    reply = await ask(app=app, **fields)
    assert 200 == reply.status, reply.body
    return app.asked[0]


def named_events(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    """Return name and data of each event."""
    found = []
    for event in reply.body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def kinds(reply: Reply) -> list[str]:
    """Return the names of all events, checked against the client's own models."""
    events = named_events(reply)
    for place, (name, data) in enumerate(events):
        assert name == data["type"]
        assert place == data["sequence_number"]
        EVENT.validate_python(data)
    return [name.removeprefix("response.") for name, _ in events]


# --- what is asked --------------------------------------------------------------------------


async def test_conversation_becomes_messages() -> None:
    """Instructions first, one turn of the model one message, results of tools by their call."""
    request = await asked(
        instructions="Be kind.",
        input=[
            {"role": "user", "content": "Look."},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}],
            },
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "see", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "4"},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "And this?"},
                    {
                        "type": "input_image",
                        "image_url": "data:image/png;base64,AA",
                        "detail": "low",
                    },
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:,"},
                ],
            },
        ],
    )
    calls = [
        {"id": each, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for each, name in (("c1", "look"), ("c2", "see"))
    ]

    assert [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "And this?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
                },
                {"type": "file", "file": {"file_data": "data:,", "filename": "a.pdf"}},
            ],
        },
    ] == request.messages


async def test_parameters_take_their_chat_names() -> None:
    """Limits, reasoning, format and tools; what nobody knows passes as data."""
    schema = {"type": "object"}
    tool = {"type": "function", "name": "look", "parameters": schema, "strict": True}
    body = (
        await asked(
            max_output_tokens=9,
            reasoning={"effort": "low", "summary": "auto"},
            text={
                "format": {"type": "json_schema", "name": "a", "schema": schema, "strict": True},
                "verbosity": "low",
            },
            tools=[tool],
            tool_choice={"type": "function", "name": "look"},
            temperature=0.5,
            store=True,
            include=["reasoning.encrypted_content"],
            x_vendor=1,
        )
    ).body

    assert {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": schema, "strict": True},
        },
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "parameters": schema, "strict": True},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "temperature": 0.5,
        "x_vendor": 1,
    } == body


async def test_prompt_names_feature_version_and_variables() -> None:
    """The standard way to a versioned prompt; `model` may be left out."""
    request = await asked(
        model=None,
        input=None,
        metadata={"a": "1"},
        prompt={
            "id": "support",
            "version": "abc",
            "variables": {"b": "2", "c": {"type": "input_text", "text": "3"}},
        },
    )

    assert ("support", "abc") == (request.feature, request.prompt_version)
    assert {"a": "1", "b": "2", "c": "3"} == request.variables


IMAGE = {"type": "input_image", "image_url": "data:,"}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"previous_response_id": "resp_1"}, "previous_response_id", "unsupported"),
    ({"conversation": "conv_1"}, "conversation", "unsupported"),
    ({"background": True}, "background", "unsupported"),
    ({"top_logprobs": 2}, "top_logprobs", "unsupported"),
    ({"include": ["message.output_text.logprobs"]}, "include", "unsupported"),
    ({"include": "x"}, "include", "invalid_request"),
    ({"truncation": "auto"}, "truncation", "unsupported"),
    ({"truncation": {}}, "truncation", "unsupported"),
    ({"stream_options": 1}, "stream_options", "invalid_request"),
    ({"store": "yes"}, "store", "invalid_request"),
    ({"stream": 1}, "stream", "invalid_request"),
    ({"instructions": ["Hi"]}, "instructions", "invalid_request"),
    ({"input": None}, "input", "invalid_request"),
    ({"input": []}, "input", "invalid_request"),
    ({"input": ["Hi"]}, "input[0]", "invalid_request"),
    ({"input": [{"role": "boss", "content": "Hi"}]}, "input[0].role", "invalid_request"),
    ({"input": [{"role": ["user"], "content": ""}]}, "input[0].role", "invalid_request"),
    ({"input": [{"role": "user"}]}, "input[0].content", "invalid_request"),
    ({"input": [{"role": "user", "content": ["Hi"]}]}, "input[0].content[0]", "invalid_request"),
    ({"input": [{"role": "user", "content": [{}]}]}, "input[0].content[0]", "invalid_request"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
        "input[0].content[0].text",
        "invalid_request",
    ),
    (
        {"input": [{"role": "user", "content": [{**IMAGE, "file_id": "f"}]}]},
        "input[0].content[0].file_id",
        "unsupported",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "x"}]}]},
        "input[0].content[0]",
        "unsupported",
    ),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]", "unsupported"),
    ({"input": [{"type": "web_search_call"}]}, "input[0]", "unsupported"),
    (
        {"input": [{"type": "reasoning", "encrypted_content": "x"}]},
        "input[0].encrypted_content",
        "unsupported",
    ),
    ({"input": [{"type": "function_call", "name": "a"}]}, "input[0].arguments", "invalid_request"),
    ({"input": [{"type": "function_call_output"}]}, "input[0].call_id", "invalid_request"),
    ({"tools": {}}, None, ""),
    ({"tools": "x"}, "tools", "invalid_request"),
    ({"tools": ["x"]}, "tools[0]", "invalid_request"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "unsupported"),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "invalid_request"),
    (
        {"tools": [{"type": "function", "name": "a"}], "tool_choice": {"type": "mcp"}},
        "tool_choice",
        "unsupported",
    ),
    ({"text": "x"}, "text", "invalid_request"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_request"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format", "invalid_request"),
    ({"reasoning": "x"}, "reasoning", "invalid_request"),
    ({"prompt": "x"}, "prompt", "invalid_request"),
    ({"prompt": {}}, "prompt.id", "invalid_request"),
    ({"prompt": {"id": "other"}}, "prompt.id", "invalid_request"),
    ({"prompt": {"id": "support", "version": 1}}, "prompt.version", "invalid_request"),
    ({"prompt": {"id": "support", "variables": 1}}, "prompt.variables", "invalid_request"),
    (
        {"prompt": {"id": "support", "variables": {"a": IMAGE}}},
        "prompt.variables.a",
        "invalid_request",
    ),
    ({"base_url": "http://x"}, "base_url", "field_not_allowed"),
    ({"metadata": {"a": 1}}, "metadata.a", "invalid_request"),
]


@pytest.mark.parametrize(("fields", "param", "code"), REFUSED, ids=json.dumps)
async def test_what_is_not_served_is_named(
    fields: dict[str, Any], param: str | None, code: str
) -> None:
    """400 with the path of the part that is at fault, never a quiet difference."""
    app = FakeApp()
    reply = await ask(app=app, **fields)
    if param is None:
        assert 200 == reply.status
        return

    assert (400, param, code) == (reply.status, reply.error["param"], reply.error["code"])
    assert [] == app.asked


@given(
    st.dictionaries(
        st.sampled_from("model input instructions tools tool_choice text prompt reasoning".split()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        "type role content text id name call_id output arguments format".split()
                    ),
                    inner
                    | st.sampled_from(
                        "message function_call function_call_output input_text user assistant "
                        "function json_schema".split()
                    ),
                    max_size=4,
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_any_json_is_read_or_refused(body: dict[str, Any]) -> None:
    """Whatever comes, there is a request or a fault that names the part."""
    raw = json.dumps({"model": "m", "input": "Hi", **body}).encode()
    read = read_or_fault(read_responses, raw)

    if isinstance(read, Fault):
        assert read.param
    else:
        assert all(isinstance(each["role"], str) for each in read.body["messages"])


# --- what is answered -----------------------------------------------------------------------


async def test_whole_response_is_openais() -> None:
    """The client's own model reads it, with usage in its own words."""
    answer = Answer(
        "Hello.", reasoning="hm", tool_calls=(ToolCall("c1", "look", "{}"),), usage=USAGE
    )
    reply = await ask(says(Answered(answer, "large", 0)), temperature=0.5, metadata={"a": "1"})
    read = Response.model_validate(reply.json, strict=True)

    assert ("response", "completed", "Hello.") == (read.object, read.status, read.output_text)
    assert ["reasoning", "message", "function_call"] == [each.type for each in read.output]
    assert f"resp_{reply.headers['seatrial-record']}" == read.id
    assert (0.5, {"a": "1"}, "support") == (read.temperature, read.metadata, read.model)
    assert {
        "input_tokens": 6,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 15,
    } == reply.json["usage"]


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_cut_answer_is_incomplete(finish: str, reason: str, *, stream: bool) -> None:
    """A limit of length is told, whole and streamed."""
    answer = Answer("Hel", finish_reason=finish)
    reply = await ask(says(Answered(answer, "large", 0)), stream=stream)
    told = named_events(reply)[-1][1]["response"] if stream else reply.json

    assert ("incomplete", {"reason": reason}) == (told["status"], told["incomplete_details"])
    assert not stream or "incomplete" == kinds(reply)[-1]


async def test_refusal_is_a_part_of_its_own() -> None:
    """As OpenAI's clients look for it."""
    reply = await ask(says(Answered(Answer(None, refusal="No."), "large", 0)))

    assert [{"type": "refusal", "refusal": "No."}] == reply.json["output"][0]["content"]


async def test_hand_off_is_a_text() -> None:
    """The caller reads what a person will do."""
    reply = await ask(says(HandedOff("Soon.")))

    assert "Soon." == reply.json["output"][0]["content"][0]["text"]
    assert "handed_off" == reply.headers["seatrial-decision"]


TEXT = (
    "created in_progress output_item.added content_part.added output_text.delta "
    "output_text.delta output_text.done content_part.done output_item.done completed"
).split()


async def test_stream_is_openais_event_by_event() -> None:
    """Every event validates against the client's models; numbers rise by one; one ends it."""
    reply = await ask(
        streams(
            Piece(text="He"),
            Piece(text="llo"),
            tail=(Piece(finish_reason="stop"), Piece(usage=USAGE, bare_usage=True)),
        ),
        stream=True,
    )

    assert TEXT == kinds(reply)
    last = named_events(reply)[-1][1]["response"]
    assert 15 == last["usage"]["total_tokens"]
    assert "Hello" == last["output"][0]["content"][0]["text"]
    assert "text/event-stream; charset=utf-8" == reply.headers["content-type"]
    assert b"[DONE]" not in reply.body


async def test_thought_refusal_and_call_stream_as_items() -> None:
    """Each with its own events."""
    reply = await ask(
        streams(
            Piece(reasoning="hm"),
            Piece(refusal="No."),
            Piece(tools=(ToolFragment(0, None, "look", "{}"),)),
            tail=(Piece(finish_reason="tool_calls"),),
        ),
        stream=True,
    )

    assert {
        "reasoning_text.delta",
        "reasoning_text.done",
        "refusal.delta",
        "refusal.done",
        "function_call_arguments.delta",
        "function_call_arguments.done",
    } <= set(kinds(reply))
    output = named_events(reply)[-1][1]["response"]["output"]
    assert ["reasoning", "message", "function_call"] == [each["type"] for each in output]
    assert output[2]["call_id"].startswith("call_")


async def test_whole_answer_streams_to_who_asked_for_it() -> None:
    """A cached answer, or one of a target that cannot stream."""
    reply = await ask(says(Answered(HELLO, "cache", 1)), stream=True)

    assert [each for each in TEXT if TEXT.count(each) == 1 or each != "output_text.delta"] == [
        each for each in kinds(reply) if each != "output_text.delta"
    ]
    assert "tiny" == named_events(reply)[0][1]["response"]["model"]


async def test_cut_stream_tells_the_truth() -> None:
    """A flat error, then the one event that ends a failed response."""
    refused = Refused("stream_cut", "It broke.", cut=True)
    reply = await ask(streams(Piece(text="He"), decision=refused), stream=True)
    (_, error), (_, failed) = named_events(reply)[-2:]

    assert ["error", "failed"] == kinds(reply)[-2:]
    assert {"code": "stream_cut", "message": "It broke.", "param": None} == {
        name: error[name] for name in ("code", "message", "param")
    }
    assert "failed" == failed["response"]["status"]
    assert "completed" not in kinds(reply)


async def test_refusal_before_the_stream_is_plain_http() -> None:
    """Status and error object, as everywhere."""
    reply = await ask(says(Refused("no_target_left", "None.")), stream=True)

    assert (503, "no_target_left") == (reply.status, reply.error["code"])


async def test_responses_are_not_kept() -> None:
    """404 with a sentence that says where the account of it is."""
    reply = await Client(FakeApp()).ask("GET", "/v1/responses/resp_1")

    assert 404 == reply.status
    assert "record" in reply.error["message"]
