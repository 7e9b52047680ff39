"""How requests are taken apart and questions are compared."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.settings import Plan, TargetRules
from seatrial.reliability.similarity import (
    MOST_QUESTION_CHARS,
    CachePlan,
    CacheSettings,
    cosine,
    raised,
    sketch,
    split_request,
)
from seatrial.values.vectors import pack

numbers = st.floats(-1e3, 1e3, width=32, allow_nan=False)
vectors = st.lists(numbers, min_size=1, max_size=40)


def asked(content: Any, *before: dict[str, Any], role: str = "user", **more: Any) -> dict[str, Any]:
    """Return a request whose last message says something."""
    return {"messages": [*before, {"role": role, "content": content}], **more}


def test_question_is_the_last_user_text() -> None:
    """Everything else is what must be equal."""
    before = {"role": "system", "content": "Be kind."}
    split = split_request(asked("Where is it?", before, temperature=0.5))

    assert split is not None
    assert "Where is it?" == split.question
    assert asked("", before, temperature=0.5) == split.rest


def test_one_text_part_is_a_text() -> None:
    """Both forms of the same question share their partition."""
    parts = split_request(asked([{"type": "text", "text": "Where is it?"}]))

    assert split_request(asked("Where is it?")) == parts


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        asked("Hi", role="assistant"),
        asked(None),
        asked(" "),
        asked("x" * (MOST_QUESTION_CHARS + 1)),
        asked([]),
        asked(["Hi"]),
        asked([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
        asked([{"type": "image_url", "image_url": {"url": "data:"}}]),
        asked([{"type": "text", "text": "a", "cache_control": {}}]),
        asked([{"type": "image_url", "text": "a"}]),
        asked([{"type": "text", "text": 5}]),
    ],
)
def test_anything_else_is_no_question(body: dict[str, Any]) -> None:
    """What is more than one plain, short text is never compared."""
    assert split_request(body) is None


@pytest.mark.parametrize("wanted", [None, "", "?", "nan", "inf", "-inf", "0.2", "-3", "0.95"])
def test_bar_is_never_lowered(wanted: str | None) -> None:
    """And what is no number changes nothing."""
    assert 0.95 == raised(0.95, wanted)


@given(st.floats(0.7, 1), st.floats(allow_nan=False, allow_infinity=False))
def test_bar_is_raised_alone(setting: float, wanted: float) -> None:
    """Whatever a caller writes."""
    assert max(setting, wanted) == raised(setting, str(wanted))


@given(vectors)
def test_vector_is_like_itself(given_numbers: list[float]) -> None:
    """As near to 1 as float32 goes; a vector without a length is like nothing."""
    vector = pack(given_numbers)
    length = math.hypot(*given_numbers)

    assert (-1.0 if length * length == 0 else pytest.approx(1.0)) == cosine(vector, vector)
    assert cosine(vector, vector) <= 1.0


@given(vectors, vectors)
def test_likeness_is_mutual(one: list[float], other: list[float]) -> None:
    """And never outside its range."""
    first, second = pack(one), pack(other)

    assert cosine(first, second) == pytest.approx(cosine(second, first))
    assert -1.000001 <= cosine(first, second) <= 1.0


def test_vectors_of_different_lengths_are_not_alike() -> None:
    """They come from different models."""
    assert -1.0 == cosine(pack([1.0]), pack([1.0, 0.0]))


def test_vectors_without_a_length_are_like_nothing() -> None:
    """The longest that float32 can write has one."""
    vector = pack([3e38] * 4)

    assert cosine(vector, vector) == pytest.approx(1.0)
    assert -1.0 == cosine(b"", b"")
    assert -1.0 == cosine(pack([0.0]), pack([1.0]))


@given(st.lists(st.floats(0.125, 8.0, width=32), min_size=1, max_size=64), st.data())
def test_sketch_counts_turned_signs(sizes: list[float], data: st.DataObject) -> None:
    """One bit for each number whose sign differs."""
    turned = data.draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    other = [-size if turn else size for size, turn in zip(sizes, turned, strict=True)]

    assert sum(turned) == (sketch(pack(sizes)) ^ sketch(pack(other))).bit_count()


def test_age_is_bounded_where_it_is_said() -> None:
    """Left out, any age will do."""
    hour = CachePlan(CacheSettings(max_age_s=3600.0))

    assert [True, False] == [hour.is_fresh(3600.0), hour.is_fresh(3600.1)]
    assert CachePlan().is_fresh(1e9)


def test_plan_keeps_answers_for_a_cache_alone() -> None:
    """On the route or in front of it."""
    large, cache = TargetRules("large"), TargetRules("cache", kind="cache")
    front = CachePlan(CacheSettings(front=True))

    assert not Plan("support", "r1", (large,)).keeps
    assert not Plan("support", "r1", (large,), cache=CachePlan()).keeps
    assert Plan("support", "r1", (large, cache)).keeps
    assert Plan("support", "r1", (large,), cache=front).keeps
