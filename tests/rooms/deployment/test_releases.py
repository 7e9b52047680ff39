"""Releases: the same answers, the same id; other answers, another."""

import json
from typing import Any

import pytest

from seatrial.deployment.releases import Tier, normalise_source, release_content, release_id

LARGE = Tier("model", provider="openai", model="gpt-5.1", parameters={"temperature": 0.2, "n": 1})
BASE: dict[str, Any] = {
    "route": [LARGE, Tier("cache"), Tier("say")],
    "on_refusal": "return",
    "say": "Later.",
    "prompt_version": "aa",
}
FUNCTION = '''
    @app.feature("triage")
    def answer(question: str, limit: int = 3) -> str:
        """Answer by rules."""
        # Billing first.
        if "bill" in question:
            return f"See {limit} bills"
        return None
'''


def id_of(**changes: Any) -> str:
    """Return the id of the release with some of it changed."""
    return release_id(release_content(changes.pop("feature", "support"), **(BASE | changes)))


def test_content_is_canonical_json() -> None:
    """Sorted, without spaces, and without what is empty: the text is what is hashed."""
    expected = (
        '{"feature":"support","form":1,"on_refusal":"return","prompt":"aa","route":['
        '{"kind":"model","model":"gpt-5.1","parameters":{"n":1,"temperature":0.2},'
        '"provider":"openai"},{"kind":"cache"},{"kind":"say"}],"say":"Later."}'
    )

    assert expected == release_content("support", **BASE)
    assert "say" not in json.loads(release_content("support", **(BASE | {"say": ""})))


def test_id_is_fixed_for_ever() -> None:
    """Records of past years lead to their release: an id must never drift by itself."""
    assert "1b4e78f7a6913d26" == id_of()


def test_checks_count_as_far_as_they_are_unusual() -> None:
    """Checks make another release; a side without any leaves every id as it was."""
    assert id_of(checks={"input": {}, "output": {}}) == id_of()
    checked = id_of(checks={"input": {"max_chars": 9}})
    assert checked != id_of()
    assert checked != id_of(checks={"output": {"max_chars": 9}})


def test_order_of_parameters_does_not_count() -> None:
    """Two ways to write the same table are the same release."""
    turned = Tier(
        "model", provider="openai", model="gpt-5.1", parameters={"n": 1, "temperature": 0.2}
    )

    assert id_of() == id_of(route=[turned, Tier("cache"), Tier("say")])


@pytest.mark.parametrize(
    "change",
    [
        {"feature": "other"},
        {"on_refusal": "next"},
        {"say": "Soon."},
        {"prompt_version": "bb"},
        {"prompt_version": ""},
        {"route": [Tier("cache"), LARGE, Tier("say")]},
        {"route": [LARGE, Tier("say")]},
        {"route": [Tier("model", provider="openai", model="gpt-5.2"), Tier("say")]},
        {"route": [Tier("python", source="a")]},
        {"route": [Tier("python", source="b")]},
        {"route": [Tier("model", headers={"anthropic-beta": "x"})]},
    ],
    ids=str,
)
def test_what_decides_answers_makes_another_release(change: dict[str, Any]) -> None:
    """Each part of a release changes its id."""
    assert id_of() != id_of(**change)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Billing first.", "# Bills come first, as people ask for them most."),
        ('"""Answer by rules."""', '"""Give the answer."""'),
        ('        """Answer by rules."""\n', ""),
        ("limit: int = 3", "limit=3"),
        ("-> str", "-> str | None"),
        ('"bill"', "'bill'"),
        ('"bill"', 'u"bill"'),
        ('return f"See {limit} bills"', 'return (f"See {limit} bills")'),
        ('@app.feature("triage")', '@seatrial.feature("triage")'),
        ('@app.feature("triage")', "@app.feature"),
        ('    @app.feature("triage")\n', ""),
        ("\n    ", "\n        "),
        ("\n", "\n\n"),
    ],
)
def test_what_does_not_change_answers_does_not_count(old: str, new: str) -> None:
    """Comments, docstrings, hints, quotes, layout and our decorator are no part of it."""
    assert old in FUNCTION
    assert normalise_source(FUNCTION) == normalise_source(FUNCTION.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 3", "= 4"),
        ("= 3", "= 3.0"),
        ("= 3", "= True"),
        ('"bill"', 'b"bill"'),
        ("in question", "not in question"),
        ("bills", "invoices"),
        ("return None", "return"),
        ("return None", "return 'None'"),
        ("def answer", "async def answer"),
        ("def answer", "def reply"),
        ('@app.feature("triage")', "@cache"),
        ("question: str,", "question: str, /,"),
    ],
)
def test_what_may_change_answers_counts(old: str, new: str) -> None:
    """Constants, their types, names, other decorators and logic are part of it."""
    assert old in FUNCTION
    assert normalise_source(FUNCTION) != normalise_source(FUNCTION.replace(old, new))


def test_text_that_is_no_whole_statement_is_kept() -> None:
    """A lambda is cut out of its line; spaces alone do not change it."""
    assert "answers = { 'a': lambda q: q," == normalise_source("  answers = {  'a':\n lambda q: q,")
    assert "\x00" == normalise_source("\x00")


def test_very_deep_source_does_not_break() -> None:
    """What Python's own parser or our walk finds too deep is kept as text."""
    deep = "x = " + "-" * 3_000 + "1"

    assert normalise_source(deep).startswith("x = ---")
