"""OpenAI's chat request, put into Anthropic's words."""

from typing import Any

import pytest

from seatrial.providers.anthropic_request import Unmappable, to_anthropic

PNG = "data:image/png;base64,aGk="


def put(messages: list[Any] | None = None, *, defaults: Any = None, **body: Any) -> dict[str, Any]:
    """Put a request."""
    asked = {"messages": messages or [{"role": "user", "content": "Hi"}], **body}
    return to_anthropic(asked, model="m", defaults=defaults or {}, stream=False)


def text(words: str) -> dict[str, str]:
    """Write a block of text."""
    return {"type": "text", "text": words}


def test_plain_question() -> None:
    """The least there is."""
    expected = {
        "model": "m",
        "max_tokens": 4_096,
        "messages": [{"role": "user", "content": [text("Hi")]}],
    }

    assert expected == put()


def test_instructions_stand_apart() -> None:
    """System and developer messages become the system text, wherever they stand."""
    made = put(
        [
            {"role": "system", "content": "One."},
            {"role": "user", "content": "Hi"},
            {"role": "developer", "content": [text("Two.")]},
        ]
    )

    assert "One.\n\nTwo." == made["system"]
    assert 1 == len(made["messages"])


def test_tool_conversation() -> None:
    """Calls and results, the results of one turn in one message, before what is said next."""
    made = put(
        [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "a", "function": {"name": "look", "arguments": '{"x":1}'}},
                    {"id": "b", "function": {"name": "look", "arguments": ""}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "rain"},
            {"role": "tool", "tool_call_id": "b", "content": ""},
            {"role": "user", "content": "And?"},
        ]
    )

    assert [
        {"role": "user", "content": [text("Weather?")]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [text("rain")]},
                {"type": "tool_result", "tool_use_id": "b"},
                text("And?"),
            ],
        },
    ] == made["messages"]


def test_images_and_files() -> None:
    """Data addresses are taken apart, https addresses passed on; empty text is left out."""
    made = put(
        [
            {
                "role": "user",
                "content": [
                    text(""),
                    {"type": "image_url", "image_url": {"url": PNG}},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
                ],
            }
        ]
    )

    assert [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
        },
    ] == made["messages"][0]["content"]


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        (
            {"type": "function", "function": {"name": "look"}},
            None,
            {"type": "tool", "name": "look"},
        ),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_tool_choice(choice: Any, parallel: Any, expected: Any) -> None:
    """Each way to choose."""
    made = put(tools=[TOOL], tool_choice=choice, parallel_tool_calls=parallel)

    assert [{"name": "look", "input_schema": {"type": "object"}}] == made["tools"]
    assert expected == made.get("tool_choice")


def test_parameters() -> None:
    """Names and ranges differ."""
    made = put(
        max_completion_tokens=7, temperature=1.7, top_p=0.9, stop="END", user="u", seed=3, n=1
    )

    assert 7 == made["max_tokens"]
    assert 1 == made["temperature"]
    assert 0.9 == made["top_p"]
    assert ["END"] == made["stop_sequences"]
    assert {"user_id": "u"} == made["metadata"]
    assert "seed" not in made


def test_defaults_give_way_and_own_fields_pass() -> None:
    """What the caller says wins; what only Anthropic knows is the operator's to set."""
    made = put(
        defaults={"max_tokens": 100, "temperature": 0.1, "thinking": {"type": "adaptive"}},
        max_tokens=5,
        temperature=None,
    )

    assert (5, 0.1) == (made["max_tokens"], made["temperature"])
    assert {"type": "adaptive"} == made["thinking"]


def test_callers_of_its_own_door_keep_what_it_knows() -> None:
    """And nothing else that they write there."""
    theirs = {"thinking": {"type": "adaptive"}, "top_k": 4, "model": "other", "base_url": "x"}
    made = put(anthropic=theirs)

    assert ({"type": "adaptive"}, 4, "m") == (made["thinking"], made["top_k"], made["model"])
    assert not {"anthropic", "base_url"} & made.keys()


def test_wanted_forms() -> None:
    """A schema is asked for as such, beside what was set; plain JSON in words."""
    schema = {"type": "object", "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    made = put(defaults={"output_config": {"effort": "low"}}, response_format=wanted)

    assert {
        "effort": "low",
        "format": {"type": "json_schema", "schema": schema},
    } == made["output_config"]
    bare = put(response_format={"type": "json_schema", "json_schema": 7})
    assert {"type": "object"} == bare["output_config"]["format"]["schema"]
    assert "JSON" in put(response_format={"type": "json_object"})["system"]
    assert "system" not in put(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"modalities": 7}, "modalities"),
        ({"functions": [{}]}, "functions"),
        ({"tools": 7}, "tools"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": "a"}]}, "messages[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": ["a"]}]}, "messages[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": 7}]}]}, "messages[0]"),
        ({"tools": [{"type": "custom"}]}, "tools[0]"),
        ({"tools": [TOOL], "tool_choice": {"type": "odd"}}, "tool_choice"),
        ({"messages": [{"role": "narrator", "content": "a"}]}, "messages[0]"),
        ({"messages": ["a"]}, "messages[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0]",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": "ftp:"}]}
                ]
            },
            "messages[0]",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{"}}]}]},
            "messages[0]",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(body: dict[str, Any], param: str) -> None:
    """The caller learns which parameter it is."""
    with pytest.raises(Unmappable) as caught:
        put(body.pop("messages", None), **body)

    failure = caught.value.failure()
    assert failure.error is not None
    assert param == failure.error.param
    assert not failure.sent
