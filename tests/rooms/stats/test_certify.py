"""The walk from strict to loose: what passes, who hands on what, what it promises."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats import certify

PROOF = (0, 2000)  # as good as certain
ALMOST = (0, 75)  # p = .0214 at 5 %: passes with .05 and with .03, not with .01
NONE = (0, 0)


def walk(*tests: tuple[int, int], entries: int = 5) -> int | None:
    """Walk at 5 % with a budget of 5 %."""
    return certify.walk(tests, limit=0.05, delta=0.05, entries=entries)


def test_nothing_to_test_certifies_nothing() -> None:
    """No thresholds, or none with labels."""
    assert walk() is None
    assert walk(NONE, NONE) is None


def test_loosest_that_passes() -> None:
    """Every threshold passes: the last one it is."""
    assert 9 == walk(*[PROOF] * 10)


def test_success_hands_its_budget_on() -> None:
    """Eleven thresholds, entries at 0, 1, 3, 4 and 6: what was won before counts later."""
    # Up to place 2 there are the budgets of 0 and 1, together .02; at place 3 .03.
    assert 0 == walk(PROOF, ALMOST, *[NONE] * 9)
    assert 1 == walk(PROOF, PROOF, ALMOST, *[NONE] * 8)
    assert 3 == walk(PROOF, PROOF, PROOF, ALMOST, *[NONE] * 7)


def test_failure_ends_what_was_handed_on() -> None:
    """After a failure only a later entry point begins again, with its own part alone."""
    assert 3 == walk(PROOF, PROOF, PROOF, PROOF, NONE, PROOF, *[NONE] * 5)
    assert 3 == walk(PROOF, PROOF, PROOF, PROOF, NONE, NONE, ALMOST, *[NONE] * 4)
    assert 6 == walk(*[NONE] * 6, PROOF, *[NONE] * 4)
    assert walk(NONE, NONE, PROOF, *[NONE] * 8) is None
    assert walk(*[NONE] * 10, PROOF) is None


def test_one_entry_is_a_fixed_sequence() -> None:
    """All the budget at the strictest place; the first failure ends the walk."""
    assert 1 == walk(PROOF, ALMOST, entries=1)
    assert walk(NONE, PROOF, entries=1) is None


def test_one_threshold_gets_the_whole_budget() -> None:
    """Entry points that fall together add up."""
    assert 0 == walk((0, 59))
    assert walk((0, 58)) is None


def test_budget_is_spent_once() -> None:
    """By enumeration: all thresholds exactly at the limit, on labels of their own.

    Any of them passes in at most 5 % of cases, and without the budget in far more.
    """
    counts = range(8)
    chances = [stats.binom.pmf(k, 100, 0.05) for k in counts]
    broken = unsplit = 0.0
    for wrong in product(counts, repeat=4):
        chance = math.prod(chances[k] for k in wrong)
        tests = [(k, 100) for k in wrong]
        broken += chance * (certify.walk(tests, limit=0.05, delta=0.05) is not None)
        unsplit += chance * any(certify.p_value(*test, 0.05) <= 0.05 for test in tests)

    assert 0 < broken <= 0.05 < unsplit


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(20, 600)), max_size=30), st.integers(1, 6)
)
def test_what_passes_is_proved(tests: list[tuple[int, int]], entries: int) -> None:
    """Its p-value is within the budget, and no error among its labels makes it stricter."""
    place = certify.walk(tests, limit=0.05, delta=0.05, entries=entries)

    if place is not None:
        assert certify.p_value(*tests[place], 0.05) <= 0.05
        better = [(0, labelled) for _, labelled in tests]
        looser = certify.walk(better, limit=0.05, delta=0.05, entries=entries)
        assert looser is not None
        assert looser >= place


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.001, 0.5))
def test_p_value_moves_with_the_errors(wrong: int, right: int, limit: float) -> None:
    """One more error weakens the proof, one more right answer strengthens it."""
    at = certify.p_value(wrong, wrong + right, limit)

    assert certify.p_value(wrong + 1, wrong + right + 1, limit) >= at - 1e-12
    assert certify.p_value(wrong, wrong + right + 1, limit) <= at + 1e-12


def test_no_labels_prove_nothing() -> None:
    """A p-value of 1."""
    assert 1.0 == certify.p_value(0, 0, 0.05)


@pytest.mark.parametrize("true_error", [0.05, 0.06, 0.04999])
def test_hopeless_forecasts(true_error: float) -> None:
    """At the limit, beyond it or a hair below it no number of labels is told."""
    assert certify.labels_needed(0.05, true_error, 0.95) is None


def test_forecast_grows_with_what_is_asked() -> None:
    """No errors at all take the fewest; more power and more confidence take more."""
    fewest = certify.labels_needed(0.05, 0.0, 0.95)
    usual = certify.labels_needed(0.05, 0.02, 0.95)
    powerful = certify.labels_needed(0.05, 0.02, 0.95, power=0.95)

    assert fewest is not None
    assert usual is not None
    assert powerful is not None
    assert 59 <= fewest < usual < powerful
