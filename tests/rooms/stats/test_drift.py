"""Detectors: fair under the null, never stuck, never beyond a number."""

from __future__ import annotations

import math
from functools import reduce
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats import drift
from seatrial.stats.drift import Detector

REFERENCE = 0.1
NULL = 0.11


def restart(state: Detector, wrong: bool) -> Detector:
    """Take one label, at a reference of 10 %."""
    return drift.restarting(state, wrong, reference=REFERENCE)


def hold(state: Detector, wrong: bool) -> Detector:
    """Take one label in the CUSUM form, at a null of 11 %."""
    return drift.cusum(state, wrong, null=NULL)


def test_restarting_gains_one_with_each_label() -> None:
    """At the null, a tenth above the reference, n labels are worth n on average: exactly.

    That is what bounds its false alarms: to pass A takes A labels on average.
    """
    for labels in (1, 2, 10):
        total = math.fsum(
            math.prod(NULL if wrong else 1 - NULL for wrong in turns)
            * drift.value(reduce(restart, turns, drift.RESTARTING))
            for turns in product((False, True), repeat=labels)
        )
        assert labels == pytest.approx(total)


@given(st.lists(st.booleans(), max_size=30))
def test_cusum_is_fair_from_its_floor(turns: list[bool]) -> None:
    """After any past the next label is a fair bet with each wealth, or with 1 where it is less."""
    state = reduce(hold, turns, drift.CUSUM)
    wrong, right = hold(state, True), hold(state, False)

    for before, up, down in zip(state.log_m, wrong.log_m, right.log_m, strict=True):
        mean = NULL * math.exp(up) + (1 - NULL) * math.exp(down)
        assert max(1, math.exp(before)) == pytest.approx(mean)


@given(st.lists(st.booleans(), max_size=30), st.floats(0, 1))
def test_free_is_fair_when_the_forecast_is(turns: list[bool], expected: float) -> None:
    """Wrong as often as forecast and the allowance more: no wealth is gained or lost."""
    state = reduce(lambda at, wrong: drift.free(at, drift.residual(wrong, 0.2)), turns, drift.FREE)
    wrong = drift.free(state, drift.residual(True, expected))
    right = drift.free(state, drift.residual(False, expected))

    truth = expected + 0.03
    for before, up, down in zip(state.log_m, wrong.log_m, right.log_m, strict=True):
        mean = truth * math.exp(up) + (1 - truth) * math.exp(down)
        assert max(1, math.exp(before)) == pytest.approx(mean)


def test_free_bets_by_hand() -> None:
    """Stakes of .15, .3 and .6 on residuals within 1.1."""
    state = drift.free(drift.FREE, drift.residual(True, 0.2))

    assert [1 + bet * 0.77 / 1.1 for bet in (0.15, 0.3, 0.6)] == pytest.approx(
        [math.exp(each) for each in state.log_m]
    )


@pytest.mark.parametrize(("step", "start"), [(restart, drift.RESTARTING), (hold, drift.CUSUM)])
def test_quiet_years_do_not_delay_an_alarm(step: type[Detector], start: Detector) -> None:
    """After three thousand right labels it is as quick as after three hundred."""
    delays = []
    for calm in (300, 3_000):
        state = reduce(step, [False] * calm, start)
        delay = 0
        while drift.value(state) <= 2_000:
            state = step(state, delay % 3 == 0)
            delay += 1
        delays.append(delay)

    assert delays[0] == delays[1] < 60


@pytest.mark.parametrize(("step", "start"), [(restart, drift.RESTARTING), (hold, drift.CUSUM)])
def test_wrong_raises_and_right_lowers(step: type[Detector], start: Detector) -> None:
    """From the middle of a stream."""
    state = reduce(step, [True] * 3, start)

    assert drift.value(step(state, False)) < drift.value(state) < drift.value(step(state, True))


def test_cusum_is_quieter_than_restarting() -> None:
    """On the same labels its value is never the greater one."""
    loud, quiet = drift.RESTARTING, drift.CUSUM
    for label in range(1, 500):
        loud = drift.restarting(loud, label % 9 == 0, reference=REFERENCE)
        quiet = drift.cusum(quiet, label % 9 == 0, null=NULL)
        assert drift.value(quiet) <= drift.value(loud) + 1


@pytest.mark.parametrize("wrong", [True, False])
def test_never_beyond_a_number(wrong: bool) -> None:
    """Five thousand labels all alike: values stay numbers, states stay finite."""
    state, held, free = drift.RESTARTING, drift.CUSUM, drift.FREE
    for _ in range(5_000):
        state = restart(state, wrong)
        held = hold(held, wrong)
        free = drift.free(free, drift.residual(wrong, 0.5))

    for each in (state, held, free):
        assert all(map(math.isfinite, each.log_m))
        assert (drift.value(each) == math.inf) == wrong


def test_first_states() -> None:
    """Restarting begins with nothing, the others with 1; all are finite numbers."""
    assert [0.0, 1.0, 1.0] == [
        drift.value(state) for state in (drift.RESTARTING, drift.CUSUM, drift.FREE)
    ]
    assert all(map(math.isfinite, drift.RESTARTING.log_m))
