"""Who is asked next, and what is learnt from what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from seatrial.engine.health import Health, Ticket
from seatrial.reliability.settings import BreakerSettings, TargetRules
from seatrial.values.attempts import Cause, Failure

LARGE = TargetRules("large")
PAIR = ("east", "west")


@dataclass
class Hands:
    """A clock and dice in the test's hands.

    Args:
        at: monotonic seconds.
        coins: thrown in turn, again and again.
    """

    at: float = 0.0
    coins: Sequence[float] = (0.5,)
    thrown: int = field(default=0)

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    def coin(self) -> float:
        self.thrown += 1
        return self.coins[(self.thrown - 1) % len(self.coins)]


def health_of(hands: Hands) -> Health:
    """Return what is known of the targets: nothing yet."""
    return Health(hands, hands.coin)


def admit(
    health: Health,
    rules: TargetRules = LARGE,
    outlets: Sequence[str] = ("only",),
    *,
    limit_s: float = 30.0,
    first: bool = True,
    stream: bool = False,
    force: bool = False,
) -> Ticket | Failure:
    """Ask for leave of the usual kind."""
    return health.admit(rules, outlets, limit_s=limit_s, first=first, stream=stream, force=force)


def go(
    health: Health,
    cause: Cause | None = None,
    rules: TargetRules = LARGE,
    outlets: Sequence[str] = ("only",),
    *,
    took_s: float | None = None,
    retry_after_s: float | None = None,
    limit_s: float = 30.0,
) -> Ticket:
    """Make one attempt that ends at once."""
    ticket = admit(health, rules, outlets, limit_s=limit_s)
    assert isinstance(ticket, Ticket), ticket
    failure = Failure(cause, retry_after_s=retry_after_s) if cause else None
    health.settle(ticket, failure=failure, took_s=took_s)
    return ticket


def why_not(ticket: Ticket | Failure) -> Cause:
    """Return why there was no leave."""
    assert isinstance(ticket, Failure)
    assert not ticket.sent
    return ticket.cause


# --- places -------------------------------------------------------------------------------


def test_pool_is_bounded() -> None:
    """A target has so many places and no queue; a place given back is free again."""
    health = health_of(Hands())
    rules = TargetRules("large", concurrency=3)
    tickets = [admit(health, rules) for _ in range(3)]
    assert Cause.POOL_FULL is why_not(admit(health, rules))
    assert Cause.POOL_FULL is why_not(admit(health, rules, force=True))
    assert isinstance(admit(health), Ticket), "another target's rules, another bound"

    health.settle(tickets[0], failure=None, took_s=0.1)
    health.settle(tickets[1], failure=None, took_s=0.1)
    assert isinstance(admit(health, rules), Ticket)


def test_pools_are_separate() -> None:
    """A hung target's full pool takes nothing from another's."""
    health = health_of(Hands())
    small = TargetRules("small", concurrency=1)
    admit(health, TargetRules("large", concurrency=1))

    assert isinstance(admit(health, small), Ticket)


# --- limits -------------------------------------------------------------------------------


def test_no_attempt_inside_a_stated_window() -> None:
    """Promise 9: zero, not even by force; afterwards at once."""
    hands = Hands()
    health = health_of(hands)
    go(health, Cause.RATE_LIMITED, retry_after_s=20.0)

    for hands.at in (0.0, 10.0, 19.999):
        for force in (False, True):
            refused = admit(health, force=force)
            assert Cause.THROTTLED is why_not(refused)
            assert 20.0 - hands.at == pytest.approx(refused.retry_after_s)
    hands.at = 20.0
    assert isinstance(admit(health), Ticket)


def test_any_failure_may_state_a_window() -> None:
    """A 503 with Retry-After is obeyed like a 429."""
    health = health_of(Hands())
    go(health, Cause.OVERLOADED, retry_after_s=5.0)

    assert Cause.THROTTLED is why_not(admit(health))


def test_limits_are_per_key() -> None:
    """One key's window leaves the other key to be used."""
    hands = Hands()
    health = health_of(hands)
    limited = go(health, Cause.RATE_LIMITED, outlets=PAIR, retry_after_s=20.0)

    for _ in range(10):
        assert limited.name != go(health, outlets=PAIR).name
    other = go(health, Cause.RATE_LIMITED, outlets=PAIR, retry_after_s=8.0)
    assert other.name != limited.name
    refused = admit(health, outlets=PAIR)
    assert (Cause.THROTTLED, 8.0) == (why_not(refused), refused.retry_after_s)


