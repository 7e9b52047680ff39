"""What every dialect over HTTP keeps to: one suite, each dialect with its own words."""

import asyncio
from typing import Any

import msgspec
import pytest

from seatrial.ports import Ended, Provider
from seatrial.providers import TargetSettings, build_provider
from seatrial.values.attempts import Cause, Failure
from seatrial.values.chat import Answer, Piece, ToolCall
from seatrial.values.secrets import Secret
from tests.conformance.dialects import ANTHROPIC, OPENAI, Dialect, sse
from tests.conformance.scripted_wire import (
    LOST,
    Beats,
    FakeReply,
    FakeTransport,
    call,
    drained,
    streamed,
    text_of,
)

pytestmark = pytest.mark.anyio

KEY = Secret("sk-canary-1234567890")


@pytest.fixture(params=[OPENAI, ANTHROPIC], ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Give each dialect."""
    made: Dialect = request.param
    return made


def target(
    dialect: Dialect, *replies: FakeReply | Failure, **settings: Any
) -> tuple[Provider, FakeTransport]:
    """Build a target over a scripted wire."""
    transport = FakeTransport(*replies)
    made = TargetSettings(
        provider=dialect.name,  # type: ignore[arg-type]
        model="m",
        **{"base_url": "http://one.example/v1", **settings},
    )
    keys = settings.get("api_key", "x") and [KEY]
    return build_provider("t", made, transport_factory=lambda: transport, keys=keys), transport


def whole_reply(dialect: Dialect, text: str | None = "Hello", **message: object) -> FakeReply:
    """Write a whole answer."""
    return FakeReply(msgspec.json.encode(dialect.whole(text, **message)))


# --- whole answers -----------------------------------------------------------------------


async def test_whole_answer_is_read(dialect: Dialect) -> None:
    """Text, reason, model and disjoint token classes."""
    reply = whole_reply(dialect)
    provider, transport = target(dialect, reply)
    beats = Beats()
    answer = await provider.ask(call(), beats)

    assert isinstance(answer, Answer)
    assert ("Hello", "stop", "m-1") == (answer.text, answer.finish_reason, answer.model)
    assert answer.usage is not None
    assert (6, 4) == (answer.usage.input_tokens, answer.usage.cached_tokens)
    assert 7 == answer.usage.output_tokens + answer.usage.reasoning_tokens
    assert dialect.whole()["usage"] == answer.usage.raw
    assert reply.closed
    assert 1 == beats.bytes
    assert KEY.reveal() not in repr(transport.calls[0])


async def test_request_carries_key_id_and_model(dialect: Dialect) -> None:
    """Each request says who asks for what, and what happened to be set."""
    provider, transport = target(
        dialect,
        whole_reply(dialect),
        parameters={"temperature": 0.5, "max_tokens": 9},
        headers={"X-Team": "blue"},
    )
    await provider.ask(call(max_tokens=5, stream=True, stream_options={"a": 1}), Beats())
    sent = transport.calls[0]

    assert "m" == transport.body["model"]
    assert 0.5 == transport.body["temperature"]
    assert 5 == transport.body["max_tokens"]  # the caller's value wins
    assert "stream" not in transport.body
    assert "stream_options" not in transport.body
    assert None not in transport.body.values()
    assert ("r1", "blue") == (sent.headers["x-request-id"], sent.headers["x-team"])
    assert any(KEY.reveal() in value for value in sent.headers.values())
    assert sent.url.startswith("http://one.example/v1/")


async def test_outlets_are_addresses_and_keys(dialect: Dialect) -> None:
    """Equal servers and shared keys: one name each, no secret in it, the right one used."""
    transport = FakeTransport(whole_reply(dialect))
    settings = TargetSettings(
        provider=dialect.name,  # type: ignore[arg-type]
        base_url=("http://one.example", "http://two.example/v1/"),
    )
    keys = [Secret("first"), Secret("second")]
    provider = build_provider("t", settings, transport_factory=lambda: transport, keys=keys)
    await provider.ask(call(outlet=3), Beats())

    assert 4 == len(set(provider.outlets))
    assert "two.example#2" == provider.outlets[3]
    assert transport.calls[0].url.startswith("http://two.example/v1/")
    assert any("second" in value for value in transport.calls[0].headers.values())


def test_key_with_a_line_end_is_refused(dialect: Dialect) -> None:
    """A key that would break the request is found when the target is built, unshown."""
    settings = TargetSettings(provider=dialect.name)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="line end") as caught:
        build_provider("t", settings, transport_factory=FakeTransport, keys=[Secret("a\nb")])

    assert "a\nb" not in str(caught.value)


NO_ANSWERS: dict[str, FakeReply] = {
    "empty": FakeReply(b""),
    "blank": FakeReply(b" \n"),
    "truncated": FakeReply(b'{"choices":[{"ind'),
    "a page": FakeReply(b"<html>busy</html>", kind="text/html"),
    "a list": FakeReply(b"[]"),
    "another object": FakeReply(b'{"a":1}'),
    "no choices": FakeReply(b'{"choices":[],"content":null}'),
    "null": FakeReply(b"null"),
    "NaN": FakeReply(b'{"choices":NaN,"content":NaN}'),
    "bad UTF-8": FakeReply(
        b'{"choices":[{"message":{"content":"\xff"}}],"content":[{"text":"\xff"}]}'
    ),
    "deep": FakeReply(b'{"choices":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "deep elsewhere": FakeReply(
        b'{"content":[],"choices":[{"message":{"content":"a"}}],"x":'
        + b"[" * 200 + b"]" * 200 + b"}"
    ),
    "a stream": FakeReply(b"data: {}\n\n", kind="text/event-stream"),
    "wrong types": FakeReply(b'{"choices":[{"message":7}],"content":7}'),
    "no content": FakeReply(b"", status=204),
    "redirect": FakeReply(b"", status=307, headers={"location": "http://trap/"}),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_what_is_no_answer_is_told(dialect: Dialect, name: str) -> None:
    """None of these is an answer, and none breaks anything."""
    provider, _ = target(dialect, NO_ANSWERS[name])
    failure = await provider.ask(call(), Beats())

    assert isinstance(failure, Failure)
    assert Cause.INVALID_ANSWER == failure.cause


async def test_lost_wire_is_passed_on(dialect: Dialect) -> None:
    """Before the reply, within it, and within a stream."""
    unsent = Failure(Cause.UNREACHABLE, "refused", sent=False)
    provider, _ = target(dialect, unsent, FakeReply(b"{", LOST))

    assert unsent == await provider.ask(call(), Beats())
    assert LOST == await provider.ask(call(), Beats())


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (429, "rate_limit_error", Cause.RATE_LIMITED),
        (529, "overloaded_error", Cause.OVERLOADED),
        (500, "api_error", Cause.SERVER_ERROR),
        (401, "authentication_error", Cause.KEY_REFUSED),
        (404, "not_found_error", Cause.TARGET_GONE),
        (400, "invalid_request_error", Cause.BAD_REQUEST),
    ],
)
@pytest.mark.parametrize("in_band", [False, True])
async def test_errors_are_mapped(
    dialect: Dialect, status: int, kind: str, cause: Cause, in_band: bool
) -> None:
    """By status and type; told politely with a 200, by type."""
    body = msgspec.json.encode({"type": "error", "error": {"type": kind, "message": "m"}})
    reply = FakeReply(body, status=200 if in_band else status, headers={"retry-after": "3"})
    provider, _ = target(dialect, reply)
    failure = await provider.ask(call(), Beats())

    assert isinstance(failure, Failure)
    assert cause == failure.cause
    assert reply.closed


@pytest.mark.parametrize(
    "usage", [None, "lots", {}, [], {"prompt_tokens": -1}, {"input_tokens": 1e300}, 7]
)
async def test_odd_usage_is_unknown(dialect: Dialect, usage: object) -> None:
    """A report that makes no sense is none; the answer stays."""
    provider, _ = target(dialect, whole_reply(dialect, usage=usage))
    answer = await provider.ask(call(), Beats())

    assert isinstance(answer, Answer)
    assert answer.usage is None


async def test_null_content_is_reported(dialect: Dialect) -> None:
    """The adapter tells what came; whether it is an answer is judged elsewhere."""
    provider, _ = target(dialect, whole_reply(dialect, None))
    answer = await provider.ask(call(), Beats())

    assert isinstance(answer, Answer)
    assert answer.text is None


# --- streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_stream_is_read(dialect: Dialect, ending: bytes, step: int) -> None:
    """However it was cut: the text, the finish, the usage, the end."""
    written = sse(*dialect.good()).replace(b"\n", ending)
    chunks = [written[i : i + step] for i in range(0, len(written), step)]
    reply = FakeReply(*chunks, kind="text/event-stream")
    provider, transport = target(dialect, reply)
    beats = Beats()
    pieces, end = await streamed(provider, call(stream=True), beats)

    assert "Hello" == text_of(pieces)
    assert ["stop"] == [piece.finish_reason for piece in pieces if piece.finish_reason]
    assert Ended() == end
    assert (1, 5) == (beats.bytes, beats.tokens)
    assert transport.body["stream"]
    assert pieces[-1].bare_usage
    usage = pieces[-1].usage
    assert usage is not None
    assert (6, 4) == (usage.input_tokens, usage.cached_tokens)
    assert 7 == usage.output_tokens + usage.reasoning_tokens
    assert reply.closed


async def test_tool_calls_come_in_fragments(dialect: Dialect) -> None:
    """The name once, the arguments bit by bit, by index."""
    reply = dialect.reply(*dialect.tool, *dialect.tool_ending, *dialect.goodbye)
    provider, _ = target(dialect, reply)
    pieces, end = await streamed(provider, call(stream=True))
    fragments = [fragment for piece in pieces for fragment in piece.tools]

    assert Ended() == end
    assert {0} == {fragment.index for fragment in fragments}
    assert ("t1", "look") == (fragments[0].id, fragments[0].name)
    assert '{"a":1}' == "".join(fragment.arguments for fragment in fragments)
    assert "tool_calls" in {piece.finish_reason for piece in pieces}


async def test_pings_and_roles_are_not_useful(dialect: Dialect) -> None:
    """Comments, pings, roles and empty deltas feed no timer."""
    reply = dialect.reply(b": ping\n\n", *dialect.opening, dialect.says(""), b": ping\n\n")
    provider, _ = target(dialect, reply)
    beats = Beats()
    pieces, _ = await streamed(provider, call(stream=True), beats)

    assert 0 == beats.tokens
    assert not any(piece.useful for piece in pieces)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("said", [0, 3])
async def test_cut_stream_is_told(dialect: Dialect, clean: bool, said: int) -> None:
    """Whether it was closed or reset, and however much came before."""
    events = [*dialect.opening, *[dialect.says("a")] * said]
    parts = [sse(*events), *([] if clean else [LOST])]
    provider, _ = target(dialect, FakeReply(*parts, kind="text/event-stream"))
    pieces, end = await streamed(provider, call(stream=True))

    assert "a" * said == text_of(pieces)
    assert isinstance(end, Failure)
    assert Cause.CONNECTION_LOST == end.cause


@pytest.mark.parametrize("missing", [1, 2, 3, 40])
async def test_stream_cut_within_an_event_is_lost(dialect: Dialect, missing: int) -> None:
    """An event that is not whole is no event, and a cut is no broken event."""
    written = sse(*dialect.opening, dialect.says("a"), dialect.says("b"))
    provider, _ = target(dialect, FakeReply(written[:-missing], kind="text/event-stream"))
    _, end = await streamed(provider, call(stream=True))

    assert isinstance(end, Failure)
    assert Cause.CONNECTION_LOST == end.cause


@pytest.mark.parametrize("lost", [True, False])
async def test_finished_stream_may_lack_its_goodbye(dialect: Dialect, lost: bool) -> None:
    """The reason of the end has come: the answer is whole."""
    parts = [sse(*dialect.opening, dialect.says("a"), *dialect.ending), *([LOST] if lost else [])]
    provider, _ = target(dialect, FakeReply(*parts, kind="text/event-stream"))
    _, end = await streamed(provider, call(stream=True))

    assert Ended() == end


async def test_goodbye_without_a_reason_is_no_answer(dialect: Dialect) -> None:
    """The last word came, but never why."""
    reply = dialect.reply(*dialect.opening, dialect.says("a"), dialect.goodbye[-1])
    provider, _ = target(dialect, reply)
    _, end = await streamed(provider, call(stream=True))

    assert isinstance(end, Failure)
    assert Cause.INVALID_ANSWER == end.cause


async def test_what_follows_the_end_is_ignored(dialect: Dialect) -> None:
    """Nothing after the last word reaches anybody; the end stays the end."""
    reply = dialect.reply(*dialect.good(), dialect.says("more"), b"data: {broken\n\n")
    provider, _ = target(dialect, reply)
    opened = await provider.stream(call(stream=True), Beats())
    assert not isinstance(opened, Answer | Failure)
    pieces, end = await drained(opened)

    assert "Hello" == text_of(pieces)
    assert Ended() == end == await opened.next()


@pytest.mark.parametrize("said", [0, 2])
@pytest.mark.parametrize("named", [True, False])
async def test_error_event_is_mapped(dialect: Dialect, said: int, named: bool) -> None:
    """First or later, with an event name or without: by its type."""
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    error = (b"event: error\n" if named else b"") + sse(body)
    reply = dialect.reply(*dialect.opening, *[dialect.says("a")] * said, error, *dialect.good())
    provider, _ = target(dialect, reply)
    pieces, end = await streamed(provider, call(stream=True))

    assert "a" * said == text_of(pieces)
    assert isinstance(end, Failure)
    assert Cause.OVERLOADED == end.cause


BROKEN = {
    "cut": b'data: {"choices":[{"del\n\n',
    "text": b"data: hello\n\n",
    "list": b"data: []\n\n",
    "UTF-8": b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\xff"},'
    b'"choices":[{"delta":{"content":"\xff"}}]}\n\n',
    "deep": b'data: {"choices":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n\n",
    "types": b'data: {"choices":7,"type":7}\n\n',
    "large": b"data: " + b" " * 8_000_000 + b"{}\n\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("goes_on", [True, False])
async def test_broken_event_is_no_answer(dialect: Dialect, name: str, goes_on: bool) -> None:
    """Whether the stream goes on or ends: what was lost with it nobody knows."""
    events = [*dialect.opening, dialect.says("a"), BROKEN[name]]
    reply = dialect.reply(*events, *(dialect.good() if goes_on else []))
    provider, _ = target(dialect, reply)
    _, end = await streamed(provider, call(stream=True))

    assert isinstance(end, Failure)
    assert Cause.INVALID_ANSWER == end.cause


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_whole_answer_to_a_stream_is_taken(dialect: Dialect, kind: str) -> None:
    """Some servers cannot stream; the answer is an answer."""
    reply = FakeReply(msgspec.json.encode(dialect.whole()), kind=kind)
    provider, _ = target(dialect, reply)
    answer = await provider.stream(call(stream=True), Beats())

    assert isinstance(answer, Answer)
    assert "Hello" == answer.text
    assert reply.closed


async def test_stream_under_a_wrong_name_is_read(dialect: Dialect) -> None:
    """Its first bytes tell what it is."""
    reply = FakeReply(sse(*dialect.good()), kind="application/json")
    provider, _ = target(dialect, reply)
    pieces, end = await streamed(provider, call(stream=True))

    assert "Hello" == text_of(pieces)
    assert Ended() == end


@pytest.mark.parametrize(
    "reply",
    [
        FakeReply(b"", kind="application/json"),
        FakeReply(b"<html>", kind="text/html"),
        FakeReply(b'{"error":{"type":"overloaded_error"},"type":"error"}'),
        FakeReply(LOST, kind="application/json"),
    ],
    ids=["empty", "page", "error", "lost"],
)
async def test_no_stream_is_told(dialect: Dialect, reply: FakeReply) -> None:
    """What is neither stream nor answer is a failure before anything began."""
    provider, _ = target(dialect, reply)
    failure = await provider.stream(call(stream=True), Beats())

    assert isinstance(failure, Failure)
    assert failure.cause in {Cause.INVALID_ANSWER, Cause.OVERLOADED, Cause.CONNECTION_LOST}
    assert reply.closed


async def test_stream_that_is_let_go_is_cut(dialect: Dialect) -> None:
    """Closing in the middle closes the reply."""
    reply = dialect.reply(*dialect.good())
    provider, _ = target(dialect, reply)
    opened = await provider.stream(call(stream=True), Beats())
    assert not isinstance(opened, Answer | Failure)
    assert isinstance(await opened.next(), Piece)
    await opened.close()

    assert reply.closed


async def test_cancelled_call_lets_go(dialect: Dialect) -> None:
    """A caller who leaves while the body comes closes the reply."""

    class Slow(FakeReply):
        async def chunks(self, limit: int):  # type: ignore[no-untyped-def]
            await asyncio.sleep(60)
            yield b""

    replies = [Slow(), Slow()]
    provider, _ = target(dialect, *replies)
    for work in (provider.ask(call(), Beats()), provider.stream(call(stream=True), Beats())):
        task = asyncio.ensure_future(work)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    assert all(reply.closed for reply in replies)


async def test_closing_closes_the_wire(dialect: Dialect) -> None:
    """The transport is the provider's own."""
    provider, transport = target(dialect)
    await provider.close()

    assert transport.closed


async def test_openai_tool_calls_are_whole() -> None:
    """A message with a call, and with arguments given as an object."""
    calls = [
        {"id": "t1", "function": {"name": "look", "arguments": '{"a":1}'}},
        {"id": "t2", "function": {"name": "see", "arguments": {"b": 2}}},
    ]
    provider, _ = target(OPENAI, whole_reply(OPENAI, None, tool_calls=calls))
    answer = await provider.ask(call(), Beats())

    assert isinstance(answer, Answer)
    assert (
        ToolCall("t1", "look", '{"a":1}'),
        ToolCall("t2", "see", '{"b":2}'),
    ) == answer.tool_calls
