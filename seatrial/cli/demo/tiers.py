"""The demo's second target: the rules, where they know an answer."""

from seatrial.cli.demo.experiment import UNSURE_TEXT
from seatrial.cli.demo.rules import rules_answer


def from_rules(question: str) -> str | None:
    """Answer by the rules; None when none matches, so that the next tier is asked.

    >>> from_rules("Bore da") is None
    True
    """
    answer = rules_answer(question)
    return None if answer == UNSURE_TEXT else answer
