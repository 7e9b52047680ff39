"""Behaviour of looking for many patterns in one pass, and of the glances built on it."""

import re
import string

from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.reliability.checks import personal_data, personal_data_secrets, refusals
from seatrial.reliability.checks.linear import Patterns, translated
from seatrial.reliability.checks.personal_data_glance import may_hold_private
from seatrial.reliability.checks.refusals import reads_as_refusal
from seatrial.reliability.checks.signs import SIGNS, class_of
from seatrial.reliability.checks.texts import unprinted


def test_half_a_surrogate_is_no_evidence() -> None:
    """The engine cannot read it, so that somebody else must look."""
    assert Patterns(["never there"]).may_hold("\ud800")


def test_a_pattern_of_the_other_engine_means_the_same() -> None:
    """Words, borders, blanks."""
    patterns = Patterns([translated(r"\br\w+d\b \S{0,24}x")])

    assert patterns.may_hold("it is red abcx")
    assert not patterns.may_hold("it is hatred abcx")
    assert not patterns.may_hold("it is reds abcx")


def test_signs_belong_to_no_word() -> None:
    """Each of them is in the class, and is none in a word."""
    assert not re.search(r"\w", "".join(SIGNS))
    assert re.fullmatch(f"[{class_of(SIGNS)}]+", "".join(SIGNS))
    assert not re.search(f"[{class_of(SIGNS)}]", string.printable + "éß")


PRIVATE = [
    *("ann@example.org", "+44 20 7946 0958", "GB29 NWBK 6016 1331 9268 19", "943 476 5919"),
    *("4111 1111 1111 1111", "RSSMRA85T10A562S", "X1234567L", "1 2a34", "192.0.2.1", "8.8.8.8"),
    *("2001:4860:4860::8888", "AKIAIOSFODNN7EXAMPLE", "sk-abcdefghij0123456789", "-----BEGIN "),
    *("RSA PRIVATE KEY-----", "https://ann:secret1@host", "password: hunter2hunter2", "api_key ="),
    *("AB 12 34 56 C", "٤١١١١١١١١١١١١١١١", "４１１１ １１１１ １１１１ １１１１", "020–7946–0958"),
    *("１２", "tel", "phone", "v1.2.3", "12:30:45", "\u00a0", "\u2009", "–", "’", "é", "ſ", "K"),
    *string.printable,
]


@given(text=st.lists(st.sampled_from(PRIVATE), max_size=12).map("".join) | st.text(max_size=40))
@example("1 2a34 56 78")
@example("tel 020 7946 0958")
def test_nothing_private_is_passed_over(text: str) -> None:
    """Where a glance sees nothing, nothing is found; the long way is the one that redacts."""
    if personal_data.find(text):
        assert may_hold_private(text)
    for _, form in personal_data_secrets._FORMS:
        if form.search(text):
            assert may_hold_private(text)


WORDS = [
    *"i we I'm I’m we're cannot can't can’t not n't won't wouldn't do must decline refuse".split(),
    *"unable able to be never is appropriate safe help answer give against my rules that".split(),
    *("can not", "can\nnot", "have", "to,", "sorry", ".", "!", "\u00a0", "\x1c", "_", "*", "#"),
    *(words for tongue in refusals._TONGUES for words in tongue.cannot[:3]),
    *(words for tongue in refusals._TONGUES for words in tongue.give[:2]),
]


def declines_slowly(text: str) -> bool:
    """Whether a text declines, all languages asked."""
    head = refusals._plain(text[: refusals.HEAD_CHARS].casefold())
    if not head or head[0] in "{[<`":
        return False
    if refusals._declines_in_english(head):
        return True
    words = unprinted(head)
    if words.isascii() and refusals._OPENINGS.isdisjoint(words.split()):
        return False
    return any(refusals._declines_in(tongue, head) for tongue in refusals._TONGUES)


@given(text=st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
@example("I must respectfully have to decline")
@example("We, sadly and truly, would have to decline")
@example("I'm really truly not able to help")
@example("Il m’est impossible de répondre")
@example("that isn't, to me, right to answer")
def test_no_refusal_is_passed_over(text: str) -> None:
    """A glance changes no verdict."""
    assert reads_as_refusal(text) == declines_slowly(text)
