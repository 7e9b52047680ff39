"""Planted bugs: a check that cannot fail is worth nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seatrial.testing.simulate import simulate_day
from tests.sim.planted import OF_THE_ISSUE, PLANTED

# Where each is seen; a change of the plans may move it, then the search below finds the new one.
SEEDS = {
    "no_commit_point": 18,
    "retries_without_budget": 21,
    "no_reserve": 3,
    "record_after_reply": 1,
    "store_without_timeout": 16,
    "deadline_forgotten": 7,
    "windows_ignored": 5,
    "refusals_go_on": 21,
    "store_first": 6,
    "popped_before_commit": 6,
    "keys_forgotten": 11,
    "refusals_in_words_pass": 2,
    "revocation_forgotten": 17,
    "counted_twice": 44,
    "classes_ignored": 11,
    "first_come_first_served": 16,
    "checked_after_all": 3,
    "inputs_waved_through": 1,
    "repairs_without_end": 5,
    "first_message_only": 1,
    "originals_recorded": 1,
    "check_then_add": 13,
    "cheap_guess": 13,
    "repair_for_free": 5,
    "unpriced_is_free": 3,
    "carried_out_twice": 3,
    "strangers_refused": 37,
    "cut_passes_for_whole": 16,
    "overtaken_go_on": 59,
    "second_calls_for_all": 59,
    "filled_up": 16,
    "judges_are_obeyed_in_silence": 1,
    "judges_are_waved_off": 1,
    "judges_take_their_time": 9,
    "judges_on_credit": 12,
}
SEARCHED = 60


def first_seed(plant: Callable[..., None], promises: tuple[int, ...], *, start: int) -> int | None:
    """Return the first day that breaks one of the promises; None when none of many does."""
    for seed in (start, *range(SEARCHED)):
        if any(violation.promise in promises for violation in simulate_day(seed).violations):
            return seed
    return None


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_bug_is_caught(
    plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With the bug in place a day breaks the promise that the bug is about."""
    caplog.set_level("CRITICAL", logger="seatrial")
    plant(monkeypatch.setattr)
    name = plant.__name__
    seed = first_seed(plant, PLANTED[plant], start=SEEDS.get(name, 0))

    assert seed is not None, f"{name} is not caught in {SEARCHED} days"
    assert seed == SEEDS.get(name, 0), f"{name} is caught at seed {seed} now: write it down"


def test_every_checked_promise_has_a_bug() -> None:
    """For each promise that the simulator checks there is a bug that it catches."""
    from seatrial.testing.simulate.promises import CHECKED

    covered = {promise for promises in PLANTED.values() for promise in promises}

    assert set(CHECKED) <= covered
    assert 6 == len(OF_THE_ISSUE)
