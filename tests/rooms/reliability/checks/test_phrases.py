"""Answers that say nothing in many words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.phrases import MOST_CHARS, check_phrases
from seatrial.values.checks import PASSED, Says

ASKED = "When does the ferry to Barry Docks leave on Sunday?"


@pytest.mark.parametrize(
    "text",
    [
        "I hope this helps!",
        "Great question! I hope this helps.",
        "That's a great question about ferries.",
        "Sure! I'd be happy to help you with that.",
        "Certainly!",
        "Hello! Thank you for contacting us. Please let me know if you have any other questions.",
        "As an AI language model, I don't have access to timetables.",
        "As a language model I cannot know. Is there anything else I can help with?",
        "You asked when the ferry to Barry Docks leaves on Sunday.",
        "The ferry to Barry Docks leaves on Sunday. I hope this helps!",
        "It depends on many factors.",
        "There are many factors.",
        "Gobeithio bod hyn o gymorth!",
        "- \n\n ...\nI hope that answers your question.",
        "…",
    ],
)
def test_nothing_is_found_out(text: str) -> None:
    """Courtesies, words about being a machine, the question again, and their sum."""
    verdict = check_phrases(text, ASKED, then="refuse")

    assert (Says.REFUSE, "empty_phrases") == (verdict.says, verdict.code)


@pytest.mark.parametrize(
    "text",
    [
        "At nine.",
        "Nine.",
        "Sure, at nine.",
        "Great question! It leaves at nine.",
        "It leaves at 9:30. I hope this helps!",
        "Please let me know at ferry@example.org.",
        "Feel free to call 029 2018 0999.",
        "It depends on the tide: at nine when it is high.",
        "There is no ferry on Sunday.",
        "Am naw o'r gloch.",
        "",
        "  ",
        "Nothing. " * MOST_CHARS,
    ],
)
def test_who_says_something_passes(text: str) -> None:
    """However short, and whatever courtesies stand around it."""
    assert PASSED == check_phrases(text, ASKED, then="refuse")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Does the ferry leave on Sunday?", "The ferry does leave on Sunday."),
        ("Red or white?", "White."),
        ("", "The ferry leaves on Sunday."),
    ],
)
def test_to_some_questions_their_own_words_are_the_answer(question: str, text: str) -> None:
    """Yes, no, or one of two."""
    assert PASSED == check_phrases(text, question, then="refuse")


def test_words_about_being_a_machine_are_flagged_beside_an_answer() -> None:
    """They fail no answer that says something."""
    text = "As an AI language model, I don't have a watch. The ferry sails at nine."

    verdict = check_phrases(text, ASKED, then="refuse")

    assert (Says.FLAG, "machine_phrases") == (verdict.says, verdict.code)
    assert Says.FLAG is check_phrases("As an AI I say: at nine.", ASKED, then="refuse").says


def test_what_was_found_is_counted() -> None:
    """By kind."""
    text = "Great question! As an AI, I have no watch. I hope this helps."

    assert {"courtesy": 2, "machine": 1} == check_phrases(text, ASKED, then="flag").counts


def test_switched_off_it_says_nothing() -> None:
    """And with `flag` it flags."""
    assert PASSED == check_phrases("Certainly!", ASKED, then="off")
    assert Says.FLAG is check_phrases("Certainly!", ASKED, then="flag").says


@given(st.text(), st.text())
def test_any_text_is_read(text: str, question: str) -> None:
    """Nothing raises."""
    check_phrases(text, question, then="refuse")
