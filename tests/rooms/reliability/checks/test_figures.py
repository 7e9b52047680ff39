"""Numbers, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.figures import SLICE_CHARS, figures, parts, slices


def readings(text: str) -> set[str]:
    """Return all that the numbers of a text may mean."""
    return {reading for figure in figures(text) for reading in figure.readings}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000", "1000"),
        ("1.000", "1000"),
        ("1 000", "1000"),
        ("1’000", "1000"),
        ("1\u202f000", "1000"),
        ("1,234.50", "1234.5"),
        ("1.234,50", "1234.5"),
        ("3,5", "3.5"),
        ("5 %", "0.05"),
        ("5%", "5 percent"),
        ("12.5 per cent", "0.125"),
        ("1.5 million", "1500000"),
        ("2 thousand", "2000"),
        ("3 bn", "3,000,000,000"),
        ("4k", "4000"),
        ("5M", "5000000"),
        ("2:30 pm", "14:30"),
        ("7 p.m.", "19"),
        ("12 pm", "12"),
        ("09:30", "9:30"),
        ("007", "7"),
        ("3rd", "3"),
        ("£20", "20 pounds"),
        ("20.00", "20"),
        ("1.2.3", "1.2.3"),
        ("٣٤", "34"),
    ],
)
def test_two_writings_of_one_number_agree(one: str, other: str) -> None:
    """They share a reading."""
    assert readings(one) & readings(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3,000", "3"),
        ("3.000", "3"),
        ("1,5", "15"),
        ("1.2.3", "123"),
        ("9:30", "9:45"),
        ("5", "50"),
    ],
)
def test_two_numbers_do_not(one: str, other: str) -> None:
    """Whatever separators can mean."""
    assert not readings(one) & readings(other)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("£20", "GBP"),
        ("US$20", "USD"),
        ("EUR 20", "EUR"),
        ("20 €", "EUR"),
        ("20 dollars", "USD"),
        ("20", ""),
        ("20 %", ""),
    ],
)
def test_the_currency_stands_beside_it(text: str, currency: str) -> None:
    """Before or behind."""
    assert [currency] == [figure.currency for figure in figures(text)]


def test_part_of_a_word_is_no_number() -> None:
    """Names of types and versions are left alone; digits behind a hyphen are not."""
    assert set() == readings("mp3 and v1.2")
    assert {"2041"} == readings("INV-2041")


def test_bare_digits_are_given_one_by_one() -> None:
    """The hours of a time, the parts of a date."""
    assert ["9", "30", "2024"] == list(parts("09:30, 2024"))


def test_an_endless_number_is_compared_sign_by_sign() -> None:
    """Nobody works with it."""
    long = "1" * 5_000

    assert {long} == readings(long)
    assert [long] == list(parts(long))
    assert {long} == readings(f"{long} %") == readings(f"{long} pm")
    assert {long[:35] + "0" * 9, long[:35] + "." + "0" * 6} & readings(f"{long[:35]},000 million")


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 20))
def test_slices_lose_nothing(text: str, size: int) -> None:
    """Together they are the text; none is longer than asked."""
    pieces = list(slices(text, size))

    assert text == "".join(pieces)
    assert all(0 < len(piece) <= size for piece in pieces)


def test_slices_end_between_words() -> None:
    """A text without a blank is cut where it must be."""
    assert [4, 4, 1] == [len(piece) for piece in slices("x" * 9, 4)]
    assert ["one two ", "three"] == list(slices("one two three", 9))
    assert 2 == len(list(slices("y" * (SLICE_CHARS + 1))))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing raises, and a number agrees with itself."""
    assert readings(text) == readings(text)
