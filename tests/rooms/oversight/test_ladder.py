"""Up by proof, down by alarm, anywhere by a person who says why."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import BadRequest
from seatrial.oversight import ladder
from seatrial.oversight.ladder import DAY_S, Bet, Ladder, Move, Rules
from seatrial.oversight.settings import Mode
from seatrial.stats.coin import log_e_mixture, spaced

RULES = Rules()


def after(*wrong: bool, blind: bool = False, start: Ladder | None = None) -> Ladder:
    """Return the ladder after some reviews; no step is taken."""
    stands = start or Ladder()
    for each in wrong:
        stands, move = ladder.review(stands, wrong=each, blind=blind, at=1.0, rules=RULES)
        assert move is None
    return stands


def until_moved(start: Ladder, *, at: float = 0.0, weight: float = 1.0) -> tuple[int, Move]:
    """Return after how many right answers it moves, and how."""
    stands = start
    for count in range(1, 5_000):
        stands, move = ladder.review(
            stands, wrong=False, blind=False, at=at, rules=RULES, weight=weight
        )
        if move is not None:
            assert move.after is stands.mode
            assert Ladder(move.after, at, start.attempt) == stands
            return count, move
    raise AssertionError("it never moved")


def test_known_answers() -> None:
    """One wrong of 120, and eighty right ones in a row."""
    assert after(True, *[False] * 119).all.log_e == pytest.approx(2.938693, abs=1e-6)
    assert 80 == until_moved(Ladder())[0]


@given(st.lists(st.booleans(), max_size=60))
def test_bet_is_the_mixture_of_the_reference(wrong: list[bool]) -> None:
    """One by one as all at once, in any order."""
    bet = Bet()
    for each in wrong:
        bet = bet.review(each, limit=0.05)

    rates = spaced(0.005, 0.04, 12)
    assert bet.log_e == pytest.approx(log_e_mixture(sum(wrong), len(wrong), 0.05, rates))


def test_weighted_bet_expects_nothing_at_the_limit() -> None:
    """Picked as often as you like, a wrong answer in twenty leaves the mean winnings at 1."""
    for weight in (0.04, 0.5, 1.0):
        right, wrong = (Bet().review(w, limit=0.05, weight=weight) for w in (False, True))
        assert 0.95 * math.exp(right.log_e) + 0.05 * math.exp(wrong.log_e) == pytest.approx(1.0)


def test_reason_says_what_is_proved() -> None:
    """With the figures, for the record."""
    move = until_moved(Ladder())[1]

    assert (Mode.REVIEW_ALL, Mode.SPOT_CHECK, "evidence") == (move.before, move.after, move.by)
    assert "0 of 80 reviewed" in move.reason
    assert (80, 0, 20.0, 0.05) == tuple(
        move.evidence[name] for name in ("reviews", "wrong", "bar", "limit")
    )
    assert not move.forced
    assert not move.not_proved


def test_second_step_asks_for_half_the_limit_and_a_month() -> None:
    """A bet of its own; not before the cycle is over, and then without another review."""
    spot = Ladder(Mode.SPOT_CHECK, since=0.0)
    count, move = until_moved(spot, at=31 * DAY_S)

    assert (Mode.EXCEPTIONS, 0.025) == (move.after, move.evidence["limit"])
    assert count > 150
    early = after(*[False] * 400, start=spot)
    stands, move_later = ladder.climb(early, at=30 * DAY_S, rules=RULES)
    assert move_later is not None
    assert Ladder(Mode.EXCEPTIONS, 30 * DAY_S) == stands
    assert (early, None) == ladder.climb(early, at=30 * DAY_S - 1, rules=RULES)


def test_samples_that_lean_to_the_unsure_count_less() -> None:
    """A fifth of the weight needs five times the reviews, about."""
    spot = Ladder(Mode.SPOT_CHECK)

    plain, _ = until_moved(spot, at=31 * DAY_S)
    light, _ = until_moved(spot, at=31 * DAY_S, weight=0.2)

    assert 4 * plain < light < 7 * plain


def test_nothing_is_above_the_top() -> None:
    """Reviews there prove nothing more."""
    top = Ladder(Mode.EXCEPTIONS)

    assert (top, None) == ladder.review(top, wrong=False, blind=False, at=1.0, rules=RULES)
    assert (top, None) == ladder.climb(top, at=1e9, rules=RULES)
    assert "few samples" in ladder.sentence(top, RULES)


def test_alarm_takes_it_back_and_the_next_bet_must_win_more() -> None:
    """Fresh evidence only, and a higher bar with each attempt."""
    down, move = ladder.demote(Ladder(Mode.EXCEPTIONS, 5.0), at=9.0, reason="Too many wrong.")

    assert Ladder(Mode.REVIEW_ALL, 9.0, attempt=2) == down
    assert move is not None
    assert ("Too many wrong.", Mode.EXCEPTIONS) == (move.reason, move.before)
    assert until_moved(down, at=10.0)[0] > 80
    bars = [ladder.bar(Ladder(attempt=n), RULES) for n in range(1, 6)]
    assert bars == sorted(bars)
    assert sum(1 / ladder.bar(Ladder(attempt=n), RULES) for n in range(2, 5_000)) < 0.05
    assert (Ladder(), None) == ladder.demote(Ladder(), at=9.0, reason="Too many wrong.")


def test_person_moves_it_with_a_reason() -> None:
    """And the record says what was not proved; downwards there is nothing to prove."""
    stands = after(True, False, False)
    up, move = ladder.force(
        stands, Mode.EXCEPTIONS, by="ann", reason=" Launch day. ", at=2.0, rules=RULES
    )

    assert Ladder(Mode.EXCEPTIONS, 2.0) == up
    assert ("ann", "Launch day.", True) == (move.by, move.reason, move.forced)
    assert "fewer than 2.5 %" in move.not_proved
    assert "1 of 3 reviewed were" in move.not_proved
    again, back = ladder.force(
        up, Mode.SPOT_CHECK, by="bob", reason="Too early.", at=3.0, rules=RULES
    )
    assert Ladder(Mode.SPOT_CHECK, 3.0, attempt=2) == again
    assert not back.not_proved
    step = ladder.force(stands, Mode.SPOT_CHECK, by="ann", reason="Try.", at=2.0, rules=RULES)[1]
    assert "fewer than 5 %" in step.not_proved


@pytest.mark.parametrize(
    ("to", "by", "reason", "param"),
    [
        (Mode.EXCEPTIONS, "ann", " ", "reason"),
        (Mode.EXCEPTIONS, "", "Launch day.", "reason"),
        (Mode.REVIEW_ALL, "ann", "Launch day.", "to"),
    ],
)
def test_person_must_say_who_and_why(to: Mode, by: str, reason: str, param: str) -> None:
    """A step to where it stands is none."""
    with pytest.raises(BadRequest) as caught:
        ladder.force(Ladder(), to, by=by, reason=reason, at=1.0, rules=RULES)
    assert param == caught.value.param


def test_blind_reviews_alone_count_where_seeing_sways_people() -> None:
    """Pairs in which only the hidden draft was found wrong show it; then the others are void."""
    stands = Ladder()
    for _ in range(20):
        stands = after(True, blind=True, start=stands)
        stands = after(False, start=stands)

    assert (20, 0) == (stands.blind_only, stands.seen_only)
    assert ladder.is_anchored(stands, RULES)
    assert stands.blind is ladder.counted(stands, RULES)
    assert 20 == ladder.figures(stands, RULES)["blind_wrong"]
    for _ in range(3_000):
        stands, move = ladder.review(stands, wrong=False, blind=False, at=1.0, rules=RULES)
        assert move is None
    assert "20 of 20" in ladder.sentence(stands, RULES)


def test_blind_reviews_that_are_right_lead_up_too() -> None:
    """The reason says that they were blind."""
    stands, move = after(*[True] * 12, blind=True), None
    stands = after(*[False] * 12, start=stands)
    for _ in range(5_000):
        stands, move = ladder.review(stands, wrong=False, blind=True, at=1.0, rules=RULES)
        if move is not None:
            break

    assert move is not None
    assert "reviewed blindly" in move.reason


def test_pairs_are_made_in_order() -> None:
    """Each seen review meets the blind one that waited longest; without one it stays alone."""
    stands = after(True)
    assert (0, 0) == (stands.blind_only, stands.seen_only)
    stands = after(True, False, True, blind=True, start=stands)
    stands = after(True, True, False, start=stands)

    assert (1, 1, ()) == (stands.blind_only, stands.seen_only, stands.waiting)
    many = after(*[True] * 1_200, blind=True)
    assert 1_000 == len(many.waiting)


def test_equal_people_are_seldom_called_swayed() -> None:
    """In at most one of twenty histories, however often anyone looks."""
    called = 0
    for seed in range(200):
        dice = random.Random(seed)
        stands, swayed = Ladder(mode=Mode.EXCEPTIONS), False
        for _ in range(150):
            for blind in (True, False):
                stands = ladder._paired(stands, wrong=dice.random() < 0.3, blind=blind)
            swayed = swayed or ladder.is_anchored(stands, RULES)
        called += swayed

    assert called <= 10 + 3 * 3


def test_sentence_tells_where_it_stands() -> None:
    """Figures, and what leads on; huge winnings stay readable."""
    assert '"5 % or more" is 1' in ladder.sentence(Ladder(), RULES)
    spot = after(*[False] * 2_000, start=Ladder(Mode.SPOT_CHECK))
    assert "10^" in ladder.sentence(spot, RULES)
    assert "'exceptions'" in ladder.sentence(spot, RULES)
