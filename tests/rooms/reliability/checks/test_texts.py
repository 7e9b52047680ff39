"""Behaviour of walking and rewriting the texts of a request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from seatrial.reliability.checks.texts import (
    LONG_CHARS,
    CannotRewrite,
    Source,
    Spoken,
    caller_texts,
    is_long,
    rewrite,
    rewrite_body,
    spoken_of,
    strings_of,
)

PICTURE = "data:image/png;base64,aaaaSECRETaaaa"
BODY: dict[str, Any] = {
    "seed": 41_111_111_111,
    "metadata": {"SECRET": "of SECRET"},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "SECRET",
            "content": [
                {"type": "text", "text": "I am SECRET"},
                {"type": "image_url", "image_url": {"url": PICTURE}},
                {"type": "file", "file": {"text": "a file on SECRET"}},
                "bare",
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"function": {"name": "find", "arguments": '{"who":"S\\u0045CRET","n":[1]}'}},
                {"function": {"name": "find", "arguments": '{"who":"Ann"}'}},
                {"function": {"name": "find", "arguments": "{broken SECRET"}},
                {"function": {"name": "find", "arguments": '"SECRET"'}},
            ],
        },
        {"role": "tool", "content": "found SECRET", "tool_call_id": "c1"},
        {"role": "user", "content": {"odd": "SECRET"}},
        "no message",
    ],
    "tools": [{"function": {"description": "Finds SECRET"}}],
    "stream": True,
}


def hide(text: str) -> str:
    """Put a mark in the place of what is to be hidden."""
    return text.replace("SECRET", "[X]").replace("4111111111111111", "[CARD]")


def test_every_text_is_found_with_its_source() -> None:
    """Contents, parts, names, arguments and tools; a file's text is a document's."""
    spoken = spoken_of(BODY)

    assert Spoken("Be brief.", Source.OPERATOR) in spoken
    assert Spoken("I am SECRET", Source.CALLER) in spoken
    assert Spoken("bare", Source.CALLER) in spoken
    assert Spoken("a file on SECRET", Source.DOCUMENT) in spoken
    assert Spoken("{broken SECRET", Source.MODEL) in spoken
    assert Spoken("found SECRET", Source.DOCUMENT) in spoken
    assert Spoken("Finds SECRET", Source.OPERATOR) in spoken
    assert not [text for text, _ in spoken if "base64" in text]


def test_only_user_messages_are_the_callers() -> None:
    """Documents inside a user message are not what the caller says."""
    assert caller_texts(BODY) == ["I am SECRET", "bare", "SECRET", "SECRET"]
    assert caller_texts({"messages": "none"}) == []


def test_no_text_is_left_unchanged() -> None:
    """After rewriting, the text is nowhere but in what is no text: pictures, numbers."""
    fresh = rewrite_body(BODY, hide)

    assert "SECRET" in str(BODY)
    assert str(fresh).replace(PICTURE, "").count("SECRET") == 0
    assert fresh["seed"] == BODY["seed"]
    assert fresh["metadata"] == {"[X]": "of [X]"}
    calls = fresh["messages"][2]["tool_calls"]
    assert calls[0]["function"]["arguments"] == '{"who":"[X]","n":[1]}'
    assert calls[1] is BODY["messages"][2]["tool_calls"][1]


def test_request_without_anything_to_change_is_the_same() -> None:
    """Nothing is copied when nothing changes."""
    assert rewrite_body(BODY, lambda text: text) is BODY
    body = {"messages": [{"role": "user", "content": "SECRET"}], "metadata": {"a": "b"}}
    assert rewrite_body(body, hide)["metadata"] is body["metadata"]


def test_numbers_inside_arguments_become_marks_that_are_json() -> None:
    """A card number written as a number is a text afterwards, so that the JSON stays whole."""
    call = {"function": {"arguments": '{"card":4111111111111111,"n":7,"on":true}'}}

    fresh = rewrite(call, hide)

    assert fresh["function"]["arguments"] == '{"card":"[CARD]","n":7,"on":true}'


def test_python_values_are_rewritten_by_kind() -> None:
    """Tuples stay tuples; plain values stay what they are."""
    assert rewrite(("SECRET", 1.5, None, True), hide) == ("[X]", 1.5, None, True)
    assert rewrite({1: "SECRET"}, hide) == {1: "[X]"}
    assert rewrite(44_444_444_444, hide) == 44_444_444_444


@dataclass
class Person:
    """An object of the caller's own."""

    name: str


def test_object_that_cannot_be_rewritten_is_told() -> None:
    """An object goes through when it holds nothing, and fails when it does."""
    ann = Person("Ann")

    assert rewrite(ann, hide) is ann
    with pytest.raises(CannotRewrite, match="Person"):
        rewrite([Person("SECRET")], hide)


def test_strings_of_a_value_include_keys_and_long_numbers() -> None:
    """Everything that could tell of a person; short numbers and plain keys do not."""
    value = {"text": ["a", {"b": 12345678}, 5, ("c",)], 3: None}

    assert list(strings_of(value)) == ["a", "b", "12345678", "c"]


@pytest.mark.parametrize(
    ("make", "long"),
    [
        (lambda: "a" * LONG_CHARS, False),
        (lambda: ["a" * LONG_CHARS, "b"], True),
        (lambda: {"a": "b", "c": object()}, False),
        (lambda: {"a" * LONG_CHARS: "b"}, True),
        (lambda: {1: "b", "a" * (LONG_CHARS + 1): "b"}, True),
        (lambda: [0] * (LONG_CHARS + 1), True),
        (lambda: ("data:image/png;base64," + "a" * LONG_CHARS, 1, None), False),
    ],
)
def test_long_texts_are_told_apart(make: Callable[[], object], long: bool) -> None:
    """What takes long to check is known before it is checked."""
    assert is_long(make()) is long
