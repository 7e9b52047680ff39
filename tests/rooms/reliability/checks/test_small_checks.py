"""Behaviour of the small checks of an input: size, language, duplicates, type hints."""

from dataclasses import dataclass
from typing import Any

import pytest

from seatrial.reliability.checks.duplicates import Recent, check_duplicate, fingerprint
from seatrial.reliability.checks.language import check_language, language_of
from seatrial.reliability.checks.signature import hints_of
from seatrial.reliability.checks.sizes import (
    MEDIA_TOKENS,
    MESSAGE_TOKENS,
    check_size,
    most_prompt_tokens,
    most_tokens,
    typical_tokens,
)
from seatrial.values.checks import PASSED, Says

GERMAN = "Wo bleibt denn bitte meine neue Karte?"


def test_size_is_that_of_all_texts_together() -> None:
    """Several short texts can be too long together."""
    texts = ["a" * 40, "b" * 40]

    assert check_size(texts, max_chars=80, max_tokens=20) is PASSED
    assert check_size(texts, max_chars=79).code == "too_long"
    assert check_size(texts, max_tokens=19).code == "too_many_tokens"
    assert check_size([], max_chars=1) is PASSED


def test_token_estimates_stand_in_order() -> None:
    """The typical estimate stays below the one that always holds."""
    for text in ("How do I reset my password?", "Ble mae'r tŷ?", "东京都", "", "\ud800"):
        assert typical_tokens(text) <= most_tokens(text)
    assert most_tokens("东京") == 6


def test_prompt_is_estimated_from_above() -> None:
    """Messages, names, tools and media all count."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "1234"}, picture]},
            {"role": "user", "content": "12"},
            "odd",
        ]
    }

    assert most_prompt_tokens(body) == 4 * MESSAGE_TOKENS + MEDIA_TOKENS + 4 + 2 + 2 + 2
    assert most_prompt_tokens({}) == MESSAGE_TOKENS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GERMAN, "de"),
        ("Hallo du", ""),
        ("```def f(): pass```" + " x" * 9, ""),
        ("see https://a.example/de and mail ann@example.org", ""),
        ("私のカードはどこ", "de"),
    ],
)
def test_language_is_only_told_where_there_is_evidence(text: str, code: str) -> None:
    """Short texts, code and addresses are none; dense scripts need fewer signs."""
    assert language_of(text, lambda text: ("de", 0.99)) == code


def test_unsure_language_is_not_told() -> None:
    """What the identifier doubts, or finds to be no language, passes."""
    assert language_of(GERMAN, lambda text: ("de", 0.5)) == ""
    assert language_of(GERMAN, lambda text: ("zxx", 1.0)) == ""


def test_language_that_is_understood_passes() -> None:
    """Another one follows the setting, and the code is counted."""

    def identify(text: str) -> tuple[str, float]:
        return "de", 0.99

    known = check_language(GERMAN, understood=["de"], says=Says.REFUSE, identify=identify)
    other = check_language(GERMAN, understood=["cy", "en"], says=Says.FLAG, identify=identify)

    assert known is PASSED
    assert (other.says, other.code, other.counts) == (Says.FLAG, "language", {"de": 1})
    assert "cy, en" in other.reason


def test_kin_of_an_understood_language_passes() -> None:
    """Danish is no reason to refuse where Norwegian is understood; German is none of its kin."""

    def verdict(*understood: str) -> str:
        return check_language(
            GERMAN, understood=understood, says=Says.FLAG, identify=lambda text: ("da", 0.99)
        ).code

    assert verdict("en", "nb") == ""
    assert verdict("en", "de") == "language"


def test_same_input_is_known_for_a_while() -> None:
    """Within the time it is a repetition; each time starts it anew."""
    recent = Recent()
    mine = fingerprint(("t", "ann"), {"b": 1, "a": 2})

    assert mine == fingerprint(("t", "ann"), {"a": 2, "b": 1})
    assert mine != fingerprint(("t", "bob"), {"a": 2, "b": 1})
    assert fingerprint((), {"a": "\ud800"}) != fingerprint((), {"a": "\udfff"})
    assert not recent.again(mine, now=0.0, within_s=60.0)
    assert recent.again(mine, now=60.0, within_s=60.0)
    assert not recent.again(mine, now=121.0, within_s=60.0)


def test_memory_of_inputs_is_bounded() -> None:
    """The oldest is forgotten first."""
    recent = Recent(most=2)
    for each in (b"a", b"b", b"c"):
        recent.again(each, now=0.0, within_s=9.0)

    assert len(recent) == 2
    assert not recent.again(b"a", now=1.0, within_s=9.0)
    assert recent.again(b"c", now=1.0, within_s=9.0)


def test_repetition_follows_the_setting() -> None:
    """Nothing for what is new."""
    assert check_duplicate(False, Says.REFUSE) is PASSED
    assert check_duplicate(True, Says.FLAG).code == "duplicate"


@dataclass
class Order:
    """A class of the user's own."""

    number: int


class Odd:
    """A class that msgspec knows nothing of."""


def work(
    text: str, count: int = 1, *rest: int, order: Order | None = None, odd: Any = 0, **more: str
) -> str:
    """Take arguments of many kinds."""
    return text


@pytest.mark.parametrize(
    ("args", "kwargs", "code"),
    [
        (("a",), {}, ""),
        (("a", 2, 3, 4), {}, ""),
        (("a",), {"order": Order(3)}, ""),
        (("a",), {"order": {"number": 3}}, ""),
        (("a",), {"odd": object()}, ""),
        (("a",), {"colour": "red"}, ""),
        ((), {}, "wrong_arguments"),
        ((1,), {}, "wrong_type"),
        (("a", True), {}, "wrong_type"),
        (("a", 2, "x"), {}, "wrong_type"),
        (("a",), {"order": {"number": "x"}}, "wrong_type"),
        (("a",), {"colour": 3}, "wrong_type"),
    ],
)
def test_arguments_must_fit_their_hints(
    args: tuple[Any, ...], kwargs: dict[str, Any], code: str
) -> None:
    """By Python's own rules of calling, and by type."""
    assert hints_of(work).check(args, kwargs).code == code


def test_hints_that_cannot_be_checked_pass() -> None:
    """Unknown names, and unions that msgspec does not take."""

    def unknown(a: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
        return None

    def union(a: Odd | Order) -> None:
        return None

    assert hints_of(unknown).check((3,), {}) is PASSED
    assert hints_of(union).check((3,), {}) is PASSED
