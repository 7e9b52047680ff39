"""`POST /v1/messages`: what it takes, what it answers, event by event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gateway.faults import Fault
from seatrial.gateway.messages_in import read_messages
from seatrial.gateway.settings import DoorSettings
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment, Usage
from seatrial.values.decisions import Answered, HandedOff, Refused
from tests.doors.gateway.scripted import (
    HELLO,
    JSON,
    KEY,
    Client,
    FakeApp,
    Reply,
    Script,
    read_or_fault,
    says,
    streams,
)

pytestmark = pytest.mark.anyio

USAGE = Usage(3, 2, 1, 4, 5)
COUNTS = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 1,
    "cache_read_input_tokens": 2,
    "output_tokens": 9,
}
HI = [{"role": "user", "content": "Hi"}]


async def ask(
    script: Script | None = None,
    app: FakeApp | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    **fields: Any,
) -> Reply:
    """Ask at the door, as Anthropic's clients do."""
    app = app or (FakeApp(script=script) if script else FakeApp())
    body = {"model": "support", "max_tokens": 9, "messages": HI, **fields}
    version = ("anthropic-version", "2023-06-01")
    return await Client(app).ask(
        "POST", "/v1/messages", headers=[JSON, version, *headers], body=json.dumps(body).encode()
    )


async def asked(**fields: Any) -> Any:
    """Return the request that reached the application."""
    app = FakeApp()
    reply = await ask(app=app, **fields)
    assert 200 == reply.status, reply.body
    return app.asked[0]


def events(reply: Reply) -> list[dict[str, Any]]:
    """Return the data of each event; its name is its type."""
    found = []
    for event in reply.body.decode().removesuffix("\n\n").split("\n\n"):
        name, line = event.split("\n")
        data = json.loads(line.removeprefix("data: "))
        assert f"event: {data['type']}" == name
        found.append(data)
    return found


# --- what is asked --------------------------------------------------------------------------


async def test_conversation_becomes_messages() -> None:
    """System first; results of tools are messages of their own; thoughts stay where they were."""
    request = await asked(
        system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Look."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "4"},
                    {"type": "tool_result", "tool_use_id": "t2"},
                    {"type": "text", "text": "Well?"},
                ],
            },
        ],
    )
    function = {"name": "look", "arguments": '{"a":1}'}

    assert [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Look."},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"id": "t1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "4"},
        {"role": "tool", "tool_call_id": "t2", "content": ""},
        {"role": "user", "content": "Well?"},
    ] == request.messages


async def test_images_and_documents_are_data() -> None:
    """Nothing is fetched; bytes travel as they came."""
    source = {"type": "base64", "media_type": "image/png", "data": "AA"}
    request = await asked(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": source},
                    {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
                    {"type": "document", "title": "a.pdf", "source": source},
                    {"type": "document", "source": {"type": "text", "data": "Words"}},
                ],
            }
        ]
    )
    url = "data:image/png;base64,AA"

    assert [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
        {"type": "text", "text": "Words"},
    ] == request.messages[0]["content"]


async def test_parameters_take_their_chat_names() -> None:
    """Stops, tools, format, user; what only Anthropic's targets know travels apart."""
    schema = {"type": "object"}
    request = await asked(
        stop_sequences=["END"],
        temperature=0.5,
        top_k=4,
        thinking={"type": "enabled", "budget_tokens": 1024},
        metadata={"user_id": "ann", "product": "loan"},
        tools=[{"name": "look", "description": "Looks.", "input_schema": schema}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": schema}},
        x_vendor=1,
    )

    assert {
        "messages": HI,
        "max_completion_tokens": 9,
        "stop": ["END"],
        "temperature": 0.5,
        "user": "ann",
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "parameters": schema, "description": "Looks."},
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        },
        "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 4},
        "x_vendor": 1,
    } == request.body
    assert ("ann", "loan") == (request.caller.user, request.variables["product"])


async def test_thinking_is_off_where_its_past_is_missing() -> None:
    """Anthropic refuses results of tools without the signed thought before them."""
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}
    request = await asked(messages=[*HI, result], thinking={"type": "enabled"})

    assert "anthropic" not in request.body


@pytest.mark.parametrize(
    ("choice", "chat"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "a"}, {"type": "function", "function": {"name": "a"}}),
    ],
)
async def test_choice_of_tools(choice: dict[str, str], chat: Any) -> None:
    """In OpenAI's words."""
    request = await asked(tools=[{"name": "a", "input_schema": {}}], tool_choice=choice)

    assert chat == request.body["tool_choice"]


