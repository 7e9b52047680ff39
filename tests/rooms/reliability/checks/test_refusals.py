"""Refusals in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.checks.refusals import (
    HEAD_CHARS,
    REFUSAL,
    check_refusal,
    declines,
    reads_as_refusal,
)
from seatrial.values.chat import Answer, ToolCall
from seatrial.values.checks import PASSED

DECLINES = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "Sorry, I can not provide that information.",
    "I cannot fulfill your request. I'm just an AI.",
    "**I am unable to answer that.**",
    "Unfortunately, I'm not able to share details about other customers.",
    "I understand that this is urgent. However, I won't be able to assist you with it.",
    "I must respectfully decline to discuss this.",
    "I don't feel comfortable writing that.",
    "As an assistant, I do not have access to personal records.",
    "I'm not permitted to say.",
    "We are unable to help you with this matter.",
    "It is not appropriate to speculate about somebody's health.",
    "I don't think it's right or fair to make such a joke.",
    "Doing this would go against my guidelines, so let us talk about the tide.",
    "I can't give you the code. However, I can tell you about other things.",
    "Mae'n ddrwg gen i, ond ni allaf eich helpu gyda hynny.",
    "Dydw i ddim yn gallu ateb y cwestiwn hwnnw.",
    "Rwy'n ofni na alla i ddim rhannu'r wybodaeth honno.",
    "Je suis désolé, mais je ne peux pas vous aider avec cela.",
    "Il m'est impossible de répondre à cette question.",
    "Es tut mir leid, aber dabei kann ich dir nicht helfen.",
    "Ich bin nicht in der Lage, diese Frage zu beantworten.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Mi dispiace, ma non posso fornire queste informazioni.",
    "Desculpe, mas não posso ajudar com isso.",
    "Het spijt me, maar daar kan ik je niet mee helpen.",
    "Przykro mi, ale nie mogę w tym pomóc.",
    "Извините, но я не могу помочь с этим.",
    "抱歉，我无法提供该信息。",
    "申し訳ありませんが、その質問にはお答えできません。",
    "عذرًا، لا أستطيع مساعدتك في ذلك.",
]
ANSWERS = [
    "",
    "   ",
    "Low tide is at nine.",
    "I can't recommend the harbour tour enough!",
    "I cannot say this often enough: always wear a life jacket and help each other.",
    "You cannot park here, and the guard will not help you.",
    "We cannot offer a refund after 30 days.",
    "We will not share your address with anybody.",
    "I cannot give legal advice, but here is how the deadline works: it ends on 3 May.",
    "I can't give you a date. However, I can explain how the tide is worked out.",
    "I am sorry to hear that. Your parcel is on its way.",
    "I'm sorry, but the question does not make sense: washing machines have no doctor.",
    "I cannot see any tide at nine.",
    "I'm not able to provide the captain's age, as there is no such ship.",
    '"I cannot help you," said the captain, and left.',
    "The captain said: 'I cannot help you'.",
    '{"text": "I cannot help you"}',
    "```python\nraise ValueError('I cannot help you')\n```",
    "The tide is not high, and nobody can refuse it.",
    "Ich kann dir gern helfen.",
    "No puedo negar que es bonito.",
    "Je ne peux pas croire que la mer soit si belle.",
    "The tide is low. " * 30 + "I cannot help you.",
]


@pytest.mark.parametrize("text", DECLINES)
def test_declining_words_are_recognised(text: str) -> None:
    """In English, in Welsh and in some more languages, however it is written."""
    assert declines(Answer(text))
    assert REFUSAL == check_refusal(Answer(text))


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_refusal(text: str) -> None:
    """Not even one that says no, that apologises, or that quotes somebody who declines."""
    assert not declines(Answer(text))
    assert PASSED == check_refusal(Answer(text))


@pytest.mark.parametrize(
    "answer",
    [Answer(None, refusal="No."), Answer("The", finish_reason="content_filter")],
)
def test_the_providers_word_for_it_counts(answer: Answer) -> None:
    """Without a look at the text."""
    assert declines(answer)


def test_who_calls_a_tool_does_not_decline() -> None:
    """Whatever is said beside the call."""
    call = ToolCall("1", "tide", "{}")

    assert not declines(Answer("I can't help with that yet.", tool_calls=(call,)))
    assert not declines(Answer(None, tool_calls=(call,)))


@given(st.text(), st.sampled_from(DECLINES))
def test_any_text_is_read(text: str, refusal: str) -> None:
    """Nothing raises, and what stands behind the beginning changes nothing."""
    reads_as_refusal(text)

    assert reads_as_refusal(refusal + " " * HEAD_CHARS + text)
