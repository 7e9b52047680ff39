"""Usage in disjoint classes, whatever a provider counts inside what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.providers import anthropic_reply
from seatrial.providers.openai_usage import usage_of
from seatrial.providers.openai_wire import WireChunk, WireCompletion, answer_of, piece_of
from seatrial.values.chat import Usage


def classes(usage: Usage | None) -> dict[str, int]:
    """List what was used, without the raw report."""
    assert usage is not None
    found: dict[str, int] = msgspec.to_builtins(usage)
    found.pop("raw", None)
    return found


def openai(read: int, written: int, **more: Any) -> dict[str, Any]:
    """Report in OpenAI's dialect."""
    return {"prompt_tokens": read, "completion_tokens": written, **more}


def test_classes_of_openai_add_up_to_its_totals() -> None:
    """Cached, stored, heard and seen are parts of what was read; reasoning of what was written."""
    raw = openai(
        1_000,
        500,
        total_tokens=1_500,
        prompt_tokens_details={
            "cached_tokens": 600,
            "cache_write_tokens": 100,
            "audio_tokens": 120,
            "image_tokens": 30,
            "cached_tokens_details": {"audio_tokens": 50},
        },
        completion_tokens_details={"reasoning_tokens": 200, "audio_tokens": 40, "image_tokens": 5},
    )
    usage = usage_of(raw, service_tier="priority")

    assert {
        "input_tokens": 200,
        "cached_tokens": 550,
        "cached_audio_tokens": 50,
        "cache_write_tokens": 100,
        "input_audio_tokens": 70,
        "input_image_tokens": 30,
        "output_tokens": 255,
        "reasoning_tokens": 200,
        "output_audio_tokens": 40,
        "output_image_tokens": 5,
        "service_tier": "priority",
    } == classes(usage)
    assert usage is not None
    assert (1_000, 500, False) == (
        usage.all_input_tokens,
        usage.all_output_tokens,
        usage.estimated,
    )


@pytest.mark.parametrize(
    ("raw", "output", "reasoning"),
    [
        # OpenAI: among what was written.
        (
            openai(10, 100, total_tokens=110, completion_tokens_details={"reasoning_tokens": 90}),
            10,
            90,
        ),
        # xAI: beside it, and only the total tells.
        (
            openai(10, 10, total_tokens=110, completion_tokens_details={"reasoning_tokens": 90}),
            10,
            90,
        ),
        # Gemini's compatible endpoint: beside it, and not named at all.
        (openai(10, 10, total_tokens=110), 10, 90),
        # Perplexity: beside it, under a name of its own.
        (openai(10, 10, total_tokens=20, reasoning_tokens=90), 10, 90),
        # Larger than the whole.
        (openai(10, 10, completion_tokens_details={"reasoning_tokens": 90}), 0, 10),
    ],
)
def test_reasoning_is_never_lost(raw: dict[str, Any], output: int, reasoning: int) -> None:
    """Wherever a server counts it: it is what costs most."""
    usage = usage_of(raw)
    assert usage is not None
    assert (output, reasoning) == (usage.output_tokens, usage.reasoning_tokens)


def test_what_others_report_in_their_own_words() -> None:
    """DeepSeek's hits in its cache, Perplexity's citations and searches."""
    assert {"input_tokens": 3, "cached_tokens": 7, "output_tokens": 1} == classes(
        usage_of(openai(10, 1, prompt_cache_hit_tokens=7))
    )
    assert {"input_tokens": 15, "output_tokens": 1, "web_searches": 3} == classes(
        usage_of(openai(10, 1, citation_tokens=5, num_search_queries=3))
    )


@pytest.mark.parametrize("details", [None, "x", {"cached_tokens": -5}, {"cached_tokens": 10**9}])
def test_odd_details_never_make_negative_tokens(details: object) -> None:
    """A part is never larger than the whole."""
    usage = usage_of(openai(9, 1, prompt_tokens_details=details))

    assert usage is not None
    assert 9 == usage.input_tokens + usage.cached_tokens
    assert usage.input_tokens >= 0


NAMES = st.sampled_from(
    "prompt_tokens completion_tokens total_tokens prompt_tokens_details completion_tokens_details "
    "cached_tokens cached_tokens_details cache_write_tokens audio_tokens image_tokens "
    "reasoning_tokens citation_tokens num_search_queries input_tokens output_tokens "
    "cache_creation cache_creation_input_tokens ephemeral_1h_input_tokens service_tier speed "
    "cache_read_input_tokens server_tool_use web_search_requests output_tokens_details "
    "thinking_tokens".split()
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**11) | st.text(max_size=5) | st.floats(),
    lambda inner: st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=15,
)


@given(raw=ODD, read=st.integers(0, 10**6), written=st.integers(0, 10**6))
def test_no_report_breaks_the_reading(raw: object, read: int, written: int) -> None:
    """Whatever a server reports, no class is negative and nothing that was read is lost."""
    totals: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
    totals |= {"prompt_tokens": read, "completion_tokens": written}
    totals |= {"input_tokens": read, "output_tokens": written}
    for usage in (usage_of(totals), anthropic_reply.usage_of(totals)):
        assert usage is not None
        counts = [each for each in classes(usage).values() if isinstance(each, int)]
        assert all(each >= 0 for each in counts)
        assert usage.all_input_tokens >= read
        assert usage.all_output_tokens >= written
    assert usage_of(raw) is None or isinstance(raw, dict)


def test_classes_of_anthropic() -> None:
    """Writes to the cache by how long they last, thinking apart, searches by the call."""
    usage = anthropic_reply.usage_of(
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 18, "ephemeral_1h_input_tokens": 12},
            "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 25},
            "server_tool_use": {"web_search_requests": 2},
            "service_tier": "priority",
        }
    )
    assert {
        "input_tokens": 10,
        "cached_tokens": 20,
        "cache_write_tokens": 18,
        "cache_write_1h_tokens": 12,
        "output_tokens": 15,
        "reasoning_tokens": 25,
        "web_searches": 2,
        "service_tier": "priority",
    } == classes(usage)


def test_anthropics_fast_speed_is_a_tier() -> None:
    """It has prices of its own."""
    usage = anthropic_reply.usage_of({"input_tokens": 1, "output_tokens": 1, "speed": "fast"})
    assert usage is not None
    assert "fast" == usage.service_tier


def test_the_tier_served_stands_beside_openais_usage() -> None:
    """In whole answers and in the event that reports the usage."""
    body = {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": openai(1, 1),
        "service_tier": "flex",
    }
    whole = answer_of(msgspec.convert(body, WireCompletion), body=b"", single=True)
    assert whole is not None
    assert whole.usage is not None
    assert "flex" == whole.usage.service_tier

    event = msgspec.convert({**body, "choices": []}, WireChunk)
    usage = piece_of(event, b"", single=True).usage
    assert usage is not None
    assert "flex" == usage.service_tier
