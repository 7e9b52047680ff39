"""What a streaming caller reads, event by event."""

import asyncio
import json
from typing import Any

import pytest

from seatrial.gateway.settings import DoorSettings
from seatrial.values.chat import Answer, Piece, ToolCall, ToolFragment, Usage
from seatrial.values.decisions import Answered, HandedOff, Refused, Settled
from seatrial.values.requests import Request
from tests.doors.gateway.scripted import HELLO, Client, FakeApp, Reply, Script, says, streams

pytestmark = pytest.mark.anyio

USAGE = Usage(3, 0, 0, 4, 0)
USAGE_ASKED = {"include_usage": True}


async def read(
    script: Script, *, usage: bool = False, settings: DoorSettings | None = None
) -> Reply:
    """Ask for a stream."""
    more: dict[str, Any] = {"stream_options": USAGE_ASKED} if usage else {}
    return await Client(FakeApp(script=script), settings).chat(stream=True, **more)


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """Write a chunk as a provider would."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    shell = {"id": "up-1", "object": "chat.completion.chunk", "created": 7, "model": "big"}
    return json.dumps({**shell, "choices": [choice], **more}).encode()


def texts(reply: Reply) -> str:
    """Join the content of a stream."""
    return "".join(
        choice["delta"].get("content") or ""
        for event in reply.events[:-1]
        for choice in event["choices"]
    )


def one_of(reply: Reply, name: str) -> Any:
    """Return the one value that all chunks share."""
    (value,) = {event[name] for event in reply.events if event != "[DONE]"}
    return value


async def test_headers_of_a_stream() -> None:
    """No cache, no buffering proxy, the labels."""
    headers = (await read(streams(Piece(text="a")))).headers

    assert "text/event-stream; charset=utf-8" == headers["content-type"]
    assert "no-store" == headers["cache-control"]
    assert "no" == headers["x-accel-buffering"]
    assert headers["x-request-id"] == headers["seatrial-record"]
    assert "content-length" not in headers


async def test_written_stream_is_openais() -> None:
    """Role first, finish last, one identity, then `[DONE]`."""
    reply = await read(
        streams(Piece(text="He"), Piece(text="llo"), tail=(Piece(finish_reason="stop"),))
    )
    first, second, last, done = reply.events

    assert "[DONE]" == done
    assert {"role": "assistant", "content": "He"} == first["choices"][0]["delta"]
    assert {"content": "llo"} == second["choices"][0]["delta"]
    assert ({}, "stop") == (last["choices"][0]["delta"], last["choices"][0]["finish_reason"])
    assert f"chatcmpl-{reply.headers['x-request-id']}" == one_of(reply, "id")
    assert "chat.completion.chunk" == one_of(reply, "object")
    assert "support" == one_of(reply, "model")
    assert 0 < one_of(reply, "created")


async def test_each_piece_is_one_write() -> None:
    """And the tail with `[DONE]` is one more."""
    pieces = [Piece(text=str(i)) for i in range(5)]
    reply = await read(streams(*pieces, tail=(Piece(finish_reason="stop"),)))

    assert 6 == len(reply.writes)
    assert reply.writes[-1].endswith(b"data: [DONE]\n\n")
    assert 2 == reply.writes[-1].count(b"data: ")


async def test_passed_on_events_are_untouched() -> None:
    """Byte for byte, role included."""
    first = chunk({"role": "assistant", "content": ""})
    second = chunk({"content": "Hi"}, obfuscation="xyz")
    end = chunk({}, "stop")
    reply = await read(
        streams(
            Piece(data=first),
            Piece(text="Hi", data=second),
            tail=(Piece(finish_reason="stop", data=end),),
        )
    )

    assert (
        b"data: %b\n\ndata: %b\n\ndata: %b\n\ndata: [DONE]\n\n" % (first, second, end) == reply.body
    )


async def test_role_is_added_when_the_provider_gave_none() -> None:
    """With the provider's identity, so that all chunks match."""
    reply = await read(streams(Piece(text="Hi", data=chunk({"content": "Hi"}))))
    first, second, *_ = reply.events

    assert "assistant" == first["choices"][0]["delta"]["role"]
    assert "Hi" == second["choices"][0]["delta"]["content"]
    assert ("up-1", 7, "big") == (
        one_of(reply, "id"),
        one_of(reply, "created"),
        one_of(reply, "model"),
    )


async def test_line_ends_in_passed_on_json_break_no_event() -> None:
    """Pretty-printed JSON stays one event."""
    data = json.dumps(json.loads(chunk({"role": "assistant", "content": "a\nb"})), indent=1)
    reply = await read(streams(Piece(text="a\nb", data=data.replace("\n", "\r\n").encode())))

    assert "a\nb" == texts(reply)


async def test_missing_finish_is_written() -> None:
    """Each choice ends with one chunk that says why."""
    reply = await read(
        streams(Piece(text="a"), decision=Answered(Answer("a", finish_reason="length"), "x", 0))
    )

    assert ["length"] == finishes(reply)


def finishes(reply: Reply) -> list[str]:
    """List the finish reasons."""
    return [
        choice["finish_reason"]
        for event in reply.events[:-1]
        for choice in event["choices"]
        if choice["finish_reason"]
    ]


BARE = Piece(
    usage=USAGE,
    bare_usage=True,
    data=b'{"id":"up-1","object":"chat.completion.chunk","created":7,"model":"big","choices":[],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}',
)
END = Piece(finish_reason="stop", data=chunk({}, "stop"))