def test_rate_limits_do_not_open_the_breaker() -> None:
    """They have a window of their own."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(30):
        go(health, Cause.RATE_LIMITED, retry_after_s=1.0)
        hands.at += 1.0

    assert ["closed"] == [view.state for view in health.views()]


def test_refused_key_is_quarantined() -> None:
    """The key rests for a minute, the other one is used; the target is not to blame."""
    hands = Hands()
    health = health_of(hands)
    refused = go(health, Cause.KEY_REFUSED, outlets=PAIR)
    for _ in range(5):
        assert refused.name != go(health, outlets=PAIR).name
    go(health, Cause.KEY_REFUSED, outlets=PAIR)

    assert Cause.QUARANTINED is why_not(admit(health, outlets=PAIR))
    assert Cause.QUARANTINED is why_not(admit(health, outlets=PAIR, force=True))
    assert {"closed"} == {view.state for view in health.views()}
    hands.at = 60.0
    assert isinstance(admit(health, outlets=PAIR), Ticket)


# --- breakers -----------------------------------------------------------------------------


def test_resting_target_says_until_when() -> None:
    """After five failures in a row nothing passes, and the caller can be told the wait."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(5):
        go(health, Cause.SERVER_ERROR)

    refused = admit(health)
    assert (Cause.RESTING, 3.75) == (why_not(refused), refused.retry_after_s)
    assert ("open", 3.75) == (health.views()[0].state, health.views()[0].rests_s)


def test_probe_is_given_back_however_it_ends() -> None:
    """Answer, failure or a caller who left: the next probe always goes."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(5):
        go(health, Cause.SERVER_ERROR)
    hands.at = 4.0
    for cause in (Cause.CALLER_LEFT, Cause.BAD_REQUEST, None, Cause.REFUSED, None):
        ticket = admit(health)
        assert isinstance(ticket, Ticket)
        assert Cause.RESTING is why_not(admit(health)), "one probe at a time"
        health.settle(ticket, failure=Failure(cause) if cause else None, took_s=None)
    go(health)

    assert "closed" == health.views()[0].state


def test_resting_target_is_forced_at_probe_rate() -> None:
    """When the plan insists, one attempt per rest goes all the same."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(5):
        go(health, Cause.SERVER_ERROR)

    assert isinstance(admit(health, force=True), Ticket)
    assert Cause.RESTING is why_not(admit(health, force=True))


@pytest.mark.parametrize(
    ("cause", "state"),
    [(None, "closed"), (Cause.CALLER_LEFT, "closed"), (Cause.CONNECTION_LOST, "open")],
)
def test_first_token_of_a_probe_is_good_news(cause: Cause | None, state: str) -> None:
    """Three streams that began close the breaker before they end; one that breaks is told."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(5):
        go(health, Cause.SERVER_ERROR)
    hands.at = 4.0
    tickets = []
    for _ in range(2):
        ticket = admit(health, stream=True)
        assert isinstance(ticket, Ticket)
        health.began(ticket)
        tickets.append(ticket)
    assert "probing" == health.views()[0].state
    for ticket in tickets:
        health.settle(ticket, failure=Failure(cause) if cause else None, took_s=None)
    if cause is None:
        assert "probing" == health.views()[0].state, "two streams are two good probes, not four"
    last = admit(health, stream=True)
    if isinstance(last, Ticket):
        health.began(last)

    assert state == health.views()[0].state


@pytest.mark.parametrize(
    "cause", [Cause.BAD_REQUEST, Cause.POLICY, Cause.CALLER_LEFT, Cause.REFUSED, Cause.SLOW_READER]
)
def test_what_is_not_the_target_s_fault_never_opens_it(cause: Cause) -> None:
    """Thirty callers' mistakes in a row."""
    health = health_of(Hands())
    for _ in range(30):
        go(health, cause)

    assert "closed" == health.views()[0].state


