"""What is asked of a model and what it says, in one shape for every dialect.

The shape is OpenAI's chat: adapters map other dialects to and from it.  Bytes that
need no change travel beside the parsed parts, so that the doors can pass them on.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

# What a choice may end with; anything else is no valid answer.
FINISH_REASONS: Final = frozenset(
    {"stop", "length", "tool_calls", "content_filter", "function_call"}
)


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of one attempt in disjoint classes, and the raw report.

    Args:
        input_tokens: read afresh, without those of the other classes that were read.
        cached_tokens: read from a provider's prompt cache.
        cache_write_tokens: written to a provider's prompt cache for its usual time.
        cache_write_1h_tokens: written to it for an hour.
        input_audio_tokens, cached_audio_tokens: audio read afresh, and from the cache.
        input_image_tokens, cached_image_tokens: images read afresh, and from the cache.
        output_tokens: written, without those of the other classes that were written.
        reasoning_tokens: written as reasoning.
        output_audio_tokens, output_image_tokens: written as audio and as images.
        web_searches, file_searches: calls of the provider's own tools that it bills by the call.
        service_tier: at which of its speeds the provider served it, by its own account;
            empty when it does not say.
        raw: the provider's own usage object, verbatim; None when it was estimated.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    raw: dict[str, Any] | None = None
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    input_image_tokens: int = 0
    cached_image_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    web_searches: int = 0
    file_searches: int = 0
    service_tier: str = ""

    @property
    def estimated(self) -> bool:
        """Whether no provider reported these numbers."""
        return self.raw is None

    @property
    def all_cached_tokens(self) -> int:
        """How many were read from a provider's prompt cache, of every kind."""
        return self.cached_tokens + self.cached_audio_tokens + self.cached_image_tokens

    @property
    def all_input_tokens(self) -> int:
        """How many were read or written to a prompt cache, in all classes."""
        return (
            self.input_tokens
            + self.cache_write_tokens
            + self.cache_write_1h_tokens
            + self.input_audio_tokens
            + self.input_image_tokens
            + self.all_cached_tokens
        )

    @property
    def all_output_tokens(self) -> int:
        """How many were written, in all classes."""
        return (
            self.output_tokens
            + self.reasoning_tokens
            + self.output_audio_tokens
            + self.output_image_tokens
        )


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool, whole: `arguments` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str


class ToolFragment(msgspec.Struct, frozen=True):
    """A part of a streamed tool call; `arguments` are concatenated per `index`."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer of one target.

    Args:
        text: what it says; None when it only calls tools or refuses.
        refusal: the model's own words of refusal, or None.
        tool_calls: the calls it asks for, in order.
        finish_reason: why it stopped, one of `FINISH_REASONS`.
        model: the model as served, by its own account; empty when unknown.
        usage: tokens, or None when unknown.
        reasoning: the reasoning it showed, or None.
        body: the whole OpenAI `chat.completion` JSON when it can be passed on as it
            came; empty when the door must write it.
        value: what a Python function returned, when that is not the text itself.
        age_s: how old a cached answer is, in seconds; None for a fresh one.
        vectors: of an embedding, one per text that was asked, each as little-endian float32.
        similarity: of a cached answer to another question, how alike the two are, from 0 to 1;
            None where the very same was asked.
    """

    text: str | None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    model: str = ""
    usage: Usage | None = None
    reasoning: str | None = None
    body: bytes = b""
    value: Any = None
    age_s: float | None = None
    vectors: tuple[bytes, ...] = ()
    similarity: float | None = None

    @property
    def refused(self) -> bool:
        """Whether the target declined to answer, which is an answer all the same."""
        return self.refusal is not None or self.finish_reason == "content_filter"

    def pieces(self) -> tuple[Piece, ...]:
        """Return it as the pieces of a stream that came at once."""
        tools = tuple(
            ToolFragment(index, call.id, call.name, call.arguments)
            for index, call in enumerate(self.tool_calls)
        )
        said = Piece(self.text or "", self.refusal or "", self.reasoning or "", tools)
        return said, Piece(finish_reason=self.finish_reason, usage=self.usage)


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One event of a streamed answer.

    Args:
        text: content added by this event, for the first choice.
        refusal: words of refusal added.
        reasoning: reasoning added.
        tools: fragments of tool calls.
        finish_reason: set on the event that ends the first choice.
        usage: set on the event that reports it.
        model: the model as served.
        data: the event's JSON as OpenAI's `chat.completion.chunk`, when it can be passed
            on as it came; empty when the door must write it.
        bare_usage: True for the extra event without choices that only reports usage; the
            door passes it on only to callers who asked for it.
    """

    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    tools: tuple[ToolFragment, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    data: bytes = b""
    bare_usage: bool = False

    @property
    def useful(self) -> bool:
        """Whether it brings the answer forward: pings, roles and empty deltas do not."""
        return bool(self.text or self.tools or self.reasoning or self.refusal)


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """Return the text of the last user message; empty when there is none.

    >>> last_user_text([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}])
    'Hi'
    """
    for message in reversed(messages):
        if message.get("role") == "user":
            return content_text(message.get("content"))
    return ""


def content_text(content: object) -> str:
    """Return the text of a message's content, given as a string or as parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (p.get("text") for p in content if isinstance(p, dict) and p.get("type") == "text")
        return "\n".join(p for p in parts if isinstance(p, str))
    return ""
