"""Answers held against what they were given to go by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.grounding import check_grounding
from seatrial.reliability.checks.sources import documents_of
from seatrial.values.checks import PASSED, Says

DOCUMENTS = documents_of(
    {},
    {
        "context": """
[1] The ferry from Barry Docks to Port Talbot leaves at 14:30 and costs £1,250.50 a year.
Gwen Rees sells the tickets. The Rolls and the Royce are two of three boats.
[2] Season tickets began on 1 May 2024 and are 5 % cheaper. The winter ends on 3 March.
Its next one begins in 2025.
"""
    },
)
SAID = ["What does a ticket to Lundy cost? My number is 4711."]


def counts(text: str) -> dict[str, int]:
    """Return what is not held."""
    return check_grounding(text, DOCUMENTS, SAID, then="refuse").counts


@pytest.mark.parametrize(
    "text",
    [
        "It leaves at 2:30 pm [1] and costs £1250.50.",
        "It costs 1.250,50 pounds a year, 0.05 less in the season [2].",
        "It costs 1250.5 a year.",
        "Season tickets began on May 1st, 2024, the first of them on 2024-05-01.",
        "The winter ends on 3 March 2025.",
        "The winter ends on 3 March.",
        "There are 3 boats, 2 of them named.",
        "Ask Gwen Rees, or take the Rolls-Royce of Port Talbot.",
        "The tickets of Gwen's are for Lundy, with your number 4711.",
        "1. Go to Barry.\n2) Ask Gwen.\n3. Step 4 is to pay.",
        "Run `ferry(99)` or\n```\nprint('Rhys', 98)\n```\nnow.",
        "Nothing that can be held against it.",
    ],
)
def test_a_faithful_answer_passes(text: str) -> None:
    """However its numbers and days are written."""
    assert {} == counts(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It leaves at 15:30.", {"number": 1}),
        ("It costs £1,260.50.", {"number": 1}),
        ("It costs $1,250.50.", {"number": 1}),
        ("It is 6 % cheaper.", {"number": 1}),
        ("Season tickets began on 2 May 2024.", {"date": 1}),
        ("The winter ends on 3 March 2026.", {"date": 1}),
        ("Ask Gwen Jones.", {"name": 1}),
        ("Take the Rolls-Bentley.", {"name": 1}),
        ("At 14:30 [3].", {"citation": 1}),
        ('It says "the ferry is free" [1].', {"quote": 1}),
        ("Ask Rhys at 9:15 [7].", {"citation": 1, "number": 1, "name": 1}),
    ],
)
def test_what_the_context_does_not_hold_is_counted(text: str, found: dict[str, int]) -> None:
    """By kind."""
    verdict = check_grounding(text, DOCUMENTS, SAID, then="refuse")

    assert (Says.REFUSE, "ungrounded") == (verdict.says, verdict.code)
    assert found == verdict.counts


def test_the_reason_names_kinds_and_quotes_nothing() -> None:
    """The note for a repair is made of it."""
    verdict = check_grounding("Ask Rhys at 9:15.", DOCUMENTS, SAID, then="flag")

    assert Says.FLAG is verdict.says
    assert "numbers" in verdict.reason
    assert "names" in verdict.reason
    assert "Rhys" not in verdict.reason


def test_without_documents_there_is_nothing_to_hold_it_against() -> None:
    """That is said, and fails nothing."""
    verdict = check_grounding("At nine.", (), SAID, then="refuse")

    assert (Says.FLAG, "no_context") == (verdict.says, verdict.code)
    assert PASSED == check_grounding("At nine.", (), SAID, then="off")
    assert PASSED == check_grounding(" ", (), SAID, then="refuse")


def test_the_names_of_documents_may_be_said() -> None:
    """A title or a file name is part of what was supplied."""
    documents = documents_of({}, {"context": [{"title": "Harbour Rules", "text": "None."}]})

    assert PASSED == check_grounding("See the Harbour Rules.", documents, [], then="refuse")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing raises; a context always holds itself."""
    check_grounding(text, DOCUMENTS, SAID, then="refuse")
