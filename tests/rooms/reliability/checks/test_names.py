"""Proper names, as far as capitals tell them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.names import names, vocabulary


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ask Gwen Rees.", [("gwen", "rees")]),
        ("Ask Gwen, or Rees.", [("gwen",), ("rees",)]),
        ("We sail to Port Talbot and Barry", [("port", "talbot"), ("barry",)]),
        ("Gwen sells tickets.", []),
        ("It is sold. Gwen sells it.", []),
        ("Gwen's ticket is Rees's.", [("rees",)]),
        ("Call O'Brien at Rolls-Royce.", [("o'brien",), ("rolls-royce",)]),
        ("Ask on Monday, 3 May, in English.", []),
        ("Ask Dr Rees.", [("rees",)]),
        ("The VAT of ACME is due.", [("acme",)]),
        ("• Opening Hours: nine", []),
        ("**Opening Hours**: nine", []),
        ("# Where Gwen Sells Tickets", []),
        ("Where Gwen Sells Her Tickets", []),
        ("Спросите Анну Петрову.", [("анну", "петрову")]),
        ("晩上九点", []),
        ("", []),
    ],
)
def test_names_are_found_and_beginnings_are_not(text: str, found: list[tuple[str, ...]]) -> None:
    """What has its capital from its place is no name."""
    assert found == list(names(text))


def test_german_nouns_are_no_names() -> None:
    """There every noun has a capital, so nothing can be told."""
    assert [] == list(names("Das Boot ist am Hafen und die Karte kostet mit dem Rabatt weniger."))
    assert [("gwen",)] == list(names("Ask Gwen"))


def test_words_are_given_without_their_ends() -> None:
    """A compound gives its parts as well."""
    assert ["gwen", "rolls-royce", "rolls", "royce"] == list(vocabulary("Gwen’s Rolls-Royce"))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing raises."""
    list(names(text))
    list(vocabulary(text))
