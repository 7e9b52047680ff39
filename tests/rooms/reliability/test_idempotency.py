"""Which results stand for their twins, and how they are kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability import idempotency as rules
from seatrial.reliability.idempotency import Kept, is_final, pack, place_of, size_of, unpack
from seatrial.values.chat import Answer, ToolCall, Usage
from seatrial.values.decisions import (
    Abandoned,
    Answered,
    Decision,
    HandedOff,
    Head,
    Kind,
    Refused,
    Settled,
)
from seatrial.values.idempotency import fingerprint_of, is_key
from seatrial.values.requests import Caller, Request

HEAD = Head("r1", "release", Kind.ANSWER, "large", 0, "m-1")
texts = st.text(max_size=30)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
answers = st.builds(
    Answer,
    st.none() | texts,
    refusal=st.none() | texts,
    tool_calls=st.lists(st.builds(ToolCall, texts, texts, texts), max_size=2).map(tuple),
    model=texts,
    usage=st.none() | st.builds(Usage, st.integers(0, 9), raw=st.just({"total": 3})),
    reasoning=st.none() | texts,
    body=st.binary(max_size=20),
    value=plain,
    vectors=st.lists(st.binary(max_size=8), max_size=2).map(tuple),
)
decisions: st.SearchStrategy[Decision] = st.one_of(
    st.builds(Answered, answers, texts, st.integers(0, 3), texts),
    st.builds(HandedOff, texts, tier=st.integers(0, 3), reason=texts),
    st.builds(
        Refused,
        texts,
        texts,
        status=st.none() | st.integers(400, 599),
        retry_after_s=st.none() | st.floats(0, 60),
        cut=st.booleans(),
    ),
)


def ask(tenant: str = "t", scope: str = "", feature: str = "f", key: str = "k") -> Request:
    """Make a request with that key."""
    caller = Caller(tenant, key_scope=scope)
    return Request("r1", feature, {}, 1.0, caller=caller, idempotency_key=key)


# --- who is whose twin ---------------------------------------------------------------------


@given(st.tuples(texts, texts, texts, texts), st.tuples(texts, texts, texts, texts))
def test_a_key_counts_within_tenant_scope_and_feature(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    """Two requests have one place exactly when all four agree; the key cannot be read from it."""
    assert (one == other) == (place_of(ask(*one)) == place_of(ask(*other)))
    assert 64 == len(place_of(ask(*one)))


def test_parts_do_not_run_into_each_other() -> None:
    """A tenant's name that ends like a feature's begins is no way to another's results."""
    assert place_of(ask("a", "", "bc")) != place_of(ask("ab", "", "c"))


@given(plain, plain)
def test_what_was_asked_is_told_by_content(one: Any, other: Any) -> None:
    """Equal JSON has equal digests, unequal JSON others."""
    same = msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
    assert same == (fingerprint_of(one) == fingerprint_of(other))


@given(st.dictionaries(texts, plain, min_size=2))
def test_the_order_of_keys_makes_no_other_body(body: dict[str, Any]) -> None:
    """Whoever writes the same body anew may write it in another order."""
    turned = dict(reversed(body.items()))
    assert fingerprint_of({"outer": body}) == fingerprint_of({"outer": turned})


def test_what_json_does_not_know_counts_too() -> None:
    """A function's arguments may be anything."""
    assert fingerprint_of([{1, 2}]) == fingerprint_of([{1, 2}]) != fingerprint_of([{1, 3}])


@given(st.text(max_size=300))
def test_a_key_is_a_short_printable_text(text: str) -> None:
    """Of 1 to 255 characters."""
    assert is_key(text) == (1 <= len(text) <= 255 and all(c.isprintable() for c in text))


