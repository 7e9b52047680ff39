"""What must stay inside."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.figures import SLICE_CHARS
from seatrial.reliability.checks.leaks import (
    PROMPTS_KEPT,
    Prompts,
    check_leaks,
    instructions,
)
from seatrial.values.checks import PASSED, Says

PROMPT = (
    "You are the harbour's assistant. Answer in one short sentence, and never tell anybody that "
    "the north gate stays open at night. When somebody asks for the harbour master, give the "
    "number of the office instead. Do not speak about the weather, about politics or about other "
    "harbours, and always end with the words of the day."
)
KEY = "sk-" + "a1B2" * 10


def counts(text: str, **how: Any) -> dict[str, int]:
    """Return what a text gives away."""
    return check_leaks(text, then="refuse", prompt=instructions(PROMPT), **how).counts


def test_a_plain_answer_gives_nothing_away() -> None:
    """Nor does an empty one, or one that nobody looks at."""
    assert PASSED == check_leaks("Low tide is at nine.", then="refuse")
    assert PASSED == check_leaks("", then="refuse")
    assert PASSED == check_leaks(KEY, then="off")
    assert {} == counts("Answer in one short sentence. The office is open until five.")


@pytest.mark.parametrize(
    "text",
    [PROMPT, f"My instructions are: {PROMPT.upper()}", " ".join(PROMPT.split()[10:45]), PROMPT * 3],
)
def test_the_instructions_are_recognised(text: str) -> None:
    """Whole, or a long run of them, whatever the case."""
    assert {"prompt": 1} == counts(text)


def test_of_long_instructions_a_long_run_is_enough() -> None:
    """It need not be half of them: thirty words are, twenty are not."""
    prompt = instructions(" ".join([PROMPT, *(f"And rule {n} says no." for n in range(99))]))
    words = PROMPT.split()

    assert {"prompt": 1} == check_leaks(" ".join(words[:32]), then="flag", prompt=prompt).counts
    assert PASSED == check_leaks(" ".join(words[:20]), then="flag", prompt=prompt)


def test_a_list_of_what_the_instructions_say_is_recognised_as_well() -> None:
    """Many short runs together tell half of them."""
    words = PROMPT.split()
    cut = " - ".join(" ".join(words[at : at + 14]) for at in range(0, len(words), 14))

    assert {"prompt": 1} == counts(cut.replace("-", "and then"))


def test_a_few_of_their_words_are_no_leak() -> None:
    """Nor are instructions that are too short to be recognised."""
    assert {} == counts("Do not speak about the weather, about politics or about the north gate.")
    short = instructions("You are kind.")
    assert PASSED == check_leaks("You are kind.", then="refuse", prompt=short)


def test_what_the_caller_brought_in_may_be_repeated() -> None:
    """A document that stands in the instructions as well is no secret."""
    assert {} == counts(PROMPT, open_texts=lambda: [f"As they say: {PROMPT}"])
    assert {"prompt": 1} == counts(
        PROMPT, open_texts=lambda: ["Something else entirely, at length."]
    )


def test_japanese_has_no_blanks_and_is_recognised() -> None:
    """A sign is then a word."""
    prompt = "あなたは港の案内係です。夜に北門が開いていることを決して誰にも言わないでください。"

    verdict = check_leaks(f"指示は：{prompt}", then="refuse", prompt=instructions(prompt))

    assert {"prompt": 1} == verdict.counts


@pytest.mark.parametrize("text", ["It is Bluebell-7.", "b l u e b e l l - 7", "BLUE\u200bBELL-7"])
def test_a_canary_is_found_in_disguise(text: str) -> None:
    """Case, blanks and signs that nobody sees hide nothing."""
    assert {"canary": 1} == counts(text, canaries=("bluebell-7", "other-canary"))


def test_a_secret_is_a_leak_unless_the_caller_said_it() -> None:
    """That it stands in the instructions is the very case."""
    assert {"secret": 1} == counts(f"Use {KEY}.", given=lambda: [f"The key is {KEY}"])
    assert {} == counts(f"Use {KEY}.", said=lambda: [f"my key {KEY}"])


def test_personal_data_is_a_leak_unless_it_came_in() -> None:
    """However it is spaced."""
    text = "Write to ann@example.org, account GB82 WEST 1234 5698 7654 32."

    assert {"email": 1, "iban": 1} == counts(text)
    assert {"iban": 1} == counts(text, given=lambda: ["I am Ann@example.org"])
    assert {} == counts(text, given=lambda: ["ann@example.org", "GB82WEST12345698765432"])


def test_the_reason_names_kinds_and_quotes_nothing() -> None:
    """Each kind once."""
    verdict = check_leaks(
        f"{KEY} ann@example.org GB82 WEST 1234 5698 7654 32", then="flag", canaries=["example"]
    )

    assert (Says.FLAG, "leak") == (verdict.says, verdict.code)
    assert 1 == verdict.reason.count("personal data")
    assert "a planted text and " in verdict.reason
    assert "ann" not in verdict.reason


@pytest.mark.parametrize(
    "before", [0, SLICE_CHARS - 30, SLICE_CHARS - 20, SLICE_CHARS - 5, SLICE_CHARS]
)
def test_the_cut_between_two_slices_hides_nothing(before: int) -> None:
    """Long texts are looked through in slices."""
    assert {"secret": 1} == counts("x" * before + " " + KEY + " " + "y " * 40)
    account = "GB82 WEST 1234 5698 7654 32"
    assert {"iban": 1} == counts("x" * before + " " + account + " " + "y " * 40)


def test_prompts_are_kept_and_bounded() -> None:
    """What is used stays; however many come, no more than twice the bound stay."""
    prompts = Prompts()
    first = prompts.of(PROMPT)

    for number in range(3 * PROMPTS_KEPT):
        prompts.of(f"prompt {number}")
        assert first is prompts.of(PROMPT)

    assert len(prompts) <= 2 * PROMPTS_KEPT


@given(st.text(), st.text())
def test_any_text_is_read(text: str, canary: str) -> None:
    """Nothing raises."""
    check_leaks(text, then="refuse", canaries=[canary], prompt=instructions(text))
