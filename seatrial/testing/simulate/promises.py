"""The promises as invariants: each a function from a day's facts to what broke it.

What a promise means here, where that is less than its words, stands in its docstring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from seatrial.testing.simulate import answering, checking, keeping, keyholders, spending, waste
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import CONTENT_FAULTS, WIRE_FAULTS
from seatrial.testing.upstream import FAULTS

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
    (25, spending.reservations_fit),
    (25, spending.bills_fit),
    (26, spending.books_balance),
    (26, spending.bills_are_booked),
    (41, checking.personal_data_stays_out),
    (44, checking.inputs_are_checked),
    (44, checking.answers_are_checked),
    (44, checking.repairs_are_bounded),
)
"""Promise 15 compares two days: `store_outage_changes_nothing`."""

CHECKED: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 20, 25, 26, 41, 44)

_ROWS: Final[Mapping[str, range]] = {
    "refusing": range(1, 10),
    "connecting": range(10, 16),
    "waiting": range(16, 22),
    "bodies": range(22, 33),
    "streams": range(33, 43),
}


def judge(facts: Facts) -> list[Violation]:
    """Return everything that broke a promise on a day."""
    return [violation for _, promise in PROMISES for violation in promise(facts)]


def store_outage_changes_nothing(facts: Facts, sound: Facts) -> list[Violation]:
    """Return what a broken store changed for callers, against the same day with a sound one."""
    return list(keeping.store_outage_changes_nothing(facts, sound))


def groups(facts: Facts, struck: Counter[str]) -> frozenset[str]:
    """Return the kinds of trouble that a day had."""
    found = set()
    for name in struck:
        if name in CONTENT_FAULTS:
            found.add("contents")
            continue
        row = WIRE_FAULTS.get(name) or (FAULTS[name].row if name in FAULTS else 0)
        found |= {group for group, rows in _ROWS.items() if row in rows}
        found |= {name.partition("-")[0]} & {"store", "journal"}
    if facts.deaths:
        found.add("death")
    if facts.plan.reloads:
        found.add("reload")
    if any(seen.left_at is not None for seen in facts.seen):
        found.add("leaving")
    if any(seen.arrival.reads_s for seen in facts.seen):
        found.add("slow readers")
    return frozenset(found)
