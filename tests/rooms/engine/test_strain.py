"""An outlet that shows signs of strain gets fewer attempts at once."""

from __future__ import annotations

from seatrial.engine.health import Health, Ticket
from seatrial.reliability.settings import BreakerSettings, TargetRules
from seatrial.values.attempts import Cause, Failure
from tests.rooms.engine.test_health import LARGE, PAIR, Hands, health_of


def crowd(health: Health, hands: Hands, cause: Cause | None, many: int = 40) -> int:
    """Let many attempts be in flight at once, end all alike; return how many were let in."""
    tickets = [
        ticket
        for _ in range(many)
        if isinstance(
            ticket := health.admit(LARGE, ("east",), limit_s=9.0, first=True, stream=False), Ticket
        )
    ]
    for ticket in tickets:
        failure = None if cause is None else Failure(cause)
        health.settle(ticket, failure=failure, took_s=None if failure else 0.1)
    hands.at += 1.5
    return len(tickets)


def test_a_strained_outlet_gets_fewer_at_once() -> None:
    """When it says that it has too much to do, fewer are in flight; then one more at a time."""
    hands = Hands()
    health = health_of(hands)
    # Its breaker looks away: only the strain is looked at here.
    calm = TargetRules("large", breaker=BreakerSettings(consecutive=1000, min_attempts=1000))
    rest = [health.admit(calm, ("east",), limit_s=9.0, first=True, stream=False) for _ in range(40)]
    for ticket in rest:
        assert isinstance(ticket, Ticket)
        health.settle(ticket, failure=Failure(Cause.OVERLOADED), took_s=None)
    hands.at += 4.0

    waiting = [
        health.admit(calm, ("east",), limit_s=9.0, first=True, stream=False) for _ in range(40)
    ]
    assert {Cause.POOL_FULL} == {each.cause for each in waiting if isinstance(each, Failure)}
    for ticket in waiting:
        if isinstance(ticket, Ticket):
            health.settle(ticket, failure=Failure(Cause.CALLER_LEFT), took_s=None)

    after = [crowd(health, hands, None) for _ in range(40)]

    assert 14 <= after[0] < 28
    assert after == sorted(after)
    assert 40 == after[-1]


def test_a_strain_of_half_a_minute_ago_keeps_nobody_away() -> None:
    """A target that stands behind others is hardly asked, and could not show that it is well."""
    hands = Hands()
    health = health_of(hands)
    calm = TargetRules("large", breaker=BreakerSettings(consecutive=1000, min_attempts=1000))
    for _ in range(20):
        ticket = health.admit(calm, ("east",), limit_s=9.0, first=True, stream=False)
        assert isinstance(ticket, Ticket)
        health.settle(ticket, failure=Failure(Cause.OVERLOADED), took_s=None)
        hands.at += 1.5
    assert 1 == crowd(health, hands, Cause.CALLER_LEFT)

    hands.at += 27.0

    assert crowd(health, hands, Cause.CALLER_LEFT) > 20


def test_strain_does_not_stop_a_lone_target() -> None:
    """Where there is no other target the callers it does not get would get no answer."""
    hands = Hands()
    health = health_of(hands)
    calm = TargetRules("large", breaker=BreakerSettings(consecutive=1000, min_attempts=1000))

    def let_in(*, lone: bool) -> int:
        """Return how many of forty are let in at once."""
        asked = [
            health.admit(calm, ("east",), limit_s=9.0, first=True, stream=False, lone=lone)
            for _ in range(40)
        ]
        tickets = [each for each in asked if isinstance(each, Ticket)]
        for ticket in tickets:
            health.settle(ticket, failure=Failure(Cause.OVERLOADED), took_s=None)
        return len(tickets)

    assert 40 == let_in(lone=True)
    hands.at += 4.0
    assert let_in(lone=False) < 30
    hands.at += 4.0
    assert 40 == let_in(lone=True)


def test_one_that_fails_now_and_then_is_no_strained_one() -> None:
    """One overload in ten, from whatever reason, does not keep others from it."""
    hands = Hands()
    health = health_of(hands)

    for step in range(100):
        crowd(health, hands, Cause.OVERLOADED if step % 10 == 0 else None, many=1)

    assert 40 == crowd(health, hands, None)


def test_another_outlet_takes_what_a_strained_one_does_not() -> None:
    """While one address is strained the other one is asked."""
    hands = Hands(coins=(0.3, 0.7))
    health = health_of(hands)
    calm = TargetRules("large", breaker=BreakerSettings(consecutive=1000, min_attempts=1000))
    for _ in range(3):
        asked = [health.admit(calm, PAIR, limit_s=9.0, first=True, stream=False) for _ in range(40)]
        for ticket in asked:
            assert isinstance(ticket, Ticket)
            bad = Failure(Cause.OVERLOADED) if ticket.name == "east" else None
            health.settle(ticket, failure=bad, took_s=None if bad else 0.1)
        hands.at += 4.0

    names = [
        ticket.name
        for _ in range(60)
        if isinstance(
            ticket := health.admit(calm, PAIR, limit_s=9.0, first=True, stream=False), Ticket
        )
    ]

    assert 60 == len(names)
    assert names.count("east") < 20
