"""Who waits, who is served next, and when the lowest class is refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.reliability.fairness import Shares
from seatrial.reliability.shedding import (
    LEAST_QUEUE,
    LOWEST,
    OLDEST_EVERY,
    Queue,
    Strain,
    Waiter,
)
from seatrial.values.criticality import Criticality

INTERACTIVE, DEFAULT, BATCH, SHADOW = (each.rank for each in Criticality)


def checked(strain: Strain, now: float, *waits: float, oldest_s: float = 0.0) -> Strain:
    """Let an interval pass in which these were served after so long."""
    for each in waits:
        strain.waited(each)
    assert strain.is_due(now)
    strain.check(now, oldest_s=oldest_s)
    return strain


def test_one_quick_wait_is_enough() -> None:
    """A queue that is emptied now and then is a good queue, however long others waited."""
    strain = checked(Strain(0.0, rate=100), 1.0, 3.0, 0.02, 5.0)

    assert not strain.overloaded
    assert LOWEST == strain.floor


def test_the_lowest_class_goes_first() -> None:
    """Each interval of long waits refuses one class more; people who wait are always served."""
    strain = Strain(0.0, rate=100)
    floors = [checked(strain, float(second), 0.2).floor for second in range(1, 6)]

    assert [BATCH, DEFAULT, DEFAULT, DEFAULT, DEFAULT] == floors
    assert strain.overloaded


def test_it_recovers_class_by_class() -> None:
    """An interval of short waits takes one step back."""
    strain = Strain(0.0, rate=100)
    for second in (1.0, 2.0, 3.0):
        checked(strain, second, 0.2)
    floors = [checked(strain, float(second), 0.02).floor for second in range(4, 8)]

    assert [BATCH, SHADOW, SHADOW, SHADOW] == floors
    assert not strain.overloaded


def test_it_does_not_recover_while_the_queue_is_full() -> None:
    """A short queue is waited in shortly; that alone does not end an overload."""
    strain = checked(Strain(0.0, rate=100), 1.0, 0.2)
    strain.turned_away()

    assert BATCH == checked(strain, 2.0, 0.02).floor
    assert SHADOW == checked(strain, 3.0, 0.02).floor


def test_a_queue_that_nobody_leaves_tells_by_its_first() -> None:
    """When none is served the age of the first in line is the wait; an empty queue is none."""
    assert checked(Strain(0.0, rate=100), 1.0, oldest_s=0.9).overloaded
    assert not checked(Strain(0.0, rate=100), 1.0).overloaded


def test_it_is_not_judged_before_the_interval_is_over() -> None:
    """A long wait of a moment is no overload."""
    strain = Strain(0.0, rate=100)
    strain.waited(0.5)

    assert not strain.is_due(0.99)


def test_the_queue_holds_a_second_of_work_and_less_under_overload() -> None:
    """The bound follows what is really done; it is never so short that nobody may wait."""
    strain = Strain(0.0, rate=400)
    assert 400 == strain.bound
    for _ in range(800):
        strain.ended()
    checked(strain, 1.0)
    assert 600 == strain.bound
    checked(strain, 2.0)
    assert 600 == strain.bound, "an idle second says nothing about the rate"
    checked(strain, 3.0, 0.2)
    assert 30 == strain.bound
    assert LEAST_QUEUE == Strain(0.0, rate=0).bound


def queue_of(*places: tuple[str, int], **in_flight: int) -> tuple[Queue, list[Waiter]]:
    """Return a queue in which these came, one a second."""
    shares = Shares()
    shares.in_flight.update(in_flight)
    queue = Queue(shares)
    waiters = [Waiter(key, rank, float(at)) for at, (key, rank) in enumerate(places)]
    for each in waiters:
        queue.add(each)
    return queue, waiters


def order(queue: Queue, *, newest: bool = False) -> list[float]:
    """Serve all and return in which order they had come."""
    served = []
    while (waiter := queue.pick(newest=newest)) is not None:
        served.append(waiter.since)
    return served


def test_what_matters_most_is_served_first() -> None:
    """Class before age; within a class, first come first served."""
    queue, _ = queue_of(("a", BATCH), ("a", DEFAULT), ("a", INTERACTIVE), ("a", DEFAULT))

    assert [2, 1, 3, 0] == order(queue)
    assert 0 == len(queue)


def test_the_key_with_the_fewest_in_flight_is_served_first() -> None:
    """A key that has little comes before one that has much."""
    queue, _ = queue_of(("much", DEFAULT), ("little", DEFAULT), ("none", DEFAULT), much=9, little=1)

    assert [2, 1, 0] == order(queue)


def test_under_overload_the_newest_goes_first_and_nobody_starves() -> None:
    """Who has waited too long already comes last, and every fourth time first."""
    queue, _ = queue_of(*[("a", DEFAULT)] * 6)

    assert [5, 4, 3, 0, 2, 1] == order(queue, newest=True)
    assert 4 == OLDEST_EVERY


def test_a_lower_class_gives_way() -> None:
    """In a full queue the newest of the lowest class leaves for one who matters more."""
    queue, waiters = queue_of(("a", BATCH), ("b", SHADOW), ("a", SHADOW), ("a", SHADOW))

    assert waiters[3] is queue.yielding("new", DEFAULT)
    assert 4 == len(queue)
    assert queue.yielding("new", SHADOW) in {waiters[3], None}


def test_a_greedy_key_gives_way() -> None:
    """Within a class the newest of the key that holds most leaves for one who holds little."""
    queue, waiters = queue_of(("greedy", DEFAULT), ("greedy", DEFAULT), ("b", DEFAULT), greedy=5)

    assert waiters[1] is queue.yielding("new", DEFAULT)
    assert 3 == len(queue)


def test_equals_do_not_yielding() -> None:
    """Nobody leaves for one who holds as much, nor for one who matters less."""
    queue, _ = queue_of(("a", DEFAULT), ("b", DEFAULT))

    assert queue.yielding("c", DEFAULT) is None
    assert queue.yielding("c", BATCH) is None
    assert Queue(Shares()).yielding("c", DEFAULT) is None


def test_a_refused_class_leaves_the_queue() -> None:
    """Who waits in a class that is refused now is told at once."""
    queue, waiters = queue_of(("a", SHADOW), ("a", BATCH), ("b", BATCH), ("a", DEFAULT))

    assert {1.0, 2.0, 0.0} == {each.since for each in queue.beyond(DEFAULT)}
    assert 1 == len(queue)
    assert not waiters[3].gone


def test_a_caller_who_left_is_not_served() -> None:
    """Dropped from anywhere in a row, once is enough."""
    for dropped in range(3):
        queue, waiters = queue_of(("a", DEFAULT), ("a", DEFAULT), ("a", DEFAULT))
        queue.drop(waiters[dropped])
        queue.drop(waiters[dropped])

        assert [float(at) for at in range(3) if at != dropped] == order(queue)


def test_those_gone_in_the_middle_are_not_told_again() -> None:
    """A class that is refused holds no one who left."""
    queue, waiters = queue_of(("a", SHADOW), ("a", SHADOW), ("a", SHADOW))
    queue.drop(waiters[1])

    assert 2 == len(queue.beyond(BATCH))


def test_how_long_the_first_has_waited() -> None:
    """The oldest of all rows tells; an empty queue is not waited in."""
    queue, waiters = queue_of(("a", DEFAULT), ("b", BATCH))
    assert 5.0 == queue.oldest_s(5.0)
    queue.drop(waiters[0])
    assert 4.0 == queue.oldest_s(5.0)
    queue.drop(waiters[1])
    assert 0.0 == queue.oldest_s(5.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "pick", "newest", "drop", "way", "beyond"]),
            st.sampled_from("abc"),
            st.integers(0, LOWEST),
            st.integers(0, 30),
        ),
        max_size=120,
    )
)
def test_the_queue_loses_and_doubles_nobody(steps: list[tuple[str, str, int, int]]) -> None:
    """Whatever happens, everyone who came is in the queue or has left it once; counts agree."""
    shares = Shares()
    queue = Queue(shares)
    inside: list[Waiter] = []
    for at, (what, key, rank, which) in enumerate(steps):
        if what == "add":
            inside.append(Waiter(key, rank, float(at)))
            queue.add(inside[-1])
        elif what == "drop" and inside:
            queue.drop(inside.pop(which % len(inside)))
        elif what == "beyond":
            out = queue.beyond(rank)
            assert {id(each) for each in out} == {id(each) for each in inside if each.rank > rank}
            inside = [each for each in inside if each.rank <= rank]
        elif what in {"pick", "newest", "way"}:
            if what == "way":
                left = queue.yielding(key, rank)
                assert left is None or left.rank >= rank
                if left is not None:
                    queue.drop(left)
            else:
                left = queue.pick(newest=what == "newest")
                assert left is None or left.rank == min(each.rank for each in inside)
                assert (left is None) == (not inside)
            if left is not None:
                inside.remove(left)
        assert len(inside) == len(queue)
        assert len(inside) == sum(shares.queued.values())
        assert {each.key for each in inside} == shares.queued.keys()
