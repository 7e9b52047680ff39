"""Frozen things: what they say of themselves."""

from __future__ import annotations

import pytest

from seatrial.values.chat import Answer, Piece, ToolFragment, Usage, content_text, last_user_text
from seatrial.values.decisions import Abandoned, Answered, HandedOff, Kind, Refused
from seatrial.values.replies import Reply
from seatrial.values.requests import Caller, Request

GOOD = Answer("Tomorrow.")


@pytest.mark.parametrize(
    ("decision", "kind"),
    [
        (Answered(GOOD, "large", 0), Kind.ANSWER),
        (Answered(GOOD, "small", 1), Kind.DEGRADED),
        (HandedOff("Later."), Kind.HANDED_OFF),
        (Refused("no_target_left", "No."), Kind.REFUSED),
        (Abandoned(), Kind.ABANDONED),
    ],
)
def test_decision_is_of_one_kind(decision: Answered, kind: Kind) -> None:
    """An answer below the first tier is degraded, whoever gave it."""
    assert kind is decision.kind


@pytest.mark.parametrize(
    ("piece", "useful"),
    [
        (Piece(text="a"), True),
        (Piece(reasoning="a"), True),
        (Piece(refusal="a"), True),
        (Piece(tools=(ToolFragment(0),)), True),
        (Piece(), False),
        (Piece(model="m", data=b"{}"), False),
        (Piece(finish_reason="stop"), False),
        (Piece(usage=Usage(), bare_usage=True), False),
    ],
)
def test_useful_pieces_bring_the_answer_forward(piece: Piece, useful: bool) -> None:
    """Pings, roles, ends and figures do not."""
    assert useful is piece.useful


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (GOOD, False),
        (Answer(None, refusal="No."), True),
        (Answer("I w", finish_reason="content_filter"), True),
    ],
)
def test_refusals_are_known(answer: Answer, refused: bool) -> None:
    """In words or by the provider's filter."""
    assert refused is answer.refused


def test_usage_without_a_report_is_an_estimate() -> None:
    """A provider's empty report is still a report."""
    assert [True, False] == [Usage().estimated, Usage(raw={}).estimated]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (
            [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}],
            "a\nb",
        ),
        ([{"type": "text", "text": 7}, "odd", None], ""),
        (None, ""),
        (7, ""),
    ],
)
def test_text_of_a_message_s_content(content: object, text: str) -> None:
    """As a string or as parts; whatever else is there is no text."""
    assert text == content_text(content)


def test_last_user_message_is_the_question() -> None:
    """Later messages of others do not count; without any it is empty."""
    user = {"role": "user", "content": "First"}
    later = {"role": "user", "content": "Second"}

    assert "Second" == last_user_text([user, later, {"role": "assistant", "content": "So"}])
    assert "" == last_user_text([{"role": "system", "content": "Be brief."}])


@pytest.mark.parametrize(
    ("caller", "unit"),
    [(Caller(), ""), (Caller(session="s"), "s"), (Caller(user="u", session="s"), "u")],
)
def test_unit_is_the_user_or_the_session(caller: Caller, unit: str) -> None:
    """What sticks to an arm."""
    assert unit == caller.unit


def test_request_gives_its_messages() -> None:
    """In the order of the body."""
    messages = [{"role": "user", "content": "Hi"}]

    assert messages == Request("r", "support", {"messages": messages}, 1.0).messages


@pytest.mark.parametrize("kind", Kind)
def test_reply_says_when_it_is_degraded(kind: Kind) -> None:
    """Everything but the first tier's answer is."""
    assert (kind is not Kind.ANSWER) is Reply("Hi", kind, "r").degraded


def test_value_of_a_reply() -> None:
    """What a function returned; the text where there is nothing else."""
    structured = Answer('{"id": 7}', value={"id": 7})

    assert {"id": 7} == Reply("", Kind.ANSWER, "r", answer=structured).value
    assert ["Hi", "Hi"] == [
        Reply("Hi", Kind.ANSWER, "r", answer=answer).value for answer in (GOOD, None)
    ]
