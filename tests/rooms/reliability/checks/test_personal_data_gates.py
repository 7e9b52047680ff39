"""The cheap questions of the search for personal data lose nothing."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.reliability.checks import personal_data as data
from seatrial.reliability.checks import personal_data_phones as phones
from seatrial.reliability.checks import personal_data_secrets as secrets

PIECES = (
    "4111 1111 1111 1111|GB29 NWBK 6016 1331 9268 19|GB29|AB 12 34 56 C|AB123456C|"
    "Y-1234567X|x1234567L|12345678Z|RSSMRA85T10A562S|+44 20 7946 0958|"
    "(020) 7946 0958|5551234567|078-05-1120|943 476 5919|850101-1234|131052-308T|"
    "756.1234.5678.97|612 345 678|1 85 05 78 006 084 36|8.8.8.8|1.8.8.8.8|"
    "2001:4860:4860::8888|::1|10:00|:af:|xoxb-1234567890|AKIAIOSFODNN7EXAMPLE|"
    "-----BEGIN PRIVATE KEY-----|abc|https://b:pw1@x.org|RSSMRALMTMLAMSNS|"
    "\u017fsmra85t10a562s|é|Ж|٣|\u2013|\u0e53| |a|B|_|1|22|333|4444|-|.|/|(|,|+|00|:"
).split("|")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40)


@given(text=TEXTS)
@example("_GB29 NWBK")
@example("x-1234567L Y-1234567X")
@example("AB 12 34 56 C")
@example("rssmralmtmlamsns")
@example("RS\u017fMRA85T10A562S")
@example("x-1234567L")
def test_numbers_are_those_that_are_searched_for_everywhere(text: str) -> None:
    """Looking only where a number can begin changes nothing."""
    places = [match.start() for match in data._RUNS.finditer(text)]
    for kind, (pattern, _) in data._NUMBERS.items():
        found = [match.span() for match in data._matches(text, kind, pattern, places)]
        assert found == [match.span() for match in pattern.finditer(text)], kind


@given(text=TEXTS)
@example("(020) 7946 0958")
@example("1+44 20 7946 0958 +44 20 7946 0958")
def test_phones_are_those_that_are_searched_for_everywhere(text: str) -> None:
    """The same for phone numbers."""
    places = [match.start() for match in phones._BEGINS.finditer(text)]
    for pattern in (phones._INTERNATIONAL, phones._NATIONAL, phones._BARE):
        found = [match.span() for match in phones.matches_at(places, pattern, text)]
        assert found == [match.span() for match in pattern.finditer(text)]


@given(text=TEXTS)
@example("12 34 56")
@example("12a34")
@example("(1) 2.-3 4/5 6")
@example("1.2.3.4 x1.2.3.4 .1.2.3.4 111.2.3.4")
def test_quick_patterns_match_what_the_plain_ones_do(text: str) -> None:
    """Begun with a digit, a pattern finds the same."""
    plain = r"\d(?:[ .\-/()]{0,2}\d){5}|\d\d[A-Za-z]\d\d"
    assert bool(data._DIGITS.search(text)) == bool(re.search(plain, text))
    if re.search(plain, text):
        assert data._may_number(text)
    plain = r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\w|\.\d)"
    if re.search(plain, text):
        assert data._POINTS.search(text)
    spans = [match.span() for match in re.finditer(plain, text)]
    assert [match.span() for match in data._IP4.finditer(text)] == spans
    if data._IP6.search(text) and any(sign.isalnum() for sign in data._IP6.search(text)[0]):  # type: ignore[index]
        assert data._COLONS.search(text)
    assert text.translate(data._FOLD) == text or data._FOLDED.search(text)


@given(text=TEXTS | st.sampled_from([form.pattern for _, form in secrets._FORMS]))
@example("xoxb-1234567890")
def test_every_token_is_a_long_run(text: str) -> None:
    """Without one, only those are looked for that need none."""
    for needle, form in secrets._FORMS:
        if form.search(text) and not secrets.has_long_run(text):
            assert needle in {each for each, _ in secrets._LOOSE_FORMS}


@given(data=st.data())
def test_tokens_of_every_form_are_long_runs(data: st.DataObject) -> None:
    """Made from their own patterns."""
    strict = [form for form in secrets._FORMS if form not in secrets._LOOSE_FORMS]
    needle, form = data.draw(st.sampled_from(strict))
    token = data.draw(st.from_regex(form, fullmatch=True).filter(str.isascii))
    assert secrets.has_long_run(token), needle
