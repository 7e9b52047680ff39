"""What the demo's customers send, and when: the same for the same seed.

Only held-out and odd questions are used, roughened a little, so that the demo does not flatter the
experiment by asking what it has learned by heart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from seatrial.cli.demo.questions import PLAIN, Question, Questions

ODD_SHARE: Final = 0.05
CUSTOMERS: Final = 400

POLITE: Final = (
    "Hi, ",
    "Hello, ",
    "Hello there - ",
    "Hi team, ",
    "Please help: ",
    "Good morning. ",
)
THANKS: Final = (" Thanks", " Thank you!", " Many thanks, Sian", " cheers", " Please reply soon.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One question on its way to the shop.

    Args:
        at_s: seconds after the start of the traffic at which it is sent.
        customer: who asks, as `customer-17`; good as the unit.
        text: what they write.
        intent: what it is about, to tell right answers from wrong ones.
        kind: as in `Question`.
    """

    at_s: float
    customer: str
    text: str
    intent: str
    kind: str


def generate_traffic(
    questions: Questions,
    *,
    count: int,
    over_s: float,
    seed: int = 1,
    odd_share: float = ODD_SHARE,
) -> tuple[Visit, ...]:
    """Make `count` questions of independent customers, spread by chance over `over_s` seconds.

    Args:
        questions: where they come from; the training questions are not used.
        count: how many, at least 0.
        over_s: the length of the traffic in seconds.
        seed: the same seed gives the same visits.
        odd_share: of the visits, in [0, 1]: Welsh, abuse, empty, very long and so on.

    Returns:
        The visits in the order in which they are sent.
    """
    dice = Random(seed)
    # Sorted uniform moments are what a Poisson stream of exactly `count` arrivals looks like.
    moments = sorted(dice.uniform(0.0, over_s) for _ in range(count))
    return tuple(_visit(at_s, questions, odd_share, dice) for at_s in moments)


def _visit(at_s: float, questions: Questions, odd_share: float, dice: Random) -> Visit:
    odd = dice.random() < odd_share
    question: Question = dice.choice(questions.odd if odd else questions.held_out)
    # What is odd is sent as it is: an empty question with a greeting is not empty any more.
    text = roughen(question.text, dice) if question.kind == PLAIN else question.text
    customer = f"customer-{dice.randrange(CUSTOMERS)}"
    return Visit(at_s, customer, text, question.intent, question.kind)


def roughen(text: str, dice: Random) -> str:
    """Write a question as another hurried customer would: same meaning, other letters.

    Args:
        text: the question.
        dice: decides which of the changes happen; most questions get one or two.
    """
    for chance, change in CHANGES:
        if dice.random() < chance:
            text = change(text, dice)
    return text


def _mistype(text: str, dice: Random) -> str:
    letters = [
        at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()
    ]
    if not letters:
        return text
    at = dice.choice(letters)
    kept = text[:at], text[at], text[at + 1], text[at + 2 :]
    slips = (
        kept[0] + kept[2] + kept[1] + kept[3],  # two letters swapped
        kept[0] + kept[2] + kept[3],  # one left out
        kept[0] + kept[1] + kept[1] + kept[2] + kept[3],  # one doubled
    )
    return dice.choice(slips)


def _greet(text: str, dice: Random) -> str:
    return dice.choice(POLITE) + text


def _thank(text: str, dice: Random) -> str:
    return text + dice.choice(THANKS)


def _add_order_number(text: str, dice: Random) -> str:
    number = dice.randrange(10_000, 100_000)
    return text + dice.choice((f" Order GH-{number}", f" (order number {number})", f" #{number}"))


def _lower(text: str, _: Random) -> str:
    return text.lower()


def _shout(text: str, _: Random) -> str:
    return text.upper()


def _drop_stops(text: str, _: Random) -> str:
    return text.rstrip(".?!")


CHANGES: Final[tuple[tuple[float, Callable[[str, Random], str]], ...]] = (
    (0.25, _drop_stops),
    (0.20, _mistype),
    (0.10, _mistype),
    (0.20, _add_order_number),
    (0.15, _thank),
    (0.20, _greet),
    (0.20, _lower),
    (0.03, _shout),
)
