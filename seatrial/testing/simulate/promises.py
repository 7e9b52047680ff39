"""The promises as invariants: each a function from a day's facts to what broke it.

What a promise means here, where that is less than its words, stands in its docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from seatrial.testing.simulate import (
    answering,
    checking,
    hedges,
    judges,
    keeping,
    keyholders,
    limiting,
    spending,
    surges,
    twins,
    waste,
)
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import DayPlan

Promise = Callable[[Facts], Iterator[Violation]]

PROMISES: Final[tuple[tuple[int, Promise], ...]] = (
    (1, answering.one_final_word),
    (2, answering.no_silent_truncation),
    (3, answering.no_crosstalk),
    (4, answering.no_stitching),
    (5, answering.faults_are_invisible),
    (6, answering.deadline_is_shared),
    (7, waste.bounded_waste),
    (8, waste.recovery),
    (9, waste.retry_after),
    (10, answering.refusals_stay),
    (10, checking.refusals_are_minded),
    (11, surges.overload_is_borne),
    (12, surges.nobody_is_pushed_out),
    (13, waste.loop_never_blocks),
    (14, answering.labels),
    (14, checking.hands_over_with_reason),
    (16, keeping.nothing_is_lost),
    (17, keeping.cold_start_serves),
    (18, keyholders.keys_stay_valid),
    (18, keyholders.strangers_wait),
    (18, keyholders.revocations_stay),
    (20, keeping.records_survive),
    (20, keeping.only_double_faults_are_not_durable),
    (22, twins.one_is_carried_out),
    (22, twins.all_get_the_same),
    (25, spending.reservations_fit),
    (25, spending.bills_fit),
    (26, spending.books_balance),
    (26, spending.bills_are_booked),
    (41, checking.personal_data_stays_out),
    (44, checking.inputs_are_checked),
    (44, checking.answers_are_checked),
    (44, checking.repairs_are_bounded),
    (45, limiting.limits_are_exact),
    (46, judges.judges_are_asked_once),
    (46, judges.judges_only_tighten),
    (46, judges.judges_stay_unheard),
    (47, hedges.hedges_are_few),
    (47, hedges.hedges_answer_once),
    (47, hedges.hedges_are_let_go),
)
"""Promise 15 compares two days: `store_outage_changes_nothing`."""

CHECKED: Final = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    20,
    22,
    25,
    26,
    41,
    44,
    45,
    46,
    47,
)


def judge(facts: Facts) -> list[Violation]:
    """Return everything that broke a promise on a day."""
    return [violation for _, promise in PROMISES for violation in promise(facts)]


def without_questions_for_the_store(plan: DayPlan) -> DayPlan:
    """Return the part of a day that promise 15 speaks of."""
    return keeping.without_questions_for_the_store(plan)


def store_outage_changes_nothing(facts: Facts, sound: Facts) -> list[Violation]:
    """Return what a broken store changed for callers, against the same day with a sound one."""
    return list(keeping.store_outage_changes_nothing(facts, sound))
