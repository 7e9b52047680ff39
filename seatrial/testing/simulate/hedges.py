"""Promise 47: a second call answers once, is one of few, is told, and is let go.

47 is the simulator's own number for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from seatrial.testing.simulate.facts import Facts, Violation
from seatrial.testing.simulate.plan import FeaturePlan
from seatrial.values.records import Record

SHARES: Final = (0.05, 0.25, 0.5)
BUILT_IN: Final = frozenset({"cache", "say", "human"})
LET_GO_S: Final = 0.1  # after the last word, as when a caller leaves
ROUNDING: Final = 1e-6


def draw_hedges(features: Sequence[FeaturePlan], seed: int) -> tuple[FeaturePlan, ...]:
    """Return the features, some with second calls, by dice of their own."""
    die = Random(f"seatrial hedges {seed}")
    drawn = []
    for feature in features:
        hedged = die.random() < 0.2
        share = die.choice(SHARES)
        called = [name for name in feature.route if name not in BUILT_IN]
        drawn.append(replace(feature, hedge=share) if hedged and len(called) > 1 else feature)
    return tuple(drawn)


def hedges_are_few(facts: Facts) -> Iterator[Violation]:
    """47: at most the declared share of a feature's requests, in each life of the process.

    None for a request that offers tools, and for one request at most one beside each target that
    has another one behind it.
    """
    asked: Counter[tuple[int, str]] = Counter()
    made: Counter[tuple[int, str]] = Counter()
    for seen in sorted(facts.seen, key=lambda each: each.started):
        record = facts.record_of.get(seen.id)
        share = facts.features[seen.arrival.feature].hedge
        if record is None or (not share and not _hedges(record)):
            continue
        place, count = (seen.life, seen.arrival.feature), _hedges(record)
        facts.cases[47] += count
        # Each target that is asked for the first time may have another one beside it.
        asked[place] += len({each.target for each in record.attempts if not each.purpose})
        made[place] += count
        if count > len(facts.models(seen)) - 1:
            yield Violation(47, f"{count} second calls for one request", seen.id)
        if count and seen.arrival.tools:
            yield Violation(47, "a second call although tools are offered", seen.id)
    for (life, name), count in made.items():
        share = facts.features[name].hedge
        # Those whose process died, or who left no record, may have earned some as well.
        lost = sum(each.life == life and each.id not in facts.record_of for each in facts.seen)
        if count > share * (asked[life, name] + lost) + ROUNDING:
            yield Violation(47, f"{name}: {count} second calls in {asked[life, name]}, life {life}")


def hedges_answer_once(facts: Facts) -> Iterator[Violation]:
    """47: of two calls one answers, and the record says which; the other one was overtaken."""
    for record in facts.records:
        if not _hedges(record):
            continue
        good = [each for each in record.attempts if not each.cause and not _beside(each.purpose)]
        if len(good) > 1:
            names = [each.target for each in good]
            yield Violation(47, f"{names} both answered", record.id)
        by_model = record.target and record.target not in BUILT_IN
        answered = record.decision in {"answer", "degraded"} and by_model
        if answered and [each.target for each in good] != [record.target]:
            what = f"{record.target} answered, {[each.target for each in good]} in the attempts"
            yield Violation(47, what, record.id)
        for each in record.attempts:
            if each.cause == "overtaken" and each.cost_usd is not None and each.usage is None:
                yield Violation(47, f"{each.target} was cut off, and cost nothing", record.id)


def hedges_are_let_go(facts: Facts) -> Iterator[Violation]:
    """47: once the caller has the last word, nobody works for the request any more."""
    for seen in facts.seen:
        if not facts.features[seen.arrival.feature].hedge or seen.how in {"killed", "left"}:
            continue
        for call in facts.calls_of[seen.id] if seen.id else ():
            ended = call.ended
            if seen.ended is not None and (ended is None or ended > seen.ended + LET_GO_S):
                yield Violation(47, f"{call.target} still worked after the last word", seen.id)


def _hedges(record: Record) -> int:
    return sum(each.purpose == "hedge" for each in record.attempts)


def _beside(purpose: str) -> bool:
    """Whether an attempt was for something else than an answer."""
    return purpose not in {"", "hedge", "repair"}
