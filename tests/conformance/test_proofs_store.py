"""What every store promises of certificates and the ladder, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.store import DurableStore, open_store
from seatrial.values.oversight import Moved, Proof, Standing

PROOF = Proof("p1", "support", "r1", "", 1.0, '{"a":1}')
STANDING = Standing("support", "r1", "", "review_all", 10, '{"b":2}', 1.0)
MOVED = Moved(
    "m1", "support", "r1", "", "review_all", "spot_check", 1.0, "evidence", "Enough.", "{}"
)


def test_proofs_are_kept_for_ever(store: DurableStore) -> None:
    """Newest first, by feature and release; the same id again changes nothing."""

    def proof(id: str, made_at: float, **more: Any) -> Proof:
        return msgspec.structs.replace(PROOF, id=id, made_at=made_at, **more)

    first, second = proof("b", 1.0), proof("a", 2.0, segment="cy")
    third, other = proof("c", 2.0, release="r2"), proof("d", 9.0, feature="triage")
    for each in (first, second, third, other, proof("b", 7.0)):
        store.proofs.add(each)

    assert [third, second, first] == store.proofs.all(feature="support")
    assert [second, first] == store.proofs.all(feature="support", release="r1")
    assert [third] == store.proofs.all(feature="support", limit=1)
    assert [] == store.proofs.all(feature="none")


def test_a_standing_is_never_overtaken_by_older_evidence(store: DurableStore) -> None:
    """The same evidence may stand differently, when a person says so."""

    def stand(sequence: int, mode: str, *moves: Moved) -> bool:
        changed = msgspec.structs.replace(STANDING, sequence=sequence, mode=mode)
        return store.proofs.stand(changed, moves)

    assert stand(10, "review_all")
    assert stand(12, "spot_check", MOVED)
    assert not stand(11, "exceptions", msgspec.structs.replace(MOVED, id="m2"))
    assert [(12, "spot_check")] == [(s.sequence, s.mode) for s in store.proofs.standings()]
    assert [MOVED] == store.proofs.moves(feature="support")

    assert stand(12, "review_all", MOVED, msgspec.structs.replace(MOVED, id="m3"))
    assert [(12, "review_all")] == [(s.sequence, s.mode) for s in store.proofs.standings()]
    assert ["m3", "m1"] == [each.id for each in store.proofs.moves(feature="support")]


def test_each_segment_stands_for_itself(store: DurableStore) -> None:
    """By feature, release and segment."""
    others = [
        msgspec.structs.replace(STANDING, segment="cy", sequence=1),
        msgspec.structs.replace(STANDING, release="r2", sequence=2),
        msgspec.structs.replace(STANDING, feature="triage", sequence=3),
    ]
    for each in (STANDING, *others):
        assert store.proofs.stand(each)

    assert [STANDING, *others] == store.proofs.standings()
    assert [others[2]] == store.proofs.standings(feature="triage")


def test_moves_are_told_newest_first(store: DurableStore) -> None:
    """Of one feature, as many as are asked for."""
    moves = [msgspec.structs.replace(MOVED, id=f"m{n}", at=float(n)) for n in range(4)]
    store.proofs.stand(STANDING, [*moves[:3], msgspec.structs.replace(moves[3], feature="x")])

    assert moves[2::-1] == store.proofs.moves(feature="support")
    assert [moves[2]] == store.proofs.moves(feature="support", limit=1)
    assert [] == store.proofs.moves(feature="support", limit=0)


def test_all_of_it_survives_a_restart(address: str) -> None:
    """Another opening of the same store knows it."""
    before = open_store(address)
    before.migrate()
    before.proofs.add(PROOF)
    before.proofs.stand(STANDING, [MOVED])
    before.close()

    after = open_store(address)
    try:
        assert [PROOF] == after.proofs.all(feature="support")
        assert [STANDING] == after.proofs.standings()
        assert [MOVED] == after.proofs.moves(feature="support")
    finally:
        after.close()