def user(*blocks: Any) -> dict[str, Any]:
    """Return fields of a request whose user says this."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def assistant(*blocks: Any) -> dict[str, Any]:
    """Return fields of a request whose assistant said this."""
    return {"messages": [{"role": "assistant", "content": list(blocks)}]}


TOOL = {"name": "a", "input_schema": {}}
BAD = "invalid_request"
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"max_tokens": None}, "max_tokens", BAD),
    ({"max_tokens": True}, "max_tokens", BAD),
    ({"max_tokens": 0}, "max_tokens", BAD),
    ({"messages": []}, "messages", BAD),
    ({"messages": ["Hi"]}, "messages[0]", BAD),
    ({"messages": [{"role": "tool", "content": "Hi"}]}, "messages[0].role", BAD),
    ({"messages": [{"role": ["user"], "content": "Hi"}]}, "messages[0].role", BAD),
    ({"messages": [{"role": "user"}]}, "messages[0].content", BAD),
    (user("Hi"), "messages[0].content[0]", BAD),
    (user({"type": "text"}), "messages[0].content[0].text", BAD),
    (user({"type": "video"}), "messages[0].content[0]", "unsupported"),
    (user({"type": "image"}), "messages[0].content[0].source", BAD),
    (user({"type": "image", "source": {"type": "base64"}}), "messages[0].content[0].source", BAD),
    (user({"type": "image", "source": {"type": "url"}}), "messages[0].content[0].source.url", BAD),
    (
        user({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        "messages[0].content[0].source",
        "unsupported",
    ),
    (
        user({"type": "document", "source": {"type": "text"}}),
        "messages[0].content[0].source.data",
        BAD,
    ),
    (user({"type": "tool_result"}), "messages[0].content[0].tool_use_id", BAD),
    (
        user({"type": "tool_result", "tool_use_id": "t", "content": 4}),
        "messages[0].content[0].content",
        BAD,
    ),
    (assistant({"type": "image"}), "messages[0].content[0]", "unsupported"),
    (assistant({"type": "tool_use", "id": "t"}), "messages[0].content[0].name", BAD),
    (
        assistant({"type": "tool_use", "id": "t", "name": "a", "input": "x"}),
        "messages[0].content[0].input",
        BAD,
    ),
    ({"system": 4}, "system", BAD),
    ({"system": [{"type": "image", "source": {"type": "url", "url": "x"}}]}, "system", BAD),
    ({"metadata": {"a": 1}}, "metadata.a", BAD),
    ({"stream": "yes"}, "stream", BAD),
    ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers", "unsupported"),
    ({"container": "c"}, "container", "unsupported"),
    ({"base_url": "https://x"}, "base_url", "field_not_allowed"),
    ({"tools": "x"}, "tools", BAD),
    ({"tools": ["x"]}, "tools[0]", BAD),
    ({"tools": [{"type": "web_search_20250305"}]}, "tools[0].type", "unsupported"),
    ({"tools": [{"type": []}]}, "tools[0].type", "unsupported"),
    ({"tools": [{"name": "a"}]}, "tools[0].input_schema", BAD),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name", BAD),
    ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice", BAD),
    ({"tools": [TOOL], "tool_choice": {"type": "x"}}, "tool_choice.type", BAD),
    ({"output_config": 1}, "output_config", BAD),
    ({"output_config": {"format": {"type": "xml"}}}, "output_config.format", BAD),
    ({"output_format": {"type": "json_schema"}}, "output_format", BAD),
]


@pytest.mark.parametrize(("fields", "param", "code"), REFUSED, ids=json.dumps)
async def test_what_is_not_served_is_named(fields: dict[str, Any], param: str, code: str) -> None:
    """400 in Anthropic's shape, with the path of the part that is at fault."""
    app = FakeApp()
    reply = await ask(app=app, **fields)

    assert (400, param, code) == (reply.status, reply.error["param"], reply.error["code"])
    assert ("error", "invalid_request_error") == (reply.json["type"], reply.error["type"])
    assert [] == app.asked


