"""Citations and quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.citations import Faults, examine_citations
from seatrial.reliability.checks.sources import Document

NUMBERED = [
    Document("Low tide is at nine o'clock sharp.", frozenset({"1"})),
    Document("Gwen Rees sells\n the tickets.", frozenset({"2", "tickets.pdf"})),
]
NAMED = [
    Document("Low tide is at nine.", frozenset({"tides"})),
    Document("Gwen sells them.", frozenset({"tickets.pdf"})),
]


@pytest.mark.parametrize(
    "text",
    [
        "At nine [1].",
        "At nine[1][2].",
        "At nine [1, 2].",
        "At nine [1-2].",
        "At nine [^1].",
        "At nine [doc:1].",
        "At nine [source 2].",
        "At nine 【1】.",
        "At nine 【4:0†tickets.pdf】.",
        "At nine 【4:1†source】.",
        "See [tickets.pdf].",
        "It says “is at nine o’clock sharp” [1].",
        "See [1](https://example.org).",
        "Fill in [your name] or [x].",
        'It says "low tide is at nine" [1].',
        "It says “Low tide … nine o'clock sharp.” [1]",
        'As [2] says, "Gwen Rees sells the tickets".',
        f'"Both of these are right", {"and many words stand between them, " * 2} [1].',
        '"So" [1].',
        'An open "quote [1].',
        "No citation, but a 'quote' and \"one that nobody cites\".",
    ],
)
def test_what_exists_may_be_cited(text: str) -> None:
    """In every usual form; what is no citation is left alone."""
    assert Faults(0, 0) == examine_citations(text, NUMBERED)[0]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("At nine [3].", Faults(1, 0)),
        ("At nine [1][3].", Faults(1, 0)),
        ("At nine [1, 3].", Faults(1, 0)),
        ("At nine [1-3].", Faults(1, 0)),
        ("At nine [2-1].", Faults(1, 0)),
        ("At nine [^9].", Faults(1, 0)),
        ("At nine [doc:other].", Faults(1, 0)),
        ("At nine 【7:2†other.pdf】.", Faults(1, 0)),
        ('It says "low tide is at ten" [1].', Faults(0, 1)),
        ('It says "low tide is at nine" [2].', Faults(0, 1)),
        ("As [2] says, «Gwen Rees buys the tickets».", Faults(0, 1)),
        ('It says „low tide is at ten“ [1] and "no tide is at nine" [1].', Faults(0, 2)),
        ('It says "low tide is at ten" [3].', Faults(1, 0)),
    ],
)
def test_what_does_not_exist_is_counted(text: str, faults: Faults) -> None:
    """A quote is looked for in what it cites; where that does not exist, once is enough."""
    assert faults == examine_citations(text, NUMBERED)[0]


def test_where_names_are_no_numbers_documents_are_counted() -> None:
    """`[2]` is then the second one."""
    assert Faults(0, 0) == examine_citations("[1] [2] [tides]", NAMED)[0]
    assert Faults(1, 0) == examine_citations("[3]", NAMED)[0]


def test_citations_are_taken_out() -> None:
    """Their numbers are no numbers of the text."""
    assert "At nine  , not ten." == examine_citations("At nine [1], not ten.", NUMBERED)[1]


@given(st.text(alphabet='ab ["]-1,【】†“”…\n', max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Nothing raises."""
    examine_citations(text, NUMBERED)
