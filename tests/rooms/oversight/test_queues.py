"""Rules that route, and people's desks."""

from __future__ import annotations

import pytest

from seatrial.oversight.queues import Load, Subject, loads, queue_for
from seatrial.oversight.settings import Rule
from seatrial.values.reviews import Review, ReviewAsk, Ruling, RulingKind, Seat

RULES = (
    Rule("welsh", language=("cy",)),
    Rule("seniors", topic=("refund", "fraud"), below=0.6),
    Rule("gold", tier=("gold",), segment=("uk", "ie")),
)


@pytest.mark.parametrize(
    ("subject", "queue"),
    [
        (Subject(language="cy", tier="gold"), "welsh"),
        (Subject(topic="fraud", confidence=0.59), "seniors"),
        (Subject(topic="fraud"), "seniors"),
        (Subject(topic="fraud", confidence=0.6), "reviews"),
        (Subject(topic="weather", confidence=0.1), "reviews"),
        (Subject(tier="gold", segment="ie"), "gold"),
        (Subject(tier="gold"), "reviews"),
        (Subject(), "reviews"),
    ],
)
def test_first_rule_that_holds_decides(subject: Subject, queue: str) -> None:
    """All that a rule sets must hold; unknown confidence counts as low."""
    assert queue == queue_for(RULES, subject, "reviews")


def ruled(by: str, seconds: float, kind: RulingKind = RulingKind.APPROVE) -> Seat:
    """Make a seat with a ruling."""
    return Seat(0, ruling=Ruling(kind, by, 0.0, seconds=seconds))


def test_load_counts_what_each_person_has() -> None:
    """Seats held now, rulings with their median time, and items passed on."""
    seats = [
        Seat(0, "ann", until=20.0),
        Seat(0, "ann", until=10.0),
        Seat(0),
        ruled("ann", 30.0),
        ruled("ann", 10.0),
        ruled("bob", 0.0, RulingKind.PASS_ON),
    ]
    items = [
        Review(str(i), "t", "f", "r", ReviewAsk("q", "unsure", 99.0), 0.0, seats=(seat,))
        for i, seat in enumerate(seats)
    ]

    assert {"ann": Load(1, 2, 0, 20.0), "bob": Load(0, 0, 1, None)} == loads(items, now=10.0)
