"""Where failures lead, and how time is shared out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.decide import WORDS
from seatrial.reliability.routing import (
    CHEAP_RESERVE_S,
    COUNTS,
    HANDLING,
    TIMEOUTS,
    Handling,
    allot,
    handle,
    reserve_s,
)
from seatrial.reliability.settings import (
    BUILT_IN,
    Place,
    TargetRules,
    TimerSettings,
    is_called,
    places_of,
)
from seatrial.values.attempts import Cause, Timers
from tests.rooms.reliability.walk import CACHE, HUMAN, LARGE, RULES, SAY, SMALL, UNSENT, Known


def place_of(target: TargetRules, *rest: TargetRules) -> Place:
    """Return the first place of a route."""
    return places_of((target, *rest))[0]


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.value)
def test_every_cause_has_its_place(cause: Cause) -> None:
    """No failure is without a handling and words for people."""
    assert HANDLING[cause] in Handling
    assert WORDS[cause] == WORDS[cause].strip().rstrip(".")


def test_what_is_handled_exists() -> None:
    """The tables hold nothing but causes, each once in words of its own."""
    assert set(Cause) == set(HANDLING) == set(WORDS)
    assert len(set(WORDS.values())) == len(WORDS)


def test_what_counts_against_a_target() -> None:
    """Timeouts do; what we refused ourselves, limits, keys and callers' mistakes do not."""
    assert TIMEOUTS < COUNTS
    assert {Cause.UNREACHABLE} == COUNTS & UNSENT
    neither = {
        Cause.RATE_LIMITED,
        Cause.KEY_REFUSED,
        Cause.BAD_REQUEST,
        Cause.POLICY,
        Cause.REFUSED,
        Cause.CALLER_LEFT,
        Cause.SLOW_READER,
    }
    assert not COUNTS & neither


def test_final_causes_are_the_callers_own() -> None:
    """Only what the caller must hear ends a route."""
    final = {cause for cause in Cause if handle(cause, others=True) is Handling.FINAL}

    assert {Cause.BAD_REQUEST, Cause.POLICY, Cause.CALLER_LEFT, Cause.SLOW_READER} == final


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.value)
def test_failure_leads_somewhere(cause: Cause) -> None:
    """With no other target left a failure may be tried here again, never the other way round."""
    with_others, alone = handle(cause, others=True), handle(cause, others=False)

    assert Handling.ELSEWHERE not in (with_others, alone)
    assert with_others is alone or (Handling.NEXT, Handling.SAME) == (with_others, alone)


def test_built_in_targets_are_not_called() -> None:
    """Models and functions can fail; what is built in cannot."""
    assert [True, True] == [is_called(target) for target in (LARGE, RULES)]
    built_in = {target.name for target in (CACHE, SAY, HUMAN) if not is_called(target)}
    assert set(BUILT_IN) == built_in


def test_places_know_their_neighbours() -> None:
    """Who waits behind whom, and who is alone, is worked out once for a route."""
    assert [
        Place(0, CACHE, False, 2, "large", False, False),
        Place(1, LARGE, True, 1, "rules", False, False),
        Place(2, RULES, True, 0, "", False, False),
        Place(3, SAY, False, 0, "", True, False),
    ] == list(places_of((CACHE, LARGE, RULES, SAY)))
    assert [True, False] == [place.lone for place in places_of((LARGE, CACHE))]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ((), 0.0),
        ((CACHE, SAY), CHEAP_RESERVE_S),
        ((SMALL,), 3.0),
        ((CACHE, SMALL, LARGE), 3.0),
        ((RULES, SMALL), 1.5),
    ],
)
def test_reserve_is_for_the_next_that_is_called(
    rest: tuple[TargetRules, ...], expected: float
) -> None:
    """Its usual time, or two seconds until it is learnt, and one more."""
    assert expected == reserve_s(
        place_of(LARGE, *rest), Known(typical={"rules": 0.5}), stream=False
    )


def test_last_target_gets_all_that_is_left() -> None:
    """With nothing behind it nothing is kept back."""
    timers = allot(place_of(LARGE), Known(), left_s=10.0, stream=True)

    assert Timers(2.0, 10.0, 10.0, 15.0, 10.0) == timers


def test_target_with_others_behind_it_gets_half_at_most() -> None:
    """The rest of the route has its reserve, and a hung target costs half the time at most."""
    assert 5.0 == allot(place_of(LARGE, SMALL), Known(), left_s=10.0, stream=False).total_s
    slow = Known(typical={"small": 6.0})
    assert 3.0 == allot(place_of(LARGE, SMALL), slow, left_s=10.0, stream=False).total_s


def test_short_deadline_still_gives_the_first_target_its_chance() -> None:
    """When the reserve is dearer than the whole deadline, a quarter is for the first target."""
    assert 0.5 == allot(place_of(LARGE, SMALL), Known(), left_s=2.0, stream=False).total_s


def test_too_little_time_is_no_time() -> None:
    """Nothing is started that cannot end."""
    assert allot(place_of(LARGE), Known(), left_s=0.2, stream=False) is None
    assert allot(place_of(LARGE, SMALL), Known(), left_s=0.9, stream=False) is None


def test_whole_answers_are_timed_as_a_whole() -> None:
    """Their headers come when they are written."""
    assert Timers(2.0, 8.0, 8.0, 8.0, 8.0) == allot(
        place_of(LARGE), Known(), left_s=8.0, stream=False
    )


@pytest.mark.parametrize(
    ("tail", "expected"), [(None, 15.0), (0.5, 3.0), (10.0, 15.0), (20.0, 30.0), (90.0, 55.0)]
)
def test_first_token_limit_is_learnt(tail: float | None, expected: float) -> None:
    """The tail times one and a half, between 3 and 60 seconds, within the time left."""
    known = Known(tail={} if tail is None else {"large": tail})

    assert expected == allot(place_of(LARGE), known, left_s=55.0, stream=True).first_token_s


def test_own_limits_are_kept() -> None:
    """What the operator set wins over what was learnt, as far as there is time."""
    strict = TargetRules("large", timers=TimerSettings(0.5, 1.0, 2.0, 4.0, 8.0))
    patient = TargetRules("large", timers=TimerSettings(99.0, 99.0, 99.0, 99.0, 99.0))

    assert Timers(0.5, 1.0, 2.0, 4.0, 8.0) == allot(
        place_of(strict), Known(), left_s=50, stream=True
    )
    assert Timers(50, 50, 50, 99, 50) == allot(place_of(patient), Known(), left_s=50, stream=True)


@given(
    left_s=st.floats(-1, 100),
    rest=st.lists(st.sampled_from([SMALL, RULES, CACHE, SAY, HUMAN]), max_size=4),
    typical=st.dictionaries(st.sampled_from(["large", "small", "rules"]), st.floats(0.01, 100)),
    stream=st.booleans(),
)
def test_allotment_never_takes_what_the_rest_needs(
    left_s: float, rest: list[TargetRules], typical: dict[str, float], stream: bool
) -> None:
    """Whoever comes next and can be called keeps half of the time, or there is no attempt."""
    timers = allot(place_of(LARGE, *rest), Known(typical), left_s=left_s, stream=stream)
    if timers is None:
        return
    kept_s = left_s - timers.total_s
    if any(is_called(target) for target in rest):
        assert kept_s >= left_s / 2
    elif rest:
        assert kept_s == pytest.approx(CHEAP_RESERVE_S)
    else:
        assert kept_s == 0
