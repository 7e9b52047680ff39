"""The adaptive throttle for servers without a queue of their own."""

import random

from seatrial.reliability.adaptive import WINDOW_S, AdaptiveThrottle


def test_server_that_accepts_everything_is_sent_everything() -> None:
    """No request is failed while two thirds and more are accepted."""
    throttle = AdaptiveThrottle()
    for turn in range(90):
        throttle.sent(turn)
        if turn % 3:
            throttle.accepted(turn)

    assert 0.0 == throttle.reject_share(89)


def test_server_that_rejects_everything_is_spared() -> None:
    """The more it rejected, the fewer requests go to it; never quite none."""
    throttle = AdaptiveThrottle()
    shares = []
    for turn in range(50):
        throttle.sent(turn / 10)
        shares.append(throttle.reject_share(turn / 10))

    assert sorted(shares) == shares
    assert 0.95 < shares[-1] < 1.0


def test_what_is_older_than_two_minutes_is_forgotten() -> None:
    """The share is one of the recent past."""
    throttle = AdaptiveThrottle()
    for _ in range(10):
        throttle.sent(5.0)

    assert throttle.reject_share(5.0 + WINDOW_S - 1) > 0.9
    assert 0.0 == throttle.reject_share(6.0 + WINDOW_S)


def test_sent_counts_at_once_and_accepted_when_it_comes() -> None:
    """A slow server's accepts may fall into a later second than the requests."""
    throttle = AdaptiveThrottle()
    throttle.sent(1.0)
    throttle.sent(1.5)
    assert 2 / 3 == throttle.reject_share(1.9)
    throttle.accepted(61.0)
    throttle.accepted(61.5)

    assert 0.0 == throttle.reject_share(62.0)


def served_share(*, seconds: int, away_until: int, rate: int = 10) -> float:
    """Return the share of the requests of the last ten seconds that were let through."""
    throttle = AdaptiveThrottle()
    coin = random.Random(7).random
    passed = 0
    for turn in range(seconds * rate):
        now = turn / rate
        if coin() < throttle.reject_share(now):
            continue
        throttle.sent(now)
        if now >= away_until:
            throttle.accepted(now)
        passed += now >= seconds - 10
    return passed / (10 * rate)


def test_server_that_recovered_is_sent_everything_again() -> None:
    """Half a minute after an outage of five nobody is turned away any more."""
    assert served_share(seconds=300, away_until=300) < 0.1
    assert served_share(seconds=340, away_until=300) >= 0.9
