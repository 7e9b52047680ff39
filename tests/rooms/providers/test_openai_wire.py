"""What is passed on of an OpenAI body as it came, and what is written anew."""

from __future__ import annotations

import json

import msgspec
import pytest

from seatrial.providers.openai_wire import (
    WireChunk,
    WireCompletion,
    answer_of,
    piece_of,
    says_twice,
)

GOOD = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}


def read(body: bytes, *, single: bool = True) -> bytes:
    """Return the body that the caller would get; empty where it is written anew."""
    answer = answer_of(msgspec.json.decode(body, type=WireCompletion), body=body, single=single)
    assert answer is not None
    assert "Hi" == answer.text
    return answer.body


def test_plain_body_is_passed_on() -> None:
    """Byte by byte, with all that we do not read."""
    body = json.dumps({**GOOD, "x_new": 1}).encode()

    assert body == read(body)


@pytest.mark.parametrize(
    "choices",
    [
        [{**GOOD["choices"][0], "index": 7}],
        [GOOD["choices"][0], {**GOOD["choices"][0], "index": 1}],
    ],
)
def test_choices_that_nobody_asked_for_stay_here(choices: list[object]) -> None:
    """The caller gets one, number 0; whoever asked for more gets what came."""
    body = json.dumps({"choices": choices}).encode()

    assert b"" == read(body)
    assert body == read(body, single=False)


def test_key_that_comes_twice_stays_here() -> None:
    """Another reader might take the first value, and see another answer."""
    body = json.dumps(GOOD).encode().replace(b'"content"', b'"content": "No", "content"')
    event = b'{"choices": [{"delta": {"content": "No", "content": "Hi"}}]}'

    assert b"" == read(body)
    assert b"" == piece_of(msgspec.json.decode(event, type=WireChunk), event, single=True).data


@pytest.mark.parametrize(
    ("data", "twice"),
    [
        ('{"content": "Hi"}', False),
        ('{"content": "Hi", "logprobs": {"content": []}}', False),
        (json.dumps({"content": '"content": "Ho", "content": "Hi"'}), False),
        ('{"message": {"content": "Hi"}, "message": {}}', True),
        ('{"choices": [], "choices" : []}', True),
    ],
)
def test_twice_is_within_one_object(data: str, twice: bool) -> None:
    """A key may come again further down, and in a text."""
    assert twice is says_twice(data.encode())
