"""What a person changed in a draft."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.oversight.difference import MOST_CHANGES, MOST_WORDS, difference

TEXTS = st.text(alphabet="ab1. \n*A!", max_size=40)


@given(TEXTS, TEXTS)
def test_segments_make_both_texts(before: str, after: str) -> None:
    """What is the same and out is the draft; what is the same and in is the answer."""
    found = difference(before, after)

    assert before == "".join(text for side, text in found.segments if side != "in")
    assert after == "".join(text for side, text in found.segments if side != "out")
    assert all(text for _, text in found.segments)
    sides = [side for side, _ in found.segments]
    assert not any(one == other for one, other in pairwise(sides))


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("Same words.", "Same words.", ""),
        ("It is $5.", "It is $7.", "fact"),
        ("Due on 3 May.", "Due on 3 June.", "fact"),
        ("Ask Ann about it.", "Ask Bob about it.", "fact"),
        ("He said\nAnn knows and so do I.", "He said\nBob knows and so do I.", ""),
        ("Pay now.", "Pay now, or by bank transfer within a week.", "omission"),
        ("Pay now. It will never be cheaper than today.", "Pay now.", "addition"),
        ("Pay now.", "Please pay now.", "tone"),
        ("Pay now!", "Pay now.", "tone"),
        ("one two", "* one\n* two", "format"),
        ("one two", "One two", "format"),
        ("* one thing\n* two", "one thing and one more and two", "omission format"),
    ],
)
def test_kinds_are_told_from_the_words(before: str, after: str, kinds: str) -> None:
    """Facts, what was left out or had to go, manner and layout."""
    assert kinds.split() == [each.value for each in difference(before, after).changes]


def test_tags_of_the_person_are_kept() -> None:
    """Policy is seen by people alone; words of a feature's own are no kinds."""
    found = difference("Yes, you may.", "Yes, one may.", tags=("policy", "brand"))

    assert ["policy"] == [each.value for each in found.changes]


def test_facts_stand_by_sort() -> None:
    """A ruling keeps the numbers that went and came."""
    found = difference("It is $5 until May.", "Sorry, it is $7 until May.")

    assert ("5",) == found.facts_out
    assert ("7",) == found.facts_in
    assert {"fact": ["-5", "+7"], "tone": []} == found.by_sort()
    assert (2, 3) == (found.words_out, found.words_in)


def test_too_much_change_is_one_change() -> None:
    """Beyond the bound nobody reads word by word, and no time is spent on it."""
    old = " ".join(f"a{i}" for i in range(MOST_CHANGES))
    new = " ".join(f"b{i}" for i in range(MOST_CHANGES))

    found = difference(f"x {old} y", f"x {new} y")

    assert found.whole
    assert ["same", "out", "in", "same"] == [side for side, _ in found.segments]
    assert not difference("a b", "c d").whole


def test_long_and_nasty_texts_take_little_time() -> None:
    """Two letters at random, where difflib takes minutes."""
    dice = random.Random(1)
    old, new = (" ".join(dice.choices("ab", k=2 * MOST_WORDS)) for _ in range(2))

    began = time.process_time()
    found = difference(old, new)

    assert time.process_time() - began < 10
    assert old == "".join(text for side, text in found.segments if side != "in")