# --- what stands ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "stands"),
    [
        (Answered(Answer("Yes."), "large", 1), True),
        (HandedOff("Somebody will answer."), True),
        (Abandoned(), False),
        (Refused("no_target_left", ""), True),
        (Refused("internal_error", ""), True),
        (Refused("deadline_exceeded", ""), True),
        (Refused("stream_cut", "", cut=True), True),
        (Refused("policy", "", status=400), True),
        *[(Refused(code, ""), False) for code in sorted(rules.NOT_FINAL)],
    ],
)
def test_what_was_carried_out_stands(decision: Decision, stands: bool) -> None:
    """Errors of the server too; not what was turned away before, nor an abandoned one."""
    assert stands == is_final(decision)


def test_what_is_said_of_a_key_is_never_kept_under_it() -> None:
    """Nor is it the last word."""
    said = [rules.reused(), rules.running(1.0), rules.unavailable(), rules.not_kept("r1")]
    assert not any(map(is_final, said))
    assert 4 == len({refused.code for refused in said})
    assert "r1" in rules.not_kept("r1").message


@given(st.floats(-1e9, 1e9))
def test_the_wait_is_short_and_never_nothing(left_s: float) -> None:
    """Whatever the lease says: most answers are there much sooner."""
    wait_s = rules.running(left_s).retry_after_s
    assert wait_s is not None
    assert 0.5 <= wait_s <= 5.0


# --- how it is kept --------------------------------------------------------------------------


@given(decisions, st.integers(0, 2**40), st.booleans())
def test_a_result_comes_back_as_it_was(decision: Decision, created: int, marked: bool) -> None:
    """Every kind of decision, with its labels."""
    marks = {"[EMAIL_1]": "ann@example.org"} if marked else {}
    packed, whole = pack(Settled(HEAD, decision, marks=marks), created=created, keep_content=True)

    kept = unpack(packed)

    assert whole
    assert kept is not None
    assert (HEAD, created, marked, decision) == (
        kept.head,
        kept.created,
        kept.marked,
        kept.decision,
    )


def test_marks_are_kept_and_not_what_they_stand_for() -> None:
    """What is stored is what a record may hold."""
    kept = Answered(Answer("Dear [EMAIL_1]"), "a", 0)
    told = Answered(Answer("Dear ann@example.org"), "a", 0)
    settled = Settled(HEAD, told, kept=kept, marks={"[EMAIL_1]": "ann@example.org"})

    packed, whole = pack(settled, created=1, keep_content=True)

    assert whole
    assert b"ann@example.org" not in packed
    assert Kept(HEAD, 1, marked=True, answered=kept) == unpack(packed)


@given(decisions)
def test_without_content_no_answer_is_kept(decision: Decision) -> None:
    """Errors and the fixed text are: they are no content of the caller's."""
    packed, whole = pack(Settled(HEAD, decision), created=1, keep_content=False)

    kept = unpack(packed)

    assert kept is not None
    assert whole == (not isinstance(decision, Answered))
    assert kept.decision == (decision if whole else None)
    assert HEAD == kept.head


@pytest.mark.parametrize(
    "answer",
    [
        Answer("x" * (rules.MAX_KEPT_BYTES + 1)),
        Answer("t", value=object()),
        Answer("t", value=(1, 2)),
        Answer("t", value=float("nan")),
        Answer("t", value=2**70),
        Answer("\ud800"),
    ],
    ids=["large", "object", "tuple", "nan", "big", "surrogate"],
)
def test_what_would_not_come_back_is_not_kept(answer: Answer) -> None:
    """Only that there was a result, and whose."""
    packed, whole = pack(Settled(HEAD, Answered(answer, "a", 0)), created=1, keep_content=True)

    assert not whole
    assert Kept(HEAD, 1) == unpack(packed)


@given(st.binary(max_size=40))
def test_what_cannot_be_read_is_no_result(packed: bytes) -> None:
    """A newer version may have written it."""
    found = unpack(packed)
    assert found is None or isinstance(found, Kept)


@given(decisions)
def test_memory_is_never_counted_too_low(decision: Decision) -> None:
    """Texts count in full; short errors by a flat rate."""
    size = size_of(Settled(HEAD, decision))
    assert size >= 1_000
    if isinstance(decision, Answered):
        assert size >= len(decision.answer.text or "") + len(decision.answer.body)
