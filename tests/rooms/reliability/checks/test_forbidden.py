"""Texts that no answer may hold."""

from __future__ import annotations

import pytest

from seatrial.reliability.checks.figures import SLICE_CHARS
from seatrial.reliability.checks.forbidden import check_forbidden, forbid, plain
from seatrial.values.checks import PASSED

TEXTS = ("Rival Ltd", "50% off!", "投資", "straße")


@pytest.mark.parametrize(
    "text",
    [
        "Ask RIVAL  LTD.",
        "Ask Rival\nLtd",
        "Ask Ri\u200bval Ltd",
        "Ask Ｒｉｖａｌ Ltd",
        "Today 50% OFF! Hurry",
        "請投資吧",
        "In der STRASSE",
    ],
)
def test_disguises_do_not_help(text: str) -> None:
    """Case, breaks, full width and signs that nobody sees make no difference."""
    assert "forbidden" == check_forbidden(text, forbid(TEXTS), longest=40).code


@pytest.mark.parametrize("text", ["", "Arrival Ltd", "Rival Ltdx", "50 % of f", "rivals ltd"])
def test_only_whole_words_are_found(text: str) -> None:
    """Part of a longer word is another word."""
    assert PASSED == check_forbidden(text, forbid(TEXTS), longest=40)


@pytest.mark.parametrize("texts", [(), ("", " ")])
def test_nothing_is_forbidden_by_nothing(texts: tuple[str, ...]) -> None:
    """An empty text is in every other one, and therefore none."""
    assert forbid(texts) is None
    assert PASSED == check_forbidden("Rival", forbid(texts), longest=0)


def test_the_cut_between_two_slices_hides_nothing() -> None:
    """Long texts are looked through in slices."""
    for before in range(SLICE_CHARS - 12, SLICE_CHARS + 2):
        text = "x" * before + " rival ltd " + "y " * 9
        assert "forbidden" == check_forbidden(text, forbid(TEXTS), longest=40).code


def test_plain_is_stable() -> None:
    """What is plain stays as it is."""
    assert plain("Ｓtraße\u200b ") == plain(plain("Ｓtraße\u200b ")) == "strasse"
