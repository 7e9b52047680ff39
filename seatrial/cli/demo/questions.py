"""The questions of the demo's invented shop, read from the file beside this one.

Who is held out is decided by each question's own checksum: nobody picked the easy ones.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from zlib import crc32

NONE: Final = "none"
"""The intent of a question that none of the shop's answers fits."""

PLAIN: Final = "plain"
"""The kind of a question that is not odd."""

HELD_OUT_ONE_IN: Final = 4


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a customer wrote, and what a person at the shop says it is about.

    Args:
        text: as it arrives, possibly empty.
        intent: a name in `Questions.answers`, or `NONE`.
        kind: `PLAIN`, or in which way it is odd: `welsh`, `abuse`, `empty`, ...
    """

    text: str
    intent: str
    kind: str = PLAIN


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions of the demo, split once and for all, and the shop's answer to each intent."""

    answers: Mapping[str, str]
    train: tuple[Question, ...]
    held_out: tuple[Question, ...]
    odd: tuple[Question, ...]


def load_questions() -> Questions:
    """Read the questions that are packed with Seatrial; the same ones every time.

    >>> questions = load_questions()
    >>> set(questions.train) & set(questions.held_out)
    set()
    """
    text = files("seatrial.cli.demo").joinpath("questions.toml").read_text(encoding="utf-8")
    tree = tomllib.loads(text)
    plain = [Question(text, each["name"]) for each in tree["intents"] for text in each["questions"]]
    return Questions(
        answers={each["name"]: each["answer"] for each in tree["intents"]},
        train=tuple(question for question in plain if not _is_held_out(question)),
        held_out=tuple(question for question in plain if _is_held_out(question)),
        odd=tuple(_odd(kind, item) for kind, items in tree["odd"].items() for item in items),
    )


def _is_held_out(question: Question) -> bool:
    return crc32(question.text.encode()) % HELD_OUT_ONE_IN == 0


def _odd(kind: str, item: Mapping[str, Any]) -> Question:
    return Question(item["text"] * item.get("times", 1), item["intent"], kind)
