"""Promises 7 and 8 for one breaker: few calls in an outage, full service soon after it."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.reliability.breaker import Breaker, Permit
from seatrial.reliability.settings import BreakerSettings

SETTINGS = BreakerSettings()
PROMISED_S = 30.0
HUNG_S = 25.0  # until a timer ends an attempt that hangs


@dataclass
class Traffic:
    """Steady requests to a target that is away between two moments.

    Args:
        rate: requests per second.
        back_at: when the outage, which starts at 0, ends.
        fails_after_s: how long a failure takes: refused at once, or hung until a timer.
        answers_after_s: how long an answer takes.
        seed: of the dice.
    """

    rate: float
    back_at: float
    fails_after_s: float
    answers_after_s: float
    seed: int
    asked: list[float] = field(default_factory=list)
    passed: list[float] = field(default_factory=list)

    def run(self, until: float) -> None:
        """Let requests come from a minute before the outage until `until`."""
        coin = random.Random(self.seed).random
        breaker = Breaker(SETTINGS)
        ending: list[tuple[float, int, bool, Permit]] = []
        for turn in range(int((until + 60) * self.rate)):
            now = -60 + turn / self.rate
            while ending and ending[0][0] <= now:
                at, _, failed, permit = heapq.heappop(ending)
                breaker.settle(permit, at, failed=failed, coin=coin())
            self.asked.append(now)
            permit = breaker.permit(now, coin=coin(), lease_s=30.0)
            if permit is not None:
                self.passed.append(now)
                failed = 0 <= now < self.back_at
                end = now + (self.fails_after_s if failed else self.answers_after_s)
                heapq.heappush(ending, (end, turn, failed, permit))

    def between(self, start: float, end: float) -> tuple[int, int]:
        """Return how many were asked and how many passed in [start, end)."""
        return (
            sum(start <= at < end for at in self.asked),
            sum(start <= at < end for at in self.passed),
        )


@settings(max_examples=60)
@given(
    rate=st.floats(2, 50),
    back_at=st.floats(1, 300),
    fails_after_s=st.floats(0, 3) | st.just(HUNG_S),
    answers_after_s=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_target_that_came_back_serves_again_within_30_s(
    rate: float, back_at: float, fails_after_s: float, answers_after_s: float, seed: int
) -> None:
    """At whatever moment it returns: nine tenths of the traffic, and never more than it."""
    traffic = Traffic(rate, back_at, fails_after_s, answers_after_s, seed)
    traffic.run(back_at + PROMISED_S + 30)

    asked, passed = traffic.between(back_at + PROMISED_S, back_at + PROMISED_S + 30)
    assert passed >= 0.9 * asked
    for second in range(int(back_at), int(back_at + PROMISED_S)):
        _, passed = traffic.between(second, second + 1)
        assert passed <= 1.5 * rate + 1


@settings(max_examples=60)
@given(
    rate=st.floats(2, 50),
    fails_after_s=st.floats(0, 3) | st.just(HUNG_S),
    seed=st.integers(0, 2**32),
)
def test_outage_costs_one_probe_per_rest(rate: float, fails_after_s: float, seed: int) -> None:
    """Beside what was in flight when it opened, a target gets single probes and no more."""
    traffic = Traffic(rate, 1e9, fails_after_s, 0.5, seed)
    traffic.run(300)

    opened_by = 0.5 + (SETTINGS.consecutive + 2) / rate + fails_after_s
    probes = [at for at in traffic.passed if at > opened_by]
    gaps = [later - earlier for earlier, later in itertools.pairwise(probes)]
    assert min(gaps) >= SETTINGS.open_s / 2
    assert len(probes) <= 300 / SETTINGS.open_s + 1
