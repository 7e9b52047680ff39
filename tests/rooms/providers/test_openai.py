"""What OpenAI's dialect asks and reads beyond what all dialects share."""

import anyio
import msgspec
import pytest

from seatrial.ports import Ended
from seatrial.providers import TargetSettings, build_provider
from seatrial.values.attempts import Failure
from seatrial.values.chat import Answer, Piece
from tests.conformance.scripted_wire import Beats, FakeReply, FakeTransport, call, streamed


def ask(reply: bytes, **body: object) -> tuple[Answer | Failure, dict[str, object]]:
    """Ask once; return what came and what was sent."""
    transport = FakeTransport(FakeReply(reply))
    provider = build_provider("t", TargetSettings(model="m"), transport_factory=lambda: transport)
    came = anyio.run(provider.ask, call(**body), Beats())  # type: ignore[arg-type]
    return came, transport.body


def stream(*events: bytes, **body: object) -> tuple[list[Piece], object, dict[str, object]]:
    """Stream once; return the pieces, the end and what was sent."""
    written = b"".join(b"data: " + event + b"\n\n" for event in events)
    transport = FakeTransport(FakeReply(written, kind="text/event-stream"))
    provider = build_provider("t", TargetSettings(model="m"), transport_factory=lambda: transport)
    pieces, end = anyio.run(streamed, provider, call(stream=True, **body))  # type: ignore[arg-type]
    return pieces, end, transport.body


GOOD = b'{"id":"1","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"x":1}'


def test_good_answer_is_passed_on_as_it_came() -> None:
    """The bytes need no second writing."""
    answer, _ = ask(GOOD)

    assert isinstance(answer, Answer)
    assert GOOD == answer.body


def test_events_are_passed_on_as_they_came() -> None:
    """Each event's JSON stands beside what was read of it."""
    first = b'{"choices":[{"index":0,"delta":{"content":"a"}}], "odd": 1}'
    last = b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    pieces, end, _ = stream(first, last, b"[DONE]")

    assert [first, last] == [piece.data for piece in pieces]
    assert Ended() == end


def test_usage_is_always_asked_of_streams() -> None:
    """What the caller set beside it stays."""
    _, _, sent = stream(stream_options={"include_usage": False, "include_obfuscation": False})

    assert {"include_usage": True, "include_obfuscation": False} == sent["stream_options"]


def test_metadata_stays_here() -> None:
    """It names the caller to us; upstream it is refused unless the answer is stored there."""
    assert "metadata" not in ask(GOOD, metadata={"user": "u"})[1]
    assert {"user": "u"} == ask(GOOD, metadata={"user": "u"}, store=True)[1]["metadata"]


def test_unknown_fields_pass_through() -> None:
    """A server's own parameters reach it."""
    assert 3 == ask(GOOD, top_k=3)[1]["top_k"]


@pytest.mark.parametrize("finish", ["length", "content_filter", "odd", None])
def test_reason_of_the_end_is_as_it_came(finish: str | None) -> None:
    """Whether it is a known one is judged elsewhere."""
    body = msgspec.json.encode(
        {"choices": [{"message": {"content": "a"}, "finish_reason": finish}]}
    )
    answer, _ = ask(body)

    assert isinstance(answer, Answer)
    assert (finish or "") == answer.finish_reason


@pytest.mark.parametrize(
    ("message", "text", "refusal", "reasoning"),
    [
        ({"content": None, "refusal": "No."}, None, "No.", None),
        ({"content": "a", "reasoning_content": "hm"}, "a", None, "hm"),
        ({"content": "a", "reasoning": "hm"}, "a", None, "hm"),
        ({"content": "a", "reasoning": {"steps": []}}, "a", None, None),
        ({"content": [{"type": "text", "text": "a"}, {"type": "thinking"}]}, "a", None, None),
        ({"content": ""}, "", None, None),
        ({}, None, None, None),
    ],
)
def test_messages_of_many_servers(
    message: dict[str, object], text: str | None, refusal: str | None, reasoning: str | None
) -> None:
    """Text, refusal and reasoning, where each server puts them."""
    answer, _ = ask(msgspec.json.encode({"choices": [{"message": message}]}))

    assert isinstance(answer, Answer)
    assert (text, refusal, reasoning) == (answer.text, answer.refusal, answer.reasoning)


def test_old_function_call_is_a_tool_call() -> None:
    """Servers of the older shape are understood."""
    message = {"content": None, "function_call": {"name": "f", "arguments": "{}"}}
    answer, _ = ask(msgspec.json.encode({"choices": [{"message": message}]}))

    assert isinstance(answer, Answer)
    assert ["f"] == [each.name for each in answer.tool_calls]


def test_only_choice_may_have_an_odd_number() -> None:
    """It is the first choice all the same, and is written anew."""
    pieces, end, _ = stream(
        b'{"choices":[{"index":7,"delta":{"content":"a"}}]}',
        b'{"choices":[{"index":7,"delta":{},"finish_reason":"stop"}]}',
    )

    assert "a" == pieces[0].text
    assert [b"", b""] == [piece.data for piece in pieces]
    assert Ended() == end


def test_second_choice_that_nobody_asked_for_is_dropped() -> None:
    """Only the first is written."""
    pieces, _, _ = stream(
        b'{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}'
    )

    assert ("a", b"") == (pieces[0].text, pieces[0].data)


def test_choices_that_were_asked_for_pass() -> None:
    """With `n` above one every choice is passed on; the first one is read."""
    event = b'{"choices":[{"index":1,"delta":{"content":"b"}}]}'
    pieces, _, _ = stream(event, n=2)

    assert ("", event) == (pieces[0].text, pieces[0].data)
