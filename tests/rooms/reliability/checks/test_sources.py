"""The documents of a request, and how they are called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.sources import MOST_SOURCES, Document, documents_of

TIDE = "Low tide is at nine."


def read(value: Any) -> list[tuple[str, set[str]]]:
    """Return text and names of each document in a context."""
    return [(each.text.strip(), set(each.names)) for each in documents_of({}, {"context": value})]


@pytest.mark.parametrize(
    ("value", "documents"),
    [
        (TIDE, [(TIDE, set())]),
        ("", []),
        ("[1] One.\n[2] Two.", [("One.", {"1"}), ("Two.", {"2"})]),
        ("Before.\n[doc:a] One.", [("Before.", set()), ("One.", {"a"})]),
        ("Document 3: One.\n\nSource 4: Two.", [("One.", {"3"}), ("Two.", {"4"})]),
        ('<document id="7" title=x>One.</document>', [("One.</document>", {"7", "x"})]),
        ("<document>One.", [("One.", set())]),
        ("[1] One.\n[2]\n", [("One.", {"1"})]),
        (["One.", "Two."], [("One.", set()), ("Two.", set())]),
        ([{"id": 5, "text": "One."}], [("One.", {"5"})]),
        ({"title": "Tides", "content": "One."}, [("Tides\nOne.", {"tides"})]),
        ({"documents": [{"id": "a", "page_content": "One."}]}, [("One.", {"a"})]),
        (
            {"page_content": "One.", "metadata": {"source": "a.pdf", "page": 3}},
            [("One.", {"a.pdf"})],
        ),
        ({"id": "a", "source": {"type": "text", "data": "One."}}, [("One.", {"a"})]),
        ({"source": "a.pdf", "price": 3}, [("source: a.pdf\nprice: 3", {"a.pdf"})]),
        ({"port": {"tide": 9}}, [("tide: 9", set())]),
        ('{"text": "One."}', [("One.", set())]),
        ('[{"text": "One."}, {"text": "Two."}]', [("One.", set()), ("Two.", set())]),
        ("{not json", [("{not json", set())]),
        ("[1", [("[1", set())]),
        ('  "one"', [('"one"', set())]),
        (7, []),
        ({"a": None}, []),
    ],
)
def test_a_context_may_have_many_forms(value: Any, documents: list[tuple[str, set[str]]]) -> None:
    """A text, a list, objects with names, JSON, or a text with marks."""
    assert documents == read(value)


def test_documents_come_from_metadata_as_well() -> None:
    """A variable of that name wins."""
    body = {"metadata": {"context": TIDE}}

    assert TIDE == documents_of(body, {})[0].text
    assert "Other." == documents_of(body, {"context": "Other."})[0].text
    assert () == documents_of({"metadata": None}, {})


def test_documents_come_from_messages() -> None:
    """From tools, from marked parts and between tags; never from the model or a plain text."""
    messages: list[Any] = [
        {"role": "system", "content": 'Use these.\n<document id="a">\nOne.'},
        {"role": "user", "content": "Just a question."},
        {"role": "assistant", "content": "<document>No."},
        {"role": "tool", "content": '{"tide": "nine"}'},
        {"role": "function", "content": "Three."},
        {
            "role": "user",
            "content": [
                {"type": "document", "title": "Four", "source": {"type": "text", "data": "Five."}},
                {"type": "text", "text": "What now?"},
                "odd",
            ],
        },
        "odd",
    ]

    documents = documents_of({"messages": messages}, {})

    assert ["One.", "tide: nine", "Three.", "Four\nFive."] == [
        each.text.strip() for each in documents
    ]
    assert {"a"} == documents[0].names
    assert () == documents_of({"messages": "odd"}, {})


def test_however_many_documents_there_are_no_more_are_read() -> None:
    """And none is read that lies too deep."""
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]

    assert MOST_SOURCES == len(read([TIDE] * (MOST_SOURCES + 5)))
    assert [] == read(deep)
    assert [] == read({"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"b": 1}}}}}}}}})
    assert 1 == len(read(json.dumps("x" * 10)))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["text", "id", "results", "source", "a"]), inner)
        ),
    )
)
def test_any_context_is_read(value: Any) -> None:
    """Nothing raises, and what comes out are documents."""
    assert all(isinstance(each, Document) for each in documents_of({}, {"context": value}))
