"""Behaviour of looking for personal data, taking it out and putting it back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.personal_data import KINDS, NATIONAL, find, kinds_of
from seatrial.reliability.checks.personal_data_marks import Marks, Restorer, restore
from seatrial.reliability.checks.personal_data_numbers import HOLDS
from seatrial.reliability.checks.personal_data_secrets import secrets_in

# What is found, and the kind; everything else in the text is left alone.
FOUND = {
    "ann@example.org": "email",
    "josé.o'neil+x@mail.exämple.co.uk": "email",
    "4111 1111 1111 1111": "card",
    "4111-1111-1111-1111": "card",
    "378282246310005": "card",
    "3782 822463 10005": "card",
    "４１１１１１１１１１１１１１１１": "card",
    "GB82 WEST 1234 5698 7654 32": "iban",
    "de89370400440532013000": "iban",
    "943 476 5919": "nhs",
    "AB 12 34 56 C": "nino",
    "078-05-1120": "ssn",
    "86 095 742 719": "steuer_id",
    "2 55 08 14 168 025 38": "insee",
    "12345678Z": "dni",
    "X-1234567-L": "dni",
    "RSSMRA85T10A562S": "codice_fiscale",
    "811218-9876": "personnummer",
    "811218+9876": "personnummer",
    "93.05.18-223.61": "rijksregister",
    "756.9217.0769.85": "ahv",
    "131052-308T": "hetu",
    "111.444.777-35": "cpf",
    "+44 20 7946 0958": "phone",
    "+44 (0)20 7946 0958": "phone",
    "0033 1 23 45 67 89": "phone",
    "(020) 7946 0958": "phone",
    "01 23 45 67 89": "phone",
    "07700900123": "phone",
    "(555) 234-5678": "phone",
    "612 345 678": "phone",
    "8.8.8.8": "ip",
    "2001:4860:4860::8888": "ip",
    "AKIAIOSFODNN7EXAMPLE": "secret",
    "-----BEGIN PRIVATE KEY-----\nMIIB/a+=\n-----END PRIVATE KEY-----": "secret",
}
CALLED = {
    "My BSN is 111222333": "bsn",
    "PESEL: 44051401359": "pesel",
    "NHS number 9434765919": "nhs",
    "my SSN, 078051120": "ssn",
    "phone 5552345678": "phone",
}
LEFT_ALONE = (
    "order 07700900123 has shipped",
    "ticket #07700900123",
    "my order is 943 476 5918",
    "4111 1111 1111 1112 is no card",
    "1234 5678 9012 3452 has no brand",
    "GB82 WEST 1234 5698 7654 33",
    "XX82 WEST 1234 5698 7654 32",
    "GB82 WEST 1234",
    "GB82 WEST  1234 5698 7654 32",
    "on 2024-01-02 03:04:05 it was 1,234,567.89",
    "between 01.02.2024 15",
    "number 111222333 without a name",
    "+999 12",
    "00 1234567",
    "order 0012345678901",
    "+28 123 456 789 is nowhere",
    "mail to @example.org",
    "I used the phone; then, a good while later, the meter said 5552345678",
    "the phone of order 5552345678",
    "at 192.168.0.1 and 999.1.1.1 and 224.0.0.1",
    "version 8.8.4.4 of it",
    "12:30:45 and a::b::c and ::::",
    "git@github.com:someone/something",
    "an @ alone, @someone and x@y",
    "no = value, password: required-here",
    "FR76 and 12 345 67",
    "BG123456C and 900-12-3456 and 000-12-3456",
)


@pytest.mark.parametrize(("value", "kind"), FOUND.items())
def test_value_is_found_whole(value: str, kind: str) -> None:
    """In a sentence, exactly the value and its kind."""
    text = f"Hello, {value} is mine."

    assert [(each.kind, text[each.start : each.end]) for each in find(text)] == [(kind, value)]


@pytest.mark.parametrize(("text", "kind"), CALLED.items())
def test_weak_number_is_found_when_it_is_called_so(text: str, kind: str) -> None:
    """Numbers with little proof in themselves need their name nearby."""
    assert [each.kind for each in find(text)] == [kind]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_near_miss_is_left_alone(text: str) -> None:
    """Order numbers, dates, versions, wrong check digits."""
    assert find(text) == []


def test_month_behind_a_card_is_not_part_of_it() -> None:
    """The date of expiry does not hide the number."""
    (found,) = find("4111 1111 1111 1111 12/27")

    assert (found.kind, found.end) == ("card", 19)


def test_overlapping_finds_are_one() -> None:
    """What two kinds claim is covered whole, under the kind that is named first."""
    text = "https://ann:pass-123@example.org/x"

    assert [each.kind for each in find(text)] == ["secret"]


def test_only_wanted_kinds_are_looked_for() -> None:
    """Groups stand for their members; nothing named means all."""
    text = "ann@example.org, 8.8.8.8, 131052-308T, +44 20 7946 0958, AKIAIOSFODNN7EXAMPLE"

    assert [each.kind for each in find(text, kinds_of(("national", "ip")))] == ["ip", "hetu"]
    assert kinds_of(()) == frozenset(KINDS)
    assert kinds_of(("national",)) == frozenset(NATIONAL)


def wrong_at(number: str, place: int) -> str:
    """Return a number with one digit changed."""
    return number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]


VALID = {
    "card": ("4111111111111111", "6011111111111117", "30569309025904"),
    "iban": ("GB82WEST12345698765432", "NO9386011117947"),
    "nhs": ("9434765919",),
    "steuer_id": ("86095742719", "65929970489"),
    "insee": ("255081416802538",),
    "bsn": ("111222333",),
    "pesel": ("44051401359",),
    "personnummer": ("8112189876",),
    "rijksregister": ("93051822361", "17073003384"),
    "ahv": ("7569217076985",),
    "cpf": ("11144477735",),
}


@pytest.mark.parametrize(("kind", "numbers"), VALID.items())
def test_check_digits_catch_every_single_mistake(kind: str, numbers: tuple[str, ...]) -> None:
    """Any one digit changed, and the number no longer holds."""
    for number in numbers:
        assert HOLDS[kind](number)
        wrong = [wrong_at(number, place) for place in range(len(number)) if number[place].isdigit()]
        assert not [each for each in wrong if HOLDS[kind](each)]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("nhs", "0000000000"),
        ("bsn", "000000000"),
        ("cpf", "11111111111"),
        ("ssn", "666121234"),
        ("ssn", "900121234"),
        ("ssn", "123001234"),
        ("ssn", "123120000"),
        ("nino", "GB123456A"),
        ("nino", "DA123456A"),
        ("nino", "AO123456A"),
        ("steuer_id", "06095742719"),
        ("steuer_id", "11111111111"),
        ("steuer_id", "11223456789"),
        ("insee", "155991416802538"),
        ("dni", "12345678A"),
        ("codice_fiscale", "RSSMRA85T10A562T"),
        ("personnummer", "8113189876"),
        ("hetu", "131052-308A"),
        ("hetu", "991352-308T"),
        ("rijksregister", "93151822361"),
    ],
)
def test_impossible_number_does_not_hold(kind: str, number: str) -> None:
    """Forbidden letters and groups, impossible dates, repeated digits."""
    assert not HOLDS[kind](number)


def test_corsica_and_late_births_hold() -> None:
    """France's departments with a letter, Belgium's numbers since 2000."""
    body = "1850519123456"
    key = 97 - int(body) % 97
    assert HOLDS["insee"](f"185052A123456{key:02}")
    assert HOLDS["rijksregister"]("17073003384")


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnopqrstuvwx",
        "sk-ant-api03-abcdefghijklmnopqrst",
        "sk_live_abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-1234567890-abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fw",
        "hf_abcdefghijklmnopqrstuvwxyz012345",
    ],
)
def test_secret_is_known_by_its_form(secret: str) -> None:
    """Keys as their issuers write them."""
    text = f"use {secret} please"

    assert [text[start:end] for start, end in secrets_in(text)] == [secret]


def test_assigned_secret_must_look_random() -> None:
    """A password that is a word of a sentence is none."""
    text = 'password = "correct7horse" and token: somewhereelse'

    assert [text[start:end] for start, end in secrets_in(text)] == ["correct7horse"]
    assert list(secrets_in("a = b: c")) == []


def test_same_value_has_the_same_mark() -> None:
    """However it is written; different values have different marks."""
    marks = Marks()

    assert marks.redact("4111 1111 1111 1111") == "[CARD_1]"
    assert marks.redact("4111111111111111 or 378282246310005") == "[CARD_1] or [CARD_2]"
    assert marks.redact("Ann@Example.org") == marks.redact("ann@example.org") == "[EMAIL_1]"
    assert marks.counts == {"card": 3, "email": 2}
    assert marks.originals["[CARD_1]"] == "4111 1111 1111 1111"


def test_marks_that_the_caller_wrote_are_not_given_out() -> None:
    """A mark always stands for what was taken out of this request."""
    marks = Marks(texts=["see [EMAIL_7] and [nothing]", "plain"])

    assert marks.redact("ann@example.org") == "[EMAIL_8]"


def test_restored_text_is_what_it_was() -> None:
    """There and back; unknown marks stay."""
    marks = Marks()
    text = "Mail ann@example.org or call +44 20 7946 0958."

    hidden = marks.redact(text)

    assert restore(hidden, marks.originals) == text
    assert restore("[EMAIL_9]", marks.originals) == "[EMAIL_9]"
    assert restore("[EMAIL_1]", {}) == "[EMAIL_1]"


def test_restored_json_stays_json() -> None:
    """What a mark stands for is escaped inside the arguments of a tool."""
    assert restore('{"a":"[SECRET_1]"}', {"[SECRET_1]": 'a"b\n'}, in_json=True) == (
        '{"a":"a\\"b\\n"}'
    )


@given(st.lists(st.integers(min_value=1, max_value=9), max_size=8), st.text(max_size=5))
def test_marks_split_over_pieces_are_restored(cuts: list[int], odd: str) -> None:
    """However a stream is cut, what leaves is what a whole answer would be."""
    marks = {"[EMAIL_1]": "ann@example.org", "[EMAIL_12]": "bob@example.org"}
    text = f"{odd}[EMAIL_1], [EMAIL_12][ [EMAIL_3] [EM{odd}"
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    pieces.append(text[at:])
    restorer = Restorer(marks)

    assert "".join(map(restorer.feed, pieces)) + restorer.end() == restore(text, marks)


def test_text_without_marks_is_not_held() -> None:
    """Only what may become a mark waits."""
    restorer = Restorer({"[EMAIL_1]": "ann@example.org"})

    assert restorer.feed("a list [") == "a list "
    assert restorer.feed("1, 2]") == "[1, 2]"
    assert restorer.feed("[EMAIL_1]") == "ann@example.org"
    assert restorer.end() == ""


def test_long_text_is_searched_in_slices() -> None:
    """Wherever slices meet, a value is found once and whole; a long key as well."""
    mail, key = "ann@example.org ", "-----BEGIN PRIVATE KEY-----" + "A" * 4_000 + " "
    for place in (32_750, 32_760, 24_570, 40_000):
        text = "x " * (place // 2) + mail + "y " * 10_000 + key + "z " * 20_000

        assert [each.kind for each in find(text)] == ["email", "secret"]
        assert text[slice(*find(text)[0][1:])] == mail.strip()
        assert len(text[slice(*find(text)[1][1:])]) >= len(key) - 1
    assert [each.kind for each in find("1" * 50_000)] == []
    assert find("x " * 40_000) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    ["1 ", "12-", "0", "a@", "@a.", "+1", "(01)2", "eyJ", "-----BEGIN PRIVATE KEY-----", "GB82 ",
     "1.", "a:", "password=", "://a:b"],
)  # fmt: skip
def test_hostile_repetition_ends(piece: str) -> None:
    """Texts made to be slow are slow at worst."""
    find(piece * (100_000 // len(piece)))


def test_number_of_candidates_is_proportional_to_length() -> None:
    """Twice the text, twice the finds: nothing is looked at again and again."""
    line = "ann@example.org 4111 1111 1111 1111, "

    assert len(find(line * 200)) == 2 * len(find(line * 100)) == 400


def test_marks_take_linear_time() -> None:
    """Twenty thousand different values, each in its place, within a second or two."""
    text = " and ".join(f"a{i}@example.org" for i in range(20_000))
    marks = Marks()
    started = time.process_time()
    redacted = marks.redact(text)
    restorer = Restorer(marks.originals)
    back = "".join(restorer.feed(redacted[i : i + 7]) for i in range(0, len(redacted), 7))

    assert "[EMAIL_20000]" in redacted
    assert text == back + restorer.end()
    assert {"email": 20_000} == marks.counts
    assert time.process_time() - started < 5


def test_long_text_without_any_is_the_same_object() -> None:
    """Nothing is copied."""
    text = "nothing about anybody here. " * 5_000

    assert Marks().redact(text) is text


@pytest.mark.parametrize("shift", range(0, 40, 7))
def test_what_lies_across_slices_is_found_once(shift: int) -> None:
    """Wherever the slices end."""
    words = [f"ann{i}@example.org" for i in range(6_000)]
    text = "x" * shift + " " + " ".join(words)

    assert words == [text[start:end] for _, start, end in find(text)]
