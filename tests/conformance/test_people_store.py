"""What every store promises of people and their sessions, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seatrial.store import DurableStore, open_store
from seatrial.values.people import Person, Role, Session

ANN = Person("ann@x.org", "Ann", Role.REVIEWER, "acme", ("billing", "welsh"), "scrypt$1", 2.0)
BOB = Person("bob@x.org", "Bob", Role.OWNER, created_at=1.0)


def begin(store: DurableStore, digest: str, person: str = ANN.id, until: float = 100.0) -> Session:
    """Begin a session."""
    session = Session(digest, person, f"csrf-{digest}", 1.0, until)
    store.people.begin(session)
    return session


def test_people_come_back_whole(store: DurableStore) -> None:
    """In the order in which they came."""
    store.people.put(ANN)
    store.people.put(BOB)

    assert [BOB, ANN] == store.people.all()


def test_a_person_is_put_in_their_own_place(store: DurableStore) -> None:
    """All of it is new, and nobody else's."""
    store.people.put(ANN)
    store.people.put(BOB)
    left = msgspec.structs.replace(
        ANN, name="Ann B.", role=Role.VIEWER, queues=(), digest="", disabled_at=9.0
    )

    store.people.put(left)

    assert [BOB, left] == store.people.all()


def test_a_session_is_found_by_its_digest(store: DurableStore) -> None:
    """And only once begun."""
    session = begin(store, "d1")

    assert session == store.people.session("d1")
    assert store.people.session("d2") is None
    with pytest.raises(ValueError, match="cannot hold"):
        begin(store, "d1", BOB.id)
    assert session == store.people.session("d1")


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ({"digest": "a"}, "bc"),
        ({"digest": "x"}, "abc"),
        ({"person": ANN.id}, "c"),
        ({"before": 20.0}, "bc"),
        ({"before": 20.5}, "c"),
        ({"person": BOB.id, "before": 15.0}, "b"),
        ({}, "abc"),
    ],
    ids=str,
)
def test_sessions_end(store: DurableStore, which: dict[str, Any], left: str) -> None:
    """One, all of a person, and all that expire before; the number says how many."""
    begin(store, "a", until=10.0)
    begin(store, "b", until=20.0)
    begin(store, "c", BOB.id, until=30.0)

    assert 3 - len(left) == store.people.end(**which)

    assert left == "".join(each for each in "abc" if store.people.session(each))


def test_people_and_sessions_survive_a_restart(address: str) -> None:
    """Another opening of the same store knows them."""
    before = open_store(address)
    before.migrate()
    before.people.put(ANN)
    session = begin(before, "d1")
    before.close()

    after = open_store(address)
    try:
        assert [ANN] == after.people.all()
        assert session == after.people.session("d1")
    finally:
        after.close()