@pytest.mark.parametrize(("limit_s", "state"), [(1.0, "closed"), (5.0, "open")])
def test_timeout_in_the_caller_s_haste_does_not_count(limit_s: float, state: str) -> None:
    """A timer shorter than any fair one says nothing about the target."""
    health = health_of(Hands())
    for _ in range(10):
        ticket = admit(health, limit_s=limit_s)
        if isinstance(ticket, Ticket):
            health.settle(ticket, failure=Failure(Cause.TOTAL_TIMEOUT), took_s=None)

    assert state == health.views()[0].state


def test_target_that_became_slow_rests() -> None:
    """Four of five first tokens over twice the usual time open the breaker within the window."""
    hands = Hands()
    health = health_of(hands)
    for _ in range(1_500):
        go(health, took_s=1.0)
        hands.at += 0.5
    slow_since = hands.at
    while health.views()[0].state == "closed":
        assert hands.at < slow_since + 30.0
        go(health, took_s=2.5)
        hands.at += 0.5

    assert Cause.RESTING is why_not(admit(health))


def test_settings_follow_a_reload() -> None:
    """What is known survives; the new rules hold from the next attempt on."""
    health = health_of(Hands())
    for _ in range(3):
        go(health, Cause.SERVER_ERROR)
    strict = TargetRules("large", breaker=BreakerSettings(consecutive=4))
    go(health, Cause.SERVER_ERROR, strict)

    assert "open" == health.views()[0].state


# --- outlets ------------------------------------------------------------------------------


def test_less_loaded_of_two_is_chosen() -> None:
    """With one of them slow or busy, the other is asked."""
    health = health_of(Hands(coins=(0.0, 0.9)))
    slow = go(health, outlets=PAIR, took_s=5.0)
    for _ in range(5):
        assert slow.name != go(health, outlets=PAIR, took_s=0.5).name

    for _ in range(20):
        admit(health, outlets=PAIR)
    in_flight = {view.outlet: view.in_flight for view in health.views()}
    assert in_flight[slow.name] < in_flight[next(name for name in PAIR if name != slow.name)]


def test_every_outlet_gets_its_share() -> None:
    """Equals are asked equally: no die leaves one of three out."""
    hands = Hands(coins=[turn / 97 for turn in range(97)])
    health = health_of(hands)
    trio = ("a", "b", "c")
    counts = dict.fromkeys(trio, 0)
    for _ in range(300):
        counts[go(health, outlets=trio, took_s=0.5).name] += 1
        hands.at += 1.0

    assert min(counts.values()) >= 60


def test_failing_outlet_is_left_and_the_last_one_never_ejected() -> None:
    """One of two fails: all go to the other, whatever its load; alone, it is not spared."""
    hands = Hands(coins=(0.0, 0.9))
    health = health_of(hands)
    bad = admit(health, outlets=PAIR)
    assert isinstance(bad, Ticket)
    health.settle(bad, failure=Failure(Cause.SERVER_ERROR), took_s=None)
    while health.views()[bad.index].state == "closed":
        ticket = admit(health, outlets=PAIR)
        assert isinstance(ticket, Ticket)
        failed = ticket.name == bad.name
        health.settle(ticket, failure=Failure(Cause.SERVER_ERROR) if failed else None, took_s=None)
        if not failed:
            ticket.outlet.observe(hands.at, 60.0)  # the good one looks busy, so the bad one is next

    assert {True} == {go(health, outlets=PAIR).name != bad.name for _ in range(50)}


def test_load_fades_with_time() -> None:
    """A peak counts at once, and is forgotten within a minute."""
    hands = Hands(coins=(0.0, 0.0))
    health = health_of(hands)
    slow = go(health, outlets=PAIR, took_s=9.0)
    assert 9.0 == slow.outlet.load(0.0)
    hands.at = 60.0

    assert slow.outlet.load(60.0) < 0.1


