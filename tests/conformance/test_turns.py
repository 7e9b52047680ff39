"""Threads come to the connections of a store in the order in which they asked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial.errors import StoreUnavailable
from seatrial.store.turns import Turns
from tests.patience import LONG_S, REST_S


def wait_for(turns: Turns, waiting: int) -> None:
    """Return when so many wait; fail when they never do."""
    for _ in range(round(LONG_S / REST_S)):
        if len(turns._waiting) == waiting:
            return
        time.sleep(REST_S)
    pytest.fail("they never waited")


def test_who_waits_longest_comes_next() -> None:
    """Also before the thread that gave the place back and asks again at once."""
    turns = Turns(1, limit_s=30.0, name="x")
    came: list[str] = []

    def come(who: str) -> None:
        with turns.taken():
            came.append(who)

    threads = []
    with turns.taken():
        for who in "abc":
            threads.append(threading.Thread(target=come, args=(who,)))
            threads[-1].start()
            wait_for(turns, len(threads))
    come("again")
    for thread in threads:
        thread.join(30.0)

    assert ["a", "b", "c", "again"] == came


def test_no_more_are_inside_than_there_are_places() -> None:
    """And all places are used."""
    turns = Turns(3, limit_s=30.0, name="x")
    inside: list[int] = []
    seen: list[int] = []

    def work(number: int) -> None:
        with turns.taken():
            inside.append(number)
            seen.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)

    with ThreadPoolExecutor(8) as people:
        list(people.map(work, range(40)))

    assert 3 == max(seen)


def test_waiting_ends() -> None:
    """With an error that says so, and the place is nobody's afterwards."""
    turns = Turns(1, limit_s=0.05, name="x")
    with turns.taken(), pytest.raises(StoreUnavailable, match="busy"), turns.taken():
        pass

    with turns.taken():
        pass
    assert 0 == len(turns._waiting)
