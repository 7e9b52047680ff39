"""Live accuracy is a range that keeps its word, and no judge gets into it."""

from __future__ import annotations

import random

import pytest

from seatrial.oversight.accuracy import Seen, judge_agreement, live_accuracy, seen_of
from seatrial.values.outcomes import Labelled, Source


def world(size: int, *, seed: int = 1, share: float = 0.05, lost: float = 0.0) -> list[Seen]:
    """Make answers of which 90 % are right, some picked, and some rulings lost."""
    dice, made = random.Random(seed), []
    for _ in range(size):
        sure = dice.uniform(0.8, 1.0)
        wrong = dice.random() > sure
        picked = dice.random() < share
        known = wrong if picked and dice.random() >= lost else None
        made.append(Seen(sure, share, picked, known))
    return made


def test_range_holds_the_truth_and_narrows() -> None:
    """Thousands of answers with hundreds of labels."""
    few, many = (live_accuracy(world(size)) for size in (6_000, 20_000))

    for found in (few, many):
        assert found.low < 0.9 < found.high
        assert found.mean == pytest.approx(0.9, abs=0.03)
    assert many.high - many.low < few.high - few.low < 0.15
    assert "right at all times at once with 95 % probability" in many.sentence


def test_few_labels_give_a_wide_and_exact_range() -> None:
    """Below two hundred labels it is a bet, which does not lean on large numbers."""
    found = live_accuracy(world(400, share=0.4))

    assert found.labelled < 200
    assert found.low < 0.9 <= found.high <= 1.0
    assert found.high - found.low > 0.1


def test_missing_rulings_count_both_ways() -> None:
    """The range is wider on both sides, and says so."""
    whole, partly = (live_accuracy(world(8_000, lost=lost)) for lost in (0.0, 0.3))

    assert whole.unanswered == 0 < partly.unanswered
    assert partly.low < whole.low - 0.1
    assert partly.high > whole.high
    assert "counted both ways" in partly.sentence
    assert "counted both ways" not in whole.sentence


def test_nothing_is_known_without_labels() -> None:
    """No number is made of forecasts."""
    for seen in ([], [Seen(0.9, 0.05), Seen(0.9, 0.05, picked=True)]):
        found = live_accuracy(seen)
        assert (0.0, 1.0, None, 0) == (found.low, found.high, found.mean, found.labelled)
        assert found.sentence.startswith("Nothing is known")


def labelled(
    record: str,
    source: Source = Source.PERSON,
    *,
    wrong: bool = False,
    why: str = "spot_check",
    confidence: float | None = 0.8,
) -> Labelled:
    """Make a label."""
    return Labelled(
        1, record, "f", "r", "", 0.0, "answer", why, wrong, source, confidence=confidence, share=0.1
    )


def test_only_truth_counts() -> None:
    """Judges, rules and users are not asked; a system's word goes before a person's."""
    found = seen_of(
        [
            labelled("a", Source.JUDGE, wrong=True),
            labelled("b", Source.SYSTEM, wrong=True),
            labelled("b", Source.PERSON),
            labelled("c", Source.PERSON),
            labelled("c", Source.PERSON, wrong=True),
            labelled("d", Source.USER, wrong=True),
            labelled("e", Source.SYSTEM, wrong=True, why=""),
            labelled("f", why="review_all"),
        ],
        [labelled("b"), labelled("g", confidence=None), labelled("h", why="")],
    )

    assert [
        Seen(0.8, 0.1, True, True),
        Seen(0.8, 0.1, True, True),
        Seen(0.8, 0.1, False, True),
        Seen(0.5, 0.1, True, None),
        Seen(0.8, 0.1, False, None),
    ] == found
    assert 2 == live_accuracy(found).labelled


def test_judge_is_held_against_people() -> None:
    """On the answers that both have seen."""
    agreement = judge_agreement(
        [
            *(labelled(str(i), wrong=i < 2) for i in range(4)),
            *(labelled(str(i), Source.JUDGE, wrong=i < 1) for i in range(3)),
            labelled("9", Source.JUDGE),
            labelled("9", Source.USER),
        ]
    )

    assert 3 == agreement.items
    assert agreement.share == pytest.approx(2 / 3)
