"""Promises 11 and 12: more is asked than can be done, by everybody or by one key."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from seatrial.testing.simulate.callers import Seen
from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import TargetPlan
from seatrial.values.criticality import Criticality

OVERLOAD: Final = 3.0  # times what can be done
BEFORE_S: Final = 6.0
SURGE_S: Final = 9.0
AFTER_S: Final = 9.0
SETTLED_S: Final = 2.0  # from a surge's begin: queues fill
RECOVERED_S: Final = 5.0
SHARE_OF_PEAK: Final = 0.9
NEARLY_FULL: Final = 0.9  # of what can be done, before and after
GREED: Final = 10.0  # times its share
MODEST: Final = 0.4  # of their share: what the others ask
STILL_REFUSED: Final = 0.05
FITS: Final = 0.85  # of what can be done: a class and those before it
SERVED: Final = 0.9
CLASSES: Final = ("interactive", "default", "default", "batch", "shadow")


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge as it was.

    Args:
        kind: `overload` by everybody, or `greed` of one key.
        places: how many requests could be answered at once.
        rate: how many can be done in a second.
        began, surged, calmed, ended: virtual seconds.
        greedy: the key that asked too much; empty for none.
    """

    kind: str
    places: int
    rate: float
    began: float
    surged: float
    calmed: float
    ended: float
    greedy: str = ""


def takes_s(target: TargetPlan) -> float:
    """Return how long a target takes for a whole answer, on average."""
    return target.think_s * math.exp(0.35**2 / 2) + target.gap_s * (target.words + 4) + 0.003


def arrivals_of(surge: Surge, keys: Sequence[str], seed: int) -> list[tuple[float, str, str]]:
    """Return when requests come, with the key and the class of each."""
    die = Random(f"seatrial surge {seed}")
    made: list[tuple[float, str, str]] = []

    def ask(
        from_s: float, to_s: float, rate: float, names: Sequence[str], kinds: Sequence[str]
    ) -> None:
        count = max(1, round((to_s - from_s) * rate))
        for place in range(count):
            at_s = from_s + (place + die.random()) * (to_s - from_s) / count
            made.append((at_s, die.choice(names), die.choice(kinds)))

    if surge.kind == "greed":
        others = [name for name in keys if name != surge.greedy]
        share = surge.rate / len(keys)
        ask(surge.began, surge.ended, MODEST * share * len(others), others, ("default",))
        ask(surge.surged, surge.calmed, GREED * share, [surge.greedy], ("default",))
    else:
        names = list(keys) or [""]
        ask(surge.began, surge.surged, NEARLY_FULL * surge.rate, names, CLASSES)
        ask(surge.surged, surge.calmed, OVERLOAD * surge.rate, names, CLASSES)
        ask(surge.calmed, surge.ended, NEARLY_FULL * surge.rate, names, CLASSES)
    return sorted(made)


def overload_is_borne(facts: Facts) -> Iterator[Violation]:
    """11: at three times what can be done, goodput stays at 90 % of the peak, and recovers in 5 s.

    In virtual time, so that nothing is said of the processor: what is judged is the rules.
    What matters less is refused first; between several keys it is their shares that decide.
    """
    for surge in facts.loads:
        if surge.kind != "overload":
            continue
        facts.cases[11] += 1
        mine = [seen for seen in facts.seen if seen.surge]
        peak = _done(mine, surge.began + SETTLED_S, surge.surged)
        good = _done(mine, surge.surged + SETTLED_S, surge.calmed)
        if good < SHARE_OF_PEAK * peak:
            yield Violation(11, f"{good:.1f} answers in a second of overload, {peak:.1f} before")
        usual = _refused(mine, surge.began, surge.surged)
        still = _refused(mine, surge.calmed + RECOVERED_S, surge.ended)
        if still > usual + STILL_REFUSED:
            yield Violation(11, f"{still:.0%} refused 5 s after the surge, {usual:.0%} before")
        if len({seen.arrival.key for seen in mine}) == 1:
            yield from _in_order(surge, mine)


def _done(mine: Sequence[Seen], from_s: float, to_s: float) -> float:
    done = sum(_served(seen) and from_s <= (seen.ended or 0.0) < to_s for seen in mine)
    return done / (to_s - from_s)


def _refused(mine: Sequence[Seen], from_s: float, to_s: float) -> float:
    """Return the share of those refused; without the last class, which never waits."""
    asked = [
        _served(seen)
        for seen in mine
        if from_s <= seen.started < to_s and seen.arrival.criticality != "shadow"
    ]
    return 1 - sum(asked) / len(asked) if asked else 0.0


def _served(seen: Seen) -> bool:
    return seen.how == "answer" and seen.let_in


def _in_order(surge: Surge, mine: Sequence[Seen]) -> Iterator[Violation]:
    asked: Counter[int] = Counter()
    served: Counter[int] = Counter()
    for seen in mine:
        if surge.surged + SETTLED_S <= seen.started < surge.calmed:
            rank = Criticality(seen.arrival.criticality).rank
            asked[rank] += 1
            served[rank] += _served(seen)
    span_s = surge.calmed - surge.surged - SETTLED_S
    wanted = 0.0
    for rank in sorted(asked):
        wanted += asked[rank] / span_s
        share = served[rank] / asked[rank]
        if wanted < FITS * surge.rate and share < SERVED:
            word = list(Criticality)[rank].value
            yield Violation(11, f"only {share:.0%} of {word} was served, though it would fit")


def nobody_is_pushed_out(facts: Facts) -> Iterator[Violation]:
    """12: a key that asks for ten times its share leaves the others above 99.9 % success."""
    for surge in facts.loads:
        if surge.kind != "greed":
            continue
        others = [seen for seen in facts.seen if seen.surge and seen.arrival.key != surge.greedy]
        facts.cases[12] += len(others)
        failed = [seen for seen in others if not _served(seen)]
        if len(failed) > 0.001 * len(others):
            code = failed[0].refused.code if failed[0].refused else failed[0].how
            yield Violation(12, f"{len(failed)} of {len(others)} others were refused: {code}")
