"""Who waits, who is served next, and when the lowest class is refused."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.reliability.fairness import Shares, fair_level, give, take
from seatrial.reliability.shedding import (
    LEAST_QUEUE,
    LOWEST,
    OLDEST_EVERY,
    Entry,
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
    assert 400 == strain.bound()
    for _ in range(800):
        strain.ended()
    checked(strain, 1.0)
    assert 600 == strain.bound()
    checked(strain, 2.0)
    assert 600 == strain.bound(), "an idle second says nothing about the rate"
    checked(strain, 3.0, 0.2)
    assert 30 == strain.bound()
    assert 600 == strain.bound(patient=True), "whoever is not the reason may wait as ever"
    strain.lag_s = 0.25
    assert 180 == strain.bound(), "what comes while the loop is late comes all at once"
    strain.lag_s = 5.0
    assert 600 == strain.bound()
    assert LEAST_QUEUE == Strain(0.0, rate=0).bound()


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


def test_what_matters_most_of_a_key_is_served_first() -> None:
    """Class before age; within a class, first come first served."""
    queue, _ = queue_of(("a", BATCH), ("a", DEFAULT), ("a", INTERACTIVE), ("a", DEFAULT))

    assert [2, 1, 3, 0] == order(queue)
    assert 0 == len(queue)


def test_the_key_with_the_fewest_in_flight_is_served_first() -> None:
    """A key that has little comes before one that has much."""
    queue, _ = queue_of(("much", DEFAULT), ("little", DEFAULT), ("none", DEFAULT), much=9, little=1)

    assert [2, 1, 0] == order(queue)


def test_a_key_gains_no_place_by_calling_all_it_asks_important() -> None:
    """The next place is for the key with the fewest in flight; only between equals class counts."""
    queue, _ = queue_of(
        ("loud", INTERACTIVE), ("quiet", BATCH), ("quiet", DEFAULT), loud=5, quiet=4
    )
    assert [2, 1, 0] == order(queue)

    queue, _ = queue_of(("a", BATCH), ("b", DEFAULT), ("c", DEFAULT), a=3, b=3, c=3)
    assert [1, 2, 0] == order(queue)


def test_a_reserved_place_is_none_for_a_key_far_over_its_share() -> None:
    """The others are served from it, and it stays free where no other waits."""
    shares = Shares()
    shares.in_flight.update(greedy=9, little=1)
    queue = Queue(shares)
    for at, key in enumerate(["greedy", "little"]):
        queue.add(Waiter(key, DEFAULT, float(at)))
    for step in range(100):
        shares.look(10, step / 10)
    shares.in_flight["little"] = 20

    assert "little" == getattr(queue.pick(newest=False, reserved=True), "key", "")
    assert queue.pick(newest=False, reserved=True) is None
    assert "greedy" == getattr(queue.pick(newest=False), "key", "")


def test_under_overload_the_newest_goes_first_and_nobody_starves() -> None:
    """Who has waited too long already comes last, and every fourth time first."""
    queue, _ = queue_of(*[("a", DEFAULT)] * 6)

    assert [5, 4, 3, 0, 2, 1] == order(queue, newest=True)
    assert 4 == OLDEST_EVERY


def test_a_lower_class_of_the_same_key_gives_way() -> None:
    """In a full queue the newest of its lowest class leaves for one that matters more."""
    queue, waiters = queue_of(("a", BATCH), ("b", SHADOW), ("a", SHADOW), ("a", SHADOW), b=2)

    assert waiters[3] is queue.yielding("a", DEFAULT)
    assert 4 == len(queue)
    assert queue.yielding("a", SHADOW) is None


def test_the_key_that_holds_most_gives_way() -> None:
    """Whoever matters least of it and came last leaves for one who holds less, of any class."""
    queue, waiters = queue_of(
        ("greedy", BATCH), ("greedy", BATCH), ("greedy", INTERACTIVE), ("b", SHADOW), greedy=5
    )

    assert waiters[1] is queue.yielding("new", SHADOW)
    assert waiters[1] is queue.yielding("b", INTERACTIVE)
    assert 4 == len(queue)


def test_equals_do_not_yield() -> None:
    """Nobody leaves for a key that holds as much, whatever it asks."""
    queue, _ = queue_of(("a", BATCH), ("b", BATCH))

    assert queue.yielding("c", INTERACTIVE) is None
    assert Queue(Shares()).yielding("c", DEFAULT) is None


def enter(
    queue: Queue, key: str, rank: int = DEFAULT, *, bound: int = 4, lagging: bool = False
) -> Entry | Waiter:
    """Ask what happens to one who comes to a full house of ten places."""
    return queue.entry(key, rank, room=10, bound=bound, now=99.0, lagging=lagging)


def test_one_key_alone_fills_the_queue() -> None:
    """Then it is full, but for what matters more; while the loop is late nobody waits."""
    queue, _ = queue_of(("a", DEFAULT), ("a", DEFAULT), ("a", BATCH), a=10)
    assert Entry.WAITS is enter(queue, "a")
    assert isinstance(enter(queue, "a", lagging=True), Waiter)
    assert Entry.FULL is enter(queue, "a", BATCH, lagging=True)
    last = Waiter("a", BATCH, 4.0)
    queue.add(last)

    assert Entry.FULL is enter(queue, "a", BATCH)
    assert last is enter(queue, "a", DEFAULT)


def test_a_key_with_its_share_and_a_few_is_refused_before_the_queue_is_full() -> None:
    """Room to wait is left for the others; its own lowest class leaves for what matters more."""
    queue, waiters = queue_of(("greedy", BATCH), *[("greedy", DEFAULT)] * 5, greedy=8, modest=2)

    assert Entry.OVER_SHARE is enter(queue, "greedy", BATCH, bound=8)
    assert waiters[0] is enter(queue, "greedy", DEFAULT, bound=8)
    assert Entry.WAITS is enter(queue, "modest", BATCH, bound=8)


def test_a_full_queue_is_no_reason_to_refuse_a_key_within_its_share() -> None:
    """One of the key that holds most leaves, as long as that waits; then the queue is just full."""
    queue, waiters = queue_of(*[("greedy", DEFAULT)] * 2, ("b", DEFAULT), ("c", DEFAULT), greedy=9)
    assert waiters[1] is enter(queue, "modest", BATCH)
    for each in waiters[:2]:
        queue.drop(each)
    for key in "de":
        queue.add(Waiter(key, DEFAULT, 9.0))

    assert Entry.FULL is enter(queue, "modest", BATCH)


KEYS = ("greedy", "a", "b", "c")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "come", "come", "leave", "give up"]),
        st.sampled_from(["greedy", *KEYS]),
        st.integers(0, BATCH),
        st.booleans(),
        st.integers(0, 30),
    ),
    max_size=150,
)


@given(STEPS, st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=300)
def test_no_key_within_its_share_is_refused_while_one_above_its_own_waits(
    steps: list[tuple[str, str, int, bool, int]], room: int, bound: int
) -> None:
    """Whatever comes in whatever order, late loop or not.

    And within a key nobody is refused while one of a lower class of it waits, and whoever is
    served next is of the key with the fewest in flight.
    """
    shares = Shares()
    queue = Queue(shares)
    waiting: list[Waiter] = []
    for at, (what, key, rank, lagging, which) in enumerate(steps):
        now = float(at)
        if what == "come" and sum(shares.in_flight.values()) < room and not waiting:
            take(shares.in_flight, key)
        elif what == "come":
            entry = queue.entry(key, rank, room=room, bound=bound, now=now, lagging=lagging)
            others = [each for each in waiting if each is not entry]
            if isinstance(entry, Entry) and entry is not Entry.WAITS:
                check_just(shares, waiting, key, rank, room)
                continue
            if isinstance(entry, Waiter):
                assert entry.key == key or shares.held(entry.key) > shares.held(key) + 1
                assert entry.key != key or entry.rank > rank
                assert not any(each.key == entry.key and each.rank > entry.rank for each in others)
                queue.drop(entry)
            waiting = [*others, Waiter(key, rank, now)]
            queue.add(waiting[-1])
        elif what == "leave" and shares.in_flight:
            give(shares.in_flight, sorted(shares.in_flight)[which % len(shares.in_flight)])
            fewest = min((shares.in_flight.get(each.key, 0) for each in waiting), default=0)
            served = queue.pick(newest=lagging)
            assert (served is None) == (not waiting)
            if served is not None:
                assert fewest == shares.in_flight.get(served.key, 0)
                assert not any(e.key == served.key and e.rank < served.rank for e in waiting)
                waiting.remove(served)
                take(shares.in_flight, served.key)
        elif what == "give up" and waiting:
            queue.drop(waiting.pop(which % len(waiting)))
        assert len(queue) == len(waiting) <= bound


def check_just(shares: Shares, waiting: list[Waiter], key: str, rank: int, room: int) -> None:
    """Check that this key could not but be refused."""
    assert not any(each.key == key and each.rank > rank for each in waiting)
    held = {each: shares.held(each) for each in KEYS}
    level = max(1.0, fair_level(held.values(), room))
    with_one_more = max(1.0, fair_level((held | {key: held[key] + 1}).values(), room))
    if held[key] + 1 <= with_one_more:
        assert not any(held[each.key] > level for each in waiting)


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
                assert left is None or left.key != key or left.rank > rank
                if left is not None:
                    queue.drop(left)
            else:
                left = queue.pick(newest=what == "newest")
                assert (left is None) == (not inside)
            if left is not None:
                inside.remove(left)
        assert len(inside) == len(queue)
        assert len(inside) == sum(shares.queued.values())
        assert {each.key for each in inside} == shares.queued.keys()