async def test_usage_only_for_those_who_asked() -> None:
    """We always ask upstream; the caller gets it when they asked, once, last."""
    script = streams(
        Piece(text="a", data=chunk({"role": "assistant", "content": "a"})), tail=(END, BARE)
    )
    asked = await read(script, usage=True)
    quiet = await read(script)

    assert BARE.data in asked.writes[-1]
    assert [] == asked.events[-2]["choices"]
    assert BARE.data not in quiet.body
    assert ["stop"] == finishes(asked) == finishes(quiet)


@pytest.mark.parametrize(
    "tail",
    [
        (Piece(finish_reason="stop", usage=USAGE),),
        (Piece(finish_reason="stop"), Piece(usage=USAGE, bare_usage=True)),
        (Piece(usage=USAGE, bare_usage=True), Piece(finish_reason="stop")),
        (),
    ],
)
async def test_usage_is_written_once_and_last(tail: tuple[Piece, ...]) -> None:
    """However the provider reports it; the others say null."""
    known = Answered(Answer("a", usage=USAGE), "x", 0)
    reply = await read(streams(Piece(text="a"), tail=tail, decision=known), usage=True)
    *others, last = reply.events[:-1]

    assert (3, 4, 7) == tuple(last["usage"].values())[:3]
    assert [] == last["choices"]
    assert all(each["usage"] is None for each in others)
    assert ["stop"] == finishes(reply)


async def test_unknown_usage_is_not_made_up() -> None:
    """No number is better than a wrong one."""
    reply = await read(streams(Piece(text="a")), usage=True)

    assert all(event["usage"] is None for event in reply.events[:-1])


async def test_tool_fragments_keep_their_place() -> None:
    """Index always, id and name once, arguments in parts."""
    reply = await read(
        streams(
            Piece(tools=(ToolFragment(0, "c1", "look", ""),)),
            Piece(tools=(ToolFragment(1, "c2", "find", "{"), ToolFragment(0, arguments='{"a"'))),
            tail=(Piece(finish_reason="tool_calls"),),
        )
    )
    first, second = (event["choices"][0]["delta"]["tool_calls"] for event in reply.events[:2])

    assert [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}
    ] == first
    assert {"index": 0, "function": {"arguments": '{"a"'}} == second[1]


async def test_reasoning_and_refusal_are_written() -> None:
    """Under the names that clients read."""
    reply = await read(streams(Piece(reasoning="hm"), Piece(refusal="No.")))
    first, second = (event["choices"][0]["delta"] for event in reply.events[:2])

    assert "hm" == first["reasoning_content"]
    assert "No." == second["refusal"]


async def test_cut_stream_says_so() -> None:
    """One error event, no `[DONE]`, a proper end of the body."""
    cut = Refused("stream_cut", "The answer is incomplete.", cut=True)
    reply = await read(streams(Piece(text="a"), decision=cut))
    *_, last = reply.events

    assert "[DONE]" not in reply.body.decode()
    assert ("stream_cut", True) == (last["error"]["code"], last["error"]["retryable"])
    assert {"message", "type", "param", "code", "request_id"} <= last["error"].keys()
    assert [] == [event for event in reply.events if event.get("choices") == []]


async def test_exception_after_the_commit_says_so() -> None:
    """The same honest end, without the exception's text."""

    async def breaks(request: Request, sink: Any) -> Settled:
        await streams(Piece(text="a"))(request, sink)
        raise ValueError("sk-secret")

    reply = await read(breaks)

    assert "internal_error" == reply.events[-1]["error"]["code"]
    assert "secret" not in reply.body.decode()


@pytest.mark.parametrize("usage", [False, True])
async def test_whole_answer_comes_as_a_stream(usage: bool) -> None:
    """A cache or a function answers at once; the caller still gets events."""
    call = ToolCall("c1", "look", "{}")
    answer = Answer("Hi", tool_calls=(call,), finish_reason="tool_calls", model="tiny", usage=USAGE)
    reply = await read(says(Answered(answer, "cache", 1, "large rests")), usage=usage)

    assert "degraded" == reply.headers["seatrial-decision"]
    assert "assistant" == reply.events[0]["choices"][0]["delta"]["role"]
    assert "Hi" == texts(reply)
    assert ["tool_calls"] == finishes(reply)
    assert "tiny" == one_of(reply, "model")
    assert "[DONE]" == reply.events[-1]
    assert usage == (reply.events[-2]["choices"] == [])


async def test_hand_off_comes_as_a_stream() -> None:
    """With its label, for headers can still be sent."""
    reply = await read(says(HandedOff("Soon.")))

    assert "handed_off" == reply.headers["seatrial-decision"]
    assert "Soon." == texts(reply)


async def test_silence_is_filled_with_comments() -> None:
    """After the commit, and nothing before it."""
    settings = DoorSettings(ping_s=0.02)
    reply = await read(streams(Piece(text="a"), gap_s=0.15), settings=settings)

    assert 3 <= reply.body.count(b": ping\n\n") <= 8
    assert "a" == texts(reply)


async def test_nothing_leaves_before_the_commit() -> None:
    """Not a comment, not the status."""
    settings = DoorSettings(ping_s=0.01)

    async def slow(request: Request, sink: Any) -> Settled:
        await asyncio.sleep(0.1)
        return await says(Answered(HELLO, "a", 0))(request, sink)

    reply = await read(slow, settings=settings)

    assert 1 == len(reply.writes)
    assert b"ping" not in reply.body


async def test_line_ends_inside_a_chunk_do_not_end_its_line() -> None:
    """Some servers write their JSON on several lines."""
    data = chunk({"content": "Hi"}).replace(b", ", b",\r\n")
    reply = await read(streams(Piece(text="Hi", data=data), tail=(Piece(finish_reason="stop"),)))

    assert "Hi" == texts(reply)
    assert all(line[:6] in {b"", b"data: "} for line in reply.body.split(b"\n"))
