"""Embeddings take an answer's way: the same chain, the same validator, the same record."""

import pytest

from seatrial.values.chat import Answer
from seatrial.values.decisions import Answered, Refused
from seatrial.values.vectors import pack
from tests.rooms.engine.stage import GOOD, Stage, Target, play

VECTORS = Answer(None, vectors=(pack([1.0, 2.0]), pack([3.0, 4.0])))
TEXTS = ["one", "two"]


def test_vectors_are_an_answer() -> None:
    """The call says what is wanted; the record tells of the vectors and does not keep them."""

    async def scene() -> None:
        target = Target([[VECTORS]])
        stage = Stage({"large": target})
        settled = await stage.ask(texts=TEXTS)
        assert isinstance(settled.decision, Answered)
        assert VECTORS.vectors == settled.decision.answer.vectors
        assert ("embed", {"input": TEXTS}) == (target.calls[0].kind, target.calls[0].body)
        record = stage.recorder.appended[0]
        assert {"count": 2, "dimensions": 2} == (record.output or {})["vectors"]
        stage.check_at_rest()

    play(scene())


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD,
        Answer(None, vectors=VECTORS.vectors[:1]),
        Answer(None, vectors=(pack([1.0]), pack([1.0, 2.0]))),
        Answer(None, vectors=(b"", b"")),
        Answer(None, vectors=(pack([float("nan")]), pack([1.0]))),
    ],
    ids=["text", "too few", "unequal", "empty", "no numbers"],
)
def test_what_is_no_vector_goes_to_the_next_target(wrong: Answer) -> None:
    """An invalid answer is a failed attempt."""

    async def scene() -> None:
        stage = Stage({"large": Target([[wrong]]), "small": Target([[VECTORS]])})
        settled = await stage.ask(texts=TEXTS)
        assert "small" == settled.head.target
        assert "invalid_answer" == stage.recorder.appended[0].attempts[0].cause

    play(scene())


@pytest.mark.parametrize("end", ["say", "human"])
def test_no_text_and_no_person_stands_in(end: str) -> None:
    """Fixed text is no vector; an honest error is better."""

    async def scene() -> None:
        stage = Stage({"large": Target([[GOOD]])}, ends=(end,))
        settled = await stage.ask(texts=TEXTS)
        assert isinstance(settled.decision, Refused)
        assert "no_target_left" == settled.decision.code
        stage.check_at_rest()

    play(scene())


def test_good_vectors_are_served_again() -> None:
    """The cache tells them apart by their texts."""

    async def scene() -> None:
        target = Target([[VECTORS], [GOOD]])
        stage = Stage({"large": target}, ends=("cache",))
        await stage.ask(texts=TEXTS)
        again = await stage.ask(texts=TEXTS)
        assert "cache" == again.head.target
        assert isinstance(again.decision, Answered)
        assert VECTORS.vectors == again.decision.answer.vectors
        other = await stage.ask(texts=["one", "three"])
        assert isinstance(other.decision, Refused)

    play(scene())


def test_no_prompt_is_put_before_texts() -> None:
    """It is an instruction, and there is nobody to instruct."""

    async def scene() -> None:
        target = Target([[VECTORS]])
        await Stage({"large": target}, prompt="Answer in {{language}}.").ask(texts=TEXTS)
        assert {"input": TEXTS} == target.calls[0].body

    play(scene())
