"""What is fuzzed, and what must hold for any input: nothing is raised that is not foreseen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from seatrial.config import loading, toml
from seatrial.gateway import (
    embeddings,
    messages_in,
    messages_out,
    openai_events,
    openai_in,
    responses_in,
    responses_out,
)
from seatrial.gateway.dialect import Writer
from seatrial.gateway.exchange import ServerState
from seatrial.gateway.faults import Fault
from seatrial.gateway.fields import Ask
from seatrial.gateway.headers import HostCheck, credential, deadline_s, hints, read_headers
from seatrial.gateway.protocol import Edge, EdgeProtocol
from seatrial.gateway.settings import DoorSettings
from seatrial.improvement import prompts
from seatrial.ports import Call, Provider
from seatrial.providers import (
    anthropic_reply,
    anthropic_request,
    openai_embeddings,
    openai_usage,
    openai_wire,
)
from seatrial.providers.anthropic import AnthropicProvider
from seatrial.providers.anthropic_request import Unmappable, to_anthropic
from seatrial.providers.calling import arguments_of, signature_of
from seatrial.providers.openai import OpenAIProvider
from seatrial.providers.settings import TargetSettings
from seatrial.providers.sse import EventTooLarge, SseParser
from seatrial.providers.wire.parsing import Malformed, ReplyParser
from seatrial.providers.wire.reply import WireReply
from seatrial.reliability import answers
from seatrial.values.attempts import Failure, Timers
from seatrial.values.chat import Answer, Piece, last_user_text
from seatrial.values.decisions import Head, Kind
from tests.conformance.scripted_wire import Beats, FakeReply, FakeTransport
from tests.fuzz.grammar import json_of, words_of

Target = Callable[[bytes], None]

SETTINGS: Final = DoorSettings()
HI: Final = [{"role": "user", "content": "Hi"}]
HEAD: Final = Head("0" * 32, "r1", Kind.ANSWER)
LOOP: Final = asyncio.new_event_loop()
WRITERS: Final[tuple[Callable[[Ask, str, int], Writer], ...]] = (
    openai_events.ChatWriter,
    responses_out.ResponseWriter,
    messages_out.MessageWriter,
)
ASK: Final = Ask("f", {}, stream=True, include_usage=True, variables={}, user="")

# --- doors ----------------------------------------------------------------------------------

CHAT_WORDS: Final = words_of(openai_in, anthropic_request)
RESPONSES_WORDS: Final = words_of(responses_in)
MESSAGES_WORDS: Final = words_of(messages_in)
EMBEDDINGS_WORDS: Final = (*words_of(embeddings), "input", "dimensions")


def chat(data: bytes) -> None:
    """Read a chat request, and put it to every kind of target."""
    _read(openai_in.read_chat, json_of(data, CHAT_WORDS, {"model": "m", "messages": HI}))


def responses(data: bytes) -> None:
    """Read a request of the Responses."""
    _read(
        responses_in.read_responses, json_of(data, RESPONSES_WORDS, {"model": "m", "input": "Hi"})
    )


def messages(data: bytes) -> None:
    """Read a request of the Messages."""
    base = {"model": "m", "max_tokens": 1, "messages": HI}
    _read(messages_in.read_messages, json_of(data, MESSAGES_WORDS, base))


def embedding(data: bytes) -> None:
    """Read a request for vectors."""
    raw = json_of(data, EMBEDDINGS_WORDS, {"model": "m", "input": "Hi"})
    with contextlib.suppress(Fault):
        read = embeddings.read_embeddings(raw, SETTINGS)
        assert isinstance(read.body["input"], list)


def _read(read: Callable[[bytes, DoorSettings], Ask], raw: bytes) -> None:
    try:
        ask = read(raw, SETTINGS)
    except Fault as fault:
        assert fault.message
        return
    assert all(isinstance(each["role"], str) for each in ask.body["messages"])
    answers.offered_tools(ask.body)
    last_user_text(ask.body["messages"])
    arguments_of(signature_of(_function), _call(ask.body))
    with contextlib.suppress(Unmappable):
        to_anthropic(ask.body, model="m", defaults={}, stream=ask.stream)
    for provider in (_openai(FakeReply(b"{}")), _anthropic(FakeReply(b"{}"))):
        assert isinstance(_run(provider.ask(_call(ask.body), Beats())), Failure)


def _function(question: str, tone: str = "") -> str:
    return question + tone


def headers(data: bytes) -> None:
    """Read a request's headers."""
    pairs = []
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":")
        pairs.append((name.strip().lower(), value.strip()))
    with contextlib.suppress(Fault):
        found = read_headers(pairs, SETTINGS)
        token = credential(found)
        assert token is None or token.isascii()
        hints(found)
        deadline_s(found)
        HostCheck(SETTINGS).check(found)


