"""The circuit breaker, rule by rule."""

import itertools

import pytest

from seatrial.reliability.breaker import NEXT, Breaker, Event, Permit, State
from seatrial.reliability.settings import BreakerSettings

SETTINGS = BreakerSettings()


def leave(breaker: Breaker, now: float, *, coin: float = 0.0, lease_s: float = 60.0) -> Permit:
    """Return a permit; the test fails when there is none."""
    permit = breaker.permit(now, coin=coin, lease_s=lease_s)
    assert permit is not None
    return permit


def tell(
    breaker: Breaker, permit: Permit, now: float, *, failed: bool | None, **more: bool
) -> None:
    """Settle with the die at a half."""
    breaker.settle(permit, now, failed=failed, coin=0.5, **more)


def once(breaker: Breaker, now: float, *, failed: bool | None, slow: bool = False) -> None:
    """Make one attempt that ends at once."""
    tell(breaker, leave(breaker, now), now, failed=failed, slow=slow)


def opened(settings: BreakerSettings = SETTINGS, now: float = 0.0) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(settings)
    for _ in range(settings.consecutive):
        once(breaker, now, failed=True)
    assert State.OPEN is breaker.state
    return breaker


def closed_again(now: float = 100.0) -> Breaker:
    """Return a breaker that opened and has just closed."""
    breaker = opened()
    for _ in range(SETTINGS.good_to_close):
        once(breaker, now, failed=False)
    assert State.CLOSED is breaker.state
    return breaker


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_table_says_where_every_event_leads(state: State, event: Event) -> None:
    """What the table lists moves a breaker; nothing else does."""
    breaker = Breaker(SETTINGS)
    breaker.state = state
    breaker._move(event)

    assert NEXT.get((state, event), state) is breaker.state


def test_table_reaches_every_state_and_comes_back() -> None:
    """No state is a trap: from each there is a way back to closed."""
    for start in State:
        reached = {start}
        for _ in State:
            reached |= {after for (before, _), after in NEXT.items() if before in reached}
        assert set(State) == reached


def test_failures_in_a_row_open_it() -> None:
    """Four in a row do not, the fifth does; the rest starts at the fifth."""
    breaker = Breaker(SETTINGS)
    for _ in range(4):
        once(breaker, 10.0, failed=True)
    assert State.CLOSED is breaker.state
    assert 0.0 == breaker.wait_s(10.0)

    once(breaker, 10.0, failed=True)
    assert State.OPEN is breaker.state
    assert 3.75 == breaker.wait_s(10.0)
    assert breaker.permit(13.7, coin=0.0, lease_s=1.0) is None


def test_good_attempt_breaks_the_row() -> None:
    """A row starts again after any good attempt."""
    breaker = Breaker(SETTINGS)
    for failed in [True] * 4 + [False] + [True] * 4:
        once(breaker, 1.0, failed=failed)

    assert State.CLOSED is breaker.state


def test_share_of_failures_opens_it() -> None:
    """Half of at least twenty attempts within the window."""
    breaker = Breaker(SETTINGS)
    for turn in range(19):
        once(breaker, turn / 10, failed=bool(turn % 2))
        assert State.CLOSED is breaker.state

    once(breaker, 2.0, failed=True)
    assert State.OPEN is breaker.state


def test_failures_outside_the_window_are_forgotten() -> None:
    """Old failures do not add up with new ones."""
    breaker = Breaker(SETTINGS)
    for turn in range(19):
        once(breaker, turn / 10, failed=bool(turn % 2))
    for turn in range(19):
        once(breaker, 40.0 + turn / 10, failed=bool(turn % 2))

    assert State.CLOSED is breaker.state


def test_share_of_slow_attempts_opens_it() -> None:
    """Four of five attempts slow, among twenty."""
    breaker = Breaker(SETTINGS)
    for turn in range(20):
        assert State.CLOSED is breaker.state
        once(breaker, 1.0, failed=False, slow=turn >= 4)

    assert State.OPEN is breaker.state


def test_mistakes_of_the_caller_count_as_neither() -> None:
    """They neither open it, nor break a row of failures, nor close it."""
    breaker = Breaker(SETTINGS)
    for failed in [*([True, None] * 4), True]:
        assert State.CLOSED is breaker.state
        once(breaker, 1.0, failed=failed)
    assert State.OPEN is breaker.state

    for _ in range(10):
        once(breaker, 60.0, failed=None)
    assert State.PROBING is breaker.state
    once(breaker, 60.0, failed=True)
    assert State.OPEN is breaker.state


def test_one_probe_at_a_time() -> None:
    """While a probe is out nobody else gets leave; given back, the next one goes."""
    breaker = opened()
    probe = leave(breaker, 5.0)

    assert probe.probe
    assert breaker.permit(5.0, coin=0.0, lease_s=1.0) is None
    tell(breaker, probe, 5.5, failed=False)
    assert leave(breaker, 5.5).probe


def test_lost_probe_returns_with_its_lease() -> None:
    """A probe that nobody gives back does not hold the breaker for ever."""
    breaker = opened()
    leave(breaker, 5.0, lease_s=2.0)

    assert breaker.permit(6.9, coin=0.0, lease_s=2.0) is None
    assert leave(breaker, 7.0).probe


def test_hung_probe_holds_the_next_one_back_for_one_rest_only() -> None:
    """However long an attempt may take, probes follow each other every `open_s`."""
    breaker = opened()
    leave(breaker, 5.0, lease_s=60.0)

    assert breaker.permit(9.9, coin=0.0, lease_s=60.0) is None
    assert leave(breaker, 10.0).probe