@given(
    st.dictionaries(
        st.sampled_from("model messages system tools tool_choice metadata output_config".split()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        "type role content text id name source tool_use_id input format".split()
                    ),
                    inner
                    | st.sampled_from(
                        "text image document tool_use tool_result thinking user assistant "
                        "json_schema base64 url".split()
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
    raw = json.dumps({"model": "m", "max_tokens": 1, "messages": HI, **body}).encode()
    read = read_or_fault(read_messages, raw)

    if isinstance(read, Fault):
        assert read.param
    else:
        assert all(isinstance(each["role"], str) for each in read.body["messages"])


# --- what is answered -----------------------------------------------------------------------


async def test_whole_message_is_anthropics() -> None:
    """Blocks, the reason of the end, usage in four disjoint counts."""
    answer = Answer(
        "Hello.",
        reasoning="hm",
        tool_calls=(ToolCall("t1", "look", '{"a": 1}'), ToolCall("", "see", "")),
        finish_reason="tool_calls",
        usage=USAGE,
        model="big",
    )
    reply = await ask(says(Answered(answer, "large", 0)))
    record = reply.headers["seatrial-record"]

    assert {
        "id": f"msg_{record}",
        "type": "message",
        "role": "assistant",
        "model": "big",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "Hello."},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
            {"type": "tool_use", "id": f"toolu_{record}_3", "name": "see", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": COUNTS,
    } == reply.json


@pytest.mark.parametrize(
    ("answer", "stop"),
    [
        (HELLO, "end_turn"),
        (Answer("Hel", finish_reason="length"), "max_tokens"),
        (Answer("", finish_reason="content_filter"), "refusal"),
        (Answer(None, refusal="No."), "refusal"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_reasons_of_the_end(answer: Answer, stop: str, *, stream: bool) -> None:
    """In Anthropic's words, whole and streamed."""
    reply = await ask(says(Answered(answer, "large", 0)), stream=stream)
    told = events(reply)[-2]["delta"] if stream else reply.json

    assert stop == told["stop_reason"]


async def test_hand_off_is_a_text() -> None:
    """The caller reads what a person will do."""
    reply = await ask(says(HandedOff("Soon.")))

    assert [{"type": "text", "text": "Soon."}] == reply.json["content"]


async def test_stream_is_anthropics_event_by_event() -> None:
    """Blocks in a row, then the reason and the counts, then the stop."""
    reply = await ask(
        streams(
            Piece(reasoning="hm"),
            Piece(text="He"),
            Piece(text="llo"),
            Piece(tools=(ToolFragment(0, "t1", "look", '{"a":'),)),
            Piece(tools=(ToolFragment(0, arguments="1}"),)),
            tail=(Piece(finish_reason="tool_calls"), Piece(usage=USAGE, bare_usage=True)),
        ),
        stream=True,
    )
    told = events(reply)

    assert [
        "message_start",
        *("content_block_start", "content_block_delta", "content_block_stop"),
        *("content_block_start", "content_block_delta", "content_block_delta"),
        "content_block_stop",
        *("content_block_start", "content_block_delta", "content_block_delta"),
        "content_block_stop",
        *("message_delta", "message_stop"),
    ] == [each["type"] for each in told]
    assert [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2] == [
        each["index"] for each in told if each["type"].startswith("content")
    ]
    assert {"type": "tool_use", "id": "t1", "name": "look", "input": {}} == told[8]["content_block"]
    assert [{"type": "input_json_delta", "partial_json": each} for each in ('{"a":', "1}")] == [
        each["delta"] for each in told[9:11]
    ]
    assert COUNTS == told[-2]["usage"]
    assert "tool_use" == told[-2]["delta"]["stop_reason"]
    assert [] == told[0]["message"]["content"]


async def test_silence_is_filled_with_pings() -> None:
    """As Anthropic's own events, not as comments."""
    app = FakeApp(script=streams(Piece(text="a"), Piece(text="b"), gap_s=0.05))
    body = {"model": "support", "max_tokens": 9, "messages": HI, "stream": True}
    reply = await Client(app, DoorSettings(ping_s=0.01)).ask(
        "POST", "/v1/messages", headers=[JSON], body=json.dumps(body).encode()
    )

    assert {"type": "ping"} in events(reply)


async def test_cut_stream_tells_the_truth() -> None:
    """An error event in Anthropic's shape, and no `message_stop`."""
    refused = Refused("stream_cut", "It broke.", cut=True)
    told = events(await ask(streams(Piece(text="He"), decision=refused), stream=True))

    assert "error" == told[-1]["type"]
    assert ("overloaded_error", "It broke.") == (
        told[-1]["error"]["type"],
        told[-1]["error"]["message"],
    )
    assert not {"message_delta", "message_stop"} & {each["type"] for each in told}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("throttled", 429, "rate_limit_error"),
        ("no_target_left", 503, "overloaded_error"),
        ("deadline_exceeded", 504, "timeout_error"),
        ("internal_error", 500, "api_error"),
        ("model_not_found", 404, "not_found_error"),
    ],
)
async def test_errors_have_anthropics_types(code: str, status: int, kind: str) -> None:
    """By status, with our code and hints beside."""
    reply = await ask(says(Refused(code, "No.", retry_after_s=2)))

    assert (status, kind, code) == (reply.status, reply.error["type"], reply.error["code"])
    assert reply.headers["x-request-id"] == reply.json["request_id"]
    assert reply.headers["x-should-retry"] in {"true", "false"}


@pytest.mark.parametrize("header", [("x-api-key", KEY), ("authorization", f"Bearer {KEY}")])
async def test_key_opens_in_both_forms(header: tuple[str, str]) -> None:
    """Anthropic's clients send either; both at once are two credentials."""
    app = FakeApp(needs_key=True)

    assert 200 == (await ask(app=app, headers=(header,))).status
    both = await ask(app=app, headers=(("x-api-key", KEY), ("authorization", f"Bearer {KEY}")))
    assert (400, "two_credentials") == (both.status, both.error["code"])
    shut = await ask(app=app)
    assert (401, "authentication_error") == (shut.status, shut.error["type"])


async def test_wrong_method_speaks_anthropic_too() -> None:
    """Whoever comes to this path reads this shape."""
    reply = await Client(FakeApp()).ask("GET", "/v1/messages")

    assert (405, "error") == (reply.status, reply.json["type"])