class _Pipe:
    """A transport that takes everything."""

    closed = False

    def write(self, data: bytes) -> None:
        """Take it."""

    def close(self) -> None:
        """Note that it is over."""
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        """Tell whether it is over."""
        return self.closed

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""

    def get_extra_info(self, name: str) -> Any:
        """Name somebody."""
        return ("127.0.0.1", 1)


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def edge(data: bytes) -> None:
    """Receive bytes as a caller's connection brings them, in two parts."""
    _run(_receive(data))


async def _receive(data: bytes) -> None:
    shared = Edge(_hello, SETTINGS, ServerState(), lambda: "0" * 32)
    shared.date = b"date: today\r\n"
    protocol = EdgeProtocol(shared, LOOP)
    pipe: Any = _Pipe()
    protocol.connection_made(pipe)
    cut = data[0] if data else 0
    for part in (data[1 : cut + 1], data[cut + 1 :]):
        if part and not pipe.closed:
            protocol.data_received(part)
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    for task in list(shared.tasks):
        task.cancel()
    await asyncio.sleep(0)


# --- providers ------------------------------------------------------------------------------

OPENAI_WORDS: Final = (
    *words_of(openai_wire, openai_usage),
    *("choices", "delta", "message", "content", "tool_calls", "function", "arguments", "usage"),
    *("finish_reason", "stop", "length", "index", "name", "model", "error", "refusal"),
)
ANTHROPIC_WORDS: Final = (
    *words_of(anthropic_reply),
    *("content", "message", "delta", "usage", "index", "name", "model", "error", "text", "input"),
    *("stop_reason", "content_block", "partial_json", "thinking", "input_tokens", "output_tokens"),
)
VECTOR_WORDS: Final = (*words_of(openai_embeddings), "data", "embedding", "index", "AAAAAA==")
STOPPED: Final = {"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}
SAID: Final = {"type": "text", "text": "Hi"}


def sse(data: bytes) -> None:
    """Read events; however the bytes are cut, they say the same."""
    cut = data[0] if data else 0
    body = data[1:]
    try:
        whole = SseParser(limit=200)
        events = whole.feed(body) + whole.end()
        parts = SseParser(limit=200)
        cut_events = parts.feed(body[:cut]) + parts.feed(body[cut:]) + parts.end()
    except EventTooLarge:
        return
    assert events == cut_events


def openai_reply(data: bytes) -> None:
    """Read a completion; what is an answer can be written in every dialect."""
    _ask(_openai, json_of(data, OPENAI_WORDS, {"choices": [STOPPED]}))


def openai_stream(data: bytes) -> None:
    """Read a stream of chunks."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    _stream(_openai, data, OPENAI_WORDS, chunk)


def anthropic_whole(data: bytes) -> None:
    """Read a message."""
    base = {"type": "message", "content": [SAID], "stop_reason": "end_turn"}
    _ask(_anthropic, json_of(data, ANTHROPIC_WORDS, base))


def anthropic_stream(data: bytes) -> None:
    """Read the events of a message."""
    base = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}
    _stream(_anthropic, data, ANTHROPIC_WORDS, base)


def vectors(data: bytes) -> None:
    """Read a list of vectors."""
    base = {"data": [{"embedding": [0.5], "index": 0}]}
    provider = _openai(FakeReply(json_of(data, VECTOR_WORDS, base)))
    came = _run(provider.ask(_call({"input": ["Hi"]}, kind="embed"), Beats()))
    assert isinstance(came, Answer | Failure)
    if isinstance(came, Answer) and answers.vector_fault(came, wanted=1) is None:
        echoed = Ask("f", {}, False, True, {}, "", echo={"encoding_format": "float"})
        json.loads(embeddings.VectorWriter(echoed).whole(came, HEAD))


def http_reply(data: bytes) -> None:
    """Read a provider's HTTP, in two parts."""
    cut = data[0] if data else 0
    nobody: Any = None
    reply = WireReply(_Wire(), nobody)
    parser = ReplyParser()
    parser.expect(reply)
    with contextlib.suppress(Malformed):
        for part in (data[1 : cut + 1], data[cut + 1 :]):
            if not parser.whole:
                parser.feed(memoryview(part))
    reply.end()


class _Wire:
    """A connection that only a reply sees."""

    def resume(self) -> None:
        """Nothing to let come."""

    def abort(self) -> None:
        """Nothing to hang up."""


def _openai(reply: FakeReply) -> Provider:
    settings = TargetSettings("openai", model="m", base_url=("http://up/v1",))
    return OpenAIProvider(settings, FakeTransport(reply))


def _anthropic(reply: FakeReply) -> Provider:
    settings = TargetSettings("anthropic", model="m", base_url=("http://up",))
    return AnthropicProvider(settings, FakeTransport(reply))


def _call(body: dict[str, Any], *, stream: bool = False, kind: str = "chat") -> Call:
    return Call(body, stream, 0, Timers(), "r1", kind=kind)


def _run(work: Any) -> Any:
    return LOOP.run_until_complete(work)


def _ask(target: Callable[[FakeReply], Provider], body: bytes) -> None:
    came = _run(target(FakeReply(body)).ask(_call({"messages": HI}), Beats()))
    assert isinstance(came, Answer | Failure)
    if isinstance(came, Failure) or answers.fault(came) is not None:
        return
    for writer in WRITERS:
        json.loads(writer(ASK, "r", 1).whole(came, HEAD))
        _check_events(writer(ASK, "r", 1).finish(came.pieces(), came))


def _stream(
    target: Callable[[FakeReply], Provider],
    data: bytes,
    words: tuple[str, ...],
    base: dict[str, Any],
) -> None:
    parts = data.split(b"\n")[:8]
    body = b"".join(b"data: %b\n\n" % json_of(part, words, base) for part in parts)
    reply = FakeReply(body + b"data: [DONE]\n\n", kind="text/event-stream")
    _run(_pull(target(reply)))


async def _pull(provider: Provider) -> None:
    """Read a stream to its end; each piece can be written in every dialect."""
    stream = await provider.stream(_call({"messages": HI}, stream=True), Beats())
    if isinstance(stream, Answer | Failure):
        return
    writers = [writer(ASK, "r", 1) for writer in WRITERS]
    assembly = answers.Assembly()
    while isinstance(came := await stream.next(), Piece):
        assembly.feed(came)
        for writer in writers:
            _check_events(writer.piece(came))
    await stream.close()
    for writer in writers:
        _check_events(writer.finish((), assembly.answer(finish_reason="stop")))


def _check_events(events: bytes) -> None:
    """Fail unless every line of an event can be read."""
    assert not events or events.endswith(b"\n\n")
    for line in events.split(b"\n"):
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            json.loads(line[6:])
        else:
            assert not line or line.startswith((b"event: ", b": ", b"data: "))


# --- files ----------------------------------------------------------------------------------

FOLDER: Final = Path(tempfile.mkdtemp(prefix="seatrial-fuzz-"))
FILE: Final = FOLDER / "seatrial.toml"


def config(data: bytes) -> None:
    """Read a configuration; functions of this machine are not looked up."""
    text = data.decode("utf-8", "replace")
    toml.read(text)
    if any(word in text for word in ("python", "call", "checks", "/")):
        return
    FILE.write_bytes(data)
    loaded = loading.attempt(FILE, environ={})
    assert (loaded.config is None) is (loaded.error is not None)


def prompt(data: bytes) -> None:
    """Read a prompt file, and put values into it that look like variables."""
    text = data.decode("utf-8", "replace")
    read = prompts.parse(text)
    if isinstance(read, tuple):
        return
    values = dict.fromkeys(read.variables, "{{a}}")
    rendered = prompts.render(read.template, values)
    assert isinstance(rendered, str)


TARGETS: Final[dict[str, Target]] = {
    each.__name__: each
    for each in (
        chat,
        responses,
        messages,
        embedding,
        headers,
        edge,
        sse,
        openai_reply,
        openai_stream,
        anthropic_whole,
        anthropic_stream,
        vectors,
        http_reply,
        config,
        prompt,
    )
}
"""By name, in the order in which they are run."""

SEEDS: Final[dict[str, tuple[bytes, ...]]] = {
    "edge": (
        b"\x10GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\x30POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ),
    "http_reply": (
        b"\x10HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"\x40HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ),
    "headers": (b"host: localhost\nauthorization: Bearer a\nseatrial-tags: a,b",),
    "sse": (b"\x08event: a\ndata: b\ndata: c\r\n\r\n: ping\n\nid: 1\rdata: d\r\r",),
    "config": (
        b"""
[targets.a]
provider = "openai"
model = "m"
[features.b]
route = ["a", "say"]
say = "Hi"
[features.b.input]
languages = ["en"]
""",
    ),
    "prompt": (b"---\nname: a\nvariables: b, c\n---\nHi {{b}} and {{ c }}.",),
}
