"""The budget of second tries, and the waits between them."""

from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.retries import CAP, EARNED, RetryBudget, jittered_wait_s


def test_first_attempts_earn_second_tries() -> None:
    """Ten of them pay for one, beside the one that time gives."""
    budget = RetryBudget(now=0.0)
    for _ in range(11):
        budget.earn()

    assert [True, True, False] == [budget.spend(now=0.0) for _ in range(3)]


def test_timeouts_cost_twice_as_much() -> None:
    """What held a place for long is dearer to try again."""
    budget = RetryBudget(now=0.0)
    for _ in range(21):
        budget.earn()
    budget.spend(now=0.0, timed_out=True)
    budget.spend(now=0.0)

    assert not budget.spend(now=0.0)


def test_earnings_are_capped() -> None:
    """A quiet day saves up no more than fifty second tries."""
    budget = RetryBudget(now=0.0)
    for _ in range(10_000):
        budget.earn()
    spent = sum(budget.spend(now=0.0) for _ in range(200))

    assert int(CAP) + 1 == spent


def test_time_alone_gives_one_per_second() -> None:
    """With no traffic to speak of a second try is still to be had, but never two at once."""
    budget = RetryBudget(now=0.0)

    tries = [budget.spend(now=at) for at in (0.0, 0.5, 1.0, 100.0, 100.0)]
    assert [True, False, True, True, False] == tries


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 30), st.integers(0, 30)), max_size=30))
def test_outage_cannot_multiply_the_load(turns: list[tuple[float, int, int]]) -> None:
    """Second tries never exceed a tenth of the first ones and one per second."""
    budget = RetryBudget(now=0.0)
    now, firsts, seconds = 0.0, 0, 0
    for step_s, attempts, wanted in turns:
        now += step_s
        for _ in range(attempts):
            budget.earn()
        firsts += attempts
        seconds += sum(budget.spend(now) for _ in range(wanted))
        assert seconds <= EARNED * firsts + now + 1 + 1e-6


@given(
    turn=st.integers(0, 10),
    base_s=st.floats(0.001, 10),
    cap_s=st.floats(0.001, 10),
    coin=st.floats(0, 1, exclude_max=True),
)
def test_wait_lies_within_a_doubling_window(
    turn: int, base_s: float, cap_s: float, coin: float
) -> None:
    """Full jitter: anywhere from nothing to the window, which doubles up to its cap."""
    wait_s = jittered_wait_s(turn, base_s=base_s, cap_s=cap_s, coin=coin)

    assert 0 <= wait_s <= min(cap_s, base_s * 2**turn)
    assert 0 == jittered_wait_s(turn, base_s=base_s, cap_s=cap_s, coin=0.0)
