"""Days, however they are written."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.dates import Date, dates, without_dates

FIRST = Date(2024, 5, 1)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01",
        "01/05/2024",
        "1.5.2024",
        "5/1/2024",
        "1 May 2024",
        "1st of May 2024",
        "1st May, 2024",
        "May 1, 2024",
        "may 1st 2024",
        "1 Mai 2024",
        "1af o Fai neu 1 Mai 2024",
        "1. Mai 2024",
        "1er mai 2024",
        "1 de mayo de 2024",
        "1 maggio 2024",
        "1 mei 2024",
    ],
)
def test_one_day_is_read_in_many_writings(text: str) -> None:
    """In some languages as well."""
    assert any(FIRST in days for days in dates(text))


@pytest.mark.parametrize(
    "text", ["99 May", "2024-13-01", "45/45/2024", "May", "1 Maybe", "v1.2.2024.3"]
)
def test_what_is_no_day_is_none(text: str) -> None:
    """And stays in the text."""
    assert [] == list(dates(text))
    assert text == without_dates(text)


def test_days_are_taken_out() -> None:
    """Their numbers are then no numbers of the text."""
    assert "From   to   at 9." == without_dates("From 1 May 2024 to 2024-06-01 at 9.")


@given(st.dates())
def test_every_day_is_found_again(day: datetime.date) -> None:
    """In the form of ISO 8601."""
    assert [{(day.year, day.month, day.day)}] == list(dates(f"on {day}."))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing raises."""
    list(dates(text))
    without_dates(text)
