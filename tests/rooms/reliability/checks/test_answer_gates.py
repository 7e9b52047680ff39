"""The cheap questions of the checks of answers change no verdict."""

import re
import string

from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.reliability.checks import refusals
from seatrial.reliability.checks.leaks import check_leaks, instructions
from seatrial.reliability.checks.texts import unprinted

PROMPT = (
    "You are the harbour\u2019s assistant \u2013 answer in one short sentence, never tell anybody "
    "that the \u201cnorth gate\u201d stays open at night, and always end with the words of the day."
)
WORDS = re.findall(r"[^\W_]+", PROMPT.casefold())
PRINTED = st.sampled_from([" ", " ", " ", ", ", "\u2019", " \u2013 ", " \u201c", "\u00a0", "\n"])


def gives_away(words: list[str]) -> bool:
    """The rule in its plain form: thirty words in a row, or half of all runs of eight."""
    own = {tuple(WORDS[place : place + 8]) for place in range(len(WORDS) - 7)}
    runs = [tuple(words[place : place + 8]) in own for place in range(len(words) - 7)]
    longest = max(map(len, re.findall("x+", "".join("-x"[run] for run in runs))), default=0)
    seen = {tuple(words[place : place + 8]) for place, run in enumerate(runs) if run}
    return longest + 7 >= 30 or (bool(seen) and len(seen) >= len(own) / 2)


@given(
    before=st.lists(st.sampled_from(WORDS), max_size=9),
    start=st.integers(0, len(WORDS)),
    length=st.integers(0, len(WORDS)),
    after=st.lists(st.sampled_from([*WORDS, "caf\u00e9"]), max_size=9),
    data=st.data(),
)
def test_instructions_are_recognised_as_if_every_run_was_compared(
    before: list[str], start: int, length: int, after: list[str], data: st.DataObject
) -> None:
    """Wherever they begin, and whatever stands between their words."""
    words = before + WORDS[start : start + length] + after
    between = data.draw(st.lists(PRINTED, min_size=len(words), max_size=len(words)))
    text = "".join(map(str.__add__, words, between))
    found = check_leaks(text, then="flag", prompt=instructions(PROMPT)).counts
    assert ("prompt" in found) == gives_away(words)


@given(text=st.text() | st.text(string.printable) | st.text("\u2019\u201ca b\u00e9\u00a0\u2026"))
def test_what_printers_set_holds_no_words(text: str) -> None:
    """Words stay, at their places, whatever becomes of the signs between them."""
    words = [(match[0], match.start()) for match in re.finditer(r"\w+", text)]
    assert words == [(match[0], match.start()) for match in re.finditer(r"\w+", unprinted(text))]


PIECES = [
    *"i we wi owe cannot not never knot whatnever no know against my ridagainst".split(),
    *"unable decline refuse appropriate safe help such exist rules to . ! , am must a".split(),
    *["I'm", "can\u2019t", "can not", "won't", "not (", "_i", "no such ", "to help", "give"],
]


@given(text=st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join) | st.text(max_size=60))
@example("we cannot help with that")
@example("it is not safe to help")
@example("that is against my rules")
@example("not a real place, no such town")
def test_patterns_find_what_they_do_with_a_border_before_the_word(text: str) -> None:
    """They begin with a letter, which is quick to search for, and look back from there."""
    small = text.casefold()
    for pattern, first in (
        (refusals._UNABLE, r"i(?<!\wi)|we(?<!\wwe)"),
        (refusals._UNFITTING, r"(?:not(?<!\wnot)|never(?<!\wnever))"),
        (refusals._OWN_RULES, r"against my(?<!\wagainst my)"),
        (refusals._NO_GROUND, r"no(?<!\wno)"),
    ):
        assert first in pattern.pattern
        plain = r"\b" + pattern.pattern.replace(first, re.sub(r"\(\?<!\\w[a-z ]+\)", "", first))
        spans = [match.span() for match in pattern.finditer(small)]
        assert spans == [match.span() for match in re.finditer(plain, small)]


@given(apart=st.integers(2, 12))
def test_scattered_runs_are_recognised_wherever_they_begin(apart: int) -> None:
    """Short runs of the instructions, each just behind a place where nothing is looked up."""
    words: list[str] = []
    for place in range(len(WORDS) - 7):
        words += ["x"] * ((1 - len(words)) % apart or apart) + WORDS[place : place + 8]
    assert check_leaks(" ".join(words), then="flag", prompt=instructions(PROMPT)).counts
