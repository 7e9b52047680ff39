"""Limits: nobody is refused before a limit is used up, and no more pass than it allows.

45 is the simulator's own number for that.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Violation

MINUTE_S: Final = 60.0
_OWNERS: Final = {
    "requests_minute": "this feature",
    "key_requests_minute": "your API key",
    "user_requests_minute": "this user",
}


def limits_are_exact(facts: Facts) -> Iterator[Violation]:
    """45: a bucket that holds a minute's worth, and empties evenly, by an account of its own.

    Within one process's life.  Who is refused finds that at least what the limit grants, less
    one, was let in within the last minute; and of any minute at most twice as much.  Not on days
    when shared counters fail: then each process has a part of a limit.
    """
    if facts.plan.counter_faults:
        return
    for feature in facts.plan.features:
        for name, ceiling in feature.purse.limits:
            if name in _OWNERS:
                mine = [seen for seen in facts.seen if seen.arrival.feature == feature.name]
                yield from _replayed(facts, mine, name, ceiling)


def _replayed(facts: Facts, seen: list[Seen], name: str, ceiling: int) -> Iterator[Violation]:
    passed: dict[tuple[int, str], deque[float]] = defaultdict(deque)
    for each in sorted(seen, key=lambda one: one.started):
        whose = _whose(each, name)
        if not each.asked_id or whose is None or each.arrival.twin:
            continue
        facts.cases[45] += 1
        times = passed[0 if facts.plan.shared else each.life, whose]
        while times and times[0] < each.started - MINUTE_S:
            times.popleft()
        if each.let_in:
            times.append(each.started)
            if len(times) > 2 * ceiling + 1:
                yield Violation(45, f"{len(times)} passed {name} = {ceiling} in a minute", each.id)
        elif _names(each, name) and len(times) < ceiling - 1 and not facts.twins_near(each):
            yield Violation(45, f"refused by {name} = {ceiling} after {len(times)} in a minute")


def _whose(seen: Seen, name: str) -> str | None:
    """Return whose bucket a request takes from; None for nobody's."""
    if name.startswith("key_"):
        return seen.arrival.key or None
    if name.startswith("user_"):
        return seen.arrival.user or None
    return ""


def _names(seen: Seen, name: str) -> bool:
    said = seen.refused.message if seen.refused is not None else ""
    return said.startswith(f"The requests of {_OWNERS[name]} for this minute")
