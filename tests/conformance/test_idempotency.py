"""What every store promises of idempotency keys, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial.ports import Claim
from seatrial.store import DurableStore, open_store

NOW = 1_700_000_000.0


def claim(
    store: DurableStore,
    place: str = "place",
    *,
    holder: str = "first",
    fingerprint: str = "asked",
    now: float = NOW,
) -> Claim | None:
    """Claim a key for half a minute."""
    return store.idempotency.claim(
        place, fingerprint=fingerprint, holder=holder, now=now, lease_s=30.0
    )


def test_of_many_who_claim_a_key_at_once_one_gets_it(store: DurableStore) -> None:
    """Thirty callers, five keys: each key is one caller's, and all others are told whose."""
    with ThreadPoolExecutor(5) as callers:
        found = list(
            callers.map(lambda i: (i, claim(store, f"k{i % 5}", holder=f"r{i}")), range(30))
        )

    holders = {i % 5: f"r{i}" for i, standing in found if standing is None}
    assert [0, 1, 2, 3, 4] == sorted(holders)
    assert 5 == sum(standing is None for _, standing in found)
    for i, standing in found:
        if standing is not None:
            assert Claim("asked", holders[i % 5], NOW + 30.0) == standing


@pytest.mark.parametrize("size", [0, 1, 20_000, 3_000_000])
def test_a_result_comes_back_as_it_was(store: DurableStore, size: int) -> None:
    """Every byte of it, deflated or not."""
    result = os.urandom(size // 2) + b"\x00" * (size - size // 2)
    claim(store)

    assert store.idempotency.finish("place", holder="first", result=result, now=NOW + 1.0)

    standing = claim(store, holder="second", fingerprint="else", now=NOW + 3600.0)
    assert Claim("asked", "first", NOW + 30.0, result) == standing


def test_a_claim_without_a_result_is_void_after_its_lease(store: DurableStore) -> None:
    """Its holder died: the next one takes over, whatever is asked, and the dead one is late."""
    claim(store)
    assert claim(store, holder="second", now=NOW + 29.9) is not None

    assert claim(store, holder="second", fingerprint="else", now=NOW + 30.0) is None

    assert not store.idempotency.finish("place", holder="first", result=b"late", now=NOW + 31.0)
    standing = claim(store, holder="third", now=NOW + 31.0)
    assert Claim("else", "second", NOW + 60.0) == standing
    assert store.idempotency.finish("place", holder="second", result=b"done", now=NOW + 32.0)


def test_of_many_who_take_over_one_gets_it(store: DurableStore) -> None:
    """A dead holder has one heir."""
    claim(store)
    with ThreadPoolExecutor(5) as callers:
        found = list(callers.map(lambda i: claim(store, holder=f"r{i}", now=NOW + 40.0), range(30)))

    heirs = [i for i, standing in enumerate(found) if standing is None]
    assert 1 == len(heirs)
    assert {f"r{heirs[0]}"} == {standing.holder for standing in found if standing is not None}


def test_a_key_that_was_given_back_is_free(store: DurableStore) -> None:
    """Only by its holder, and never once there is a result."""
    claim(store)
    store.idempotency.release("place", holder="another")
    assert claim(store, holder="second") is not None

    store.idempotency.release("place", holder="first")
    assert claim(store, holder="second") is None

    store.idempotency.finish("place", holder="second", result=b"done", now=NOW)
    store.idempotency.release("place", holder="second")
    standing = claim(store, holder="third")
    assert standing is not None
    assert b"done" == standing.result


def test_a_holder_may_claim_twice(store: DurableStore) -> None:
    """A claim whose commit was not heard of is asked again."""
    assert claim(store) is None
    assert claim(store) is None


def test_keys_are_forgotten_by_age(store: DurableStore) -> None:
    """The oldest first, in batches; what came of a key counts from then on."""
    for number in range(5):
        claim(store, f"k{number}", now=NOW + number)
    store.idempotency.finish("k0", holder="first", result=b"done", now=NOW + 100.0)

    assert 2 == store.idempotency.delete_before(NOW + 4.0, limit=2)
    assert 1 == store.idempotency.delete_before(NOW + 4.0, limit=2)

    assert claim(store, "k1", holder="second") is None
    assert claim(store, "k4", holder="second") is not None
    assert claim(store, "k0", holder="second") is not None


def test_results_survive_a_restart(address: str) -> None:
    """Another opening of the same store knows them."""
    before = open_store(address)
    before.migrate()
    claim(before)
    before.idempotency.finish("place", holder="first", result=b"done", now=NOW)
    before.close()
    after = open_store(address)
    try:
        standing = claim(after, holder="second")
        assert standing is not None
        assert b"done" == standing.result
    finally:
        after.close()
