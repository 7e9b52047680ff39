"""The request, as what an answer is held against."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.reliability.checks.told import Told

BODY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When is low tide?"},
        {"role": "assistant", "content": "At nine."},
        {"role": "tool", "content": "ten", "tool_call_id": "1"},
        {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
        "odd",
    ]
}


def test_the_question_is_what_the_user_said_last() -> None:
    """Whatever its form."""
    assert "Sure?" == Told(BODY).question


def test_the_features_prompt_comes_before_system_messages() -> None:
    """Its file says what the instructions are; without one the system messages do."""
    assert "From the file." == Told(BODY, prompt="From the file.").instructions
    assert "Be brief." == Told(BODY).instructions


@pytest.mark.parametrize("body", [{}, {"messages": "odd"}, {"messages": []}])
def test_a_request_without_messages_tells_nothing(body: dict[str, Any]) -> None:
    """What is not there is empty."""
    told = Told(body)

    assert "" == told.question
    assert "" == told.instructions


def test_who_said_what_is_kept_apart() -> None:
    """The model's own words are no ground, and instructions may not be repeated."""
    told = Told(BODY, variables={"port": "Barry"}, originals=["ann@example.org"])

    assert {"At nine.", "Be brief.", "Barry", "ann@example.org"} <= set(told.all_texts())
    assert ["When is low tide?", "Sure?", "odd", "ann@example.org"][:2] == told.caller_texts()[:2]
    assert {"Be brief.", "At nine."}.isdisjoint(told.open_texts())
    assert "Barry" in told.open_texts()
    assert "At nine." not in told.grounds()
    assert {"Be brief.", "ten"} <= set(told.grounds())
