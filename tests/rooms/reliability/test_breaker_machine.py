"""The circuit breaker under any order of events, with leaping time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seatrial.reliability.breaker import NEXT, Breaker, Permit, State
from seatrial.reliability.settings import BreakerSettings

SETTINGS = BreakerSettings(consecutive=3, min_attempts=6)
coins = st.floats(0, 1, exclude_max=True)
leases = st.floats(0.01, 60)


@dataclass
class Out:
    """A permit on its way, and which opening of the breaker it was given after."""

    permit: Permit
    opening: int


class BreakerMachine(RuleBasedStateMachine):
    """Attempts start, end, get lost and come late, while time leaps."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(SETTINGS)
        self.now = 0.0
        self.out: list[Out] = []
        self.openings = 0
        self.in_a_row = 0
        self.good = 0
        self.forced_at = -1e9

    def live_probes(self) -> list[Out]:
        """Probes of the present opening that may still be given back in time."""
        return [
            each
            for each in self.out
            if each.permit.probe and each.opening == self.openings and self.now < each.permit.until
        ]

    @rule(seconds=st.floats(0, 2) | st.floats(0, 3600))
    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(coin=coins, lease_s=leases)
    def ask(self, coin: float, lease_s: float) -> None:
        """Ask for leave."""
        before, live = self.breaker.state, self.live_probes()
        permit = self.breaker.permit(self.now, coin=coin, lease_s=lease_s)
        rests = before is State.OPEN and self.now < self.breaker.opened_until
        if rests:
            assert permit is None
            assert State.OPEN is self.breaker.state
        elif before is State.CLOSED:
            assert permit is None or not permit.probe
        else:
            if before is State.OPEN:
                self.good = 0
            assert State.PROBING is self.breaker.state
            assert (permit is None) == bool(live), "a probe exactly when none is out"
            assert permit is None or permit.until <= self.now + min(lease_s, SETTINGS.open_s)
        if permit is not None:
            self.out.append(Out(permit, self.openings))

    @rule(lease_s=leases)
    def force(self, lease_s: float) -> None:
        """Ask although it rests."""
        permit = self.breaker.force(self.now, lease_s=lease_s)
        assert (permit is not None) == (self.now >= self.forced_at + SETTINGS.open_s)
        if permit is not None:
            self.forced_at = self.now
            self.out.append(Out(permit, self.openings))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), failed=st.sampled_from([True, True, False, None]), coin=coins)
    def give_back(self, data: st.DataObject, failed: bool | None, coin: float) -> None:
        """Settle any permit that is out, also long after its lease."""
        out = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before, until = self.breaker.state, self.breaker.opened_until
        slow = data.draw(st.booleans())
        self.breaker.settle(out.permit, self.now, failed=failed, slow=slow, coin=coin)
        after = self.breaker.state

        if failed is None or out.opening != self.openings:
            assert before is after, "it says nothing about the target of now"
            assert until == self.breaker.opened_until
            return
        assert before is after or after in {to for (at, _), to in NEXT.items() if at is before}
        if before is State.PROBING:
            self.good = 0 if failed else self.good + 1
            closes = self.good >= SETTINGS.good_to_close
            expected = State.OPEN if failed else State.CLOSED if closes else State.PROBING
            assert expected is after
        if before is State.OPEN:
            assert State.OPEN is after
        if before is not after and after is State.OPEN:
            self.check_rest(until)
        if after is State.CLOSED and before is State.PROBING:
            self.in_a_row = 0

    def check_rest(self, until: float) -> None:
        """A rest keeps half of its length, never passes the cap, never ends before an older one."""
        longest = min(SETTINGS.open_cap_s, SETTINGS.open_s * 2**self.in_a_row)
        self.in_a_row += 1
        self.openings += 1
        rest_s = self.breaker.opened_until - self.now
        assert rest_s >= longest / 2 - 1e-6
        assert rest_s <= longest + 1e-6 or until == self.breaker.opened_until
        assert until <= self.breaker.opened_until

    @invariant()
    def one_probe_at_most(self) -> None:
        """Never two live probes."""
        if self.breaker.state is State.PROBING:
            assert len(self.live_probes()) <= 1

    @invariant()
    def wait_ends_with_the_rest(self) -> None:
        """It says how long it rests: never longer than the cap from now."""
        assert 0 <= self.breaker.wait_s(self.now) <= SETTINGS.open_cap_s

    def teardown(self) -> None:
        """Whatever happened and whatever was lost: a good target serves in full again."""
        self.now += SETTINGS.open_cap_s
        if self.breaker.state is not State.CLOSED:
            for _ in range(SETTINGS.good_to_close):
                permit = self.breaker.permit(self.now, coin=0.5, lease_s=1.0)
                if self.breaker.state is State.CLOSED:
                    break
                assert permit is not None
                self.breaker.settle(permit, self.now, failed=False, coin=0.5)
        self.now += SETTINGS.ramp_s
        assert self.breaker.permit(self.now, coin=0.999, lease_s=1.0) is not None


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
