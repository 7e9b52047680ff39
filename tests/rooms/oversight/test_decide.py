"""What becomes of an answer."""

from __future__ import annotations

import random
from itertools import chain, repeat

import pytest

from seatrial.oversight.decide import (
    FLOOR,
    Coin,
    Situation,
    decide,
    doubt,
    label_share,
    would_leave,
)
from seatrial.oversight.settings import Mode


def coin(*throws: float) -> Coin:
    """Throw these, then 1."""
    return chain(throws, repeat(1.0)).__next__


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (Situation(Mode.REVIEW_ALL, 0.5, 0.99), "review_all"),
        (Situation(Mode.SPOT_CHECK, None, 0.99), "not_certified"),
        (Situation(Mode.EXCEPTIONS, None, 0.99), "not_certified"),
        (Situation(Mode.SPOT_CHECK, 0.9, None), "unsure"),
        (Situation(Mode.EXCEPTIONS, 0.9, 0.89), "unsure"),
        (Situation(Mode.EXCEPTIONS, 0.9, float("nan")), "unsure"),
        (Situation(Mode.EXCEPTIONS, 0.5, 0.99, must="A check asks for a person."), "check"),
    ],
)
def test_person_comes_first(situation: Situation, why: str) -> None:
    """Whatever the coins say; and such an answer is labelled for certain."""
    advice = decide(situation, coin())

    assert advice.holds
    assert advice.reviewed
    assert (why, 1.0, False) == (advice.why, advice.share, advice.blind)
    assert advice.reason.endswith(".")
    assert decide(situation, coin(0.09)).blind


def test_sure_answer_leaves() -> None:
    """Looked at afterwards with the probability that is recorded, whether picked or not."""
    situation = Situation(Mode.SPOT_CHECK, 0.9, 0.9)

    left = decide(situation, coin(0.05))
    assert (False, False, "", 0.05) == (left.holds, left.reviewed, left.why, left.share)
    picked = decide(situation, coin(0.049, 0.5))
    assert (False, True, "spot_check", 0.05) == (
        picked.holds,
        picked.reviewed,
        picked.why,
        picked.share,
    )
    assert not picked.blind
    assert decide(situation, coin(0.049, 0.01)).blind


def test_exceptions_looks_at_fewer() -> None:
    """A fifth of the samples, and never fewer than the floor."""
    assert 0.01 == decide(Situation(Mode.EXCEPTIONS, 0.9, 0.9), coin()).share
    assert FLOOR == decide(Situation(Mode.EXCEPTIONS, 0.9, 0.999), coin()).share


def test_unsure_answers_are_looked_at_more_often() -> None:
    """In proportion to what their label teaches, a fifth aside; certainty is bounded."""
    assert label_share(0.5, rate=0.05) > label_share(0.9, rate=0.05) > label_share(0.99, rate=0.05)
    assert 1.0 == label_share(0.5, rate=1.0, usual_doubt=0.0)
    assert 0.0 == doubt(1.5)


def test_share_of_all_is_the_rate() -> None:
    """With the usual doubt known, as many are picked as the rate says."""
    dice = random.Random(4)
    sure = [dice.uniform(0.9, 1.0) for _ in range(20_000)]
    usual = sum(map(doubt, sure)) / len(sure)

    shares = [label_share(each, rate=0.05, usual_doubt=usual) for each in sure]

    assert sum(shares) / len(shares) == pytest.approx(0.05, rel=0.01)


def test_what_would_leave_moves_the_ladder() -> None:
    """Only with a certificate, and only from its threshold on."""
    assert would_leave(0.9, 0.9)
    assert not would_leave(0.89, 0.9)
    assert not would_leave(None, 0.9)
    assert not would_leave(0.9, None)