# --- what is learnt -------------------------------------------------------------------------


def test_times_are_learnt_apart_for_streams() -> None:
    """First tokens and whole answers are different things; few values are no knowledge."""
    health = health_of(Hands())
    for _ in range(19):
        go(health, took_s=2.0)
    assert health.typical_s("large", stream=False) is None
    for _ in range(300):
        go(health, took_s=2.0)

    assert 2.0 == pytest.approx(health.typical_s("large", stream=False), rel=0.02)
    assert 2.0 == pytest.approx(health.tail_s("large", stream=False), rel=0.02)
    assert (None, None) == (
        health.typical_s("large", stream=True),
        health.tail_s("large", stream=True),
    )


def test_second_tries_are_paid_by_first_ones() -> None:
    """Only first tries earn; an outage spends what there is."""
    health = health_of(Hands())
    for _ in range(20):
        ticket = admit(health, first=False)
        assert isinstance(ticket, Ticket)
        health.settle(ticket, failure=None, took_s=None)
    spent = [health.afford_retry("large", now=0.0, timed_out=False) for _ in range(3)]
    assert [True, False, False] == spent

    for _ in range(31):
        go(health)
    spent = [health.afford_retry("large", now=0.0, timed_out=False) for _ in range(5)]
    assert [True, True, True, False, False] == spent


def test_target_that_failed_longest_ago_is_told() -> None:
    """One that never failed comes before all others."""
    hands = Hands()
    health = health_of(hands)
    small = TargetRules("small")
    go(health, Cause.SERVER_ERROR, small)
    hands.at = 5.0
    go(health, Cause.SERVER_ERROR)

    assert "small" == health.least_recently_failed(["large", "small"])
    assert "other" == health.least_recently_failed(["large", "other", "small"])


# --- self-hosted ----------------------------------------------------------------------------


def spared(rules: TargetRules, cause: Cause | None) -> int:
    """Return how many of 200 attempts were failed here, at no cost to the server."""
    hands = Hands(coins=[turn / 101 for turn in range(101)])
    health = health_of(hands)
    count = 0
    for _ in range(200):
        ticket = admit(health, rules)
        if isinstance(ticket, Ticket):
            failure = Failure(cause) if cause else None
            health.settle(ticket, failure=failure, took_s=None)
        else:
            count += ticket.cause is Cause.SHED
        hands.at += 0.05
    return count


def test_self_hosted_server_that_rejects_is_spared() -> None:
    """Most requests to it are failed here; a hosted model is not treated so."""
    patient = BreakerSettings(consecutive=10_000, failure_share=1.0, min_attempts=10_000)
    own = TargetRules("own", self_hosted=True, breaker=patient)
    hosted = TargetRules("own", breaker=patient)

    assert spared(own, Cause.OVERLOADED) > 120
    assert 0 == spared(own, None)
    assert 0 == spared(hosted, Cause.OVERLOADED)


def reopened(hands: Hands) -> Health:
    """Return the health of a target that has just come back: its traffic ramps up."""
    health = health_of(hands)
    for _ in range(5):
        go(health, Cause.SERVER_ERROR)
    hands.at += 30.0
    for _ in range(3):
        go(health)
    return health


@pytest.mark.parametrize(("lone", "admitted"), [(True, True), (False, False)])
def test_a_lone_target_is_not_ramped_up(lone: bool, admitted: bool) -> None:
    """Callers thinned out would get no answer at all, so they all go to it."""
    hands = Hands()
    health = reopened(hands)
    hands.coins = (0.99,)

    ticket = health.admit(LARGE, ("only",), limit_s=30.0, first=True, stream=False, lone=lone)

    assert admitted is isinstance(ticket, Ticket)


def test_connect_timeout_always_counts() -> None:
    """A connection that does not stand says something however little time there was."""
    health = health_of(Hands())
    for _ in range(5):
        go(health, Cause.CONNECT_TIMEOUT, limit_s=0.3)

    assert Cause.RESTING is why_not(admit(health))
