"""Who may be given whose answer again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.caching import IGNORED, cache_key, may_keep
from seatrial.values.chat import Answer, ToolCall

ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Where is my parcel?"}],
    "temperature": 0.2,
}
names = st.text(max_size=8)
partitions = st.tuples(names, names, names, names)


def key(
    tenant: str = "default",
    scope: str = "",
    feature: str = "support",
    prompt_version: str = "v1",
    *,
    secret: bytes = b"s",
    **body: Any,
) -> str:
    """Return the key of the usual question, changed as the test says."""
    return cache_key(
        secret,
        tenant=tenant,
        scope=scope,
        feature=feature,
        prompt_version=prompt_version,
        body={**ASKED, **body},
    )


@given(partitions, partitions)
def test_partitions_never_share(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Tenant, scope, feature and prompt version each separate, however their names look."""
    assert (one == other) == (key(*one) == key(*other))


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_ignored_fields_share(name: str) -> None:
    """What does not change a good answer does not change its key."""
    assert key() == key(**{name: "something else"})


@pytest.mark.parametrize(
    "body",
    [
        {"temperature": 0.3},
        {"seed": 7},
        {"tools": []},
        {"messages": [{"role": "user", "content": "Where is my Parcel?"}]},
        {"messages": [{"role": "system", "content": "Be brief."}, *ASKED["messages"]]},
    ],
    ids=str,
)
def test_whatever_else_differs_separates(body: dict[str, Any]) -> None:
    """One parameter or one letter makes another question."""
    assert key() != key(**body)


def test_order_of_fields_does_not_matter() -> None:
    """The same question written in another order is the same question."""
    backwards = dict(reversed(list(ASKED.items())))
    backwards["messages"] = [dict(reversed(list(ASKED["messages"][0].items())))]

    assert key() == key(**backwards)


def test_installations_never_share() -> None:
    """Keys of one installation tell nothing about inputs to another."""
    assert key(secret=b"one") != key(secret=b"two")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("Tomorrow."), True),
        (Answer("Tomor", finish_reason="length"), False),
        (Answer("", finish_reason="stop"), False),
        (Answer(None, refusal="No."), False),
        (Answer("I'm sorry, but I can't help with that."), False),
        (Answer("I will", finish_reason="content_filter"), False),
        (Answer("Look:", tool_calls=(ToolCall("1", "look", "{}"),)), False),
        (Answer("Tomorrow.", age_s=10.0), False),
        (Answer(None, vectors=(b"1234",)), True),
    ],
    ids=["good", "cut", "empty", "refusal", "declining", "filtered", "tools", "cached", "vectors"],
)
def test_only_whole_good_answers_are_kept(answer: Answer, expected: bool) -> None:
    """Nothing cut, refused, calling tools, or itself from the cache."""
    assert expected is may_keep(answer)