def test_slow_probes_still_close_it() -> None:
    """A target whose answers take longer than the lease comes back all the same."""
    breaker = opened()
    probes = [leave(breaker, at, lease_s=60.0) for at in (5.0, 10.0, 15.0)]
    for probe, at in zip(probes, (13.0, 18.0, 23.0), strict=True):
        tell(breaker, probe, at, failed=False)

    assert State.CLOSED is breaker.state


def test_three_good_probes_close_it() -> None:
    """Two are not enough, and a bad one between them starts a new rest."""
    breaker = opened()
    once(breaker, 5.0, failed=False)
    once(breaker, 5.0, failed=False)
    assert State.PROBING is breaker.state
    once(breaker, 5.0, failed=True)
    assert State.OPEN is breaker.state

    for _ in range(3):
        assert breaker.state is not State.CLOSED
        once(breaker, 60.0, failed=False)
    assert State.CLOSED is breaker.state


@pytest.mark.parametrize(("since", "share"), [(0.0, 0.1), (5.0, 0.55), (9.0, 0.91), (10.0, 1.0)])
def test_traffic_ramps_up_after_closing(since: float, share: float) -> None:
    """From a tenth to the whole in ten seconds."""
    breaker = closed_again(100.0)
    coins = [step / 1000 for step in range(1000)]
    passed = sum(
        breaker.permit(100.0 + since, coin=coin, lease_s=1.0) is not None for coin in coins
    )

    assert share == pytest.approx(passed / 1000, abs=0.002)


def test_rests_double_up_to_the_cap_and_start_over_after_closing() -> None:
    """Each failed probe doubles the rest, with half of it kept by jitter."""
    breaker = opened()
    rests = []
    now = 0.0
    for _ in range(4):
        rests.append(breaker.wait_s(now))
        now = breaker.opened_until
        once(breaker, now, failed=True)
    assert [5 * 0.75, 10 * 0.75, 12 * 0.75, 12 * 0.75] == pytest.approx(rests)

    now = breaker.opened_until
    for _ in range(SETTINGS.good_to_close):
        once(breaker, now, failed=False)
    for _ in range(SETTINGS.consecutive):
        once(breaker, now, failed=True)
    assert 5 * 0.75 == pytest.approx(breaker.wait_s(now))


def test_outage_of_a_week_is_survived() -> None:
    """The rests of a very long outage stay at the cap; nothing overflows."""
    breaker = opened()
    now = 0.0
    for _ in range(50_000):
        now = breaker.opened_until
        once(breaker, now, failed=True)

    assert 9.0 == pytest.approx(breaker.wait_s(now))


def test_later_end_of_a_rest_wins() -> None:
    """A new rest never ends before one that was already promised."""
    breaker = opened()
    breaker.opened_until = 500.0
    breaker.state = State.PROBING
    tell(breaker, Permit(True, 9.0, breaker._era), 5.0, failed=True)

    assert 500.0 == breaker.opened_until


@pytest.mark.parametrize("late", [True, False])
def test_replies_of_an_earlier_era_change_nothing(late: bool) -> None:
    """What left before the trip and lands after it neither closes nor opens, nor adds up."""
    breaker = Breaker(SETTINGS)
    early = [leave(breaker, 0.0) for _ in range(40)]
    for _ in range(SETTINGS.consecutive):
        once(breaker, 0.0, failed=True)
    for permit in early[:10]:
        tell(breaker, permit, 1.0, failed=late)
    assert State.OPEN is breaker.state

    once(breaker, 5.0, failed=False)
    for permit in early[10:20]:
        tell(breaker, permit, 5.0, failed=late)
    assert State.PROBING is breaker.state

    once(breaker, 5.0, failed=False)
    once(breaker, 5.0, failed=False)
    for permit in early[20:]:
        tell(breaker, permit, 5.0, failed=late)
    once(breaker, 20.0, failed=True)
    assert State.CLOSED is breaker.state, "one failure of now is not a row"


def test_late_failure_is_remembered_as_the_last() -> None:
    """It tells which target failed longest ago, whatever its era."""
    breaker = Breaker(SETTINGS)
    early = leave(breaker, 0.0)
    for _ in range(SETTINGS.consecutive):
        once(breaker, 1.0, failed=True)
    tell(breaker, early, 3.0, failed=True)

    assert 3.0 == breaker.last_failure_at


def test_force_gives_leave_once_per_rest() -> None:
    """Asking a resting target by force happens at the rate of probes."""
    breaker = opened()

    assert breaker.force(1.0, lease_s=1.0) is not None
    assert breaker.force(5.9, lease_s=1.0) is None
    assert breaker.force(6.0, lease_s=1.0) is not None


def test_forced_attempt_does_not_shorten_the_rest() -> None:
    """A good forced attempt is one good attempt: the breaker opens when its rest is over."""
    breaker = opened()
    forced = breaker.force(1.0, lease_s=1.0)
    assert forced is not None
    tell(breaker, forced, 1.1, failed=False)

    assert State.OPEN is breaker.state
    assert breaker.permit(1.2, coin=0.0, lease_s=1.0) is None


def test_forced_attempt_counts_while_probing() -> None:
    """Asked by force while probes are out, it is as good as a probe."""
    breaker = opened()
    leave(breaker, 5.0)
    forced = breaker.force(5.0, lease_s=1.0)
    assert forced is not None
    tell(breaker, forced, 5.1, failed=True)

    assert State.OPEN is breaker.state
